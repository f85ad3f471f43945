#!/bin/bash
# An import that is interrupted goes on where it was, when the same command is given again.
. "$(dirname "$0")/import.sh"
n=2000
[ -z "$sanitizers" ] || n=500
make_many "$tmp/in" $n
(cd "$tmp" && tar czf in.tar.gz in)
echo text >"$tmp/in/text"

old_enough() {
	[ $(($(date +%s) - $(stat -c %Z "$tmp/in/text"))) -ge 3 ]
}
wait_for "$patience" old_enough	|| bail "the files are not old enough"

# Killed at random until it gets through: killed SIGNAL IMPORT-ARGS...
killed() {
	local signal=$1 pid kills=0 status
	shift
	while :; do
		"$dicomlake" import "$store" --json --jobs 2 "$@" >"$tmp/json" 2>"$tmp/err" &
		pid=$!
		# Longer and longer, so that it gets through on a slow machine, too.
		perl -e 'select undef, undef, undef, rand($ARGV[0] == 0 ? 0.1 : 0.3 + $ARGV[0] / 20)' $kills
		kill -s "$signal" $pid 2>/dev/null
		wait $pid 2>/dev/null
		status=$?
		if [ $status -le 1 ] && ! grep -q interrupted "$tmp/err"; then
			[ $kills -eq 0 ] || break
			new_store		# it was too fast
			continue
		fi
		kills=$((kills + 1))
		[ $kills -lt 300 ] || break
	done
	diag "$kills times SIG$signal"
	[ $kills -gt 0 ] && [ $status -le 1 ]
}

for signal in KILL TERM; do
	for what in in in.tar.gz; do
		new_store
		ok "$what, with SIG$signal at random" killed $signal "$tmp/$what"
		nothing_twice $n "$what, SIG$signal"
		is "each file was counted once" "$(($(field stored) + $(field unchanged)))" $n
	done
done

# What is done is not read again.
new_store
"$dicomlake" import "$store" --json "$tmp/in" >"$tmp/json" 2>"$tmp/err" &
pid=$!
half() {
	[ "$(count instances)" -gt 0 ]
}
wait_for "$patience" half
kill -TERM $pid
wait $pid
done=$(lake operations "$store" --json | jq '.[-1].done')
if [ "$(lake operations "$store" --json | jq -r '.[-1].status')" = interrupted ]; then
	pass "an interrupted one is listed as that"
	like "in text too" "$(lake operations "$store")" "import   interrupted .* $tmp/in"
	ok "nobody waits for it" timeout "$patience" "$dicomlake" operations --follow "$store"
	ok "it goes on" not lake import "$store" "$tmp/in" --quiet
	is "to its end" "$(lake operations "$store" --json | jq -r '.[-1] | [.status, .done, .total] | map(tostring) | join(" ")')" \
		"succeeded $((n + 1)) $((n + 1))"
	nothing_twice $n "gone on"
else
	skip "an interrupted one" "it was done before it could be interrupted"
fi
diag "$done were done when it was interrupted"
ok "asked for anew, it is another" imports "$tmp/in.tar.gz"
is "with all of it" "$(field unchanged)" $n

# Other files, or another way, is another import.
is "each has its record" "$(lake operations "$store" --json | jq 'map(select(.type == "import" and .status == "succeeded")) | length')" 2

# Records of finished imports stay few, however often there is one.
one=$(find "$tmp/in" -name '*.dcm' | head -n 1)
for ((i = 0; i < 110; i++)); do
	lake import --quiet "$store" "$one"
done
is "of many imports the last hundred are told of" "$(lake operations "$store" --json | jq 'map(select(.type == "import")) | length')" 101

# Two at the same time: one of them is told so, or comes late and finds it done.
new_store
"$dicomlake" import "$store" "$tmp/in" >"$tmp/out.1" 2>"$tmp/err.1" &
pid=$!
"$dicomlake" import "$store" "$tmp/in" >"$tmp/out.2" 2>"$tmp/err.2"
wait $pid
like "another process at the same import" "$(grep -h -c 'another process is at this very import' "$tmp/err.1" "$tmp/err.2" | awk '{ s += $1 } END { print s }')$(
	cat "$tmp/out.1" "$tmp/out.2")" "^1.*$n stored|^0"
nothing_twice $n "two at once"

# A full disk is no fault of the files.
full_disk() {
	local disk=$tmp/disk
	mkdir "$disk" && mount -t tmpfs -o size=6m,mode=700 none "$disk" 2>/dev/null || return 1
	store=$disk/store
	lake init "$store" 2>"$tmp/.ok.out"
}
make_many "$tmp/large" 60 1 100000
wait_for "$patience" sh -c "[ \$((\$(date +%s) - \$(stat -c %Z '$tmp/large/00060'))) -ge 3 ]"
if full_disk; then
	fails 1 "a full disk" imports "$tmp/large"
	like "stops it, and says what to do" "$(cat "$tmp/err")" "the same command goes on.*No space"
	is "nothing was refused for that" "$(field refused)" 0
	stored=$(field stored)
	mount -o remount,size=60m "$tmp/disk"
	ok "with more room it goes on" imports "$tmp/large"
	is "and all is there" "$(count instances) $(count sequence)" "60 60"
	ok "check finds nothing" lake check --verify "$store"
	diag "$stored were stored on the full disk"
else
	skip "a full disk" "no mounting here"
fi
done_testing
