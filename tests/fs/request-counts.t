#!/bin/bash
# How many requests reach the daemon: what makes the mount fast does not depend on the machine.
. "$(dirname "$0")/mount.sh"

count=300
make_files "$tmp/in" $count 100
start_mount
series=$partition/2.25.4242/2.25.4242.1
one=$series/2.25.4242.9.1.dcm
ok "files go in" t cp -r "$tmp/in" "$partition/"
ok "and the kernel has been told of all" t sync "$partition"
fits() {		# OP=MAX...: of every other none
	local op pair max
	for op in lookup getattr setattr open read release readdirplus readdir opendir getxattr write flush create; do
		max=0
		for pair; do
			[ "${pair%%=*}" != $op ] || max=${pair##*=}
		done
		[ "$(counted $op)" -le "$max" ] || { echo "$(counted $op) $op, not $max"; return 1; }
	done
}
# expect NAME OP=MAX... -- CMD: more than once, since whoever drops the kernel's caches meanwhile adds requests
expect() {
	local name=$1 try pairs=() why
	shift
	while [ "$1" != -- ]; do
		pairs+=("$1")
		shift
	done
	shift
	for try in 1 2 3; do
		reset_counts
		"$@" >/dev/null
		counters
		why=$(fits "${pairs[@]}") && break
	done
	is "$name: no request too many" "$why" ""
}

reset_counts
t ls -l "$series" >/dev/null
counters
is "first ls -l of $count: no request too many" \
	"$(fits lookup=2 getattr=1 opendir=1 readdirplus=$((count / 120 + 3)) getxattr=2)" ""
again() {
	t ls -l "$series"
	t find "$series" -size +1
	t du -s "$series"
}
expect "ls -l, find -size and du again" opendir=3 getattr=3 getxattr=2 -- again
t cat "$one" >/dev/null
expect "read of a known file" open=1 release=1 getattr=1 -- t cat "$one"
t stat "$one" "$partition" "$series" >/dev/null
expect "stat of known paths" -- t stat "$one" "$partition" "$series"

make_files "$tmp/more" 3 600000 1 2.25.5
t ls "$partition" >/dev/null
new=0
copy_new() { t cp "$tmp/more/0000$((++new)).dcm" "$partition/new$new"; }
# Of 600,000 bytes; by io_uring a smaller buffer of cp's is worth more than a request less.
writes=1
! grep -q io_uring=on "$daemon_log" || writes=5
expect "cp of a new file" lookup=2 create=1 write=$writes flush=1 release=1 getattr=2 getxattr=1 -- copy_new
is "it is there" "$(t ls "$partition/2.25.5" | wc -l)" 1

# Of the directory it is made in the kernel asks again after each file; the study is no news to the partition.
trees=0
copy_tree() { t cp -r "$tmp/tree$((++trees))" "$partition/"; }
for n in 1 2 3; do make_files "$tmp/tree$n" 40 100 $((1000 * n)); done
expect "cp -r of 40 files of a known study" lookup=44 create=40 write=40 flush=40 release=40 getattr=45 getxattr=1 -- copy_tree
done_testing
