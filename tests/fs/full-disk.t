#!/bin/bash
# A full disk is ENOSPC at write() or close(); the lake stays readable and takes files again when there is room.
. "$(dirname "$0")/mount.sh"

allow_log 'refused door=(mount|import)|No space left|no space left'
mkdir "$tmp/disk"
mount -t tmpfs -o size=24m tmpfs "$tmp/disk" 2>/dev/null || skip_all "cannot mount a tmpfs"
at_exit umount -l "$tmp/disk"
make_files "$tmp/in" 30 1000000
store=$tmp/disk/store
start_mount
stored=0
for ((i = 1; i <= 30; i++)); do
	t cp "$tmp/in/$(printf %05d "$i").dcm" "$partition/" 2>"$tmp/cp.err" || break
	stored=$i
done
ok "the disk fills up ($stored files)" test "$stored" -gt 3 -a "$stored" -lt 30
like "and cp is told so" "$(cat "$tmp/cp.err")" 'No space left on device'
is "what was stored before is there" "$(t ls "$partition/2.25.4242/2.25.4242.1" | wc -l)" "$stored"
is "whole" "$(sums "$partition")" "$(for ((i = 1; i <= stored; i++)); do sha256sum "$tmp/in/$(printf %05d "$i").dcm"; done | awk '{ print $1 }' | sort)"
ok "nothing is left of the one that did not fit" wait_for "$patience" staging_is_empty
ok "room is made by rm" t rm "$partition/2.25.4242/2.25.4242.1/2.25.4242.9.1.dcm" "$partition/2.25.4242/2.25.4242.1/2.25.4242.9.2.dcm"
ok "and files go in again" t cp "$tmp/in/00030.dcm" "$partition/"
ok "stored" t cmp "$tmp/in/00030.dcm" "$partition/2.25.4242/2.25.4242.1/2.25.4242.9.30.dcm"

# In the import-container: what does not fit is not kept, what fits is, whole.
import=$area/import-container
head -c 500000 "$tmp/in/00001.dcm" >"$tmp/cut"
ok "what is refused is kept" t cp "$tmp/cut" "$import/first"
for ((i = 1; i <= 60; i++)); do
	t cp "$tmp/cut" "$import/cut$i" 2>"$tmp/cp.err" || break
done
ok "until the disk is full ($i)" test "$i" -gt 1 -a "$i" -lt 60
like "cp is told so" "$(cat "$tmp/cp.err")" 'No space left on device'
whole() {
	local file
	for file in "$area"/error-container/*[0-9]; do
		cmp "$file" "$tmp/cut" || return 1
	done
}
ok "all that lie in the error-container are whole" whole
fails 2 "the last one is not among them" t ls "$area/error-container/cut$i"
ok "the queues hold whole lines only" sh -c "jq -es length '$area/error-queue' '$area/import-queue'"
ok "nothing is left in staging" wait_for "$patience" staging_is_empty
ok "the lake is readable" t cmp "$tmp/in/00030.dcm" "$partition/2.25.4242/2.25.4242.1/2.25.4242.9.30.dcm"
ok "room is made in the error-container" t find "$area/error-container" -mindepth 1 -delete
ok "and files go in again" t cp "$tmp/in/00029.dcm" "$import/"
ok "and are stored" t cmp "$tmp/in/00029.dcm" "$partition/2.25.4242/2.25.4242.1/2.25.4242.9.29.dcm"
ok "or refused" t cp "$tmp/cut" "$import/again"
ok "and kept" t cmp "$tmp/cut" "$area/error-container/again"
ok "check finds nothing" beside check --verify "$store"
done_testing
