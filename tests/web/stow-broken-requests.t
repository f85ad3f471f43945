#!/bin/bash
# Requests that break in the middle leave nothing behind.
. "$(dirname "$0")/web.sh"
new_store
start_daemon
for i in $(seq 1 20); do
	make_dcm "$tmp/$i.dcm" SOPInstanceUID=2.25.$i
done

# as multipart_body, with the type of the last part wrong
wrong_last() {
	multipart_body "$@" | sed '$d'
	printf -- '--bound\r\nContent-Type: image/png\r\n\r\nx\r\n--bound--\r\n'
}
files() {
	local i
	for i in $(seq 1 "$1"); do
		echo "$tmp/$i.dcm"
	done
}

wrong_last $(files 3) >"$tmp/body"
request POST /v2/studies -H "$J" -H "$MULTI" --data-binary "@$tmp/body"
has_status "a part of a wrong type fails the request" 415
says "and is named" 'Part 4'
nothing_stored "a wrong type after three"
request GET /metrics
is "not even for a moment" "$(grep -c '^dicomlake_committed_instances_total 0$' "$body")" 1

wrong_last $(files 20) >"$tmp/body"
request POST /v2/studies -H "$J" -H "$MULTI" --data-binary "@$tmp/body"
has_status "a wrong type after many parts" 415
nothing_stored "a wrong type after many"

multipart_body $(files 2) | sed 's/^Content-Type: application.dicom/Content-Type application/' >"$tmp/body"
request POST /v2/studies -H "$J" -H "$MULTI" --data-binary "@$tmp/body"
has_status "a broken part head" 400
nothing_stored "a broken part head"
request POST /v2/studies -H "$J" -H "$MULTI" --data-binary "@$tmp/1.dcm"
has_status "a body without the boundary" 400
nothing_stored "no boundary"

multipart_body $(files 20) >"$tmp/body"
size=$(stat -c %s "$tmp/body")
cut_connection() {
	exec 3<>"$(peer)"
	printf 'POST /v2/studies HTTP/1.1\r\nHost: x\r\n%s\r\n%s\r\nContent-Length: %d\r\n\r\n' "$J" "$MULTI" "$size" >&3
	head -c $((size / 2)) "$tmp/body" >&3
	exec 3>&-
}
idle() {
	request GET /metrics
	grep -q '^dicomlake_http_active 1$' "$body"
}
cut_connection
ok "a client that leaves ends its request" wait_for "$patience" idle
nothing_stored "a client that left"

cut_chunked() {
	exec 3<>"$(peer)"
	printf 'POST /v2/studies HTTP/1.1\r\nHost: x\r\n%s\r\n%s\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n' \
		"$J" "$MULTI" $((size / 2)) >&3
	head -c $((size / 2)) "$tmp/body" >&3
	printf '\r\n%s' "$1" >&3
	[ -z "$1" ] || timeout 10 head -n 1 <&3 | tr -d '\r'
	exec 3>&-
}
is "a chunk size that is none" "$(cut_chunked $'zz\r\n')" "HTTP/1.1 400 Bad Request"
nothing_stored "a broken chunk"
cut_chunked ''
ok "a client that leaves between chunks" wait_for "$patience" idle
nothing_stored "a client that left between chunks"

head -c $((size - 500)) "$tmp/body" >"$tmp/cut"
request POST /v2/studies -H "$J" -H "$MULTI" --data-binary "@$tmp/cut"
has_status "a truncated last part ends the list silently" 200
is "the others are stored" "$(json '."00081199".Value | length')" 19
staging_is_empty "at the end"

printf -- '--bound\r\n\r\n' | cat - "$tmp/20.dcm" <(printf '\r\n--bound--\r\n') >"$tmp/body"
request POST /v2/studies -H "$J" -H "$MULTI" --data-binary "@$tmp/body"
has_status "the type parameter stands for the first part's" 200
done_testing
