#!/bin/bash
# Instances in another transfer syntax (contract 3.2, rows 26 to 28).
. "$(dirname "$0")/web.sh"
require_program dcmcjpeg dcmdjpeg dcmdjpls dcmdrle perl
new_store
start_daemon
ELE=1.2.840.10008.1.2.1
J2K=1.2.840.10008.1.2.4.90
make_dcm "$tmp/a.dcm" SOPInstanceUID=2.25.1 Rows=16 Columns=16
{ head -c -44 "$tmp/a.dcm"; perl -e 'binmode STDOUT; print pack("vva2vV", 0x7FE0, 0x10, "OW", 0, 512), pack("v*", map { $_ * 11 } 0 .. 255)'; } >"$tmp/1.dcm"
dcmcjpeg +e1 "$tmp/1.dcm" "$tmp/2.dcm"
dcmodify --no-backup -m SOPInstanceUID=2.25.2 "$tmp/2.dcm"
dcmconv +ti "$tmp/1.dcm" "$tmp/3.dcm"
dcmodify --no-backup -m SOPInstanceUID=2.25.3 -m SeriesInstanceUID=2.25.5 "$tmp/3.dcm"
stow dicom-web "$tmp/1.dcm" "$tmp/2.dcm" "$tmp/3.dcm"
i=studies/2.25.1000/series/2.25.1000.100/instances
pixels() {
	dcmdump -q +L +P 7fe0,0010 "$1" | cut -d'#' -f1
}
# the data set but its pixels
rest() {
	dcmdump -q "$1" | grep '^(' | grep -vE '^\((0002|7fe0|fffe)'
}
want=$(pixels "$tmp/1.dcm")

request GET /v2/$i/2.25.2 -H "Accept: application/dicom; transfer-syntax=$ELE"
has_status "a JPEG instance uncompressed" 200
is "says so" "$(header Content-Type)" "application/dicom; transfer-syntax=$ELE"
cp "$body" "$tmp/out.dcm"
is "and is" "$(dcmdump +P 0002,0010 "$tmp/out.dcm" | grep -o '=LittleEndianExplicit')" "=LittleEndianExplicit"
is "with the pixels" "$(pixels "$tmp/out.dcm")" "$want"
is "the rest is as it was" "$(rest "$tmp/out.dcm")" "$(rest "$tmp/2.dcm")"
is "no temporary length: chunked" "$(header Transfer-Encoding)" chunked
request HEAD /v2/$i/2.25.2 -H "Accept: application/dicom; transfer-syntax=$ELE"
has_status "HEAD of a transcoded instance" 200
request GET /v2/$i/2.25.2 -H 'Accept: application/dicom'
is "the default syntax at v2 is uncompressed" "$(header Content-Type)" "application/dicom; transfer-syntax=$ELE"
request GET /v2/$i/2.25.2 -H "Accept: multipart/related; type=\"application/dicom\"; transfer-syntax=$J2K"
has_status "as JPEG 2000, multipart" 200
is "one part" "$(split_multipart "$tmp/j")" 1
is "its head" "$(tr -d '\r' <"$tmp/j/1.head")" "Content-Type: application/dicom; transfer-syntax=$J2K"
put=$(mktemp -p "$tmp")
cp "$tmp/j/1.dcm" "$put"
dcmodify --no-backup -m SOPInstanceUID=2.25.4 "$put"
put_file dicom-web "$put"
request GET /v2/$i/2.25.4 -H "Accept: application/dicom; transfer-syntax=$ELE"
cp "$body" "$tmp/back.dcm"
is "nothing is lost on the way" "$(pixels "$tmp/back.dcm")" "$want"
request DELETE /v2/$i/2.25.4

for x in 1.2.840.10008.1.2.4.50 1.2.840.10008.1.2.4.80 1.2.840.10008.1.2.5 1.2.840.10008.1.2 1.2.3; do
	request GET /v2/$i/2.25.2 -H "Accept: application/dicom; transfer-syntax=$x"
	has_status "v2 to $x" 406
