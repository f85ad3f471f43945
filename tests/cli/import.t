#!/bin/bash
# Import: folders, refusals, repeats, and what a script reads.
. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
require_program jq
new_store

count() { lake status "$store" --json | jq -r ".$1"; }

mkdir -p "$tmp/in/deep/er" "$tmp/in/.hidden"
make_dcm "$tmp/in/a.dcm"
make_dcm "$tmp/in/deep/b"
make_dcm "$tmp/in/deep/er/c.dcm" StudyInstanceUID=2.25.77 SeriesInstanceUID=2.25.77.1
make_dcm "$tmp/in/.hidden/d.dcm"
ok "a folder goes in" lake import "$store" "$tmp/in"
is "with all that is below it" "$(count instances)" 4
is "in its studies" "$(count studies)" 2
is "again: nothing changes" "$(lake import "$store" "$tmp/in" | sed 's/;.*//')" \
	"0 stored, 0 replaced, 4 unchanged, 0 refused, 0 skipped"
is "no bytes stored twice" "$(count sequence)" 4
cmp_stored() { cmp "$1" "$(find "$store/AHDS" -name "$2.dcm")"; }
ok "the bytes are the file's" cmp_stored "$tmp/in/deep/er/c.dcm" 2.25.1000.3

# Refusals
echo text >"$tmp/in/readme.txt"
printf 'x\nforged: line' >"$tmp/in/$(printf 'evil\nname\033[31m')"
: >"$tmp/in/empty"
make_dcm "$tmp/in/other.dcm" SOPInstanceUID=2.25.1000.1 PatientName=Other
ln -s /etc/passwd "$tmp/in/link"
mkfifo "$tmp/in/fifo"
lake import "$store" "$tmp/in" >"$tmp/out" 2>"$tmp/err"
is "a refusal is exit status 1" $? 1
is "the summary counts it" "$(sed 's/;.*//' "$tmp/out")" "0 stored, 0 replaced, 4 unchanged, 6 refused, 0 skipped"
is "one line for each" "$(wc -l <"$tmp/err")" 6
ok "with the reason" grep -q 'readme.txt: not a DICOM file' "$tmp/err"
ok "other bytes of the same instance are refused" grep -q 'other.dcm: the instance is there already' "$tmp/err"
ok "links are not followed" grep -q 'link: a symbolic link' "$tmp/err"
ok "a pipe is not waited for" grep -q 'fifo: not a regular file' "$tmp/err"
fails 1 "names cannot drive the terminal" grep -q "$(printf '\033')" "$tmp/err"
is "the old bytes are still there" "$(lake query "$store" PatientName=Other --json)" "[]"
ok "refused files leave nothing in staging" test -z "$(find "$store/staging" -type f ! -name '*lock')"

lake import "$store" "$tmp/in" --json >"$tmp/json" 2>/dev/null
is "JSON lists the refusals" "$(jq '.refused, (.refusals | length)' "$tmp/json" | xargs)" "6 6"
is "JSON names the file as it is" "$(jq -r '.refusals[].path | select(contains("evil"))' "$tmp/json")" \
	"$tmp/in/$(printf 'evil\nname\033[31m')"
is "JSON names the instance" "$(jq -r '.refusals[] | select(.path | endswith("other.dcm")).sopInstanceUid' "$tmp/json")" 2.25.1000.1

rm "$tmp/in/link" "$tmp/in/fifo" "$tmp/in/other.dcm"
is "--skip-foreign passes over what is not DICOM" "$(lake import "$store" "$tmp/in" --skip-foreign | sed 's/;.*//')" \
	"0 stored, 0 replaced, 4 unchanged, 0 refused, 3 skipped"

make_dcm "$tmp/new.dcm" SOPInstanceUID=2.25.1000.1 PatientName=Newer
is "--replace puts new bytes in place" "$(lake import "$store" "$tmp/new.dcm" --replace | sed 's/;.*//')" \
	"0 stored, 1 replaced, 0 unchanged, 0 refused, 0 skipped"
ok "the new bytes are there" cmp_stored "$tmp/new.dcm" 2.25.1000.1
is "still four instances" "$(count instances)" 4

ok "another partition" lake import "$store" "$tmp/new.dcm" --partition clinic-A --quiet
is "is its own" "$(count partitions) $(lake query "$store" --partition clinic-A --json | jq length)" "2 1"
for name in a/b .. ../../x ''; do
	fails 2 "no partition can be called '$name'" lake import "$store" "$tmp/new.dcm" --partition "$name"
done
fails 1 "a path that is not there" lake import "$store" "$tmp/none"
lake import "$store" "$tmp" >/dev/null 2>"$tmp/err"
ok "the store is not imported into itself" grep -q 'the store itself' "$tmp/err"
is "and nothing more is in it" "$(count instances)" 6
ok "check finds nothing" lake check "$store" --verify
done_testing
