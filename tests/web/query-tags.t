#!/bin/bash
# Extended query tags: added, searched by, switched, deleted (contract 7; rows 57 to 63).
. "$(dirname "$0")/web.sh"
new_store
start_daemon
T='Content-Type: application/json'
tags=/v2/extendedquerytags

post() {
	request POST $tags -H "$T" --data-binary "$1"
}
finished() {
	request GET "$1"
	[ "$status" = 200 ]
}
# Adds, and waits for the operation.
add() {
	post "$1"
	[ "$status" = 202 ] || { diag "$(cat "$body")"; return 1; }
	operation=$(json .href)
	operation=${operation#"$base"}
	wait_for "$patience" finished "$operation"
}
search() {
	request GET "/v2/$1" -H "$J"
}
uids() {
	search "$1"
	[ "$status" = 200 ] && json "map(.\"${2:-0020000D}\".Value[0]) | join(\",\")" || echo "$status"
}

# Two studies, three series; 3.dcm has an age that is none, which /dicom-web stores.
make_dcm "$tmp/1.dcm" SOPInstanceUID=2.25.1 SeriesInstanceUID=2.25.100 StudyInstanceUID=2.25.1000 PatientAge=035Y \
	BodyPartExamined=HEAD KVP=120 "(0018,1030)=Protocol A" InstanceNumber=1 ContentTime=101500 OperatorsName=Doe^Jane
make_dcm "$tmp/2.dcm" SOPInstanceUID=2.25.2 SeriesInstanceUID=2.25.200 StudyInstanceUID=2.25.1000 \
	BodyPartExamined=CHEST KVP=80.5 InstanceNumber=2 ContentTime=120000
make_dcm "$tmp/3.dcm" SOPInstanceUID=2.25.3 SeriesInstanceUID=2.25.300 StudyInstanceUID=2.25.2000 PatientAge=old \
	BodyPartExamined=HEAD KVP=120 InstanceNumber=3 ContentTime=235959.5
put_file v2 "$tmp/1.dcm"
put_file v2 "$tmp/2.dcm"
put_file dicom-web "$tmp/3.dcm"
has_status "an instance with an age that is none" 200

# Row 57 and 58.
request GET $tags
is "no tags" "$(cat "$body")" "[]"
search 'studies?OperatorsName=doe'
has_status "not searchable before" 400
post '[{"path":"OperatorsName","level":"Study"}]'
has_status "a tag is added" 202
location=$(header Location)
is "Location is the operation" "$location" "$base/v2/operations/$(json .id)"
is "as is href" "$(json .href)" "$location"
like "its id is a GUID without dashes" "$(json .id)" '^[0-9a-f]{32}$'
id=$(json .id)
ok "the operation ends" wait_for "$patience" finished "/v2/operations/$id"
is "well" "$(json '[.operationId, .type, .status, .percentComplete] | tostring')" "[\"$id\",\"reindex\",\"succeeded\",100]"
is "its resources are the tags" "$(json '.resources | tostring')" "[\"$base$tags/00081070\"]"
like "with its times" "$(json '.createdTime + " " + .lastUpdatedTime')" '^20[^ ]*\.[0-9]{7}Z 20[^ ]*\.[0-9]{7}Z$'
request GET "/v1/operations/$id"
is "row 63: v1 says completed" "$(json .status)" completed
request GET "/v2/operations/${id:0:8}-${id:8:4}-${id:12:4}-${id:16:4}-${id:20}"
has_status "the other spelling of a GUID" 200
request GET /v2/operations/00000000000000000000000000000000
has_status "an unknown operation" 404
request GET /v2/operations/x
has_status "an id that is none" 400
request GET $tags/OperatorsName
is "the tag is ready" "$(cat "$body")" '{"status":"ready","level":"study","queryStatus":"enabled","path":"00081070","vr":"PN"}'
is "and found by" "$(uids 'studies?OperatorsName=doe%5EJANE')" 2.25.1000
is "by words, too" "$(uids 'studies?OperatorsName=ja&fuzzymatching=true')" 2.25.1000
search 'studies?OperatorsName=nobody'
has_status "or not" 204
is "the attribute comes back" "$(search 'studies?00081070=doe^jane'; json '.[0]."00081070".Value[0].Alphabetic')" Doe^Jane
is "at the series, too" "$(uids 'series?OperatorsName=doe^jane' 0020000E)" 2.25.200,2.25.100
search 'studies/2.25.1000/series?OperatorsName=doe^jane'
has_status "but not where contract 4.1 has no study's attributes" 400

# Levels, ranges, numbers.
ok "several tags at once" add '[{"path":"00180015","level":"series"}, {"path":"KVP","level":"SERIES","vr":"ds"},
	{"path":"InstanceNumber","level":"Instance","vr":"IS"}, {"PATH":"ContentTime","Level":"instance",}, // tolerated
]'
request GET "$tags?limit=2&offset=1"
is "a page of tags" "$(json 'map(.path) | join(",")')" 00081070,00180015
is "at series" "$(uids 'series?BodyPartExamined=head' 0020000E)" 2.25.300,2.25.100
search 'studies?BodyPartExamined=head'
has_status "a series' tag at studies" 400
is "instances by a series' tag" "$(uids 'instances?BodyPartExamined=HEAD' 00080018)" 2.25.3,2.25.1
is "a decimal number" "$(uids 'series?KVP=120.00' 0020000E)" 2.25.300,2.25.100
is "an integer" "$(uids 'instances?InstanceNumber=02' 00080018)" 2.25.2
search 'instances?InstanceNumber=two'
has_status "that is none" 400
is "a range of times" "$(uids 'instances?ContentTime=11-' 00080018)" 2.25.3,2.25.2
is "at both ends" "$(uids 'instances?ContentTime=1015-120000' 00080018)" 2.25.2,2.25.1
is "two conditions" "$(uids 'instances?ContentTime=-1200&BodyPartExamined=HEAD' 00080018)" 2.25.1
is "below a study" "$(uids 'studies/2.25.1000/instances?InstanceNumber=1' 00080018)" 2.25.1
is "below a series" "$(uids 'studies/2.25.1000/series/2.25.100/instances?InstanceNumber=1' 00080018)" 2.25.1
is "and nothing in another" "$(uids 'studies/2.25.1000/series/2.25.200/instances?InstanceNumber=1' 00080018)" 204
search 'studies/2.25.1000/series/2.25.100/instances?BodyPartExamined=HEAD'
has_status "a series' tag below a series" 400

