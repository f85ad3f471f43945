#!/bin/bash
# What is wrong with an instance, at each version: what is refused, what is stored with a warning,
# and what then is shown of it (contract 2.5 to 2.9; rows 16 to 22 of section 19).
. "$(dirname "$0")/web.sh"
new_store
start_daemon

# edit FILE WHAT...: a valid instance, changed by dcmodify
edit() {
	local file=$1
	shift
	make_dcm "$file" SOPInstanceUID=2.25.1
	dcmodify --no-backup "$@" "$file" >&2 || bail "dcmodify failed: $*"
}
failure() {
	json '."00081198".Value[0]."00081197".Value[0]'
}
warning() {
	json '."00081199".Value[0]."00081196".Value[0]'
}
comments() {
	json "[.\"${1:-00081199}\".Value[0].\"00741048\".Value[]?.\"00000902\".Value[0]] | join(\"; \")"
}
metadata() {
	request GET "/$1/studies/2.25.1000/metadata" -H "$J"
	json "$2"
}
remove() {
	request DELETE /v2/studies/2.25.1000
}

for tag in 0008,0016 0008,0018 0020,000d 0020,000e 0010,0020; do
	edit "$tmp/a.dcm" -ea "($tag)"
	for v in v1 v2; do
		put_file $v "$tmp/a.dcm"
		has_status "row 16: $v without ($tag)" 409
		is "row 16: is a failure" "$(failure)" 43264
		like "row 16: that names it" "$(comments 00081198)" "^DICOM100: \\($tag\\) - "
	done
done

edit "$tmp/a.dcm" -m StudyDate=x
put_file v1 "$tmp/a.dcm"
has_status "row 17: a bad date at v1" 409
is "row 17: is a failure" "$(failure)" 43264
is "row 17: that names the attribute" "$(comments 00081198)" "DICOM100: (0008,0020) - not a date"
put_file v2 "$tmp/a.dcm"
has_status "row 18: at v2 it is stored" 202
is "row 18: with a warning" "$(warning)" 1
is "row 18: that names the attribute" "$(comments)" "DICOM100: (0008,0020) - not a date"
is "row 18: metadata lacks it" "$(metadata v2 '.[0] | has("00080020"), has("00080030")' | tr '\n' ' ')" "false true "
request GET /v2/studies/2.25.1000/series/2.25.1000.100/instances/2.25.1 -H "$AS_STORED"
ok "row 18: the file has it" cmp "$body" "$tmp/a.dcm"
request GET '/v2/studies?StudyDate=20240102' -H "$J"
has_status "row 18: it is not searched" 204
request GET '/v2/studies?PatientID=TEST1&includefield=StudyDate' -H "$J"
is "row 18: nor given by a search" "$(json '.[0] | has("00080020")')" false
make_dcm "$tmp/b.dcm" SOPInstanceUID=2.25.2
put_file v2 "$tmp/b.dcm"
has_status "a good one of the same study" 200
is "has no warning and an empty list" "$(json '."00081199".Value[0] | has("00081196"), ."00741048" | tojson' | tr '\n' ' ')" \
	'false {"vr":"SQ"} '
request GET '/v2/studies?StudyDate=20240102' -H "$J"
has_status "and its value is what a search finds" 200
remove

edit "$tmp/a.dcm" -m PatientID=
put_file v1 "$tmp/a.dcm"
has_status "row 19: no value of PatientID at v1" 409
put_file v2 "$tmp/a.dcm"
has_status "row 19: at v2" 202
is "row 19: is a warning" "$(warning) $(comments)" "1 DICOM100: (0010,0020) - missing"
remove

make_dcm "$tmp/a.dcm" SOPInstanceUID=2.25.1
dcmconv +ti "$tmp/a.dcm" "$tmp/implicit.dcm"
put_file v1 "$tmp/implicit.dcm"
has_status "row 20: implicit VR at v1" 200
is "row 20: is a warning" "$(warning)" 45063
remove
edit "$tmp/a.dcm" -m StudyDate=x
dcmconv +ti "$tmp/a.dcm" "$tmp/implicit.dcm" 2>/dev/null
put_file v2 "$tmp/implicit.dcm"
is "row 20: which wins at v2" "$status $(warning) $(comments)" "202 45063 DICOM100: (0008,0020) - not a date"
remove

make_dcm "$tmp/a.dcm" SOPInstanceUID=2.25.1
{ head -c 128 /dev/zero | tr '\0' x; tail -c +129 "$tmp/a.dcm"; } >"$tmp/preamble.dcm"
put_file v2 "$tmp/preamble.dcm"
request GET /v2/studies/2.25.1000/series/2.25.1000.100/instances/2.25.1 -H "$AS_STORED"
ok "row 21: the preamble is zeros, the rest as it was" cmp "$body" "$tmp/a.dcm"
remove

head -c 3000 /dev/urandom >"$tmp/noise"
put_file v2 "$tmp/noise"
is "row 22: what cannot be read" "$status $(json '."00081198".Value | tojson')" \
	'409 [{"00081197":{"vr":"US","Value":[43264]}}]'

make_dcm "$tmp/a.dcm" SOPInstanceUID=2.25.1
edit "$tmp/b.dcm" -m StudyDate=x -m SOPInstanceUID=2.25.2
stow v1 "$tmp/a.dcm" "$tmp/b.dcm"
is "v1 tells failures beside what is stored" "$status $(failure) $(json '."00081199".Value | length')" "202 43264 1"
remove

