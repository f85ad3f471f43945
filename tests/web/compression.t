#!/bin/bash
# Text is compressed for who takes that: gzip and zstd, streams too, small bodies not.
. "$(dirname "$0")/web.sh"
require_program gzip zstd
new_store
start_daemon
for n in $(seq 1 60); do
	make_instances "$n:$((100 + n % 3))"
done
make_large "$tmp/61.dcm" 1 60 60
stow v2 "$tmp"/[0-9]*.dcm
has_status "sixty instances, and one of much bulk" 200
m=/dicom-web/studies/2.25.1000/metadata
request GET $m
cp "$body" "$tmp/plain"
is "nobody asked" "$(header Content-Encoding)" ""
# each CODING PROGRAM URL NAME
each() {
	request GET "$3" -H "Accept-Encoding: $1"
	is "$4: $1" "$status $(header Content-Encoding)" "200 ${1%%,*}"
	$2 -dc <"$body" >"$tmp/plain.2"
	ok "$4: the same text" cmp "$tmp/plain" "$tmp/plain.2"
	ok "$4: a fifth or less" test $(($(stat -c %s "$body") * 5)) -lt "$(stat -c %s "$tmp/plain")"
	like "$4: caches are told" "$(header Vary)" 'Accept-Encoding'
}
each gzip gzip $m metadata
each zstd zstd $m metadata
each 'zstd, gzip' zstd $m metadata
request GET '/dicom-web/instances?includefield=all'
cp "$body" "$tmp/plain"
each gzip gzip '/dicom-web/instances?includefield=all' search
each zstd zstd '/dicom-web/instances?includefield=all' search
request GET /v2/api.yaml
cp "$body" "$tmp/plain"
each gzip gzip /v2/api.yaml "OpenAPI"
request GET /v2/studies -H "$J" -H 'Accept-Encoding: gzip, zstd'
is "a small body is left alone" "$(header Content-Encoding)" ""
request GET /v2/studies/2.25.1000/series/2.25.101/instances/2.25.1 -H "$AS_STORED" -H 'Accept-Encoding: gzip, zstd'
is "so is a file" "$(header Content-Encoding)" ""
ok "byte for byte" cmp "$body" "$tmp/1.dcm"
request GET $m -H 'Accept-Encoding: gzip;q=0, br'
is "what is not wanted is not sent" "$(header Content-Encoding)" ""
request HEAD $m -H 'Accept-Encoding: gzip'
has_status "HEAD" 200

# coded metadata is kept for the next who asks
kept() {
	request GET /metrics
	awk '/^dicomlake_http_coded_metadata_total/ { print $2 } /^dicomlake_http_coded_metadata_bytes/ { print ($2 > 0) }' "$body" | paste -sd' '
}
is "gzip and zstd are coded once, and found after that" "$(kept)" "2 2 1"
request GET $m
cp "$body" "$tmp/plain"
is "plain text is not kept" "$(kept)" "2 2 1"
each zstd zstd $m "kept metadata"
is "it has its length" "$(header Content-Length)" "$(stat -c %s "$body")"
length=$(header Content-Length)
request HEAD $m -H 'Accept-Encoding: zstd'
is "which HEAD tells as well" "$(header Content-Length) $(header Content-Encoding)" "$length zstd"
before=$(kept)
request GET $m -H 'Accept-Encoding: zstd' -H 'Host: elsewhere'
zstd -dqc <"$body" >"$tmp/elsewhere"
is "its URLs are those of the host asked" "$(kept) $(grep -o 'http://[a-z]*/' "$tmp/elsewhere" | sort -u)" \
	"$(echo "$before" | awk '{ print $1, $2 + 1, $3 }') http://elsewhere/"
before=$(kept)
for d in v1 v2; do
	request GET /$d/studies/2.25.1000/metadata -H 'Accept-Encoding: zstd'
done
is "/v1 and /v2 say the same" "$(kept)" "$(echo "$before" | awk '{ print $1 + 1, $2 + 1, $3 }')"
request DELETE /v2/studies/2.25.1000/series/2.25.100/instances/2.25.60
before=$(kept)
request GET $m
cp "$body" "$tmp/plain"
each zstd zstd $m "metadata after a delete"
is "is coded anew" "$(kept)" "$(echo "$before" | awk '{ print $1, $2 + 1, $3 }')"

# longer than the buffers: three thousand instances of a header each
for n in $(seq 1 40); do
	for k in $(seq 1 75); do
		printf -- '--bound\r\nContent-Type: application/dicom\r\n\r\n'
		LC_ALL=C sed "s/2\\.25\\.1\\x00/2.25.$((n % 9 + 1))\\x00/g; s/2\\.25\\.101/2.25.$((100 + n))/; s/2\\.25\\.1000/2.25.$((1000 + k))/" "$tmp/1.dcm"
		printf '\r\n'
	done
done >"$tmp/many"
printf -- '--bound--\r\n' >>"$tmp/many"
request POST /dicom-web/studies -H "$MULTI" --data-binary "@$tmp/many"
has_status "three thousand more" 200
request GET '/dicom-web/instances?includefield=all'
ok "which is more than a buffer" test "$(stat -c %s "$body")" -gt 1000000
cp "$body" "$tmp/plain"
each gzip gzip '/dicom-web/instances?includefield=all' "a long search"
each zstd zstd '/dicom-web/instances?includefield=all' "a long search"
done_testing
