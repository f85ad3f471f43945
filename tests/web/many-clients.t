#!/bin/bash
# More clients than threads: none keeps its thread while others wait.
. "$(dirname "$0")/web.sh"
new_store
start_daemon --threads 2
exec 3<>"$(peer)" 4<>"$(peer)"

# one request on a connection that stays; true when the reply says it will not
asked_to_leave() {
	local line last=
	printf 'HEAD /health/check HTTP/1.1\r\nHost: x\r\n\r\n' >&"$1"
	while IFS= read -r -t 10 line <&"$1" && [ "$line" != $'\r' ]; do
		[ "$line" != $'Connection: close\r' ] || last=yes
	done
	[ -n "$last" ]
}
fails 1 "the first reply keeps the connection" asked_to_leave 3
ok "an active client is asked to leave after its share" wait_for "$patience" asked_to_leave 3
exec 3>&- 4>&-

clients=()
for i in $(seq 40); do
	curl -s -m 60 -o /dev/null -w '%{http_code}\n' "$base/health/check" >"$tmp/client.$i" &
	clients+=($!)
done
wait "${clients[@]}"
is "40 clients at once on 2 threads are all served" "$(cat "$tmp"/client.* | sort | uniq -c | tr -s ' ')" " 40 200"
is "connections are counted back" "$(curl -s "$base/metrics" | grep '^dicomlake_http_connections ')" \
	"dicomlake_http_connections 1"
done_testing
