#!/bin/bash
# A receiver that dies and comes back is told of every change, in order; none delays another.
. "$(dirname "$0")/events.sh"
new_store
make_many 10000
start_receiver good && good=$port
start_receiver dead && dead=$port
start_receiver slow && slow=$port
start_receiver busy && busy=$port
start_receiver small && small=$port
mode slow slow 300
mode small 413 30
allow_log 'events receiver=(dead|busy) state=failing'
start_daemon --event-retry 300ms --event-receiver "good http://127.0.0.1:$good/" --event-receiver "dead http://127.0.0.1:$dead/" \
	--event-receiver "slow http://127.0.0.1:$slow/" --event-receiver "busy http://127.0.0.1:$busy/" \
	--event-receiver "small http://127.0.0.1:$small/"
began=$(date +%s%N)
import_many &
import=$!
ok "events come while instances do" wait_for "$patience" took dead 500
kill_receiver dead
mode busy 503
wait "$import"
imported=$(date +%s%N)
ok "10000 changes are told" wait_for 60 last_is good 10000
told=$(date +%s%N)
diag "10000 changes: stored in $(((imported - began) / 1000000)) ms, told $(((told - imported) / 1000000)) ms later, $((10000 * 1000000000 / (told - began))) events/s over all"
is "in order, none missing" "$(disorder good 10000)" ""
is "none twice" "$(taken good | sort | uniq -d | wc -l)" 0
is "no request has more than 500" "$(jq -s 'map(.count) | max <= 500' "$tmp/good.log")" true
is "nor more than 512 KiB" "$(jq -s 'map(.bytes) | max <= 524288' "$tmp/good.log")" true
ok "while others are behind" test "$(behind dead)" -gt 0 -a "$(behind busy)" -gt 0
start_receiver dead "$dead"
ok "who was dead is told the rest" wait_for 60 last_is dead 10000
is "in order, none missing" "$(disorder dead 10000)" ""

# Retry-After.
mode busy 503 2
asked() {
	[ "$(jq -r 'select(.status == 503) | .time' "$tmp/busy.log" | wc -l)" -gt "$1" ]
}
n=$(jq -r 'select(.status == 503) | .time' "$tmp/busy.log" | wc -l)
ok "who is busy is asked again" wait_for "$patience" asked $((n + 2))
is "not before the time that Retry-After says" "$(jq -rs 'map(select(.status == 503) | .time) | .[-1] - .[-2] >= 1900' "$tmp/busy.log")" true
like "with the number of the try" "$(jq -rs 'last | .headers."aeg-delivery-count"' "$tmp/busy.log")" '^[0-9]+$'
mode busy break
n=$(jq -r .time "$tmp/busy.log" | wc -l)
broken() {
	[ "$(jq -r .time "$tmp/busy.log" | wc -l)" -gt "$n" ]
}
ok "a connection that breaks is another failure" wait_for "$patience" broken
mode busy
ok "in the end it takes all" wait_for 60 last_is busy 10000
is "in order, none missing" "$(disorder busy 10000)" ""
ok "who takes small requests gets small ones" wait_for 60 last_is small 10000
is "in order, none missing" "$(disorder small 10000)" ""
ok "who is slow gets there" wait_for 60 last_is slow 10000
ended() {
	[ "$(behind good) $(behind dead) $(behind slow) $(behind busy) $(behind small)" = "0 0 0 0 0" ]
}
ok "nobody is behind" wait_for "$patience" ended
is "nobody fails" "$(lake status --json "$store" | jq -r '.receivers[] | select(.failingSince) | .name')" ""

# One that takes a request and never answers does not keep the daemon from ending.
mode slow slow 100000
lake delete "$store" "$(lake query "$store" study --json | jq -r '.[0]["0020000D"].Value[0]')" >/dev/null
ok "deletes are told" wait_for 60 last_is good 20000
is "in order, none missing" "$(disorder good 20000)" ""
SECONDS=0
stop_daemon
ok "the daemon ends soon" test $SECONDS -lt 10
done_testing
