#!/bin/bash
# Check finds what does not agree and mends it; delete removes what it is told to.
. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
require_program jq
new_store
mkdir "$tmp/in"
for i in 1 2 3 4 5 6; do
	make_dcm "$tmp/in/$i.dcm" "StudyInstanceUID=2.25.5$((i % 2))" "SeriesInstanceUID=2.25.5$((i % 2)).$((i > 4))"
done
lake import "$store" "$tmp/in" --quiet || bail "import"

file_of() { find "$store/AHDS" -name "2.25.1000.$1.dcm"; }
findings() { lake check "$store" "$@" --json 2>/dev/null | jq -r '.findings[].finding' | sort | xargs; }
count() { lake status "$store" --json | jq -r ".$1"; }

ok "a sound store has no findings" lake check "$store" --verify

rm "$(file_of 1)"
is "a missing file is found" "$(findings)" file-missing
fails 1 "and is exit status 1" lake check "$store"
make_dcm "$tmp/x.dcm" SOPInstanceUID=2.25.1000.77
mkdir -p "$store/AHDS/default/dicom/dicom/Microsoft.Default/2.25.1000/2.25.1000.100"
cp "$tmp/x.dcm" "$store/AHDS/default/dicom/dicom/Microsoft.Default/2.25.1000/2.25.1000.100/2.25.1000.77.dcm"
is "so is a file nobody knows" "$(findings)" "file-missing file-unknown"
f=$(file_of 2)
printf 'Z' | dd of="$f" bs=1 seek=$(($(stat -c %s "$f") - 1)) conv=notrunc status=none
is "a changed byte is found by --verify" "$(findings --verify)" "file-changed file-missing file-unknown"
ok "--repair mends" lake check "$store" --repair --verify
ok "and nothing is left" lake check "$store" --verify
is "the unknown file is in" "$(lake query "$store" instance SOPInstanceUID=2.25.1000.77 --json | jq length)" 1
is "the lost one is out" "$(lake query "$store" instance SOPInstanceUID=2.25.1000.1 --json | jq length)" 0
is "counts agree" "$(count instances)" 6

before=$(lake query "$store" instance --json | jq -S 'sort_by(.["00080018"].Value[0])')
ok "--rebuild makes the index from the files" lake check "$store" --rebuild
is "with the same rows" "$(lake query "$store" instance --json | jq -S 'sort_by(.["00080018"].Value[0])')" "$before"
rm -rf "$store/index"/*
ok "even when there is none" lake check "$store" --rebuild
is "with the same rows again" "$(lake query "$store" instance --json | jq -S 'sort_by(.["00080018"].Value[0])')" "$before"

is "delete an instance" "$(lake delete "$store" 2.25.50/2.25.50.0/2.25.1000.4 --json)" '{"deleted":1}'
ok "its file goes" test -z "$(file_of 4)"
fails 1 "it cannot go twice" lake delete "$store" 2.25.50/2.25.50.0/2.25.1000.4
fails 1 "an unknown study" lake delete "$store" 2.25.4711
fails 2 "no UID" lake delete "$store" ../../etc
fails 2 "too many" lake delete "$store" 1/2/3/4
n=$(lake query "$store" instance StudyInstanceUID=2.25.51 --json | jq length)
is "delete a study" "$(lake delete "$store" 2.25.51 --json)" "{\"deleted\":$n}"
ok "its folder goes" test ! -e "$store/AHDS/default/dicom/dicom/Microsoft.Default/2.25.51"
is "the others stay" "$(lake query "$store" --json | jq length)" "$(count studies)"
ok "check finds nothing" lake check "$store" --verify
done_testing
