#!/bin/bash
# The mount as mount(8) and fstab make it.
. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
require_fuse
require_program mount.fuse3
[ "$(id -u)" -eq 0 ] || skip_all "mounting with mount(8) needs root"
new_store
mkdir "$mnt"
make_dcm "$tmp/a.dcm"
in=$mnt/AHDS/default/dicom/dicom/Microsoft.Default
mounted() { mountpoint -q "$mnt"; }
no_daemon() { ! pgrep -f "$store $mnt" >/dev/null; }

try() {	# NAME CMD...
	local name=$1
	shift
	ok "$name: the command succeeds" "$@"
	ok "$name: the mount answers at once" test -d "$in"
	ok "$name: its type is fuse.dicomlake" grep -q " $mnt fuse[.]dicomlake " /proc/self/mounts
	ok "$name: umount" umount "$mnt"
	ok "$name: the daemon has ended" wait_for "$patience" no_daemon
}

try "dicomlake mount" lake mount "$store" "$mnt"
try "with -o" lake mount "$store" "$mnt" -o rw,noatime,log-level=debug,log-file="$tmp/log"
ok "an option of ours was taken" grep -q 'info: mount' "$tmp/log"
try "mount.fuse, as mount -t fuse.dicomlake runs it" env PATH="$builddir:$PATH" \
	mount.fuse3 "$store" "$mnt" -t fuse.dicomlake -o rw,noauto,_netdev
try "mount -t fuse PROGRAM#STORE" mount -t fuse "$dicomlake#$store" "$mnt"
ln -s "$dicomlake" "$tmp/mount.fuse.dicomlake"
try "the helper of mount(8)" "$tmp/mount.fuse.dicomlake" "$store" "$mnt" -s -o rw,nofail
(cd "$tmp" && "$dicomlake" mount store mnt)
ok "relative paths" test -d "$in"
cp "$tmp/a.dcm" "$in/a.dcm"
umount "$mnt"
ok "what was copied in is there" wait_for 5 test -s "$store/AHDS/default/dicom/dicom/Microsoft.Default/2.25.1000/2.25.1000.100/2.25.1000.1.dcm"

ok "read-only" lake mount "$store" "$mnt" -o ro
fails 1 "nothing is copied in there" cp "$tmp/a.dcm" "$in/b.dcm"
umount "$mnt"
wait_for "$patience" no_daemon

lake mount "$tmp/none" "$mnt" >"$tmp/out" 2>&1
is "no store: exit status" $? 1
like "no store: the reason reaches the terminal" "$(cat "$tmp/out")" '^dicomlake mount: .*none'
ok "no store: no mount" not mounted
fails 1 "no directory" lake mount "$store" "$tmp/nodir"
fails 1 "a bad option" lake mount "$store" "$mnt" -o umask=9
ok "a bad option leaves no mount" not mounted
fails 2 "a bad value of ours" lake mount "$store" "$mnt" -o log-level=loud
done_testing
