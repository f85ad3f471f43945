#!/bin/bash
# An operation outlives the process that began it, and is seen while it runs (contract 8; row 63).
. "$(dirname "$0")/web.sh"
require_program flock
new_store
start_daemon
T='Content-Type: application/json'
tags=/v2/extendedquerytags
for i in {1..40}; do
	make_dcm "$tmp/$i.dcm" SOPInstanceUID="2.25.$i" SeriesInstanceUID="2.25.$((100 + i % 7))" KVP="$i"
done
stow v2 "$tmp"/{1..30}.dcm
has_status "thirty instances" 200

# Who holds the lock does the work; nobody does while we hold it.
exec 8>>"$store/operations.lock"
flock 8
request POST $tags -H "$T" --data-binary '[{"path":"KVP","level":"Instance"}]'
has_status "an operation is begun" 202
id=$(json .id)
request GET "/v2/operations/$id"
has_status "it has not ended" 202
is "Location is its place" "$(header Location)" "$base/v2/operations/$id"
is "nor begun" "$(json '[.status, .percentComplete] | tostring')" '["notStarted",0]'
request GET $tags/KVP
is "its tag is being added" "$(json '[.status, .operation.id, .operation.href] | tostring')" \
	"[\"adding\",\"$id\",\"$base/v2/operations/$id\"]"
request GET '/v2/instances?KVP=7' -H "$J"
has_status "it cannot be searched by" 400
request POST $tags -H "$T" --data-binary '[{"path":"PatientAge","level":"Study"}]'
has_status "another operation has to wait" 409
says "for this one" "$id"
is "which is named" "$(header Location)" "$base/v2/operations/$id"
is "in plain text" "$(header Content-Type)" "text/plain; charset=utf-8"
stow v2 "$tmp"/{31..40}.dcm
has_status "stores go on" 200
mkdir "$tmp/imported"
mv "$tmp/40.dcm" "$tmp/imported/"
"$builddir/dicomlake" import --json "$store" "$tmp/imported" >"$tmp/json" 2>&1
request GET "/v2/operations/$(jq -r .operation "$tmp/json")"
is "an import is an operation, too" "$status $(json '[.type, .status, .percentComplete] | tostring')" '200 ["import","succeeded",100]'
kill_daemon
exec 8>&-

start_daemon
succeeded() {
	request GET "/v1/operations/$id"
	[ "$status" = 200 ]
}
ok "the next daemon goes on with it" wait_for "$patience" succeeded
is "to its end" "$(json '[.status, .percentComplete] | tostring')" '["completed",100]'
request GET $tags/KVP
is "its tag is ready" "$(json '[.status, .operation] | tostring')" '["ready",null]'
found=
for i in 1 17 30 31 40; do
	request GET "/v2/instances?KVP=$i" -H "$J"
	found+="$(json 'map(."00080018".Value[0]) | join("+")') "
done
is "what was there and what came meanwhile is found once" "$found" "2.25.1 2.25.17 2.25.30 2.25.31 2.25.40 "
request GET '/dicom-web/instances?limit=1' -H "$J"

# One whose tags are deleted before it begins.
exec 8>>"$store/operations.lock"
flock 8
request POST $tags -H "$T" --data-binary '[{"path":"PatientSize","level":"Study"}]'
id=$(json .id)
request DELETE $tags/PatientSize
has_status "a tag can be deleted while it is being added" 204
exec 8>&-
ok "the operation ends all the same" wait_for "$patience" succeeded
request GET $tags/PatientSize
has_status "and brings nothing back" 404
stop_daemon
ok "check finds nothing" "$builddir/dicomlake" check "$store"
done_testing
