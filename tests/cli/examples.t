#!/bin/bash
# The examples for an operator work as they stand, but for the paths.
. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
at_home() {
	sed -e "s,/usr/local/bin/dicomlake,$dicomlake," -e "s,/srv/dicomlake/store,$store,g" \
		-e "s,/srv/dicomlake/mnt,$mnt,g" -e "s,/etc/dicomlake.conf,$tmp/dicomlake.conf,g" \
		-e "s,/var/log/dicomlake.log,$tmp/log,g" "$srcdir/examples/$1"
}
new_store
mkdir "$mnt"
at_home dicomlake.service >"$tmp/dicomlake.service"
if command -v systemd-analyze >/dev/null; then
	# Of the machine's own units it complains, too.
	is "the unit is a good one" "$(timeout 60 systemd-analyze verify --man=no "$tmp/dicomlake.service" 2>&1 | grep -F dicomlake)" ""
else
	skip "the unit is a good one" "no systemd-analyze"
fi
at_home dicomlake.conf | sed 's/^listen.*/listen = 127.0.0.1:0/' >"$tmp/dicomlake.conf"
if [ "$with_fs" = yes ] && [ -w /dev/fuse ] && [ "$with_web" = yes ]; then
	start_daemon --config "$tmp/dicomlake.conf" --listen 127.0.0.1:0
	ok "the configuration mounts" test -d "$mnt/AHDS/default"
	ok "and serves" curl -fs -o /dev/null "$base/health/check"
	stop_daemon
else
	skip "the configuration mounts and serves" "built without a door, or no /dev/fuse"
fi
at_home fstab >"$tmp/fstab"
no_daemon() {
	! pgrep -f "$store $mnt" >/dev/null
}
if [ "$(id -u)" -eq 0 ] && command -v mount.fuse3 >/dev/null && [ -w /dev/fuse ]; then
	# What mount(8) runs for it, which would look for the program in the system's path only.
	read -r what where type options dump pass < <(grep -v "^#" "$tmp/fstab")
	is "a line of fstab has six fields" "$type $dump $pass" "fuse.dicomlake 0 0"
	ok "mount by it" env PATH="$builddir:$PATH" timeout 60 mount.fuse3 "$what" "$where" -t "$type" -o "$options"
	like "it is mounted" "$(grep " $mnt " /proc/self/mounts)" "^$store $mnt fuse.dicomlake rw,nosuid,nodev,"
	ok "and answers" test -d "$mnt/AHDS/default"
	ok "umount" umount "$mnt"
	ok "the daemon ends" wait_for "$patience" no_daemon
	ok "its log is where the line says" grep -q 'serve state=ending' "$tmp/log"
else
	skip "mount by the line of fstab" "not root, no mount.fuse3 or no /dev/fuse"
fi
done_testing