done
request GET /dicom-web/$i/2.25.2 -H 'Accept: application/dicom; transfer-syntax=1.2.840.10008.1.2.4.80'
has_status "/dicom-web to JPEG-LS" 200
cp "$body" "$tmp/out.dcm"
dcmdjpls "$tmp/out.dcm" "$tmp/out2.dcm"
is "its pixels" "$(pixels "$tmp/out2.dcm")" "$want"
request GET /dicom-web/$i/2.25.1 -H 'Accept: application/dicom; transfer-syntax=1.2.840.10008.1.2.5'
cp "$body" "$tmp/out.dcm"
dcmdrle "$tmp/out.dcm" "$tmp/out2.dcm"
is "/dicom-web to RLE: its pixels" "$(pixels "$tmp/out2.dcm")" "$want"
request GET /dicom-web/$i/2.25.1 -H 'Accept: application/dicom; transfer-syntax=1.2.840.10008.1.2.4.50'
has_status "12 bits do not fit baseline JPEG" 406
says "which is said" 'eight bits'

request GET /v2/studies/2.25.1000 -H 'Accept: multipart/related; type="application/dicom"'
has_status "several instances in the default syntax at v2" 406
says "advises" 'transfer-syntax=\*'
request GET /v2/studies/2.25.1000/series/2.25.5 -H 'Accept: multipart/related; type="application/dicom"'
has_status "a series of one is transcoded at v2" 200
is "and is one part" "$(split_multipart "$tmp/one")" 1
is "implicit became explicit, and nothing else" "$(dcmdump +P 0002,0010 "$tmp/one/1.dcm" | grep -o '=.*Explicit') $(rest "$tmp/one/1.dcm")" \
	"=LittleEndianExplicit $(rest "$tmp/3.dcm")"
request GET /dicom-web/studies/2.25.1000 -H "Accept: multipart/related; type=\"application/dicom\"; transfer-syntax=$ELE"
has_status "/dicom-web transcodes all of a study" 200
is "all are parts" "$(split_multipart "$tmp/all")" 3
wrong=
for f in "$tmp"/all/*.dcm; do
	[ "$(pixels "$f")" = "$want" ] || wrong="$wrong $f"
done
is "with the same pixels" "$wrong" ""

make_large "$tmp/large.dcm" 110 512 1000
dcmconv +ti "$tmp/large.dcm" "$tmp/large-i.dcm"
rm "$tmp/large.dcm"
put_file v2 "$tmp/large-i.dcm"
rm "$tmp/large-i.dcm"
request GET /v2/$i/2.25.77 -H 'Accept: application/dicom'
has_status "a file over 100 MiB is not transcoded" 406
says "names the limit" '104857600'
says "and advises" 'transfer-syntax=\*'
request GET /v2/$i/2.25.77/rendered
has_status "nor rendered" 406
says "for the same reason" '104857600'
request GET /dicom-web/$i/2.25.77/frames/110/rendered
has_status "but at /dicom-web its frames are" 200
request GET /v2/$i/2.25.77/frames/110 -H 'Accept: application/octet-stream; transfer-syntax=*'
is "and given as stored anywhere" "$status $(head -c 2 "$body" | xxd -p) $(stat -c %s "$body")" "200 6e00 1024000"

# 157 MB come out of a small file, a frame at a time.
make_large "$tmp/long.dcm" 300 512 512
dcmcrle "$tmp/long.dcm" "$tmp/rle.dcm"
want=$(tail -c $((300 * 524288)) "$tmp/long.dcm" | cksum)
rm "$tmp/long.dcm"
dcmodify --no-backup -m SOPInstanceUID=2.25.76 "$tmp/rle.dcm"
put_file v2 "$tmp/rle.dcm"
got=$(curl -s -m 100 -H 'Accept: application/dicom' "$base/v2/$i/2.25.76" | tail -c $((300 * 524288)) | cksum)
is "a long object is transcoded whole" "$got" "$want"
peak=$(awk '/^VmHWM/ { print $2 }' "/proc/$daemon_pid/status")
if [ -n "$sanitizers" ]; then
	skip "in little memory" "sanitizers need their own"
else
	ok "in little memory ($peak KB at most)" test "$peak" -lt 120000
fi
done_testing
