#!/bin/bash
# A user without privileges mounts his own store, with fusermount3.
# In a mount namespace of its own, where /dev/fuse is for everybody, whatever it is outside.
if [ -z "${DICOMLAKE_TEST_NAMESPACE:-}" ] && [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
	DICOMLAKE_TEST_NAMESPACE=own exec unshare -m --propagation private bash "$0"
fi
if [ -n "${DICOMLAKE_TEST_NAMESPACE:-}" ]; then
	# The copies of mounts of other tests would keep their daemons alive.
	awk '$3 ~ /^fuse/ { print $2 }' /proc/self/mounts | sort -r | while read -r dir; do
		umount -l "$dir" 2>/dev/null
	done
fi
. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
require_fuse
require_program fusermount3 runuser
[ "$(id -u)" -eq 0 ] || skip_all "becoming another user needs root"
id nobody >/dev/null 2>&1 || skip_all "no user nobody"
ulimit -c 0
as_nobody() {
	runuser -u nobody -- timeout "$((patience * 2))" "$@"
}
chmod 755 "$tmp"
mkdir "$tmp/home"
mnt=$tmp/home/mnt
store=$tmp/home/store
chown nobody "$tmp/home"
if [ -n "${DICOMLAKE_TEST_NAMESPACE:-}" ] && mknod -m 666 "$tmp/fuse" c 10 229 2>/dev/null; then
	mount --bind "$tmp/fuse" /dev/fuse
fi
as_nobody test -r "$dicomlake" -a -w /dev/fuse || skip_all "nobody cannot read the program or write /dev/fuse"
make_dcm "$tmp/a.dcm"
make_dcm "$tmp/b.dcm"
chmod 644 "$tmp"/*.dcm
in=$mnt/AHDS/default/dicom/dicom/Microsoft.Default
gone() {
	! grep -q " $mnt " /proc/self/mounts
}
daemon_of() {
	pgrep -u nobody -f "$store $mnt" | head -n 1
}
daemon_of_both() {
	pgrep -u nobody -f "$tmp/home/other.* $mnt" | head -n 1 | grep .
}
no_daemon() {
	[ -z "$(daemon_of)" ]
}

ok "init" as_nobody "$dicomlake" init "$store"
as_nobody mkdir "$mnt"
as_nobody "$dicomlake" mount "$store" "$mnt" >"$tmp/mount.out" 2>&1 ||
	skip_all "fusermount3 does not mount for nobody here: $(head -n 1 "$tmp/mount.out")"
at_exit umount -lq "$mnt"
pass "mount"
like "the kernel keeps set-uid programs and devices out" "$(grep " $mnt " /proc/self/mounts)" \
	"^$store $mnt fuse.dicomlake rw,nosuid,nodev,[^ ]*user_id=$(id -u nobody),[^ ]*default_permissions"
ok "a file goes in" as_nobody cp "$tmp/a.dcm" "$in/"
is "it is his" "$(as_nobody stat -c %U:%a "$in/2.25.1000/2.25.1000.100/2.25.1000.1.dcm")" nobody:644
ok "and reads as it was" as_nobody cmp "$tmp/a.dcm" "$in/2.25.1000/2.25.1000.100/2.25.1000.1.dcm"
fails 1 "others are kept out, root too" test -d "$in"
ok "he unmounts it" as_nobody fusermount3 -u "$mnt"
ok "which ends the daemon" wait_for "$patience" no_daemon

if ! grep -qs '^[[:space:]]*user_allow_other' /etc/fuse.conf; then
	fails 1 "allow_other is the administrator's to allow" as_nobody "$dicomlake" mount "$store" "$mnt" -o allow_other
	ok "nothing is mounted then" gone
fi
as_nobody "$dicomlake" mount "$store" "$mnt" -o uid=12,gid=34,umask=022
is "uid, gid and umask" "$(as_nobody stat -c %u:%g:%a "$mnt/AHDS/default/dicom/dicom")" 12:34:755
fails 1 "permissions are those that are shown" as_nobody cp "$tmp/b.dcm" "$in/"
kill -TERM "$(daemon_of)"
ok "SIGTERM unmounts" wait_for "$patience" gone
wait_for "$patience" no_daemon

as_nobody "$dicomlake" mount "$store" "$mnt"
runuser -u nobody -- sh -c "cd '$mnt' && exec 5<'$in/2.25.1000/2.25.1000.100/2.25.1000.1.dcm' && : >'$tmp/home/inside' && exec sleep 1000" &
inside=$!
wait_for "$patience" test -e "$tmp/home/inside"
kill -TERM "$(daemon_of)"
ok "SIGTERM unmounts when somebody is in there" wait_for "$patience" gone
ok "and ends the daemon" wait_for "$patience" no_daemon
pkill -KILL -P "$inside"
wait "$inside" 2>/dev/null

for options in rw noauto_unmount; do
	as_nobody "$dicomlake" mount "$store" "$mnt" -o "$options"
	as_nobody cp "$tmp/b.dcm" "$in/"
	kill -KILL "$(daemon_of)"
	wait_for "$patience" no_daemon
	ok "$options: after kill -9 it mounts again" as_nobody "$dicomlake" mount "$store" "$mnt" -o "$options"
	ok "$options: with what was closed" as_nobody cmp "$tmp/b.dcm" "$in/2.25.1000/2.25.1000.100/2.25.1000.2.dcm"
	ok "$options: he unmounts it" as_nobody fusermount3 -u "$mnt"
	wait_for "$patience" no_daemon
done

# Several stores
ok "another store" as_nobody "$dicomlake" init "$tmp/home/other" --workspace other
ok "he mounts two under one root" as_nobody "$dicomlake" mount "$store" "$tmp/home/other" "$mnt"
is "and sees both" "$(as_nobody ls "$mnt/AHDS" | xargs)" "default other"
ok "a file goes into the other" as_nobody cp "$tmp/a.dcm" "$mnt/AHDS/other/dicom/dicom/Microsoft.Default/"
kill -KILL "$(daemon_of_both)"
wait_for "$patience" not daemon_of_both
ok "after kill -9 they mount again" as_nobody "$dicomlake" mount "$tmp/home/other" "$store" "$mnt"
ok "with what was closed" as_nobody cmp "$tmp/a.dcm" "$mnt/AHDS/other/dicom/dicom/Microsoft.Default/2.25.1000/2.25.1000.100/2.25.1000.1.dcm"
ok "one fusermount3 takes all away" as_nobody fusermount3 -u "$mnt"
ok "and nothing is left" gone
ok "which ends the daemon of both" wait_for "$patience" not daemon_of_both
ok "check finds nothing" as_nobody "$dicomlake" check --verify "$store"
done_testing