# What comes later is indexed at once, and what goes is not found.
make_dcm "$tmp/4.dcm" SOPInstanceUID=2.25.4 SeriesInstanceUID=2.25.100 StudyInstanceUID=2.25.1000 \
	BodyPartExamined=NECK InstanceNumber=44 OperatorsName=Roe^Rick
put_file v1 "$tmp/4.dcm"
is "stored later, found" "$(uids 'instances?InstanceNumber=44' 00080018)" 2.25.4
is "the latest value stands for the series" "$(uids 'series?BodyPartExamined=NECK' 0020000E)" 2.25.100
is "and the one before does not" "$(uids 'series?BodyPartExamined=HEAD' 0020000E)" 2.25.300
is "likewise of the study" "$(uids 'studies?OperatorsName=roe^rick') $(uids 'studies?OperatorsName=doe^jane')" "2.25.1000 204"
dcmodify --no-backup -m InstanceNumber=45 "$tmp/4.dcm"
METHOD=PUT stow v2 "$tmp/4.dcm"
is "replaced, found by the new value alone" "$(uids 'instances?InstanceNumber=45' 00080018) $(uids 'instances?InstanceNumber=44')" "2.25.4 204"
request DELETE /v2/studies/2.25.1000/series/2.25.100/instances/2.25.4
is "deleted, not found" "$(uids 'instances?InstanceNumber=45')" 204
dcmodify --no-backup -m InstanceNumber=x "$tmp/4.dcm"
put_file v1 "$tmp/4.dcm"
has_status "v1 refuses what cannot be indexed" 409
is "as invalid" "$(json '."00081198".Value[0]."00081197".Value[0]')" 43264
like "and says which" "$(json '."00081198".Value[0]."00741048".Value[0]."00000902".Value[0]')" '^DICOM100: \(0020,0013\) - '
put_file v2 "$tmp/4.dcm"
has_status "v2 warns" 202
is "and stores it" "$(uids 'instances?SOPInstanceUID=2.25.4' 00080018)" 2.25.4
is "but does not index it" "$(uids 'instances?InstanceNumber=45')" 204
request DELETE /v2/studies/2.25.1000/series/2.25.100/instances/2.25.4

