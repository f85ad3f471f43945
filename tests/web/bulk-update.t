#!/bin/bash
# Bulk update: what is refused, and what comes of what is not (contract 6; rows 64 and 66).
. "$(dirname "$0")/web.sh"
require_program flock
new_store
start_daemon
T='Content-Type: application/json'
update='/v2/studies/$bulkUpdate'
NAME='{"00100010":{"vr":"PN","Value":[{"Alphabetic":"New^Name"}]}}'
DIRS=$store/AHDS/default/dicom/dicom/Microsoft.Default

bulk() {
	request POST "$update" -H "$T" --data-binary "$1"
}

# finished ID: the operation has ended; its reply is the last.
finished() {
	request GET "/v2/operations/$1"
	[ "$status" = 200 ]
}

for i in 1 2 3; do
	make_dcm "$tmp/$i.dcm" SOPInstanceUID="2.25.$i" StudyInstanceUID=2.25.100 SeriesInstanceUID="2.25.20$((i % 2))" \
		PatientName=Old^Name PatientID=P1
done
make_dcm "$tmp/4.dcm" SOPInstanceUID=2.25.4 StudyInstanceUID=2.25.101 SeriesInstanceUID=2.25.300 PatientName=Other^One
stow v2 "$tmp"/{1..4}.dcm
has_status "four instances in two studies" 200

# What is refused, all of it before anything is begun.
request POST "$update" -H "$T"
has_status "no body" 400
bulk '{nonsense'
has_status "no JSON" 400
request POST "$update" -H 'Content-Type: text/plain' --data-binary '{}'
has_status "another type" 415
bulk "{\"changeDataset\":$NAME}"
has_status "no studies" 400
bulk "{\"studyInstanceUids\":[],\"changeDataset\":$NAME}"
has_status "an empty list of studies" 400
many=$(printf '"2.25.%d",' {1..51})
bulk "{\"studyInstanceUids\":[${many%,}],\"changeDataset\":$NAME}"
has_status "51 studies" 400
says "which names the limit" 50
bulk "{\"studyInstanceUids\":[\"2.25.x\"],\"changeDataset\":$NAME}"
has_status "a bad UID" 400
bulk '{"studyInstanceUids":["2.25.100"]}'
has_status "no data set" 400
bulk '{"studyInstanceUids":["2.25.100"],"changeDataset":{}}'
has_status "an empty data set" 400
bulk '{"studyInstanceUids":["2.25.100"],"changeDataset":{"00280010":{"vr":"US","Value":[1]},"00100010":{"vr":"PN","Value":[{"Alphabetic":"A"}]},"00100030":{"vr":"DA","Value":["x"]},"00080016":{"vr":"UI","Value":["1.2"]},"00100020":{"vr":"LO"}}}'
has_status "attributes that cannot be updated, or not so" 400
is "are told of in a data set" "$(header Content-Type)" application/dicom+json
is "each of them" "$(json '[."00741048".Value[]."00000902".Value[0][0:23]] | sort | join(" ")')" \
	"DICOM100: (0008,0016) - DICOM100: (0010,0020) - DICOM100: (0010,0030) - DICOM100: (0028,0010) -"
bulk '{"studyInstanceUids":["2.25.100"],"changeDataset":{"00100010":{"vr":"LO","Value":["A"]}}}'
has_status "another VR" 400
bulk '{"studyInstanceUids":["2.25.100"],"changeDataset":{"00100040":{"vr":"CS","Value":["F\\M"]}}}'
has_status "a separator within a value" 400
request POST '/v1/studies/$bulkUpdate' -H "$T" --data-binary "{\"studyInstanceUids\":[\"2.25.100\"],\"changeDataset\":$NAME}"
has_status "v1 does not have it" 404
request GET "$update" -H "$J"
has_status "nor is it something to get" 405
request GET '/v2/changefeed?includeMetadata=false' -H 'Accept: application/json'
is "nothing was changed" "$(json length)" 4

# While nobody works on it (who holds the lock does).
exec 8>>"$store/operations.lock"
flock 8
bulk "{\"studyInstanceUids\":[\"2.25.100\",\"2.25.999\"],\"changeDataset\":$NAME}"
has_status "an update is begun" 202
id=$(json .id)
like "it has an id" "$id" '^[0-9a-f]{32}$'
is "and a place" "$(json .href) $(header Location)" "$base/v2/operations/$id $base/v2/operations/$id"
request POST '/v2/studies/%24bulkUpdate' -H "$T" \
	--data-binary "{\"studyInstanceUids\":[\"2.25.101\",\"2.25.100\"],\"changeDataset\":$NAME}"
has_status "another one of the same study has to wait" 409
says "for the one that is named" "$id"
bulk "{\"studyInstanceUids\":[\"2.25.101\"],\"changeDataset\":{\"00080050\":{\"vr\":\"SH\",\"Value\":[\"ACC7\"]}}}"
has_status "one of another study need not" 202
other=$(json .id)
request GET "/v2/operations/$id"
has_status "it has not ended" 202
is "nor begun" "$(json '[.type, .status, .percentComplete] | tostring')" '["update","notStarted",0]'
request GET '/v2/studies/2.25.100/metadata' -H "$J"
tag=$(header ETag)
exec 8>&-

