#!/bin/bash
# A full disk is ENOSPC at write() or close(); the lake stays readable and takes files again when there is room.
. "$(dirname "$0")/mount.sh"

allow_log 'refused door=mount|No space left|no space left'
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
ok "check finds nothing" beside check --verify "$store"
done_testing
