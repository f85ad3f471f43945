#!/bin/bash
# A large file in and out does not need memory, and many names do not either.
. "$(dirname "$0")/mount.sh"

size=300000000
[ -z "${DICOMLAKE_TEST_BIG:-}" ] || size=2000000000
limit_kb=100000
[ -z "$sanitizers" ] || limit_kb=500000
anon_kb() {
	awk '/^RssAnon/ { print $2 }' "/proc/$daemon_pid/status"
}
free_kb=$(df --output=avail "$tmp" | tail -n 1)
[ "$free_kb" -gt $((size / 1000 * 3)) ] || skip_all "no room for files of $size bytes"
make_files "$tmp/in" 1 $size
for options in rw nopassthrough; do
	rm -rf "$store"
	start_mount "$options"
	ok "$options: $size bytes go in" t cp "$tmp/in/00001.dcm" "$partition/"
	ok "$options: the daemon stays small ($(anon_kb) KB)" test "$(anon_kb)" -lt $limit_kb
	ok "$options: and come out" t cmp "$tmp/in/00001.dcm" "$partition/2.25.4242/2.25.4242.1/2.25.4242.9.1.dcm"
	ok "$options: the daemon stays small ($(anon_kb) KB)" test "$(anon_kb)" -lt $limit_kb
	ok "$options: a change in the middle" t sh -c \
		"printf ABCD | dd of=$partition/2.25.4242/2.25.4242.1/2.25.4242.9.1.dcm bs=1 seek=100000 conv=notrunc status=none"
	ok "$options: the daemon stays small ($(anon_kb) KB)" test "$(anon_kb)" -lt $limit_kb
	ok "$options: it ends" stop_daemon
done
done_testing
