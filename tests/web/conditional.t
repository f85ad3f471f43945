#!/bin/bash
# Entity tags, conditions and ranges (RFC 9110 8.8.3, 13, 14) of metadata, frames and pictures.
. "$(dirname "$0")/web.sh"
require_program dcmcjpeg perl
new_store
start_daemon
make_large "$tmp/1.dcm" 3 40 50
# and a frame of noise, in fragments of a kilobyte
make_dcm "$tmp/2.dcm" SOPInstanceUID=2.25.78 Rows=64 Columns=64
{
	head -c -44 "$tmp/2.dcm"
	perl -e 'srand 1; binmode STDOUT; print pack("vva2vV", 0x7FE0, 0x10, "OW", 0, 8192), pack("v*", map { int rand 4096 } 1 .. 4096)'
} >"$tmp/noise.dcm"
dcmcjpeg +e1 +fs 1 "$tmp/noise.dcm" "$tmp/2.dcm"
stow v2 "$tmp/1.dcm" "$tmp/2.dcm"
has_status "stored" 200
s=studies/2.25.1000/series/2.25.1000.100
i=$s/instances/2.25.77
RAW='Accept: application/octet-stream'
PARTS='Accept: multipart/related; type="application/octet-stream"'

# ---- metadata: a tag of each coding
tag=()
for coding in identity gzip zstd; do
	request GET /dicom-web/$s/metadata -H "Accept-Encoding: $coding"
	tag+=("$(header ETag)")
done
plain=${tag[0]}
is "each coding has its tag" "${tag[1]} ${tag[2]}" "${plain%\"}-gzip\" ${plain%\"}-zstd\""
request GET /dicom-web/$s/metadata -H 'Accept-Encoding: gzip' -H "If-None-Match: ${tag[1]}"
is "a client has it in gzip" "$status $(header ETag) $(header Vary)" "304 ${tag[1]} Accept-Encoding, msdicom-request-original, msdicom-request-meta"
request GET /dicom-web/$s/metadata -H "If-None-Match: ${tag[1]}"
is "which is not what it now asks for" "$status $(header ETag) $(header Vary)" "200 $plain Accept-Encoding, msdicom-request-original, msdicom-request-meta"
request GET /dicom-web/$s/metadata -H 'Accept-Encoding: gzip' -H "If-None-Match: $plain"
is "nor the other way round" "$status $(header Content-Encoding)" "200 gzip"
request HEAD /dicom-web/$s/metadata -H 'Accept-Encoding: zstd'
is "HEAD tells the same" "$status $(header ETag) $(header Content-Encoding) $(header Vary)" "200 ${tag[2]} zstd Accept-Encoding, msdicom-request-original, msdicom-request-meta"
request GET /dicom-web/$i/metadata -H 'Accept-Encoding: gzip'
is "however little it is" "$(header Content-Encoding) $(header ETag | grep -c -- '-gzip"$')" "gzip 1"
ok "it is that" gzip -t <"$body"
request GET /v2/$s/metadata -H "$J"
bare=$(header ETag)
request GET /v2/$s/metadata -H "$J" -H 'Accept-Encoding: gzip'
is "/v2 has the contract's tag in every coding" "$(header ETag) $(header Content-Encoding)" "$bare gzip"
request GET /v2/$s/metadata -H "$J" -H 'Accept-Encoding: gzip' -H "If-None-Match: $bare"
is "and none with a 304" "$status $(header ETag) $(header Vary)" "304  Accept-Encoding, msdicom-request-original, msdicom-request-meta"
request GET /dicom-web/studies
is "what is too short for a coding may be longer elsewhere" "$(header Vary)" Accept-Encoding