ok "it ends" wait_for "$patience" finished "$id"
is "well" "$(json '[.type, .status, .percentComplete] | tostring')" '["update","succeeded",100]'
is "and says what it did" "$(json '.results | tostring')" \
	'{"studyProcessed":2,"studyUpdated":1,"studyFailed":0,"instanceUpdated":3}'
ok "the other one, too" wait_for "$patience" finished "$other"
request GET /v2/studies/2.25.100/metadata -H "$J" -H "If-None-Match: $tag"
has_status "metadata have another tag" 200
is "and the new name" "$(json '[.[]."00100010".Value[0].Alphabetic] | unique | tostring')" '["New^Name"]'
is "all else as before" "$(json '[.[]."00100020".Value[0]] | unique | tostring')" '["P1"]'
request GET '/v2/studies?PatientName=New^Name' -H "$J"
is "the study is found by it" "$(json '.[0]."0020000D".Value[0]')" 2.25.100
request GET '/v2/studies?PatientName=Old^Name' -H "$J"
has_status "and by the old one no more" 204
request GET '/v2/studies?AccessionNumber=ACC7' -H "$J"
is "an attribute that was not there can be set" "$(json '.[0]."0020000D".Value[0]')" 2.25.101
request GET /v2/studies/2.25.100/series/2.25.201/instances/2.25.1 -H "$AS_STORED"
cp "$body" "$tmp/new.dcm"
is "the file has it, too" "$(dcmdump +P PatientName "$tmp/new.dcm" | sed 's/.*\[\(.*\)\].*/\1/')" 'New^Name'
ok "it is the one at the public path" cmp "$tmp/new.dcm" "$DIRS/2.25.100/2.25.201/2.25.1.dcm"
dcmodify --no-backup -i PatientName=Old^Name "$tmp/new.dcm" >/dev/null 2>&1
is "all else of the file is as it was" "$(dcmdump "$tmp/new.dcm" | sed 1,4d | sha256sum)" \
	"$(dcmdump "$tmp/1.dcm" | sed 1,4d | sha256sum)"
staging_is_empty "after the update"

request GET '/v2/changefeed?includeMetadata=false' -H 'Accept: application/json'
is "the feed has an update of each" "$(json '[.[] | select(.studyInstanceUid == "2.25.100") | .action + .state] | tostring')" \
	'["CreateReplaced","CreateReplaced","CreateReplaced","UpdateCurrent","UpdateCurrent","UpdateCurrent"]'
is "with its path" "$(json '[.[] | select(.action == "Update") | .filePath | split("/")[-1]] | sort | tostring')" \
	'["2.25.1.dcm","2.25.2.dcm","2.25.3.dcm","2.25.4.dcm"]'

request POST '/dicom-web/studies/$bulkUpdate' -H "$T" --data-binary \
	"{\"studyInstanceUids\":[\"2.25.101\"],\"changeDataset\":{\"PatientName\":{\"vr\":\"PN\",\"Value\":[{\"Alphabetic\":\"Müller^Jörg\",\"Ideographic\":\"山田^太郎\"}]}}}"
has_status "dicom-web has it, too" 202
id=$(json .id)
ok "which ends" wait_for "$patience" finished "$id"
request GET '/dicom-web/studies/2.25.101/metadata' -H "$J"
is "names in any script are kept" "$(json '.[0]."00100010".Value[0] | tostring')" \
	'{"Alphabetic":"Müller^Jörg","Ideographic":"山田^太郎"}'

# An instance that cannot be written anew fails its study, and that one only.
cp "$tmp/1.dcm" "$DIRS/2.25.100/2.25.200/2.25.2.dcm"
bulk "{\"studyInstanceUids\":[\"2.25.100\",\"2.25.101\"],\"changeDataset\":{\"00100020\":{\"vr\":\"LO\",\"Value\":[\"P2\"]}}}"
id=$(json .id)
allow_log 'changed'
ok "an update of a study with a changed file ends" wait_for "$patience" finished "$id"
is "as failed" "$(json '[.status, .results.studyProcessed, .results.studyUpdated, .results.studyFailed, .results.instanceUpdated] | tostring')" \
	'["failed",2,1,1,1]'
like "and says of which study" "$(json '.results.errors[0]')" '2\.25\.100'
like "and instance, and why" "$(json '.results.errors[1]')" '2\.25\.2: .*ConditionNotMet'
request GET /v2/studies/2.25.100/metadata -H "$J"
is "of that study nothing is changed" "$(json '[.[]."00100020".Value[0]] | unique | tostring')" '["P1"]'
request GET /v2/studies/2.25.101/metadata -H "$J"
is "the other one is updated" "$(json '[.[]."00100020".Value[0]] | unique | tostring')" '["P2"]'
staging_is_empty "after a failed update"
stop_daemon
done_testing
