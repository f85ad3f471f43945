#!/bin/bash
# What every resource has in common: versions, ids, methods, connections (contract 0.4, 1.1; rows 1 to 4
# and 94 of section 19).
. "$(dirname "$0")/web.sh"
new_store
start_daemon
make_instances 1:100 2:100
stow v2 "$tmp/1.dcm" "$tmp/2.dcm"

request GET /studies -H "$J"
has_status "row 1: a URL needs a version" 404
request GET /v3/studies -H "$J"
has_status "row 1: a known one" 404
for v in v1 v2 v1.0-prerelease V2; do
	request GET /$v/studies -H "$J"
	has_status "row 2: $v" 200
	like "row 3: tells the versions" "$(header api-supported-versions)" '1\.0-prerelease, 1, 2'
done
request HEAD /v2/studies -H "$J"
is "row 3: HEAD too" "$status $(header api-supported-versions)" "200 1.0-prerelease, 1, 2"
for url in /v2/nonsense /v2/studies/abc '/v2/studies?x=%3C'; do
	request GET "$url" -H "$J"
	is "row 3: so do errors: $status" "$(header api-supported-versions)" "1.0-prerelease, 1, 2"
	is "row 94: which are plain text" "$(header Content-Type)" "text/plain; charset=utf-8"
done
request GET /dicom-web/studies
is "/dicom-web has no versions" "$(header api-supported-versions)" ""
request GET /health/check
is "row 4: health" "$(json .overallStatus)" Healthy

request GET /v2/studies -H "$J" -H 'X-Request-ID: trace-7f'
is "an id is echoed" "$(header X-Request-ID)" trace-7f
request GET /v2/studies/abc -H "$J" -H 'X-Request-ID: trace-80'
is "by an error too" "$status $(header X-Request-ID)" "400 trace-80"
ok "and the log has both" wait_for 5 grep -q 'id=trace-80 .*status=400' "$daemon_log"
ok "with status and time" grep -qE 'id=trace-7f method=GET route=v2/SEARCH_STUDIES .*status=200 .* ms=[0-9]' "$daemon_log"

s=studies/2.25.1000
i=$s/series/2.25.100/instances/2.25.1
while read -r path allow; do
	request OPTIONS "/v2/$path"
	is "OPTIONS $path" "$status $(header Allow)" "204 $allow"
	request PATCH "/v2/$path"
	is "another method" "$status $(header Allow)" "405 $allow"
done <<END
studies POST, PUT, GET, HEAD, OPTIONS
$s POST, PUT, GET, HEAD, DELETE, OPTIONS
series GET, HEAD, OPTIONS
$i GET, HEAD, DELETE, OPTIONS
$i/metadata GET, HEAD, OPTIONS
END
request OPTIONS /v2/nonsense
has_status "OPTIONS of nothing" 404
request DELETE /v2/studies
has_status "not everything at once" 405

# HEAD is GET without its body
for path in studies $s/metadata $i $i/metadata series api.yaml; do
	request GET "/dicom-web/$path"
	got="$status $(header Content-Type) $(header ETag)"
	request HEAD "/dicom-web/$path"
	is "HEAD $path" "$status $(header Content-Type) $(header ETag)" "$got"
done

# one connection, one request after another
urls=()
for n in 1 2 3 4 5; do urls+=(-o "$tmp/out.$n" "$base/v2/studies?PatientID=TEST1"); done
is "connections are kept" \
	"$(curl -s -m 30 -H "$J" -w '%{num_connects}' "${urls[@]}")" 10000
exec 3<>"$(peer)"
for n in 1 2 3; do
	printf 'GET /v2/studies?offset=%s HTTP/1.1\r\nHost: x\r\nAccept: */*\r\nX-Request-ID: pipe-%s\r\n\r\n' $((n - 1)) $n
done >&3
printf 'GET /health/check HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' >&3
timeout 20 cat <&3 >"$tmp/pipe"
exec 3>&-
is "requests sent ahead are answered in their order" \
	"$(tr -d '\r' <"$tmp/pipe" | grep -aoE '(HTTP/1.1 [0-9]+|X-Request-ID: pipe.*)' | cut -d' ' -f2 | tr '\n' ' ')" \
	"200 pipe-1 204 pipe-2 204 pipe-3 200 "
exec 3<>"$(peer)"
{
	printf 'POST /v2/studies HTTP/1.1\r\nHost: x\r\nAccept: */*\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello'
	printf 'GET /health/check HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'
} >&3
timeout 20 cat <&3 >"$tmp/pipe"
exec 3>&-
is "also after a body that was refused" \
	"$(tr -d '\r' <"$tmp/pipe" | grep -ao 'HTTP/1.1 [0-9]*' | cut -d' ' -f2 | tr '\n' ' ')" "415 200 "
# what stays on this machine is not paced, whatever its congestion control
if command -v ss >/dev/null; then
	exec 3<>"$(peer)"
	printf 'GET /health/check HTTP/1.1\r\nHost: x\r\n\r\n' >&3
	read -r -t 10 _ <&3
	is "a connection over the loopback is not paced" \
		"$(ss -tinH state established "sport = :${base##*:}" | grep -ow reno | head -1)" reno
	exec 3>&-
else
	skip "a connection over the loopback is not paced" "no ss (iproute2)"
fi
done_testing
