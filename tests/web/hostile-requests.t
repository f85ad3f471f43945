#!/bin/bash
# Requests that mean harm, or nothing.
. "$(dirname "$0")/web.sh"
new_store
start_daemon
make_dcm "$tmp/a.dcm" SOPInstanceUID=2.25.1
put_file v2 "$tmp/a.dcm"

# the status line of the answer to raw bytes; nothing when the connection is just closed
raw() {
	exec 3<>"$(peer)" || return
	printf "$@" >&3
	timeout 10 head -n 1 <&3 | tr -d '\r'
	exec 3>&-
}
alive() {
	request GET /health/check
	has_status "$1: the daemon lives" 200
}

request GET /studies
has_status "no version" 404
request GET /v3/studies
has_status "an unknown version" 404
request GET /
has_status "the root" 404
request GET '/v2/../../../etc/passwd' --path-as-is
has_status "dots that climb" 404
request GET '/v2/studies/%2e%2e/%2e%2e' --path-as-is
has_status "escaped dots" 404
request GET /v2/studies/..%2f..%2fetc --path-as-is
has_status "an escaped slash" 400
request GET /v2/studies/1%00
has_status "an escaped NUL" 400
request GET /v2/studies/%ff
has_status "bytes that are no UTF-8" 400
request GET /v2/studies/1%
has_status "half an escape" 400
request GET "/v2/studies/$(printf '1%.0s' $(seq 65))"
has_status "a UID of 65 characters" 400
request GET /v2/studies/1.2.
has_status "a UID that ends with a period" 400
request GET '/v2/studies/2.25.1000%20%20/metadata'
has_status "spaces at the end of a UID are trimmed" 200
request GET "/v2/$(printf 'a/%.0s' $(seq 100))"
has_status "a path of 100 segments" 414
request GET "/v2/studies?$(printf 'a=1&%.0s' $(seq 500))"
has_status "500 parameters" 414
request DELETE /v2/studies
has_status "a method the path does not have" 405
is "tells which it has" "$(header Allow)" "POST, PUT, GET, HEAD, OPTIONS"
request PATCH /metrics
has_status "PATCH" 405
request OPTIONS /v2/studies/1
has_status "OPTIONS" 204
is "tells too" "$(header Allow)" "POST, PUT, GET, HEAD, DELETE, OPTIONS"
request HEAD /v2/studies
is "versions are told" "$(header api-supported-versions)" "1.0-prerelease, 1, 2"
request GET /v2/partitions
has_status "partitions are off" 400
request GET /v2/partitions/a/studies
has_status "in paths too" 400
alive "paths"

like "no HTTP" "$(raw 'hello\r\n\r\n')" '^(HTTP/1.1 400 Bad Request|)$'
like "HTTP/3.0" "$(raw 'GET / HTTP/3.0\r\n\r\n')" '^HTTP/1.1 505'
like "a control character" "$(raw 'GET /\001 HTTP/1.1\r\n\r\n')" '^(HTTP/1.1 400|)'
like "a head of 20 KB" "$(raw 'GET / HTTP/1.1\r\nX: %020000d\r\n\r\n' 0)" '^HTTP/1.1 4(00|31)'
like "70 header lines" "$(raw "GET /v2/studies HTTP/1.1\r\n$(printf 'X: y\\r\\n%.0s' $(seq 70))\r\n")" '^HTTP/1.1 4(00|31)'
like "two lengths" "$(raw 'POST /v2/studies HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx')" '^HTTP/1.1 400'
like "a length and chunks" "$(raw 'POST /v2/studies HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n')" '^HTTP/1.1 400'
like "a length that is no number" "$(raw 'POST /v2/studies HTTP/1.1\r\nContent-Length: 1x\r\n\r\nx')" '^HTTP/1.1 400'
like "a negative length" "$(raw 'POST /v2/studies HTTP/1.1\r\nContent-Length: -1\r\n\r\nx')" '^HTTP/1.1 4(00|11)'
like "a length of 20 digits" "$(raw 'POST /v2/studies HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\nx')" '^HTTP/1.1 4(00|11|13)'
alive "heads"

forged() {
	request GET /v2/studies -H "$J" -H "Host: $1"
	request POST /v2/studies/2.25.1000 -X PUT -H "$J" -H "Host: $1" -H "$PART" --data-binary "@$tmp/a.dcm"
	json '."00081190".Value[0]'
}
is "a host that could break out of JSON is not repeated" "$(forged 'a"b')" "$base/v2/studies/2.25.1000"
is "a plain one is" "$(forged pacs.example:8042)" "http://pacs.example:8042/v2/studies/2.25.1000"

exec 4<>"$(peer)"
printf 'GET /health/check HTTP/1.1\r\nHost: x\r\n\r\nGET /health/check HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' >&4
is "two requests in one packet have two replies" "$(timeout 10 cat <&4 | tr -d '\r' | grep -o 'HTTP/1.1 200' | wc -l)" 2
exec 4>&-
status=$(curl -s -o /dev/null -w '%{http_code} %{num_connects} ' "$base/health/check" --next -s -o /dev/null -w '%{http_code} %{num_connects}' "$base/v2/nothing")
is "an error keeps the connection" "$status" "200 1 404 0"
head -c 3000000 /dev/zero >"$tmp/zero"
request POST /v2/nothing --data-binary "@$tmp/zero"
has_status "a large body to nowhere" 404
is "costs the connection" "$(header Connection)" close
alive "bodies"

burst=()
for i in $(seq 300); do
	exec {fd}<>"$(peer)" && burst+=("$fd")
done
for fd in "${burst[@]}"; do
	exec {fd}>&-
done
alive "300 connections that say nothing"
done_testing
