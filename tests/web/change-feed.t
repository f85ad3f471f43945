#!/bin/bash
# The change feed by sequence at v1, by time at v2 (contract 12; rows 68 to 72).
. "$(dirname "$0")/web.sh"
new_store
start_daemon
s=2.25.1000

request GET /v1/changefeed
has_status "an empty feed" 200
is "is an empty array" "$(cat "$body")" "[]"
request GET /v2/changefeed/latest
has_status "without a latest entry" 204

make_instances 1:100 2:100 3:200
stow v2 "$tmp"/[1-3].dcm
request GET /v1/changefeed/latest
is "three stores are three entries" "$(json .sequence)" 3

# Row 68.
request GET '/v1/changefeed?offset=0&limit=2'
has_status "a page at v1" 200
is "has the sequences after its offset" "$(json 'map(.sequence) | tostring')" "[1,2]"
is "is application/json" "$(header Content-Type)" "application/json; charset=utf-8"
request GET '/v1/changefeed?OFFSET=2&Limit=100'
is "names of parameters have no case" "$(json 'map(.sequence) | tostring')" "[3]"
request GET '/v1/changefeed?offset=3'
is "a page past the end is empty" "$(cat "$body")" "[]"
request GET '/v1/changefeed?offset=9223372036854775807'
is "however far" "$(cat "$body")" "[]"
for bad in 'limit=101' 'limit=0' 'limit=x' 'offset=-1' 'offset=9223372036854775808' 'includeMetadata=yes'; do
	request GET "/v1/changefeed?$bad"
	has_status "v1: $bad" 400
	says "names the parameter" "${bad%=*}"
done
request GET /v1/changefeed -H 'Accept: text/csv'
has_status "another Accept" 406
request GET /v1/changefeed -H 'Accept: application/json'
has_status "application/json" 200
request POST /v1/changefeed
has_status "POST" 405

# Contract 12.2.
request GET '/v1/changefeed?limit=1'
is "the members of an entry" "$(json '.[0] | keys_unsorted | tostring')" \
	'["sequence","partitionName","filePath","studyInstanceUid","seriesInstanceUid","sopInstanceUid","action","timestamp","state","metadata"]'
is "the partition" "$(json '.[0].partitionName')" Microsoft.Default
is "the UIDs" "$(json '.[0] | .studyInstanceUid + " " + .seriesInstanceUid + " " + .sopInstanceUid')" "$s 2.25.100 2.25.1"
like "the time has seven digits" "$(json '.[0].timestamp')" '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{7}\+00:00$'
is "the metadata are the instance's" "$(json '.[0].metadata["00080018"].Value[0]')" 2.25.1
is "without bulk" "$(json '.[0].metadata | has("7FE00010")')" false
ok "row 72: the path is that of the file" cmp "$store/$(json '.[0].filePath')" "$tmp/1.dcm"
request GET '/v1/changefeed?includeMetadata=false'
is "includeMetadata=false" "$(json 'map(has("metadata")) | tostring')" "[false,false,false]"
request GET '/v1/changefeed/latest?includemetadata=False'
is "of the latest, too (row 71)" "$(json '[.sequence, has("metadata")] | tostring')" "[3,false]"
request GET '/v1/changefeed/latest'
cp "$body" "$tmp/latest"
request GET '/v1/changefeed?offset=2'
is "the latest is the last entry" "$(json '.[0] | tojson')" "$(jq -c . "$tmp/latest")"

