#!/bin/bash
# Requests by io_uring: when they go that way, and that all is as it is by the device.
. "$(dirname "$0")/mount.sh"

switch=/sys/module/fuse/parameters/enable_uring
[ -e "$switch" ] || { true 2>/dev/null </dev/fuse; }	# who opens it has the module loaded
[ -e "$switch" ] || skip_all "this kernel has no FUSE by io_uring"
[ -w "$switch" ] || skip_all "only root may turn FUSE by io_uring on"
before=$(cat "$switch")
# The switch is the whole machine's: other tests turn it on meanwhile, and it is put back in the end.
set_switch() { echo "$1" >"$switch"; }
at_exit set_switch "$before"
is_on() { grep -q "mount dir=.* io_uring=on" "$daemon_log"; }
ring_threads() { grep -lx fs-uring /proc/"$daemon_pid"/task/*/comm | wc -l; }
# start_as ON|OFF OPTIONS: the switch still is so when the mount is there; false: it never stays so
start_as() {
	local try
	for try in 1 2 3 4 5 6 7 8 9 10; do
		set_switch "$1"
		start_mount "$2"
		[ "$(cat "$switch")" != "$1" ] || return 0
		stop_daemon
	done
	return 1
}

start_mount nouring
ok "nouring: by the device" not is_on
is "and no thread for it" "$(ring_threads)" 0
stop_daemon
if start_as N rw; then
	ok "where the switch is off: by the device" not is_on
	stop_daemon
else
	skip "where the switch is off: by the device" "others keep turning it on"
fi
set_switch N
start_mount uring
is "uring turns it on" "$(cat "$switch")" Y
if ! is_on; then
	[ "$before" = Y ] || skip_all "the kernel offers no io_uring for FUSE, or makes no rings"
	fail "and uses it"
fi
stop_daemon
set_switch Y
start_mount rw
ok "where it is on: by io_uring" is_on
ok "with a thread for each processor, at least" test "$(ring_threads)" -ge "$(nproc)"
stop_daemon

make_files "$tmp/small" 100 100
make_files "$tmp/other" 100 3000
make_files "$tmp/large" 2 9000000 2 2.25.9
for options in uring uring,nopassthrough uring,sync; do
	rm -rf "$store"
	start_mount "$options"
	series=$partition/2.25.4242/2.25.4242.1
	is_on || fail "$options: by io_uring"
	reset_counts
	ok "$options: small and large files go in" t cp -r "$tmp/small" "$tmp/large" "$partition/"
	is "$options: and are what they were" "$(sums "$partition")" "$({ sums "$tmp/small"; sums "$tmp/large"; } | sort)"
	counters
	ok "$options: each was a request" test "$(counted create)" -ge 102
	for i in 1 2; do
		ok "$options: large file $i, in pieces of any size" t sh -c \
			"dd bs=1M if=$partition/2.25.9/2.25.9.1/2.25.9.9.$i.dcm status=none | cmp - $tmp/large/0000$i.dcm &&
			dd bs=4097 if=$partition/2.25.9/2.25.9.1/2.25.9.9.$i.dcm status=none | cmp - $tmp/large/0000$i.dcm"
	done
	value=$(printf 'LO:%060d' 0)
	if command -v setfattr >/dev/null; then
		ok "$options: an attribute is set" t setfattr -n user.meta.00191100 -v "$value" "$partition/2.25.4242"
		is "$options: and read" "$(t getfattr --only-values -n user.meta.00191100 "$partition/2.25.4242" 2>/dev/null)" "$value"
		fails 1 "$options: a large one is refused" t setfattr -n user.meta.00191100 -v "$(printf 'LT:%060000d' 0)" "$partition/2.25.4242"
	fi
	ok "$options: a name of 255 bytes" t cp "$tmp/small/00001.dcm" "$partition/$(printf '%0255d' 0)"
	fails 1 "$options: no symbolic link, of any length" t ln -s "$(printf '%04000d' 0)" "$partition/link"
	ok "$options: directories of one's own" t sh -c "cd $partition && seq -f own%08.0f 2000 | xargs mkdir"
	is "$options: two thousand are listed" "$(t ls "$partition" | grep -c '^own')" 2000
	is "$options: with attributes" "$(t ls -l "$partition" | grep -c ' own')" 2000
	# Each close() of a replacement is answered once the kernel has forgotten the old one.
	for round in other small other; do
		t ls -l "$series" >/dev/null
		pids=() failed=0
		for i in {1..100}; do
			t sh -c "cat $tmp/$round/$(printf %05d "$i").dcm >$series/2.25.4242.9.$i.dcm && ! test -e $series/none$round.$i" &
			pids+=($!)
		done
		for pid in "${pids[@]}"; do
			wait "$pid" || failed=$((failed + 1))
		done
		is "$options: a hundred replace instances at once ($round)" $failed 0
		is "$options: with what they wrote" "$(sums "$series")" "$(sums "$tmp/$round")"
	done
	kill -STOP "$daemon_pid"
	kill -CONT "$daemon_pid"
	ok "$options: it goes on when it was stopped" t mkdir "$partition/after"
	ok "$options: it ends" stop_daemon
done

# Killed and ended, while there is work.
busy() {
	while [ ! -e "$tmp/enough" ]; do
		cp "$tmp"/small/*.dcm "$partition/" || cat "$series"/*.dcm
	done >/dev/null 2>&1
}
for end in kill_daemon stop_daemon; do
	start_mount uring
	rm -f "$tmp/enough"
	pids=()
	for i in 1 2 3 4; do
		busy &
		pids+=($!)
	done
	exec 5<"$series/2.25.4242.9.1.dcm"
	reset_counts
	some_work() { counters; [ "$(counted flush)" -ge 20 ]; }
	ok "work is done" wait_for "$patience" some_work
	ok "$end while they work" eval "$end || [ $end = kill_daemon ]"
	touch "$tmp/enough"
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	exec 5<&-
	[ $end = kill_daemon ] || is "it is unmounted" "$(grep -c " $mnt " /proc/self/mounts)" 0
	start_mount uring
	ok "and the next one serves" t cp "$tmp/small/00001.dcm" "$partition/"
	ok "by io_uring" is_on
	stop_daemon
done
allow_log 'is busy: detached|refused door=mount'
ok "check finds nothing" beside check --verify "$store"
daemon_pid=
done_testing
