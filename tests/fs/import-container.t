#!/bin/bash
# What is put into the import-container is stored; what cannot be is in the error-container, with a report.
. "$(dirname "$0")/mount.sh"

allow_log 'refused door=(import|mount)'
make_files "$tmp/in/deep/er" 6 2000 1
src=$tmp/in/deep/er
echo "no DICOM at all, of some length" >"$tmp/text"
start_mount
import=$area/import-container
errors=$area/error-container

is "the area lists its parts" "$(t ls "$area" | tr '\n' ' ')" "error-container error-queue import-container import-queue "
stored() {
	cmp "$src/0000$1.dcm" "$partition/2.25.4242/2.25.4242.$1/2.25.4242.9.$1.dcm"
}

ok "a file of any name is stored" t cp "$src/00001.dcm" "$import/what ever"
ok "in the default partition" stored 1
is "and vanishes" "$(t ls -A "$import")" ""
ok "its name resolves still" t cmp "$src/00001.dcm" "$import/what ever"
is "one line of the import-queue" "$(t jq -r '.type + " " + .subject + " " + (.data.contentLength | tostring)' "$area/import-queue")" \
	"Microsoft.Storage.BlobCreated /blobServices/default/containers/import-container/blobs/what ever $(stat -c %s "$src/00001.dcm")"

t mkdir -p "$import/a/b"
is "directories are listed while nothing came" "$(t ls "$import")" a
ok "a file at any depth" t cp -p "$src/00002.dcm" "$import/a/b/x"
ok "is stored" stored 2
is "and its directories vanish" "$(t ls -A "$import")" ""

ok "close() of what is refused succeeds" t cp "$tmp/text" "$import/bad"
ok "it lies in the error-container" t cmp "$tmp/text" "$errors/bad"
is "with a report" "$(t jq -r '[.path, .status, .failureReason, .errors[0]] | map(tostring) | join("|")' "$errors/bad.error.json")" \
	"bad|409|43264|DICOM100: not a DICOM file: too short"
is "that is the line of the error-queue" "$(t tail -n 1 "$area/error-queue")" "$(t cat "$errors/bad.error.json")"
is "they are listed" "$(t ls "$errors" | tr '\n' ' ')" "bad bad.error.json "
ok "the written name reads as what was written" t cmp "$tmp/text" "$import/bad"
like "and says why" "$(t getfattr --only-values -n user.dicomlake.error "$import/bad" 2>/dev/null)" 'not a DICOM file'
is "import-queue has a line of each file" "$(t jq -r .subject "$area/import-queue" | sed 's,.*/blobs/,,' | tr '\n' ' ')" "what ever a/b/x bad "

ok "the same instance again is no error" t cp "$src/00001.dcm" "$import/same"
ok "and is not kept" not t test -e "$errors/same"
make_files "$tmp/other-bytes" 1 300
ok "one with other bytes is refused, as POST does" t cp "$tmp/other-bytes/00001.dcm" "$import/again"
is "with its reason" "$(t jq .failureReason "$errors/again.error.json")" 45070
ok "and kept" t cmp "$tmp/other-bytes/00001.dcm" "$errors/again"

echo "something else, but no DICOM" >"$tmp/other"
ok "a name that is taken" t cp "$tmp/other" "$import/bad"
ok "is replaced: the latest wins" t cmp "$tmp/other" "$errors/bad"
ok "below a directory" t sh -c "mkdir -p '$import/d/e' && cp '$tmp/text' '$import/d/e/f'"
ok "it has the same relative name" t cmp "$tmp/text" "$errors/d/e/f"
is "and the directory of it has gone" "$(t ls -A "$import")" ""
t cp "$tmp/text" "$import/e"
ok "a file" t sh -c "mkdir -p '$import/n' && cp '$tmp/text' '$import/n/f' && rm -r '$import/n' && cp '$tmp/other' '$import/n'"
ok "in the place of a directory" t cmp "$tmp/other" "$errors/n"
ok "a directory" t sh -c "rm '$import/n' && mkdir '$import/n' && cp '$tmp/text' '$import/n/g'"
ok "in the place of a file" t cmp "$tmp/text" "$errors/n/g"

t mkdir "$import/late"
exec 9>"$import/late/f"
{ sleep 0.05; } 9>&- &
closes=$!
t rmdir "$import/late" 9>&- &
removes=$!
wait $closes
exec 9>&-
ok "rmdir waits for what is just being closed" wait $removes
t mkdir "$import/late"
exec 9>"$import/late/f"
fails 1 "but not for what stays open" t rmdir "$import/late" 9>&-
exec 9>&-
ok "until that is closed" t rmdir "$import/late"

