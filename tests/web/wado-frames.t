#!/bin/bash
# Frames by number (contract 3.4, rows 29 to 31): as stored, transcoded, and what is none.
. "$(dirname "$0")/web.sh"
require_program dcmcjpeg dcmcrle perl
new_store
start_daemon
ELE=1.2.840.10008.1.2.1
JPEG=1.2.840.10008.1.2.4.70
RAW='multipart/related; type="application/octet-stream"'
make_large "$tmp/native.dcm" 3 4 5
dcmcjpeg +e1 "$tmp/native.dcm" "$tmp/jpeg.dcm"
dcmodify --no-backup -m SOPInstanceUID=2.25.78 "$tmp/jpeg.dcm"
make_dcm "$tmp/none.dcm" SOPInstanceUID=2.25.79
dcmodify --no-backup -e '(7fe0,0010)' "$tmp/none.dcm"
stow v2 "$tmp/native.dcm" "$tmp/jpeg.dcm" "$tmp/none.dcm"
has_status "stored" 200
s=studies/2.25.1000/series/2.25.1000.100/instances

# frame N: the bytes that frame has in native.dcm
frame() {
	perl -e 'binmode STDOUT; print pack("v", $ARGV[0]) x 20' "$1"
}

for d in v2 v1 dicom-web; do
	request GET /$d/$s/2.25.77/frames/1,3 -H "Accept: $RAW"
	has_status "$d: two frames" 200
	is "$d: are two parts" "$(split_multipart "$tmp/$d")" 2
	ok "$d: the first" cmp "$tmp/$d/1.dcm" <(frame 1)
	ok "$d: and the third" cmp "$tmp/$d/2.dcm" <(frame 3)
	is "$d: each says what it is" "$(sort -u "$tmp/$d"/*.head | tr -d '\r' | grep .)" \
		"Content-Type: application/octet-stream; transfer-syntax=$ELE"
done
like "v2 has no type" "$(request GET /v2/$s/2.25.77/frames/1 -H "Accept: $RAW"; header Content-Type)" '^multipart/related; boundary='
request GET /dicom-web/$s/2.25.77/frames/1 -H "Accept: $RAW"
like "/dicom-web has" "$(header Content-Type)" '^multipart/related; type="application/octet-stream"; boundary='
request GET "/v2/$s/2.25.77/frames/3%20,%202,3" -H "Accept: $RAW"
is "in the order wanted, twice too, with spaces" "$(split_multipart "$tmp/order")" 3
ok "the second is the second" cmp "$tmp/order/2.dcm" <(frame 2)

request GET /v2/$s/2.25.77/frames/2 -H 'Accept: application/octet-stream; transfer-syntax=*'
has_status "a bare frame" 200
ok "is its bytes" cmp "$body" <(frame 2)
is "with its length" "$(header Content-Length)" 40
is "and its syntax" "$(header Content-Type)" "application/octet-stream; transfer-syntax=$ELE"
request HEAD /v2/$s/2.25.77/frames/2 -H 'Accept: application/octet-stream'
has_status "HEAD" 200
request GET /v2/$s/2.25.77/frames/1,2 -H 'Accept: application/octet-stream; transfer-syntax=*'
has_status "two bare frames" 400

for list in 0 x -1 1,,2 1, ,1 1.5 0,1 99999999999999999999,0; do
	request GET "/v2/$s/2.25.77/frames/$list" -H "Accept: $RAW"
	has_status "frame list $list" 400
done
for n in 4 9999 4294967297 99999999999999999999; do
	request GET /v2/$s/2.25.77/frames/$n -H "Accept: $RAW"
	has_status "frame $n of 3" 404
done
says "says how many there are" 'has 3'
request GET /v2/$s/2.25.79/frames/1 -H "Accept: $RAW"
has_status "an instance without pixel data" 404
request GET /v2/$s/2.25.99/frames/1 -H "Accept: $RAW"
has_status "an unknown instance" 404
request GET /v2/$s/2.25.77/frames/1 -H 'Accept: application/dicom'
has_status "another type" 406
request GET /v2/$s/2.25.77/frames/1 -H 'Accept: image/jp2'
has_status "image/jp2 as a single part" 406
request GET /v2/$s/2.25.77/frames/1
has_status "no Accept at all" 200
like "is multipart" "$(header Content-Type)" '^multipart/related'

