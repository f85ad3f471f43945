#!/bin/bash
# SIGTERM unmounts also when somebody is in there, and says so; umount ends the daemon.
. "$(dirname "$0")/mount.sh"

allow_log 'is busy: detached'
make_files "$tmp/in" 1 50000
start_mount
ok "a file goes in" t cp "$tmp/in/00001.dcm" "$partition/"
exec 5<"$partition/2.25.4242/2.25.4242.1/2.25.4242.9.1.dcm"
head -c 1000 "$tmp/in/00001.dcm" >"$partition/half" 2>/dev/null &
wait $! 2>/dev/null
exec 6>"$partition/unfinished"
head -c 1000 "$tmp/in/00001.dcm" >&6 2>/dev/null
ok "SIGTERM ends it" stop_daemon
is "it is unmounted" "$(grep -c " $mnt " /proc/self/mounts)" 0
like "and said that it was busy" "$(cat "$daemon_log")" 'is busy: detached'
exec 5<&- 6>&- 2>/dev/null
allow_log 'refused door=mount'
start_mount
is "the unfinished file is nowhere" "$(files_in "$partition" | wc -l)" 1
ok "not in staging either" staging_is_empty
ok "umount" t umount "$mnt"
gone() {
	! kill -0 "$daemon_pid" 2>/dev/null
}
ok "ends the daemon" wait_for "$patience" gone
wait "$daemon_pid"
is "cleanly" $? 0
forget_daemon
done_testing
