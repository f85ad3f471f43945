#!/bin/bash
# Pictures (contract 3.6, rows 34 to 36; PS3.18 8.3.5 at /dicom-web).
. "$(dirname "$0")/web.sh"
require_program perl python3
new_store
start_daemon
make_dcm "$tmp/a.dcm" SOPInstanceUID=2.25.1 Rows=64 Columns=32 NumberOfFrames=2
# frame 1 a ramp of 0 to 2047, frame 2 backwards
{
	head -c -44 "$tmp/a.dcm"
	perl -e 'binmode STDOUT; print pack("vva2vV", 0x7FE0, 0x10, "OW", 0, 8192), pack("v*", 0 .. 2047), pack("v*", reverse 0 .. 2047)'
} >"$tmp/1.dcm"
make_dcm "$tmp/2.dcm" SOPInstanceUID=2.25.2
dcmodify --no-backup -e '(7fe0,0010)' "$tmp/2.dcm"
cp "$tmp/1.dcm" "$tmp/3.dcm"
dcmodify --no-backup -m SOPInstanceUID=2.25.3 -i WindowCenter=1024 -i WindowWidth=100 "$tmp/3.dcm"
stow v2 "$tmp/1.dcm" "$tmp/2.dcm" "$tmp/3.dcm"
has_status "stored" 200
s=studies/2.25.1000/series/2.25.1000.100
i=$s/instances

# grey X Y...: levels of the last reply, a PNG; size: its width and height
picture() {
	python3 - "$body" "$@" <<'END'
import sys, zlib
raw = open(sys.argv[1], 'rb').read()
at, data = 8, b''
while at < len(raw):
    n, kind = int.from_bytes(raw[at:at + 4], 'big'), raw[at + 4:at + 8]
    if kind == b'IHDR':
        w, h = (int.from_bytes(raw[at + 8 + k:at + 12 + k], 'big') for k in (0, 4))
    if kind == b'IDAT':
        data += raw[at + 8:at + 8 + n]
    at += 12 + n
data, rows = zlib.decompress(data), []
for y in range(h):
    line = bytearray(data[y * (w + 1) + 1:(y + 1) * (w + 1)])
    if data[y * (w + 1)] == 1:
        for x in range(1, w):
            line[x] = (line[x] + line[x - 1]) & 255
    rows.append(line)
if sys.argv[2:] == ['size']:
    print(w, h)
else:
    points = list(map(int, sys.argv[2:]))
    print(*(rows[y][x] for x, y in zip(points[::2], points[1::2])))
END
}

request GET /v2/$i/2.25.1/rendered
has_status "without an Accept" 200
is "it is JPEG" "$(header Content-Type) $(head -c 3 "$body" | xxd -p)" "image/jpeg ffd8ff"
request GET /v2/$i/2.25.1/rendered -H 'Accept: image/png'
is "PNG" "$(header Content-Type) $(head -c 4 "$body" | xxd -p)" "image/png 89504e47"
is "as large as the image" "$(picture size)" "32 64"
is "its range from black to white" "$(picture 0 0 31 63 0 32)" "0 255 128"
for a in '*/*' 'image/*' 'image/jpeg'; do
	request GET /v2/$i/2.25.1/rendered -H "Accept: $a"
	is "Accept $a" "$status $(header Content-Type)" "200 image/jpeg"
done
request GET "/v2/$i/2.25.1/rendered?quality=10"
low=$(stat -c %s "$body")
request GET "/v2/$i/2.25.1/rendered?quality=100"
ok "quality 10 is smaller than 100" test "$low" -lt "$(stat -c %s "$body")"
request GET "/v2/$i/2.25.1/rendered"
is "which is the default" "$(stat -c %s "$body")" "$(header Content-Length)"
for q in 0 101 -1 x 1.5 ''; do
	request GET "/v2/$i/2.25.1/rendered?quality=$q"
	has_status "quality '$q'" 400
	request GET "/v2/$i/2.25.1/rendered?quality=$q" -H 'Accept: image/png'
	has_status "quality '$q' of a PNG" 400