# Private attributes.
dcmodify --no-backup -i "(0029,0010)=ACME" -i "(0029,1001)=LO:x" "$tmp/1.dcm" 2>/dev/null
post '[{"path":"00291001","level":"Study","vr":"LO"}]'
has_status "a private attribute without its creator" 400
ok "with it" add '[{"path":"00291001","level":"Study","vr":"LO","privateCreator":"ACME"}]'
request GET $tags/00291001
is "is shown with it" "$(json '.privateCreator + " " + .vr')" "ACME LO"
search 'studies?00291001=x'
has_status "and can be searched by" 204

# Row 59.
refuse() {
	local name=$1 body_text=$2 words=$3
	post "$body_text"
	has_status "refused: $name" 400
	says "refused: $name, and why" "$words"
}
refuse "no array" '{"path":"PatientAge","level":"Study"}' 'array'
refuse "no JSON" '[{"path"' 'JSON'
refuse "nothing" '[]' 'no extended query tag'
refuse "not even an object" '[7]' 'object'
refuse "a path that is no string" '[{"path":7,"level":"Study"}]' 'path'
refuse "no path" '[{"level":"Study"}]' 'path'
refuse "no tag" '[{"path":"PatientAgee","level":"Study"}]' 'PatientAgee'
refuse "a tag no dictionary has" '[{"path":"00101011","level":"Study"}]' '00101011'
refuse "a sequence's attribute" '[{"path":"00400275.00400009","level":"Study"}]' 'sequences'
refuse "a sequence" '[{"path":"ReferencedStudySequence","level":"Study"}]' 'SQ'
refuse "a VR that is not indexed" '[{"path":"00189919","level":"Study"},{"path":"LongCodeValue","level":"Study"}]' '.'
refuse "UT" '[{"path":"TextValue","level":"Study"}]' 'UT'
refuse "built in" '[{"path":"PatientID","level":"Study"}]' 'PatientID'
refuse "built in, as a number" '[{"path":"00080061","level":"Study"}]' '00080061'
refuse "no level" '[{"path":"PatientAge"}]' 'level'
refuse "another level" '[{"path":"PatientAge","level":"Patient"}]' 'PatientAge'
refuse "another VR than the dictionary's" '[{"path":"PatientAge","level":"Study","vr":"LO"}]' 'expected is AS'
refuse "no VR at all" '[{"path":"PatientAge","level":"Study","vr":"XX"}]' 'XX'
refuse "a private tag without VR" '[{"path":"00291002","level":"Study","privateCreator":"ACME"}]' 'vr'
refuse "a creator of a standard tag" '[{"path":"PatientAge","level":"Study","privateCreator":"ACME"}]' 'creator'
refuse "a creator of a creator" '[{"path":"00290010","level":"Study","vr":"LO","privateCreator":"ACME"}]' 'creator'
refuse "a creator that is no LO" "[{\"path\":\"00291002\",\"level\":\"Study\",\"vr\":\"LO\",\"privateCreator\":\"$(printf 'x%.0s' {1..65})\"}]" '64'
refuse "the same twice" '[{"path":"PatientAge","level":"Study"},{"path":"00101010","level":"Study"}]' 'twice'
post '[{"path":"PatientWeight","level":"Study"},{"path":"KVP","level":"Study"}]'
has_status "one that is there" 409
says "is named" KVP
request GET $tags/PatientWeight
has_status "and the others are not added" 404
request POST $tags -H 'Content-Type: text/plain' --data-binary '[]'
has_status "another content type" 415
request GET $tags -H 'Accept: text/csv'
has_status "another Accept" 406
for bad in limit=0 limit=201 offset=-1; do
	request GET "$tags?$bad"
	has_status "tags?$bad" 400
	request GET "$tags/KVP/errors?$bad"
	has_status "errors?$bad" 400
