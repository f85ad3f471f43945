#!/bin/bash
# /health/check and /metrics.
. "$(dirname "$0")/web.sh"
new_store
start_daemon
request GET /health/check
has_status "health" 200
is "is JSON" "$(header Content-Type)" "application/json; charset=utf-8"
is "healthy" "$(json .overallStatus)" Healthy
is "with details" "$(json '.details[0] | .name + " " + .status')" "index Healthy"
metric() {
	request GET /metrics
	awk -v m="$1" '$1 == m { print $2 }' "$body"
}
is "no instance yet" "$(metric dicomlake_instances)" 0
make_dcm "$tmp/a.dcm" SOPInstanceUID=2.25.1
put_file v2 "$tmp/a.dcm"
put_file v2 "$tmp/a.dcm"
is "instances" "$(metric dicomlake_instances)" 1
is "bytes stored" "$(metric dicomlake_bytes)" "$(stat -c %s "$tmp/a.dcm")"
is "requests by route and class" "$(metric 'dicomlake_http_requests_total{route="STORE",status="2xx"}') $(metric 'dicomlake_http_requests_total{route="STORE",status="4xx"}')" "1 1"
is "bytes received" "$(metric dicomlake_http_received_bytes_total)" $((2 * $(stat -c %s "$tmp/a.dcm")))
is "durations" "$(metric 'dicomlake_http_request_seconds_count{route="STORE"}') $(metric 'dicomlake_http_request_seconds_bucket{route="STORE",le="+Inf"}')" "2 2"
request GET /metrics
is "Prometheus text" "$(header Content-Type)" "text/plain; version=0.0.4; charset=utf-8"
is "every line is a comment or a sample" "$(grep -cvE '^(# (HELP|TYPE) [a-z_]+ .*|[a-z_]+(\{[^}]*\})? [0-9.e+-]+)$' "$body")" 0
is "no sample twice" "$(grep -v '^#' "$body" | awk '{ print $1 }' | sort | uniq -d)" ""
request GET /health/check -H 'X-Request-ID: my-id.1'
is "a request's id is echoed" "$(header X-Request-ID)" my-id.1
is "and logged" "$(grep -c 'door=web id=my-id.1 method=GET route=HEALTH status=200' "$daemon_log")" 1
request GET /health/check -H 'X-Request-ID: bad id; x'
like "one that could forge a line is not" "$(header X-Request-ID)" '^[0-9a-f]+-[0-9a-f]+$'
request GET '/v2/studies?PatientName=Secret%5EName'
is "the log holds no patient's name" "$(grep -c Secret "$daemon_log")" 0
done_testing
