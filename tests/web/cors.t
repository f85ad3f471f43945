#!/bin/bash
# Pages of other origins (row 91 of section 19).
. "$(dirname "$0")/web.sh"
new_store
start_daemon --cors-origin https://viewer.example,http://localhost:3000
O='Origin: https://viewer.example'
allowed() {
	header Access-Control-Allow-Origin
}
request OPTIONS /dicom-web/studies -H "$O" -H 'Access-Control-Request-Method: POST' \
	-H 'Access-Control-Request-Headers: content-type, x-custom'
is "row 91: a preflight" "$status $(allowed)" "204 https://viewer.example"
is "row 91: has the methods" "$(header Access-Control-Allow-Methods)" "POST, PUT, GET, HEAD, OPTIONS"
is "row 91: and the headers" "$(header Access-Control-Allow-Headers)" "content-type, x-custom"
like "row 91: for some time" "$(header Access-Control-Max-Age)" '^[0-9]+$'
request OPTIONS /v2/studies -H 'Origin: https://other.example' -H 'Access-Control-Request-Method: POST'
is "another origin gets nothing" "$status $(allowed)$(header Access-Control-Allow-Methods)" "204 "
is "and a cache is told" "$(header Vary)" "Origin"
request GET /v2/studies -H "$J" -H "$O"
is "a request" "$status $(allowed)" "204 https://viewer.example"
like "may read our headers" "$(header Access-Control-Expose-Headers)" 'ETag.*Warning.*X-Total-Count'
request GET /v2/studies/abc/metadata -H "$J" -H "$O"
is "an error" "$status $(allowed)" "400 https://viewer.example"
request GET /nonsense -H 'Origin: http://localhost:3000'
is "no resource" "$status $(allowed)" "404 http://localhost:3000"
request DELETE /v2/studies -H "$O"
is "no method" "$status $(allowed)" "405 https://viewer.example"
request POST /v2/studies -H "$O" -H "$J" -H 'Content-Type: text/plain' --data x
is "a refused store" "$status $(allowed)" "415 https://viewer.example"
request GET /health/check
is "no origin, nothing said" "$(allowed)" ""
stop_daemon
start_daemon --cors-origin '*'
request GET /v2/studies/abc -H "$J" -H "$O"
is "any origin" "$status $(allowed)" "400 *"
stop_daemon
start_daemon
request GET /v2/studies -H "$J" -H "$O"
is "none by default" "$(allowed)$(header Vary)" ""
request OPTIONS /v2/studies -H "$O" -H 'Access-Control-Request-Method: POST'
is "not even to ask" "$status $(allowed)$(header Access-Control-Allow-Methods)" "204 "
stop_daemon
fails 1 "what is no origin is told at the start" timeout 10 "$dicomlake" serve "$store" --listen 127.0.0.1:0 --cors-origin nonsense
done_testing