edit "$tmp/a.dcm" -m 'Modality=ct' -m 'PatientSex=female' -i '(0018,0050)=5,0' \
	-i '(0040,0275)[0].(0040,0007)=a' -i '(0040,0275)[0].(0008,0100)=ABCDEFGHIJKLMNOPQ' \
	-i '(0040,0275)[1].(0008,0100)=ABCDEFGHIJKLMNOPQ'
put_file v2 "$tmp/a.dcm"
is "every attribute at every level, once" "$(comments | sed 's/DICOM100: //g; s/ - [^;]*//g')" \
	"(0008,0060); (0008,0100); (0010,0040); (0018,0050)"
is "those at the top are dropped, the others stay" \
	"$(metadata v2 '.[0] | has("00080060"), has("00100040"), has("00180050"), (."00400275".Value | length)' | tr '\n' ' ')" \
	"false false false 2 "
remove
put_file v1 "$tmp/a.dcm"
is "v1 does not mind what is not indexed" "$status $(warning)" "200 null"
remove
put_file dicom-web "$tmp/a.dcm"
is "nor does /dicom-web, whatever it is" "$status $(metadata dicom-web '.[0]."00080060".Value[0]')" "200 ct"
remove

edit "$tmp/a.dcm" -m 'AccessionNumber=A1\A2'
put_file v1 "$tmp/a.dcm"
has_status "several values of an indexed attribute at v1" 200
like "are told in a header" "$(header Warning)" "^299 ${base#http://}: \".*first.*\"$"
request GET '/v1/studies?AccessionNumber=A1' -H "$J"
has_status "the first is found" 200
request GET '/v1/studies?AccessionNumber=A2' -H "$J"
has_status "the second is not" 204
remove
put_file v2 "$tmp/a.dcm"
is "v2 tells it of PatientID only" "$status $(header Warning)" "200 "
remove
edit "$tmp/a.dcm" -m 'PatientID=A\B'
put_file v2 "$tmp/a.dcm"
like "which it does" "$(header Warning)" '^299 '
remove

edit "$tmp/a.dcm" -m StudyInstanceUID=2.25.01000
put_file v2 "$tmp/a.dcm"
is "a UID that breaks the full rules only" "$status $(comments)" \
	"202 DICOM100: (0020,000d) - a component of a UID begins with 0"
request GET /v2/studies/2.25.01000/metadata -H "$J"
is "stays in the metadata" "$(json '.[0]."0020000D".Value[0]')" 2.25.01000
request DELETE /v2/studies/2.25.01000

edit "$tmp/a.dcm" -i NumberOfFrames=1.0
put_file v2 "$tmp/a.dcm"
is "a number of frames that is no integer" "$status $(comments)" "202 DICOM100: (0028,0008) - not an integer"
request GET /v2/studies/2.25.1000/series/2.25.1000.100/instances/2.25.1/frames/1 \
	-H 'Accept: application/octet-stream; transfer-syntax=*'
has_status "leaves the frames where they are" 200
remove

# trailing NULs: validated without them, kept in metadata, found with and without
make_dcm "$tmp/a.dcm" SOPInstanceUID=2.25.1 AccessionNumber=PADDED0123
LC_ALL=C sed 's/PADDED0123/PADDED\x00\x00\x00\x00/' "$tmp/a.dcm" >"$tmp/nul.dcm"
put_file v2 "$tmp/nul.dcm"
has_status "a value padded with NUL has no warning" 200
is "and is kept as it is" "$(metadata v2 '.[0]."00080050".Value[0]')" "$(printf 'PADDED')$(jq -rn '"\u0000\u0000\u0000\u0000"' | tr -d '\0')"
is "NULs and all" "$(metadata v2 '.[0]."00080050".Value[0] | length')" 10
request GET '/v2/studies?AccessionNumber=PADDED' -H "$J"
has_status "a search without them finds it" 200
request GET '/v2/studies?AccessionNumber=PADDED+' -H "$J"
has_status "and one with a space" 200
remove

METHOD=PUT stow v2 "$tmp/nul.dcm"
has_status "row 11: PUT of a new one" 200
make_dcm "$tmp/a.dcm" SOPInstanceUID=2.25.1 AccessionNumber=NEW
METHOD=PUT stow v2 "$tmp/a.dcm"
has_status "row 11: PUT of another in its place" 200
is "row 11: replaces it" "$(metadata v2 '.[0]."00080050".Value[0]')" NEW
edit "$tmp/b.dcm" -m StudyDate=x
METHOD=PUT stow v2 "$tmp/b.dcm"
is "row 11: and is validated as POST is" "$status $(warning)" "202 1"
METHOD=PUT stow v1 "$tmp/b.dcm"
is "row 11: at v1 too" "$status $(failure)" "409 43264"

remove
edit "$tmp/a.dcm" -m PatientSex=female
put_file v2 "$tmp/a.dcm"
stop_daemon
if getfattr -n user.dicomlake.rules "$(find "$store/AHDS" -name '*.dcm')" >/dev/null 2>&1; then
	lake check "$store" --rebuild 2>/dev/null
	start_daemon
	is "what was dropped stays out of an index made again" "$(metadata v2 '.[0] | has("00100040"), has("00100020")' | tr '\n' ' ')" \
		"false true "
else
	skip "what was dropped stays out of an index made again" "no extended attributes where the store is, or no getfattr"
fi
done_testing
