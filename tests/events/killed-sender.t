#!/bin/bash
# kill -9 of who sends events: the next goes on, and no change is lost.  Of two processes one sends.
. "$(dirname "$0")/events.sh"
new_store
start_receiver all && all=$port
mode all slow 15
options=(--event-batch 20 --event-retry 200ms --event-receiver "all http://127.0.0.1:$all/ from=first"
	--event-receiver "file file://$tmp/events.jsonl from=first")
make_many 2000
import_many
for n in {1..8}; do
	start_daemon "${options[@]}"
	sleep "$(printf "0.%03d" $((RANDOM % 200 + 20)))"
	kill_daemon
done
told=$(taken all | tail -n 1)
diag "killed 8 times, told ${told:-0} of 2000"
start_daemon "${options[@]}"
first=$daemon_pid
"$dicomlake" serve "$store" --listen 127.0.0.1:0 "${options[@]}" >"$tmp/second.out" 2>"$tmp/second.err" &
second=$!
daemon_pids+=("$second")
wait_for "$patience" grep -q ready "$tmp/second.out"
ok "all is told" wait_for 60 last_is all 2000
is "in order, none missing" "$(disorder all 2000)" ""
is "the same change is the same event" "$(jq -c 'select(.status == 200) | .events[]' "$tmp/all.log" | sort -u | wc -l)" 2000
is "one of two processes sends" "$(jq -r 'select(.status == 200) | .events[].data.sequenceNumber' "$tmp/all.log" | awk -v from="${told:-0}" '$1 > from + 20' | sort | uniq -d | wc -l)" 0
whole() {
	[ "$(wc -l <"$tmp/events.jsonl")" -ge 2000 ] && tail -n 1 "$tmp/events.jsonl" | jq -e '.data.sequenceNumber == 2000' >/dev/null
}
ok "the file has them all" wait_for "$patience" whole
is "in whole lines, in order" "$(jq -r .data.sequenceNumber "$tmp/events.jsonl" | awk '$1 > max + 1 { print "gap" } $1 > max { max = $1 }')" ""
make_many 200 5000
import_many
kill -KILL "$first"
wait "$first" 2>/dev/null
forget_daemon
ok "when it is killed the other goes on" wait_for 60 last_is all 2200
is "in order, none missing" "$(disorder all 2200)" ""
kill -TERM "$second"
wait "$second"
is "the other ends cleanly" $? 0
is "it had nothing to complain of" "$(grep -E '^(warning|error):' "$tmp/second.err")" ""
like "status says that nobody sends" "$(lake status "$store" | grep '^events.*all')" 'nobody sends'
done_testing
