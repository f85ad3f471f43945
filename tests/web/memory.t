#!/bin/bash
# A large request in and a large instance out do not need memory.
. "$(dirname "$0")/web.sh"
new_store
start_daemon
# DICOMLAKE_TEST_BIG=1: 4 GB in one request and an instance of 2 GB.
if [ -n "${DICOMLAKE_TEST_BIG:-}" ]; then
	count=8000 single=2000000000
else
	count=600 single=200000000
fi
limit_kb=100000
[ -z "$sanitizers" ] || limit_kb=400000
anon_kb() {
	awk '/^RssAnon/ { print $2 }' "/proc/$daemon_pid/status"
}
"$httpgen" body $count 520000 2.25.1 |
	curl -s -m 600 -o "$body" -w '%{http_code}' -X POST -T - -H "$J" -H "$MULTI" "$base/v2/studies" >"$tmp/code"
is "$count instances in one request" "$(cat "$tmp/code")" 200
is "all are referenced" "$(json '."00081199".Value | length')" $count
ok "the daemon stays small ($(anon_kb) KB)" test "$(anon_kb)" -lt $limit_kb
"$httpgen" instance $single 2.25.2 |
	curl -s -m 600 -o "$body" -w '%{http_code}' -X POST -T - -H "$J" -H "$PART" \
		"$base/dicom-web/studies" >"$tmp/code"
is "one instance of $single bytes" "$(cat "$tmp/code")" 200
ok "the daemon stays small ($(anon_kb) KB)" test "$(anon_kb)" -lt $limit_kb
want=$("$httpgen" instance $single 2.25.2 | cksum)
got=$(curl -s -m 600 "$base/dicom-web/studies/2.25.2.0.1/series/2.25.2.0.2/instances/2.25.2" | cksum)
is "comes back whole" "$got" "$want"
ok "the daemon stays small ($(anon_kb) KB)" test "$(anon_kb)" -lt $limit_kb
size=$(curl -s -m 600 -H "$AS_STORED_PARTS" "$base/v2/studies/2.25.1.0.1" | wc -c)
ok "all instances in one reply" test "$size" -gt $((count * 519000))
ok "the daemon stays small ($(anon_kb) KB)" test "$(anon_kb)" -lt $limit_kb
done_testing
