#!/bin/bash
# A destination that answers 503, breaks off, or is away for a while: nothing is lost.
. "$(dirname "$0")/export.sh"
require_web
make_studies 3 2 20
start_azurite
servers container "$azurite_port" out
source='"source":{"type":"identifiers","settings":{"values":["2.25.1","2.25.9","2.25.2","2.25.3/2.25.3.1"]}}'
order() {
	echo "{$source,\"destination\":{\"type\":\"azureblob\",\"settings\":{\"connectionString\":\"$(connection_string "$1")\",\"blobContainerName\":\"out\"}}}"
}
sizes() {
	servers list "$azurite_port" out | sed -n "s|^\([0-9]*\) $1/results/|\1 |p" | sort -k 2
}
wanted() {
	(cd "$store/$(tree)" && find 2.25.1 2.25.2 2.25.3/2.25.3.1 -name '*.dcm' -printf '%s %p\n' | sort -k 2)
}

start_daemon --export
for seed in $RANDOM $RANDOM; do
	diag "seed $seed"
	start_server proxy "$azurite_port" 30 "$seed"
	for _ in 1 2 3 4 5; do		# the probe tries twice only
		post /v2/export "$(order "$server_port")"
		[ "$status" != 202 ] || break
	done
	has_status "a third of the requests fail in one way or another" 202
	op=$(json .id)
	ok "ends all the same" wait_for $((patience * 3)) ended "$op"
	is "with all" "$(json '[.status, .results.exported, .results.skipped] | join(" ")')" "succeeded 100 1"
	is "there" "$(sizes "$op")" "$(wanted)"
	is "and one line for what is not" "$(servers get "$azurite_port" out "$op/errors.log" | jq -r .identifier)" 2.25.9
	diag "$(grep -c fault "$server_log") faults"
	ok "of many tried" [ "$(grep -c fault "$server_log")" -ge 10 ]
done

start_server refuse 1 2 "$azurite_port"
began=$(date +%s%3N)
post /v2/export "$(order "$server_port")"
has_status "503 with Retry-After: 2" 202
ok "is waited for as long as it says" [ $(($(date +%s%3N) - began)) -ge 2000 ]
ok "ends" wait_for "$patience" ended "$(json .id)"

# Away when the export begins in earnest, and back later.
stop_daemon
start_server proxy "$azurite_port" 0 1
port=$server_port
exec 8>>"$store/operations.lock"
flock 8
start_daemon --export --export-patience 10m 8>&-
post /v2/export "$(order "$port")"
has_status "an export is begun" 202
op=$(json .id)
kill "${daemon_pids[-2]}" 2>/dev/null		# the proxy
wait "${daemon_pids[-2]}" 2>/dev/null
exec 8>&-
allow_log 'kind=export state=(waiting|failed): '
ok "its destination is away" wait_for "$patience" grep -q state=waiting "$daemon_log"
request GET "/v2/operations/$op"
has_status "it waits" 202
is "a re-index meanwhile" "$(curl -s -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' \
	-d '[{"path":"PatientAge","level":"Study"}]' "$base/v2/extendedquerytags")" 202
tag_ready() {
	[ "$(curl -s "$base/v2/extendedquerytags/PatientAge" | jq -r .status)" = ready ]
}
ok "is not kept waiting" wait_for "$patience" tag_ready
request GET "/v2/operations/$op"
has_status "it waits still" 202
node - "$port" "$azurite_port" >"$tmp/back.log" 2>&1 <<'END' &
const http = require('http');
const [, , port, to] = process.argv;
http.createServer((req, res) => req.pipe(http.request({ host: '127.0.0.1', port: to, method: req.method, path: req.url,
	headers: req.headers }, a => { res.writeHead(a.statusCode, a.rawHeaders); a.pipe(res); }))).listen(port, '127.0.0.1');
END
daemon_pids+=($!)
ok "and goes on when it is back" wait_for $((patience * 2)) ended "$op"
is "to its end" "$(json '[.status, .results.exported, .results.skipped] | join(" ")')" "succeeded 100 1"
is "with all" "$(sizes "$op")" "$(wanted)"
stop_daemon

# Away for longer than one wishes to wait.
exec 8>>"$store/operations.lock"
flock 8
start_server proxy "$azurite_port" 0 1 8>&-
start_daemon --export --export-patience 100ms 8>&-
post /v2/export "$(order "$server_port")"
op=$(json .id)
kill "${daemon_pids[-2]}"
exec 8>&-
ok "given up after a while" wait_for $((patience * 2)) ended "$op"
is "as failed" "$(json '[.status, .results.exported] | join(" ")')" "failed 0"
is "and what gave access is wiped" "$(ls "$store/exports")" ""
done_testing
