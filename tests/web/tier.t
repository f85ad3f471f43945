#!/bin/bash
# Tiers over HTTP: what is in hot, cool and cold is read, what is archived gives 424 with its reason (contract 11.5 and
# 11.6; row 80), and a move changes no ETag.
. "$(dirname "$0")/web.sh"
new_store
mkdir "$tmp/cool" "$tmp/cold" "$tmp/archive"
printf 'tier = cool %s\ntier = cold %s\ntier = archive %s\n' "$tmp/cool" "$tmp/cold" "$tmp/archive" >"$store/tiers.conf"
start_daemon
S=studies/2.25.100
E=$S/series/2.25.200
I=$E/instances
for n in 1 2; do
	make_dcm "$tmp/$n.dcm" SOPInstanceUID="2.25.$n" StudyInstanceUID=2.25.100 SeriesInstanceUID=2.25.200 Rows=2 Columns=2 \
		BitsAllocated=8 BitsStored=8 HighBit=7 SamplesPerPixel=1 PixelRepresentation=0 PhotometricInterpretation=MONOCHROME2
done
stow v2 "$tmp/1.dcm" "$tmp/2.dcm"
has_status "two instances" 200

# move TIER WHAT: by a second process; this one does the work or waits for who does.
move() {
	"$builddir/dicomlake" tier --json --to "$1" "$store" "$2" >"$tmp/moved" 2>"$tmp/said" || diag "$(cat "$tmp/said")"
}
availability() {
	request GET "/dicom-web/$1" -H "$J"
	json 'map(."00080056".Value[0]) | unique | join(" ")'
}
read_one() {
	request GET "/v2/$I/2.25.1" -H "$AS_STORED"
}

read_one
tag=$(header ETag)
request GET "/v2/$S/metadata" -H "$J"
metadata_tag=$(header ETag)
request GET /v2/changefeed/latest
latest=$(json .sequence)
for tier in cool cold hot cold; do
	move "$tier" 2.25.100/2.25.200/2.25.1
	read_one
	has_status "$tier is read" 200
	ok "with its bytes" cmp "$body" "$tmp/1.dcm"
	is "and its tag" "$(header ETag)" "$tag"
	is "it is online" "$(availability "instances?SOPInstanceUID=2.25.1&includefield=00080056")" ONLINE
done
request GET "/v2/operations/$(jq -r .operation "$tmp/moved")"
has_status "the operation" 200
is "tells what it did" "$(json '[.type, .status, .percentComplete, .results.instancesMoved, .results.instancesFailed] | tostring')" \
	'["tier","succeeded",100,1,0]'

# Row 80.
allow_log '424|BlobArchived'
move archive 2.25.100/2.25.200/2.25.1
archived() {
	request GET "$@"
	has_status "$1 of an archived instance" 424
	says "has its reason" BlobArchived
}
archived "/v1/$I/2.25.1" -H "$AS_STORED"
archived "/v2/$I/2.25.1" -H "$AS_STORED"
archived "/dicom-web/$I/2.25.1" -H "$AS_STORED"
archived "/v2/$I/2.25.1/frames/1" -H 'Accept: multipart/related; type="application/octet-stream"; transfer-syntax=*'
archived "/v2/$I/2.25.1/rendered" -H 'Accept: image/jpeg'
archived "/v2/$S" -H "$AS_STORED_PARTS"
archived "/v2/$E" -H "$AS_STORED_PARTS"
request GET "/v2/$I/2.25.2" -H "$AS_STORED"
has_status "the other one is read" 200
request GET "/v2/$S/metadata" -H "$J"
has_status "metadata are not concerned" 200
is "nor is their tag" "$(header ETag)" "$metadata_tag"
request GET "/v2/$S/instances" -H "$J"
is "nor is a search" "$(json length)" 2
request GET /v2/changefeed/latest
is "nor the feed" "$(json .sequence)" "$latest"
is "an archived instance is offline" "$(availability "instances?SOPInstanceUID=2.25.1&includefield=00080056")" OFFLINE
is "the other is not" "$(availability "instances?SOPInstanceUID=2.25.2&includefield=00080056")" ONLINE
is "a study is what the least available of it is" "$(availability "studies?includefield=00080056")" OFFLINE
is "and a series" "$(availability "$S/series?includefield=00080056")" OFFLINE
stow dicom-web "$tmp/1.dcm"
has_status "the same again is there already" 200

move hot 2.25.100
read_one
has_status "moved back it is read" 200
ok "as it was" cmp "$body" "$tmp/1.dcm"
is "all are online" "$(availability "studies?includefield=00080056")" ONLINE

move archive 2.25.100/2.25.200/2.25.2
archived "/v2/$S" -H "$AS_STORED_PARTS"
read_one
has_status "the first of them is read" 200
move hot 2.25.100

# A tier that is away.
move cold 2.25.100/2.25.200/2.25.1
mv "$tmp/cold" "$tmp/away"
read_one
has_status "what is in a tier that is not there" 424
says "has its reason" ContainerNotFound
says "with the directory" "$tmp/cold"
mv "$tmp/away" "$tmp/cold"
read_one
has_status "it is back" 200

move archive 2.25.100/2.25.200/2.25.1
request DELETE "/v2/$I/2.25.1"
has_status "an archived instance can be deleted" 204
is "with its file" "$(find "$tmp/archive" "$tmp/cold" "$tmp/cool" -name '*.dcm')" ""
stop_daemon
ok "check finds nothing" "$builddir/dicomlake" check --verify "$store"
done_testing