# Row 69.
stamp() { json ".[$1].timestamp"; }
request GET '/v2/changefeed'
is "v2 begins at the beginning" "$(json 'map(.sequence) | tostring')" "[1,2,3]"
first=$(stamp 0)
last=$(stamp 2)
request GET "/v2/changefeed?startTime=${first/+/%2B}&endTime=9999-12-31T23:59:59Z&offset=1&limit=1"
has_status "a window with a zone" 200
is "offset passes over rows of it" "$(json 'map(.sequence) | tostring')" "[2]"
request GET "/v2/changefeed?endTime=${first/+/%2B}"
is "the end is exclusive" "$(cat "$body")" "[]"
request GET "/v2/changefeed?startTime=${last/+/%2B}"
is "the start is inclusive" "$(json '.[-1].sequence')" 3
request GET "/v2/changefeed?startTime=$last"
is "a + that was not escaped is a + all the same" "$(json '.[-1].sequence')" 3
request GET '/v2/changefeed?startTime=2000-01-01T00:00:00-05:00&endTime=2000-01-02T00:00:00Z'
is "nothing happened then" "$(cat "$body")" "[]"
request GET '/v2/changefeed?offset=9223372036854775807'
is "an offset past the end" "$(cat "$body")" "[]"
for bad in 'startTime=2025-03-01T08:00:00' 'endTime=2025-03-01' 'startTime=yesterday' 'limit=201' 'limit=0' 'offset=-1'; do
	request GET "/v2/changefeed?$bad"
	has_status "v2: $bad" 400
	says "names the parameter" "${bad%=*}"
done
request GET '/v2/changefeed?startTime=2025-03-01T08:00:00Z&endTime=2025-03-01T08:00:00Z'
has_status "an end that is not after the start" 400
request GET '/v2/changefeed?limit=200'
has_status "200 at v2" 200
request GET '/dicom-web/changefeed?offset=1&limit=1000'
is "at /dicom-web the offset is a sequence" "$(json 'map(.sequence) | tostring')" "[2,3]"

# Row 70.
states() {
	request GET "/v1/changefeed?limit=100"
	json 'map(select(.sopInstanceUid == "2.25.1") | .action + " " + .state + " " + (has("filePath") | tostring) + " " + (has("metadata") | tostring)) | join(", ")'
}
request DELETE "/v2/studies/$s/series/2.25.100/instances/2.25.1"
is "after a delete" "$(states)" "Create Deleted false false, Delete Deleted false false"
make_dcm "$tmp/again.dcm" SOPInstanceUID=2.25.1 SeriesInstanceUID=2.25.100 InstanceNumber=77
stow v2 "$tmp/again.dcm"
is "stored again" "$(states)" \
	"Create Replaced false true, Delete Replaced false true, Create Current true true"
request GET "/v1/changefeed?limit=1"
is "old entries show the metadata of now" "$(json '.[0].metadata["00200013"].Value[0]')" 77
make_dcm "$tmp/put.dcm" SOPInstanceUID=2.25.1 SeriesInstanceUID=2.25.100 InstanceNumber=78
METHOD=PUT stow v2 "$tmp/put.dcm"
is "row 11: replaced by PUT" "$(states)" \
	"Create Replaced false true, Delete Replaced false true, Create Replaced false true, Update Current true true"

# A long feed: pages at v1 and v2 agree, and each entry comes once.
for i in {1..70}; do
	request DELETE "/v2/studies/$s/series/2.25.100/instances/2.25.1"
	stow v2 "$tmp/1.dcm"
done
request GET /v1/changefeed/latest
total=$(json .sequence)
is "a hundred and forty more" "$total" 146
: >"$tmp/v1"
for ((at = 0; at < total; at += 100)); do
	request GET "/v1/changefeed?offset=$at&limit=100&includeMetadata=false"
	json '.[].sequence' >>"$tmp/v1"
done
is "v1 gives all, in order" "$(tr '\n' ' ' <"$tmp/v1")" "$(seq "$total" | tr '\n' ' ')"
: >"$tmp/v2"
for ((at = 0; at < total; at += 30)); do
	request GET "/v2/changefeed?offset=$at&limit=30"
	json '.[].sequence' >>"$tmp/v2"
	json '.[] | "\(.sequence) \(.timestamp)"' >>"$tmp/times"
done
ok "v2 gives the same" cmp "$tmp/v1" "$tmp/v2"
ok "in the order of their times" sort -c -k2 "$tmp/times"
read -r n middle < <(sed -n 77p "$tmp/times")
request GET "/v2/changefeed?startTime=${middle/+/%2B}&limit=200"
is "a window begins where its time is found" "$(json '.[0].sequence')" \
	"$(awk -v m="$middle" '$2 >= m { print $1; exit }' "$tmp/times")"
done_testing
