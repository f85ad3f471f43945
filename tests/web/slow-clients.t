#!/bin/bash
# A client of one byte a second does not hold a thread for ever, nor the others up.
. "$(dirname "$0")/web.sh"
new_store
# One thread could be held by each slow client; two of three are.
start_daemon --threads 3
exec 3<>"$(peer)" 4<>"$(peer)"
printf 'GET /health/check HTTP/1.1\r\nX: ' >&3
printf 'POST /v2/studies HTTP/1.1\r\nHost: x\r\n%s\r\nContent-Type: application/dicom\r\nContent-Length: 1000\r\n\r\nslow' "$J" >&4
request GET /health/check
has_status "another client is served meanwhile" 200
printf 'y' >&3
printf 'y' >&4
request GET /health/check
has_status "and again" 200
stop_daemon_in_time() {
	local began=$SECONDS
	stop_daemon && [ $((SECONDS - began)) -lt 20 ]
}
ok "the daemon stops in spite of them" stop_daemon_in_time
staging_is_empty "at the end"
done_testing
