#!/bin/bash
# The version of an instance that was stored first is kept beside the latest, and given to who asks for it (contract 3.7
# and 6.3; row 65), in the files, too.
. "$(dirname "$0")/web.sh"
new_store
start_daemon
T='Content-Type: application/json'
FIRST='msdicom-request-original: True'
DIRS=$store/AHDS/default/dicom/dicom/Microsoft.Default
I=studies/2.25.100/series/2.25.200/instances

# update TAG VR VALUE: of the study, to its end.
update() {
	request POST '/v2/studies/$bulkUpdate' -H "$T" --data-binary \
		"{\"studyInstanceUids\":[\"2.25.100\"],\"changeDataset\":{\"$1\":{\"vr\":\"$2\",\"Value\":[$3]}}}"
	local id=$(json .id)
	wait_for "$patience" finished "$id" || diag "the update does not end"
}
finished() {
	request GET "/v2/operations/$1"
	[ "$status" = 200 ]
}

make_dcm "$tmp/1.dcm" SOPInstanceUID=2.25.1 StudyInstanceUID=2.25.100 SeriesInstanceUID=2.25.200 PatientName=First^Name
make_dcm "$tmp/2.dcm" SOPInstanceUID=2.25.2 StudyInstanceUID=2.25.100 SeriesInstanceUID=2.25.200 PatientName=First^Name
stow v2 "$tmp/1.dcm" "$tmp/2.dcm"
request GET "/dicom-web/$I/2.25.1" -H "$AS_STORED" -H "$FIRST"
ok "what was never updated has one version" cmp "$body" "$tmp/1.dcm"
request GET "/v2/studies/2.25.100/metadata" -H "$J"
before=$(sha256sum <"$body")
update 00100010 PN '{"Alphabetic":"Second^Name"}'
update 00100020 LO '"P3"'

request GET "/v2/studies/2.25.100/metadata" -H "$J"
tag=$(header ETag)
is "metadata are of the latest" "$(json '[.[]."00100010".Value[0].Alphabetic] | unique | tostring')" '["Second^Name"]'
request GET "/v2/studies/2.25.100/metadata" -H "$J" -H "$FIRST"
is "or of the first, when that is asked for" "$(sha256sum <"$body")" "$before"
isnt() { [ "$2" != "$3" ] && is "$1" 1 1 || is "$1" "$2" "not $3"; }
isnt "with a tag of their own" "$(header ETag)" "$tag"
like "and caches are told" "$(header Vary)" 'msdicom-request-original'
request GET "/v2/studies/2.25.100/metadata" -H "$J" -H "$FIRST" -H "If-None-Match: $tag"
has_status "the tag of the latest is not theirs" 200
for coding in gzip gzip; do		# the second time of what was kept
	request GET "/dicom-web/studies/2.25.100/metadata" -H "$J" -H "$FIRST" -H "Accept-Encoding: $coding" --compressed
	is "nor do kept bodies take their place" "$(json '.[0]."00100010".Value[0].Alphabetic')" 'First^Name'
	request GET "/dicom-web/studies/2.25.100/metadata" -H "$J" -H "Accept-Encoding: $coding" --compressed
	is "in either way" "$(json '.[0]."00100010".Value[0].Alphabetic')" 'Second^Name'
done
request GET "/v2/$I/2.25.1" -H "$AS_STORED" -H "$FIRST"
ok "the first file is there byte for byte" cmp "$body" "$tmp/1.dcm"
request GET "/v2/studies/2.25.100" -H "$AS_STORED_PARTS" -H "$FIRST"
split_multipart "$tmp/parts"
ok "and in a study" cmp "$tmp/parts/1.dcm" "$tmp/1.dcm"
ok "both of them" cmp "$tmp/parts/2.dcm" "$tmp/2.dcm"
ok "they lie below .original" cmp "$DIRS/2.25.100/2.25.200/.original/2.25.1.dcm" "$tmp/1.dcm"
is "what lay between is gone" "$(find "$DIRS" -type f | wc -l)" 4
is "status counts them apart" "$("$builddir/dicomlake" status "$store" --json | jq -c '[.instances, .originalBytes]')" \
	"[2,$(($(stat -c %s "$tmp/1.dcm") + $(stat -c %s "$tmp/2.dcm")))]"
request GET "/dicom-web/studies/2.25.100/series/2.25.200/instances/2.25.1/bulkdata/x?offset=0&length=8" -H "$FIRST"
has_status "bytes of the first can be had" 200

# PUT is no update: what it brings is a life of its own.
make_dcm "$tmp/put.dcm" SOPInstanceUID=2.25.2 StudyInstanceUID=2.25.100 SeriesInstanceUID=2.25.200 PatientName=Put^Name
request PUT "/v2/studies" -H "$J" -H "$PART" --data-binary "@$tmp/put.dcm"
request GET "/v2/$I/2.25.2" -H "$AS_STORED" -H "$FIRST"
ok "PUT has no original" cmp "$body" "$tmp/put.dcm"
is "and leaves no file of one" "$(find "$DIRS" -name '*.dcm' | wc -l)" 3
stop_daemon
ok "check finds nothing" "$builddir/dicomlake" check "$store" --verify

# A rebuild has only the files.
ok "a rebuild from the files" "$builddir/dicomlake" check --rebuild "$store"
ok "has nothing to complain of" "$builddir/dicomlake" check "$store" --verify
start_daemon
request GET "/v2/$I/2.25.1" -H "$AS_STORED" -H "$FIRST"
ok "it knows the first version" cmp "$body" "$tmp/1.dcm"
request GET "/v2/$I/2.25.1/metadata" -H "$J" -H "$FIRST"
is "and its metadata" "$(json '.[0]."00100010".Value[0].Alphabetic')" 'First^Name'
request GET "/v2/$I/2.25.1/metadata" -H "$J"
is "and which is the latest" "$(json '.[0]."00100010".Value[0].Alphabetic')" 'Second^Name'
request GET "/v2/studies?PatientName=First^Name" -H "$J"
has_status "nothing is found by the first" 204

# Lost and damaged ones.
stop_daemon
rm "$DIRS/2.25.100/2.25.200/.original/2.25.1.dcm"
notok() { ! "$@" >/dev/null 2>&1; }
ok "check misses an original" notok "$builddir/dicomlake" check "$store"
"$builddir/dicomlake" check --repair "$store" >"$tmp/check" 2>&1
like "and names it" "$(cat "$tmp/check")" '\.original/2\.25\.1\.dcm'
ok "repair lets it go" "$builddir/dicomlake" check "$store"
start_daemon
update 00100020 LO '"P4"'
request DELETE /v2/studies/2.25.100
has_status "a delete" 204
is "takes the originals with it" "$(find "$DIRS" -mindepth 1)" ""
stop_daemon
ok "and leaves nothing behind" "$builddir/dicomlake" check "$store"
done_testing
