#!/bin/bash
# A thousand connections of a byte a second, at once, do not hold up a client that is faster, nor need memory.
. "$(dirname "$0")/web.sh"
[ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -ge 4096 ] || skip_all "too few descriptors allowed"
[ "$(ulimit -u)" = unlimited ] || [ "$(ulimit -u)" -ge 3000 ] || skip_all "too few threads allowed"
crowd=$builddir/tests/web/crowd
limit_kb=200000
[ -z "$sanitizers" ] || limit_kb=2000000
new_store
# As many descriptors as a shell usually gives; the daemon asks for more by itself.
ulimit -Sn 1024
start_daemon --threads 1100
"$httpgen" instance 3000000 2.25.2 |
	curl -s -m 60 -o "$body" -X POST -T - -H "$PART" "$base/dicom-web/studies"
at=${base#http://}
"$crowd" "${at%:*}" "${at#*:}" 1000 6 /dicom-web/studies/2.25.2.0.1/series/2.25.2.0.2/instances/2.25.2 >"$tmp/times" &
connections() {
	curl -s -m 10 "$base/metrics" | sed -n 's/^dicomlake_http_connections //p'
}
all_served() {
	[ "$(connections)" -gt 1000 ]
}
ok "a thousand connections are served at once" wait_for "$patience" all_served
# The readers among them have all the buffer they will ever have.
kb=$(awk '/^RssAnon/ { print $2 }' "/proc/$daemon_pid/status")
wait $!
value() {
	grep -o "\b$1=[0-9.]*" "$tmp/times" | cut -d= -f2
}
diag "$(cat "$tmp/times")"
ok "the daemon stays small ($kb KB)" test "$kb" -lt $limit_kb
is "none of them was sent away meanwhile" "$(value open)" 1000
less() {
	awk -v a="$1" -v b="$2" 'BEGIN { exit !(a != "" && a + 0 < b) }'
}
ok "half of a fast client's requests take less than 20 ms" less "$(value crowd_ms)" 20
ok "nineteen of twenty less than 250 ms" less "$(value crowd_p95_ms)" 250
request GET /health/check
has_status "and then" 200
staging_is_left() {
	[ -n "$(find "$store/staging" -type f ! -name '*lock')" ]
}
ok "what slow clients began to store goes with them" wait_for "$patience" not staging_is_left
done_testing
