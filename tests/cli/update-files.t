#!/bin/bash
# What an update makes of a file: its transfer syntax and all other elements stay, and no text is lost in its character set.
. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
require_program jq dcmconv dcmdump
new_store
disk=$store/AHDS/default/dicom/dicom/Microsoft.Default
n=0

# take FILE: into a study of its own; sets $study and $at.
take() {
	n=$((n + 1))
	study=2.25.7$n
	at=$disk/$study/2.25.8$n/2.25.9$n.dcm
	dcmodify --no-backup -i StudyInstanceUID="$study" -i SeriesInstanceUID="2.25.8$n" -i SOPInstanceUID="2.25.9$n" "$1" 2>/dev/null
	lake import --quiet "$store" "$1"
}
# rest FILE: all of the data set but PatientName and what tells how it was written.
rest() {
	dcmdump +L "$1" | grep '^ *(' | grep -v '^(0002,\|^(0010,0010)\|^(0008,0005)'
}
value() {
	dcmdump +P "$1" "$2" | sed 's/.*\[\(.*\)\].*/\1/'
}
xfer() {
	value 0002,0010 "$1" | sed 's/.*=\([A-Za-z0-9]*\).*/\1/'
}

make_dcm "$tmp/plain.dcm" PatientName=Old^Name
for syntax in +te +ti +tb +td; do
	dcmconv $syntax "$tmp/plain.dcm" "$tmp/x$syntax.dcm"
	take "$tmp/x$syntax.dcm"
	before=$(xfer "$at")
	rest "$at" >"$tmp/before"
	ok "$syntax: is updated" lake update "$store" "$study" PatientName=New^Name^Longer OtherPatientIDs='A\B'
	is "$syntax: has the name" "$(value PatientName "$at")" 'New^Name^Longer'
	is "$syntax: and what was not there, in its place" "$(value 0010,1000 "$at") $(dcmdump "$at" | grep -c '^(0010,1000)')" 'A\B 1'
	rest "$at" | grep -v '^(0010,1000)' >"$tmp/after"
	ok "$syntax: all else stays" cmp "$tmp/before" "$tmp/after"
	case $syntax in
	+td) is "$syntax: is inflated" "$(xfer "$at")" "$(xfer "$tmp/plain.dcm")" ;;
	*) is "$syntax: its syntax stays" "$(xfer "$at")" "$before" ;;
	esac
done

# charset TERM [PAIR...]: a file that declares it.
charset() {
	local term=$1 changes=() pair
	shift
	for pair; do
		changes+=(-i "$pair")
	done
	cp "$tmp/plain.dcm" "$tmp/c.dcm"
	if [ -n "$term" ]; then
		changes=(-i "SpecificCharacterSet=$term" "${changes[@]}")
	else
		changes=(-ea SpecificCharacterSet "${changes[@]}")
	fi
	dcmodify --no-backup "${changes[@]}" "$tmp/c.dcm" 2>/dev/null
	take "$tmp/c.dcm"
}
name_in_index() {
	lake query --json "$store" StudyInstanceUID="$study" | jq -r '.[0]["00100010"].Value[0].Alphabetic'
}
raw() {
	dcmdump +P PatientName "$at" | od -An -tx1 | tr -d ' \n' | grep -o '4dfc6c6c6572\|4dc3bc6c6c6572'
}

charset 'ISO_IR 100'
ok "Latin-1 has an umlaut" lake update "$store" "$study" PatientName='Müller^Ä'
is "it is written so" "$(value SpecificCharacterSet "$at") $(raw)" 'ISO_IR 100 4dfc6c6c6572'
is "and read" "$(name_in_index)" 'Müller^Ä'
ok "but no Polish one" lake update "$store" "$study" PatientName='Wałęsa^Lech'
is "so the file becomes UTF-8" "$(value SpecificCharacterSet "$at") $(name_in_index)" 'ISO_IR 192 Wałęsa^Lech'
charset ''
ok "a file that declares nothing" lake update "$store" "$study" PatientName='Müller^Ä'
is "becomes UTF-8" "$(value SpecificCharacterSet "$at") $(raw)" 'ISO_IR 192 4dc3bc6c6c6572'
charset 'ISO_IR 100' "StudyDescription=$(printf 'Sch\344del')"
rest "$at" >"$tmp/before"
fails 1 "one with another text that needs its set" lake update "$store" "$study" PatientName='山田^太郎'
like "fails, and says of which" "$(cat "$tmp/.ok.out")" '\(0010,0010\): the Specific Character Set'
rest "$at" >"$tmp/after"
ok "nothing of it is changed" cmp "$tmp/before" "$tmp/after"
ok "unless that text is changed, too" lake update "$store" "$study" PatientName='山田^太郎' StudyDescription=頭
is "both are kept" "$(lake query --json "$store" StudyInstanceUID="$study" | jq -r '.[0] | ."00100010".Value[0].Alphabetic + " " + ."00081030".Value[0]')" '山田^太郎 頭'
charset 'ISO_IR 144'
ok "Cyrillic" lake update "$store" "$study" PatientName='Иванов^Иван'
is "in its own set" "$(value SpecificCharacterSet "$at") $(name_in_index)" 'ISO_IR 144 Иванов^Иван'
charset GB18030
ok "Chinese" lake update "$store" "$study" PatientName='王^小东'
is "in its own set" "$(value SpecificCharacterSet "$at") $(name_in_index)" 'GB18030 王^小东'
ok "check finds nothing" lake check --verify "$store"
done_testing
