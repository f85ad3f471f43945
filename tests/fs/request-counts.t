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
# expect NAME OP=MAX...: of every other none
expect() {
	local name=$1 op pair max
	shift
	counters
	for op in lookup getattr setattr open read release readdirplus readdir opendir getxattr write flush create; do
		max=0
		for pair; do
			[ "${pair%%=*}" != $op ] || max=${pair##*=}
		done
		ok "$name: at most $max $op ($(counted $op))" test "$(counted $op)" -le "$max"
	done
}

reset_counts
t ls -l "$series" >/dev/null
expect "first ls -l of $count" lookup=2 getattr=1 opendir=1 readdirplus=$((count / 120 + 3)) getxattr=2
reset_counts
t ls -l "$series" >/dev/null
t find "$series" -size +1 >/dev/null
t du -s "$series" >/dev/null
expect "ls -l, find -size and du again" opendir=3 getattr=3 getxattr=2

t cat "$one" >/dev/null
reset_counts
t cat "$one" >/dev/null
expect "read of a known file" open=1 release=1 getattr=1
t stat "$one" "$partition" "$series" >/dev/null
reset_counts
t stat "$one" "$partition" "$series" >/dev/null
expect "stat of known paths"

make_files "$tmp/more" 1 600000 1 2.25.5
t ls "$partition" >/dev/null
reset_counts
t cp "$tmp/more/00001.dcm" "$partition/new"
is "cp of a new file ends well" $? 0
expect "cp of a new file" lookup=2 create=1 write=1 flush=1 release=1 getattr=2 getxattr=1
done_testing