done
request GET $tags/nonsense
has_status "a path that is none" 400
request GET $tags/PatientSize
has_status "a tag that was not added" 404
request GET $tags/PatientSize/errors
has_status "nor has it errors" 404

# Row 60.
ok "a tag that one instance has wrong" add '[{"path":"PatientAge","level":"Study"}]'
request GET $tags/00101010
is "is ready but disabled" "$(json '[.status, .queryStatus, .errors.count, .errors.href] | tostring')" \
	"[\"ready\",\"disabled\",1,\"$base$tags/00101010/errors\"]"
request GET $tags/PatientAge/errors
is "its errors name the instance" "$(json 'map([.partitionName, .studyInstanceUid, .seriesInstanceUid, .sopInstanceUid] | join(" ")) | join(",")')" \
	"Microsoft.Default 2.25.2000 2.25.300 2.25.3"
like "and say when and why" "$(json '.[0].createdTime + " " + .[0].errorMessage')" '^20.*Z not 4 characters$'
request GET "$tags/PatientAge/errors?offset=1"
is "a page past them" "$(cat "$body")" "[]"
search 'studies?PatientAge=035Y'
has_status "searches by it are refused" 400
says "name it" PatientAge
for bad in '{"queryStatus":"On"}' '{"queryStatus":"Enabled","level":"Study"}' '{"level":"Study"}' '{}' '[]' '{"queryStatus":1}'; do
	request PATCH $tags/PatientAge -H "$T" --data-binary "$bad"
	has_status "PATCH $bad" 400
done
request PATCH $tags/PatientSize -H "$T" --data-binary '{"queryStatus":"Enabled"}'
has_status "PATCH of what is not there" 404
request PATCH $tags/PatientAge -H "$T" --data-binary '{"QueryStatus":"enabled"}'
has_status "PATCH" 200
is "gives the tag" "$(json '.queryStatus')" enabled
is "then searches work" "$(uids 'studies?PatientAge=035Y')" 2.25.1000
is "and say that some are not found" "$(header erroneous-dicom-attributes)" PatientAge
search 'studies?00101010=099Y'
has_status "also when nothing is" 204
is "as the client spelled it" "$(header erroneous-dicom-attributes)" 00101010
is "other searches do not" "$(search 'studies?PatientID=x'; header erroneous-dicom-attributes)" ""
request GET /dicom-web/studies?PatientAge=035Y -H "$J"
is "/dicom-web finds it in any case" "$(json '.[0]."0020000D".Value[0]')" 2.25.1000
request DELETE /v2/studies/2.25.2000
request GET $tags/PatientAge
is "errors go with their instance (contract 5)" "$(json '.errors')" null

# Row 61.
request DELETE $tags/PatientAge
has_status "a tag is deleted" 204
request GET $tags/PatientAge
has_status "and gone" 404
request DELETE $tags/PatientAge
has_status "once" 404
search 'studies?PatientAge=035Y'
has_status "not searchable any more" 400
ok "added again, at another level" add '[{"path":"PatientAge","level":"Series"}]'
is "the old values do not count" "$(uids 'series?PatientAge=035Y' 0020000E)" 2.25.100

# Row 62.
request GET $tags
have=$(json length)
for ((i = 0; i < 128 - have; i++)); do
	printf '{"path": "0029%04X", "level": "Instance", "vr": "LO", "privateCreator": "ACME"}\n' $((0x1100 + i))
done | jq -sc . >"$tmp/many"
ok "128 tags" add "@$tmp/many"
request GET "$tags?limit=200"
is "are there" "$(json length)" 128
post '[{"path":"PatientSize","level":"Study"}]'
has_status "the 129th" 400
says "the limit is named" 128
put_file v2 "$tmp/4.dcm"
has_status "stores go on" 202
stop_daemon
ok "check finds nothing" "$builddir/dicomlake" check --verify "$store"
done_testing