request GET /v2/$s/2.25.78/frames/2 -H 'Accept: application/octet-stream; transfer-syntax=*'
has_status "a compressed frame as stored" 200
is "says its syntax" "$(header Content-Type)" "application/octet-stream; transfer-syntax=$JPEG"
is "is a JPEG" "$(head -c 3 "$body" | xxd -p)" ffd8ff
request GET /v2/$s/2.25.78/frames/3,1 -H "Accept: $RAW"
is "uncompressed by default" "$(split_multipart "$tmp/plain")" 2
ok "the third" cmp "$tmp/plain/1.dcm" <(frame 3)
ok "the first" cmp "$tmp/plain/2.dcm" <(frame 1)
request GET /v2/$s/2.25.78/frames/1 -H 'Accept: multipart/related; type="image/jp2"'
is "as JPEG 2000" "$(split_multipart "$tmp/jp2")" 1
is "it is one" "$(head -c 4 "$tmp/jp2/1.dcm" | xxd -p) $(grep -o 'image/jp2.*' "$tmp/jp2/1.head" | tr -d '\r')" \
	"ff4fff51 image/jp2; transfer-syntax=1.2.840.10008.1.2.4.90"
request GET /dicom-web/$s/2.25.78/frames/1 -H 'Accept: image/jpeg'
is "/dicom-web: a type that holds the stored syntax" "$(header Content-Type)" "image/jpeg; transfer-syntax=$JPEG"
request GET /dicom-web/$s/2.25.78/frames/1 -H 'Accept: image/jls'
is "/dicom-web: one that does not" "$(header Content-Type)" "image/jls; transfer-syntax=1.2.840.10008.1.2.4.80"
request GET /dicom-web/$s/2.25.78/frames/1 -H 'Accept: image/dicom-rle'
is "/dicom-web: RLE" "$(header Content-Type)" "image/dicom-rle; transfer-syntax=1.2.840.10008.1.2.5"
request GET /dicom-web/$s/2.25.78/frames/1 -H 'Accept: image/jphc'
has_status "/dicom-web: a syntax that is not written" 406
request GET /dicom-web/$s/2.25.77/frames/1 -H 'Accept: application/octet-stream; transfer-syntax=1.2.840.10008.1.2.4.50'
has_status "/dicom-web: 16 bits as baseline JPEG" 406

# every syntax of a frame gives the same cells
dcmcrle "$tmp/native.dcm" "$tmp/rle.dcm"
dcmconv +tb "$tmp/native.dcm" "$tmp/big.dcm"
dcmconv +ti "$tmp/native.dcm" "$tmp/implicit.dcm"
dcmconv +td "$tmp/native.dcm" "$tmp/deflated.dcm"
n=80
for f in rle big implicit deflated; do
	n=$((n + 1))
	dcmodify --no-backup -m SOPInstanceUID=2.25.$n "$tmp/$f.dcm"
	put_file v2 "$tmp/$f.dcm"
	request GET /v2/$s/2.25.$n/frames/3 -H 'Accept: application/octet-stream'
	is "$f: its type" "$(header Content-Type)" "application/octet-stream; transfer-syntax=$ELE"
	ok "$f: the third frame" cmp "$body" <(frame 3)
done
request GET /v2/$s/2.25.82/frames/2 -H 'Accept: application/octet-stream; transfer-syntax=*'
is "big endian as stored is big endian" "$(head -c 2 "$body" | xxd -p) $(header Content-Type)" \
	"0002 application/octet-stream; transfer-syntax=1.2.840.10008.1.2.2"
request GET /v2/$s/2.25.84/frames/2 -H 'Accept: application/octet-stream; transfer-syntax=*'
is "deflated is inflated" "$(header Content-Type)" "application/octet-stream; transfer-syntax=$ELE"

# pixel data that cannot be decoded: the file as it is, and an error that says so
cp "$tmp/jpeg.dcm" "$tmp/broken.dcm"
dcmodify --no-backup -m SOPInstanceUID=2.25.90 "$tmp/broken.dcm"
at=$(LC_ALL=C grep -obUaP '\xff\xc3' "$tmp/broken.dcm" | head -n 1 | cut -d: -f1)
printf '\xff\xff' | dd of="$tmp/broken.dcm" bs=1 seek=$((at + 5)) conv=notrunc status=none
put_file v2 "$tmp/broken.dcm"
request GET /v2/$s/2.25.90/frames/1 -H 'Accept: application/octet-stream; transfer-syntax=*'
has_status "a damaged frame as stored" 200
request GET /v2/$s/2.25.90/frames/1 -H 'Accept: application/octet-stream'
has_status "and decoded" 406
says "says why" 'the data set says otherwise'
done_testing