done
request GET /v2/$i/2.25.1/rendered -H 'Accept: image/jpeg, image/png'
has_status "two types at v2" 406
request GET /dicom-web/$i/2.25.1/rendered -H 'Accept: image/gif, image/png, image/jpeg;q=0.5'
is "at /dicom-web the first that is given" "$status $(header Content-Type)" "200 image/png"
request GET /v2/$i/2.25.1/rendered -H 'Accept: image/gif'
has_status "a type that is not given" 406
request GET /v2/$i/2.25.2/rendered
has_status "no pixel data" 404
request GET /v2/$i/2.25.9/rendered
has_status "an unknown instance" 404

request GET /v2/$i/2.25.1/frames/2/rendered -H 'Accept: image/png'
is "frame 2 is the other way round" "$(picture 0 0 31 63)" "255 0"
request GET /v2/$i/2.25.1/frames/0/rendered
has_status "frame 0" 400
request GET /v2/$i/2.25.1/frames/x/rendered
has_status "frame x" 400
request GET /v2/$i/2.25.1/frames/1,2/rendered
has_status "two frames" 400
request GET /v2/$i/2.25.1/frames/3/rendered
has_status "frame 3 of 2" 404

# the window of the header: linear, from 974.5 to 1073.5
request GET /v2/$i/2.25.3/rendered -H 'Accept: image/png'
is "the header's window" "$(picture 0 0 13 30 31 63 0 32)" "0 0 255 129"
request GET "/v2/$i/2.25.1/rendered?window=1024,100&viewport=8,8" -H 'Accept: image/png'
is "v2 ignores window and viewport" "$(picture size) $(picture 0 32)" "32 64 128"
request GET "/dicom-web/$i/2.25.1/rendered?window=1024,100" -H 'Accept: image/png'
is "/dicom-web has window" "$(picture 0 0 13 30 31 63 0 32)" "0 0 255 129"
request GET "/dicom-web/$i/2.25.1/rendered?window=1024,100,sigmoid" -H 'Accept: image/png'
is "sigmoid" "$(picture 0 32 31 32)" "128 198"
request GET "/dicom-web/$i/2.25.1/rendered?window=1024,100,linear-exact" -H 'Accept: image/png'
is "linear-exact" "$(picture 0 32 31 31)" "128 125"
for w in 1 1,0 a,b 1,2,cubic 1,2,linear,3 nan,1; do
	request GET "/dicom-web/$i/2.25.1/rendered?window=$w"
	has_status "window=$w" 400
done
request GET "/dicom-web/$i/2.25.1/rendered?viewport=16,16" -H 'Accept: image/png'
is "viewport keeps proportions" "$(picture size)" "8 16"
request GET "/dicom-web/$i/2.25.1/rendered?viewport=64,128" -H 'Accept: image/png'
is "and scales up" "$(picture size)" "64 128"
request GET "/dicom-web/$i/2.25.1/rendered?viewport=8,8,8,16,8,8" -H 'Accept: image/png'
is "a part of it" "$(picture size) $(picture 0 0)" "8 8 $((((16 * 32 + 8) * 255 + 1023) / 2047))"
request GET "/dicom-web/$i/2.25.1/rendered?viewport=32,64,,,-32,-64" -H 'Accept: image/png'
is "mirrored both ways" "$(picture 0 0 31 63)" "255 0"
for v in 8 0,8 8,-8 8,8,1 8,8,40,0,1,1 99999,8 9000,8 8.5,8 x; do
	request GET "/dicom-web/$i/2.25.1/rendered?viewport=$v"
	has_status "viewport=$v" 400
done

for p in studies/2.25.1000 $s $i/2.25.1; do
	request GET /dicom-web/$p/thumbnail -H 'Accept: image/png'
	is "thumbnail of ${p%%/2*}${p:17}" "$status $(picture size)" "200 100 200"
done
request GET "/dicom-web/$s/thumbnail?viewport=20,20"
is "is JPEG by default" "$status $(header Content-Type)" "200 image/jpeg"
request GET /dicom-web/$i/2.25.2/thumbnail
has_status "a thumbnail of what has no image" 404
request GET /v2/$s/thumbnail
has_status "v2 has no thumbnails" 404
done_testing
