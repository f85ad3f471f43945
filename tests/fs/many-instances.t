#!/bin/bash
# A hundred thousand instances in one series: listed a page at a time, looked up and forgotten without a trace.
. "$(dirname "$0")/mount.sh"

count=100000
[ -z "$sanitizers" ] || count=10000
count=${DICOMLAKE_TEST_MANY:-$count}
make_files "$tmp/in" "$count" 10 "$count"
new_store
timeout 300 "$dicomlake" import "$store" "$tmp/in" --quiet --jobs 8 || bail "import"
rm -rf "$tmp/in"
start_mount
series=$partition/2.25.4242/2.25.4242.1
kilobytes() { awk '$1 == "RssAnon:" { print $2 }' "/proc/$daemon_pid/status"; }
names() { (cd "$1" && timeout $((patience * 4)) find . -maxdepth 1 -type f -printf '%f\n'); }

if command -v python3 >/dev/null; then
	reset_counts
	is "a listing begins" "$(t python3 -c 'import os, sys
with os.scandir(sys.argv[1]) as entries: print(next(entries).name[-4:])' "$series")" .dcm
	counters
	ok "after a few requests" test $(($(counted readdir) + $(counted readdirplus))) -le 3
else
	skip "a listing begins after a few requests" "no python3"
fi

reset_counts
names "$series" | sort >"$tmp/names"
counters
is "all are listed" "$(wc -l <"$tmp/names")" "$count"
is "none twice" "$(uniq -d "$tmp/names")" ""
ok "some hundred at a request" test "$(counted readdirplus)" -lt $((count / 100))
is "none is looked up by itself" "$(counted lookup)" 0 || diag "$(cat "$tmp/counters")"

middle=$(sed -n $((count / 2))p "$tmp/names")
ok "any is found by its name" t test -s "$series/$middle"
ok "and one that is not there is not" not test -e "$series/2.25.1.dcm"

before=$(kilobytes)
timeout $((patience * 4)) ls -l "$series" >"$tmp/long"
is "ls -l tells of all" "$(grep -c '\.dcm$' "$tmp/long")" "$count"
is "with their sizes" "$(awk 'NR > 1 { n += $5 > 0 } END { print n + 0 }' "$tmp/long")" "$count"
if [ -w /proc/sys/vm/drop_caches ]; then
	reset_counts
	forgotten() { echo 2 >/proc/sys/vm/drop_caches; counters; [ "$(counted forget)" -gt 0 ]; }
	ok "the kernel forgets them" wait_for "$patience" forgotten
	grown=$(($(kilobytes) - before))
	if [ -z "$sanitizers" ]; then
		ok "and the daemon has what it had ($grown KB more)" test "$grown" -lt 4096
	else
		skip "and the daemon has what it had" "a sanitizer's memory"
	fi
	ok "all are there again" test "$(names "$series" | wc -l)" -eq "$count"
else
	skip "the kernel forgets them" "the caches are not ours to drop"
fi
done_testing
