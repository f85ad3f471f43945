#!/bin/bash
# Mount options do what they say, and unknown ones are an error.
. "$(dirname "$0")/mount.sh"

make_files "$tmp/in" 2 100
start_mount "uid=12,gid=34,umask=027,nofail,x-systemd.automount,noexec"
ok "a file goes in" t cp "$tmp/in/00001.dcm" "$partition/"
series=$partition/2.25.4242/2.25.4242.1
is "owner, group and mode of an instance" "$(t stat -c %u:%g:%a "$series/2.25.4242.9.1.dcm")" 12:34:640
is "of a directory" "$(t stat -c %u:%g:%a "$series")" 12:34:750
fails 1 "not twice at one place" t "$fsd" serve "$store" "$mnt"
like "what the kernel knows" "$(grep " $mnt " /proc/self/mounts)" "^$store $mnt fuse.dicomlake rw,nosuid,nodev,noexec,"
stop_daemon
start_mount ro
fails 1 "ro: no file goes in" t cp "$tmp/in/00002.dcm" "$partition/"
fails 1 "ro: none is removed" t rm -f "$series/2.25.4242.9.1.dcm"
ok "ro: they can be read" t cmp "$tmp/in/00001.dcm" "$series/2.25.4242.9.1.dcm"
stop_daemon
start_mount sync
ok "sync: a file goes in" t cp "$tmp/in/00002.dcm" "$partition/"
# No verb of this process has waited since: another one sees it committed.
ok "sync: committed when close() returned" beside delete "$store" 2.25.4242/2.25.4242.1/2.25.4242.9.2
stop_daemon
for option in nonsense uid=x umask=9 uid=-1 gid=99999999999; do
	fails 1 "$option is refused" t "$fsd" serve -o "$option" "$store" "$mnt"
done
is "and nothing is mounted" "$(grep -c " $mnt " /proc/self/mounts)" 0
fails 1 "a file is no mount point" t "$fsd" serve "$store" "$tmp/in/00001.dcm"
fails 1 "nor is nothing" t "$fsd" serve "$store" "$tmp/nothing"
daemon_pid=
done_testing