# has_conditions NAME URL ACCEPT: all of the single reply, parts of it, and nothing when the client has it
has_conditions() {
	local size tag
	request GET "$2" -H "$3"
	is "$1: has bytes, a tag, and says what chose them" "$status $(header Accept-Ranges) $(header Vary)" "200 bytes Accept, msdicom-request-original"
	tag=$(header ETag)
	like "$1: which is strong" "$tag" '^"[0-9a-f]+"$'
	size=$(stat -c %s "$body")
	cp "$body" "$tmp/whole"
	request HEAD "$2" -H "$3"
	is "$1: HEAD tells the same" "$status $(header ETag) $(header Content-Length)" "200 $tag $size"
	request GET "$2" -H "$3" -H "If-None-Match: $tag"
	is "$1: the client has it" "$status $(header ETag) $(header Vary) $(stat -c %s "$body")" "304 $tag Accept, msdicom-request-original 0"
	request GET "$2" -H "$3" -H 'If-None-Match: "other"'
	has_status "$1: or another" 200
	request GET "$2" -H "$3" -H 'Range: bytes=3-10'
	is "$1: a range" "$status $(header Content-Range) $(header ETag)" "206 bytes 3-10/$size $tag"
	ok "$1: of its bytes" cmp "$body" <(tail -c +4 "$tmp/whole" | head -c 8)
	request GET "$2" -H "$3" -H "Range: bytes=$((size / 3))-$((size - 2))"
	ok "$1: a long one" cmp "$body" <(tail -c +$((size / 3 + 1)) "$tmp/whole" | head -c -1)
	request GET "$2" -H "$3" -H 'Range: bytes=-5'
	ok "$1: the last ones" cmp "$body" <(tail -c 5 "$tmp/whole")
	request GET "$2" -H "$3" -H "Range: bytes=$size-"
	is "$1: past the end" "$status $(header Content-Range) $(header ETag)" "416 bytes */$size "
	request GET "$2" -H "$3" -H 'Range: bytes=3-10' -H "If-Range: $tag"
	has_status "$1: of this version" 206
	for other in '"other"' "W/$tag" '*' "$(date -R)"; do
		request GET "$2" -H "$3" -H 'Range: bytes=3-10' -H "If-Range: $other"
		is "$1: If-Range $other" "$status $(stat -c %s "$body")" "200 $size"
	done
	request GET "$2" -H "$3" -H 'Range: bytes=3-10' -H "If-None-Match: $tag"
	has_status "$1: no range of what the client has" 304
	tags="$tags$tag$nl"
}
nl=$'\n'
tags=
j=$s/instances/2.25.78
has_conditions "a stored frame" /dicom-web/$i/frames/2 "$RAW"
has_conditions "another" /dicom-web/$i/frames/3 "$RAW"
has_conditions "a frame at v2" /v2/$j/frames/1 "$RAW"
has_conditions "a frame in fragments" /dicom-web/$j/frames/1 'Accept: image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.70'
ok "of which there are several" test "$(LC_ALL=C grep -aoP '\xfe\xff\x00\xe0' "$tmp/2.dcm" | wc -l)" -gt 4
has_conditions "a decoded frame" /dicom-web/$j/frames/1 "$RAW"
has_conditions "an encoded frame" /dicom-web/$i/frames/1 'Accept: image/jp2'
has_conditions "a picture" /dicom-web/$i/rendered 'Accept: image/png'
has_conditions "a JPEG" /v2/$i/rendered 'Accept: image/jpeg'
has_conditions "of less quality" "/v2/$i/rendered?quality=50" 'Accept: image/jpeg'
has_conditions "a frame's picture" /dicom-web/$i/frames/2/rendered 'Accept: image/png'
has_conditions "a window" "/dicom-web/$i/rendered?window=10,20" 'Accept: image/png'
has_conditions "a viewport" "/dicom-web/$i/rendered?viewport=10,20" 'Accept: image/png'
has_conditions "a mirrored part" "/dicom-web/$i/rendered?viewport=10,20,0,0,-9,9" 'Accept: image/png'
has_conditions "a thumbnail" /dicom-web/$s/thumbnail 'Accept: image/jpeg'
has_conditions "an instance" /dicom-web/$i 'Accept: application/dicom'
is "no two share a tag, but what is asked for in the same way at two dialects" \
	"$(printf %s "$tags" | sort | uniq -d | wc -l)" 1

request GET /dicom-web/$i/frames/1,2 -H "$PARTS"
tag=$(header ETag)
like "several parts have a weak tag: their boundary is another each time" "$tag" '^W/"[0-9a-f]+"$'
request GET /dicom-web/$i/frames/1,2 -H "$PARTS" -H "If-None-Match: $tag"
is "which a client may have" "$status $(header ETag)" "304 $tag"
request GET /dicom-web/$i/frames/1,2 -H "$PARTS" -H "If-Range: $tag" -H 'Range: bytes=0-3'
is "and no ranges" "$status $(header Accept-Ranges)" "200 "
request GET /dicom-web/$i/frames/2,1 -H "$PARTS" -H "If-None-Match: $tag"
has_status "in another order" 200
request GET /dicom-web/$i/frames/9 -H "$RAW" -H 'If-None-Match: *'
is "what is not there is no match" "$status $(header ETag)" "404 "

# ---- another version
request GET /dicom-web/$i/rendered
tag=$(header ETag)
dcmodify --no-backup -i WindowCenter=9 -i WindowWidth=3 "$tmp/1.dcm"
METHOD=PUT stow v2 "$tmp/1.dcm"
has_status "another version is stored" 200
request GET /dicom-web/$i/rendered -H "If-None-Match: $tag"
has_status "and is another picture" 200
done_testing