ok "what a tool renames has its new name" t sh -c "cp '$tmp/text' '$import/.tmp1' && mv '$import/.tmp1' '$import/final'"
ok "in the error-container" wait_for "$patience" t cmp "$tmp/text" "$errors/final"
is "and in its report" "$(t jq -r '.path + " " + .name' "$errors/final.error.json")" "final final"
fails 2 "the old one is not there" t ls "$errors/.tmp1" "$errors/.tmp1.error.json"

# Written in two pieces, with a close() between: judged at the end.
ok "a file that is written by several programs" t sh -c "{ head -c 700 '$src/00003.dcm'; tail -c +701 '$src/00003.dcm'; } >'$import/pieces'"
ok "is stored" stored 3
fails 2 "and not refused" t ls "$errors/pieces"
ok "not a line says so" not grep -q pieces "$area/error-queue"

ok "an empty file is nothing" t touch "$import/empty"
fails 2 "and not refused" t ls "$errors/empty"
fails 1 "a name that leaves no room for its report is refused" t cp "$src/00004.dcm" "$import/$(printf '%0241d' 0)"
ok "one that does is not" t cp "$src/00004.dcm" "$import/$(printf '%0240d' 0)"
ok "and is stored" stored 4

# A directory above is renamed while a file is open: its path cannot be said any more.
long=$(printf '%0240d' 0 | tr 0 d)
deep=$import/$long/$long/$long/$long
t mkdir -p "$deep" "$import/up/${long:0:100}"
exec 7>"$import/up/${long:0:100}/lost"
cat "$tmp/text" >&7
ok "a directory moves down while a file in it is written" t mv "$import/up" "$deep/up"
exec 7>&-
ok "which is kept by its name alone" t cmp "$tmp/text" "$errors/lost"
fails 1 "a path that is too long is refused" t mkdir "$deep/${long:0:100}"
t rm -r "$import/$long"

ok "other tools too: tar x" t sh -c "tar -cf - -C '$tmp' in text | tar -xf - -C '$import'"
ok "rsync -a" t rsync -a "$tmp/in" "$tmp/text" "$import/r/"
ok "its temporary names are none" wait_for "$patience" t cmp "$tmp/text" "$errors/r/text"
is "those of rsync" "$(t find "$errors" -mindepth 1 -name ".*")" ""
is "it was refused once" "$(grep -c '"path":"r/text"' "$area/error-queue")" 1
ok "everything good is stored" sh -c "[ $(files_in "$partition" | wc -l) -eq 6 ]"
is "nothing is left in the import-container" "$(t find "$import" -mindepth 1)" ""

fails 1 "nothing is written into the error-container" t cp "$tmp/text" "$errors/mine"
fails 1 "nor made" t mkdir "$errors/mine"
fails 2 "nor opened for writing" t sh -c "echo x >> '$errors/bad'"
fails 1 "nor renamed" t mv "$errors/bad" "$errors/good"
make_files "$tmp/late" 7 2000 1
t cp "$tmp/text" "$import/back"
ok "it can be moved out" t mv "$errors/back" "$tmp/back"
ok "whole" cmp "$tmp/back" "$tmp/text"
ok "or back, to try again" t mv "$errors/again" "$import/retry"
ok "which refuses it again" t cmp "$tmp/other-bytes/00001.dcm" "$errors/retry"
ok "and removed" t rm "$errors/bad" "$errors/bad.error.json"
fails 2 "it has gone" t ls "$errors/bad"

sums_before=$(sums "$errors")
stop_daemon
start_mount
is "everything else is there after a restart" "$(sums "$errors")" "$sums_before"
is "the queue too" "$(t jq -s length "$area/import-queue")" "$(grep -c . "$store/import/import-queue")"
make_files "$tmp/later" 7 400 1
ok "two that are stored at the same time" t sh -c "cp '$tmp/late/00007.dcm' '$import/one' & cp '$tmp/later/00007.dcm' '$import/two'; wait"
stored_one() {
	cmp -s "$1/00007.dcm" "$partition/2.25.4242/2.25.4242.7/2.25.4242.9.7.dcm"
}
ok "one of them is" eval 'stored_one "$tmp/late" || stored_one "$tmp/later"'
ok "the other is refused" wait_for "$patience" sh -c "ls '$errors/one' '$errors/two' 2>/dev/null | wc -l | grep -qx 1"
ok "rm -r of all of it" t find "$errors" -mindepth 1 -delete
is "leaves nothing" "$(find "$store/import/error-container" -mindepth 1)" ""
ok "nothing stays in staging" wait_for "$patience" staging_is_empty
ok "check finds nothing" beside check --verify "$store"
done_testing
