#!/bin/bash
# One instance: Accept, bytes, ranges, entity tags (contract 3).
. "$(dirname "$0")/web.sh"
new_store
start_daemon
make_dcm "$tmp/a.dcm" SOPInstanceUID=2.25.1
printf 'HELLO' | dd of="$tmp/a.dcm" conv=notrunc status=none
put_file dicom-web "$tmp/a.dcm"
has_status "stored" 200
i=studies/2.25.1000/series/2.25.1000.100/instances/2.25.1
ELE=1.2.840.10008.1.2.1
size=$(stat -c %s "$tmp/a.dcm")

request GET /dicom-web/$i
has_status "/dicom-web without a wish" 200
is "is the file" "$(header Content-Type)" "application/dicom; transfer-syntax=$ELE"
is "with its length" "$(header Content-Length)" "$size"
ok "and its bytes" cmp "$body" "$tmp/a.dcm"
tag=$(header ETag)
like "and a quoted tag" "$tag" '^"[0-9a-f]{32}"$'

request GET /v2/$i -H "$AS_STORED"
has_status "v2, as stored" 200
is "type" "$(header Content-Type)" "application/dicom; transfer-syntax=$ELE"
ok "bytes" cmp "$body" "$tmp/a.dcm"
request GET /v2/$i -H 'Accept: application/dicom'
has_status "v2, the default syntax is the stored one" 200
request GET /v2/$i -H "Accept: application/dicom; transfer-syntax=$ELE"
has_status "v2, that syntax by name" 200
request GET /v2/$i -H 'Accept: application/dicom; transfer-syntax=1.2.840.10008.1.2.4.50'
has_status "v2, a syntax that is not served" 406
request GET /v2/$i -H 'Accept: image/png'
has_status "v2, another type" 406
request GET /v2/$i
like "v2 answers */* with multipart" "$(header Content-Type)" '^multipart/related; boundary='
is "of one part" "$(split_multipart "$tmp/p")" 1
ok "with the bytes" cmp "$tmp/p/1.dcm" "$tmp/a.dcm"
is "whose head is one line" "$(tr -d '\r' <"$tmp/p/1.head")" "Content-Type: application/dicom; transfer-syntax=$ELE"
request GET /dicom-web/$i -H 'Accept: application/dicom; transfer-syntax=1.2.840.10008.1.2.4.201'
has_status "a syntax to which nothing is transcoded" 406
says "says what can be had" 'transfer-syntax=\*'

request GET /dicom-web/$i -H 'Range: bytes=128-131'
has_status "a range" 206
is "its bytes" "$(cat "$body")" DICM
is "its place" "$(header Content-Range)" "bytes 128-131/$size"
request GET /dicom-web/$i -H "Range: bytes=$size-"
has_status "a range past the end" 416
is "tells the size" "$(header Content-Range)" "bytes */$size"
request GET /dicom-web/$i -H 'Range: bytes=0-3' -H 'If-Range: "other"'
has_status "a range of another version" 200
request GET /dicom-web/$i -H 'Range: bytes=0-3' -H "If-Range: $tag"
has_status "a range of this version" 206
request GET /dicom-web/$i -H "If-None-Match: $tag"
has_status "the client has it" 304
request HEAD /dicom-web/$i
has_status "HEAD" 200
is "has the length" "$(header Content-Length)" "$size"

request GET /v2/studies/2.25.1000/series/2.25.1000.100/instances/2.25.9
has_status "an unknown instance" 404
request GET /v2/studies/2.25.1000/series/2.25.1000.100/instances/.. --path-as-is
has_status "a UID that is none" 400
says "names which" 'SOP Instance UID'

request DELETE /v2/studies/2.25.1000
put_file v2 "$tmp/a.dcm"
request GET /v2/$i -H "$AS_STORED"
ok "v2 zeroes the preamble" cmp <(head -c 128 "$body") <(head -c 128 /dev/zero)
ok "and nothing else" cmp <(tail -c +129 "$body") <(tail -c +129 "$tmp/a.dcm")

file=$(find "$store/AHDS" -name 2.25.1.dcm)
printf x >>"$file"
request GET /v2/$i -H "$AS_STORED"
has_status "a backing file that somebody changed" 424
rm "$file"
request GET /v2/$i -H "$AS_STORED"
has_status "or removed" 424
request GET /v2/$i/metadata
has_status "its metadata stay" 200
done_testing
