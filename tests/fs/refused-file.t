#!/bin/bash
# What cannot be stored makes close() fail, says why, and leaves nothing.
. "$(dirname "$0")/mount.sh"

allow_log 'refused door=mount'
make_files "$tmp/in" 1 1000
start_mount
echo "no DICOM at all, of some length" >"$tmp/text"
head -c 900 "$tmp/in/00001.dcm" >"$tmp/cut"
: >"$tmp/empty"
queued() {
	[ "$(t grep -c . "$area/error-queue")" -eq "$1" ]
}

fails 1 "cp fails" t cp "$tmp/text" "$partition/text"
like "with EINVAL" "$(t cp "$tmp/text" "$partition/text" 2>&1)" 'Invalid argument'
like "why is an attribute of the name" "$(t getfattr --only-values -n user.dicomlake.error "$partition/text" 2>/dev/null)" 'not a DICOM file'
ok "and a line of the error-queue each time" wait_for "$patience" queued 2
like "that is JSON with the name" "$(t tail -n 1 "$area/error-queue" | jq -r '.door + " " + .name')" '^mount text$'
fails 1 "a truncated file" t cp "$tmp/cut" "$partition/"
fails 1 "cat > " t sh -c "cat $tmp/text > $partition/cat"
fails 1 "dd" t dd if="$tmp/text" of="$partition/dd" status=none
fails 1 "mv keeps its source" t mv "$tmp/cut" "$partition/moved"
ok "it is there still" test -s "$tmp/cut"
fails 1 "cp -r goes on after it" t cp -r "$tmp/text" "$tmp/in" "$partition/"
is "and stores the good one" "$(files_in "$partition" | wc -l)" 1
ok "an empty file is no error" t cp "$tmp/empty" "$partition/empty"
ok "nor is touch" t touch "$partition/touched"
is "neither is stored or listed" "$(t ls "$partition")" 2.25.4242
ok "nothing stays in staging" wait_for "$patience" staging_is_empty
fails 1 "a refused file reads as nothing" t cat "$partition/text"
ok "a good one takes its name" t cp "$tmp/in/00001.dcm" "$partition/text"
ok "and reads" t cmp "$tmp/in/00001.dcm" "$partition/text"
fails 1 "its error has gone" t getfattr -n user.dicomlake.error "$partition/text"
done_testing
