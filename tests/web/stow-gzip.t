#!/bin/bash
# Bodies in a content coding: gzip is undone as it streams in, under the same limits.
. "$(dirname "$0")/web.sh"
require_program gzip
new_store
start_daemon --max-request 2097152
make_instances 1:100 2:100 3:100
post() {
	request POST /v2/studies -H "$J" -H 'Content-Encoding: gzip' "$@"
}

gzip -c "$tmp/1.dcm" >"$tmp/1.gz"
post -H "$PART" --data-binary "@$tmp/1.gz"
has_status "a single part" 200
request GET /v2/studies/2.25.1000/series/2.25.100/instances/2.25.1 -H "$AS_STORED"
ok "is stored as it was before" cmp "$body" "$tmp/1.dcm"
multipart_body "$tmp/2.dcm" "$tmp/3.dcm" | gzip >"$tmp/many.gz"
post -H "$MULTI" -H 'Transfer-Encoding: chunked' --data-binary "@$tmp/many.gz"
is "several parts, in chunks" "$status $(json '."00081199".Value | length')" "200 2"
request DELETE /v2/studies/2.25.1000
{ head -c 700 "$tmp/1.dcm" | gzip; tail -c +701 "$tmp/1.dcm" | gzip; } >"$tmp/members.gz"
post -H "$PART" --data-binary "@$tmp/members.gz"
has_status "two members" 200
request DELETE /v2/studies/2.25.1000
request POST /v2/studies -H "$J" -H "$PART" -H 'Content-Encoding: X-GZIP' --data-binary "@$tmp/1.gz"
has_status "by its old name" 200
request DELETE /v2/studies/2.25.1000

post -H "$PART" --data-binary "@$tmp/1.dcm"
has_status "what is not gzip" 400
says "says so" 'gzip'
head -c 300 "$tmp/1.gz" >"$tmp/cut.gz"
post -H "$PART" --data-binary "@$tmp/cut.gz"
has_status "what is cut short" 400
says "says so" 'short'
: | gzip >"$tmp/empty.gz"
post -H "$PART" --data-binary "@$tmp/empty.gz"
has_status "nothing, encoded" 204
post -H "$PART" --data-binary ''
has_status "nothing at all" 204
head -c 100M /dev/zero | gzip -1 >"$tmp/bomb.gz"
post -H "$PART" --data-binary "@$tmp/bomb.gz"
has_status "what is small encoded and large decoded" 413
says "names the limit" 2097152
nothing_stored "after all of these"
done_testing
