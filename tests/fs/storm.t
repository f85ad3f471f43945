#!/bin/bash
# Many programs at once in the same directories: nobody hangs, and the end is as it should be.
. "$(dirname "$0")/mount.sh"

per=${DICOMLAKE_TEST_STORM:-40}
workers=16
for ((w = 1; w <= workers; w++)); do
	# the same study and series for all of them, other instances
	make_files "$tmp/in$w" "$per" 200 "$per" "2.25.7.$w"
done
make_files "$tmp/shared" "$per" 200
start_mount
series=$partition/2.25.4242/2.25.4242.1
ok "a series is there and listed" t sh -c "cp $tmp/shared/00001.dcm $partition/ && ls -l $series $partition"

worker() {
	local w=$1 i file
	mkdir "$partition/w$w" || return 1
	for ((i = 1; i <= per; i++)); do
		file=$(printf %05d "$i").dcm
		cp "$tmp/in$w/$file" "$partition/w$w/" || return 1
		mv "$partition/w$w/$file" "$partition/w$w/renamed" || return 1
		cp "$tmp/shared/$file" "$series/tmp.$w" || return 1	# all write the same instances
		cat "$series/2.25.4242.9.$i.dcm" >/dev/null || return 1
		if [ $((i % 4)) -eq 0 ]; then
			rm "$partition/2.25.7.$w/2.25.7.$w.1/2.25.7.$w.9.$i.dcm" || return 1
		fi
	done
	rmdir "$partition/w$w"
}
watcher() {
	while [ ! -e "$tmp/done" ]; do
		ls -lR "$partition" >/dev/null 2>&1
		find "$partition" -name '*.dcm' -size +0 >/dev/null 2>&1
	done
}
export -f worker watcher
export per partition series tmp
watchers=()
for i in 1 2; do
	t bash -c watcher &
	watchers+=($!)
done
pids=()
for ((w = 1; w <= workers; w++)); do
	t bash -c "worker $w" >"$tmp/worker.$w" 2>&1 &
	pids+=($!)
done
# and a second process, in and out, all the while
make_files "$tmp/beside" 10 200 10 2.25.8
for i in 1 2 3; do
	beside import --quiet --replace "$store" "$tmp"/beside/*.dcm || echo "ingest $i" >>"$tmp/beside.err"
	beside delete "$store" 2.25.8 || echo "delete $i" >>"$tmp/beside.err"
done
failed=0
for pid in "${pids[@]}"; do
	wait "$pid" || failed=$((failed + 1))
done
touch "$tmp/done"
for pid in "${watchers[@]}"; do
	wait "$pid"
done
is "every worker ended well" $failed 0 || diag "$(cat "$tmp"/worker.* | head -n 20)"
ok "so did the process beside" test ! -e "$tmp/beside.err"
is "every study has what its worker left" \
	"$(for ((w = 1; w <= workers; w++)); do t ls "$partition/2.25.7.$w/2.25.7.$w.1" | wc -l; done | sort -u)" \
	$((per - per / 4))
is "the shared series has each instance once" "$(t ls "$series" | wc -l)" "$per"
is "and whole" "$(sums "$series")" "$(sums "$tmp/shared")"
is "links of the partition are its studies" "$(t stat -c %h "$partition")" $((2 + workers + 1))
is "nothing else is listed" "$(t ls "$partition" | grep -vc '^2\.25\.')" 0
ok "check finds nothing" beside check --verify "$store"
done_testing
