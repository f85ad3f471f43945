#!/bin/bash
# PUT into import-container as Azure's Put Blob, Put Block and Put Block List; the queues and the error-container.
. "$(dirname "$0")/web.sh"
require_program perl openssl
allow_log 'refused door=import'
new_store
start_daemon
errors=$store/import/error-container
make_instances 1:9 2:9 3:9 4:9
stored() {
	request GET "/v2/studies?limit=1" -H "$J"
	request GET "/dicom-web/instances?SOPInstanceUID=2.25.$1" -H "$J"
	is "$2" "$status" "${3:-200}"
}

# Contract row 76
ok "curl -T puts a file" curl -sf -m 60 -T "$tmp/1.dcm" "$base/v2/import-container/"
stored 1 "found by QIDO"
ok "the bytes are the file's" cmp "$tmp/1.dcm" "$(find "$store/AHDS" -name 2.25.1.dcm)"
request PUT "/v2/import-container/any/depth/x%20y" -H 'x-ms-blob-type: BlockBlob' -H 'x-ms-version: 2020-10-02' \
	-H 'x-ms-client-request-id: abc-1' --data-binary "@$tmp/2.dcm"
has_status "Put Blob, of any name and depth" 201
like "with an entity tag" "$(header ETag)" '^"0x[0-9A-F]+"$'
like "and a time" "$(header Last-Modified)" ' GMT$'
like "a request id" "$(header x-ms-request-id)" .
is "the version of the client" "$(header x-ms-version)" 2020-10-02
is "and the client's id" "$(header x-ms-client-request-id)" abc-1
stored 2 "it is stored"
echo "no DICOM at all, of some length" >"$tmp/text"
request PUT "/v2/import-container/a/bad" -H 'x-ms-blob-type: BlockBlob' --data-binary "@$tmp/text"
has_status "what is refused is created, too" 201
like "with a warning" "$(header Warning)" '299 .*refused: not a DICOM file'
request GET "/v2/error-container/a/bad"
has_status "it lies in the error-container" 200
ok "as it came" cmp "$tmp/text" "$body"
request GET "/v2/error-container/a/bad.error.json"
is "with its report" "$(json '[.path, .status, .failureReason] | map(tostring) | join(" ")')" "a/bad 409 43264"
is "which is typed" "$(header Content-Type)" "application/json; charset=utf-8"
request GET /v2/error-queue
is "and a line in the error-queue" "$(jq -r .path "$body")" a/bad
is "of its own type" "$(header Content-Type)" application/x-ndjson
request GET /dicom-web/import-queue
is "import-queue has a line of each" "$(jq -r .subject "$body" | sed 's,.*/blobs/,,' | tr '\n' ';')" "1.dcm;any/depth/x y;a/bad;"
size=$(stat -c %s "$store/import/import-queue")
request GET /v1/import-queue -H "Range: bytes=$((size - 10))-"
has_status "a range of it" 206
is "is what is asked for" "$(cat "$body")" "$(tail -c 10 "$store/import/import-queue")"
request GET /v1/import-queue -H "Range: bytes=$size-"
has_status "what is not there yet is none" 416
request HEAD /v2/import-queue
is "HEAD tells its length" "$status $(header Content-Length)" "200 $size"

# The same again, and another of the same instance
request PUT "/v2/import-container/again" --data-binary "@$tmp/1.dcm"
is "the same instance again is no error" "$status $(header Warning)" "201 "
make_dcm "$tmp/other.dcm" SOPInstanceUID=2.25.1 SeriesInstanceUID=2.25.9 PatientName=Other
request PUT "/v2/import-container/other" --data-binary "@$tmp/other.dcm"
like "one with other bytes is refused" "$status $(header Warning)" "201 .*exists already"
ok "and kept" cmp "$tmp/other.dcm" "$errors/other"

# Sums
md5=$(openssl md5 -binary "$tmp/3.dcm" | base64)
request PUT "/v2/import-container/3" -H 'Content-MD5: AAAAAAAAAAAAAAAAAAAAAA==' --data-binary "@$tmp/3.dcm"
is "another MD5" "$status $(header x-ms-error-code)" "400 Md5Mismatch"
like "is told in XML" "$(cat "$body")" '<Error><Code>Md5Mismatch</Code><Message>'
request PUT "/v2/import-container/3" -H 'x-ms-content-crc64: AAAAAAAAAAA=' --data-binary "@$tmp/3.dcm"
is "another CRC64" "$status $(header x-ms-error-code)" "400 Crc64Mismatch"
stored 3 "nothing of it is stored" 204
fails 2 "nor kept" ls "$errors/3"
request PUT "/v2/import-container/3" -H "Content-MD5: $md5" --data-binary "@$tmp/3.dcm"
is "the right one" "$status $(header Content-MD5)" "201 $md5"
stored 3 "is stored"
printf 123456789 >"$tmp/nine"
request PUT "/v2/import-container/nine" -H 'x-ms-content-crc64: iJh5CoYUi64=' --data-binary "@$tmp/nine"
is "the CRC64 is Azure's" "$status $(header x-ms-content-crc64)" "201 iJh5CoYUi64="

# Blocks
make_large "$tmp/large.dcm" 4 300 300
split -b 100000 -d "$tmp/large.dcm" "$tmp/block."
id() {
	printf '%05d' "$1" | base64
}
put_block() {
	request PUT "/v2/import-container/big/one?comp=block&blockid=$(id "$1" | sed 's/=/%3D/g')" --data-binary "@$2" "${@:3}"
}
n=$(ls "$tmp"/block.* | wc -l)
list="<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>"
for ((i = 0; i < n; i++)); do
	list="$list<Latest>$(id $i)</Latest>"
done
list="$list</BlockList>"
# the last first, and one of them twice
put_block 1 "$tmp/text"
for ((i = n - 1; i >= 0; i--)); do
	put_block $i "$tmp/block.0$i"
	[ "$status" = 201 ] || break
done
has_status "blocks in any order" 201
stored 77 "nothing is stored before their list" 204
request PUT "/v2/import-container/big/one?comp=blocklist" --data-binary "<BlockList><Latest>$(id 99)</Latest></BlockList>"
is "a list with a block that was not put" "$status $(header x-ms-error-code)" "400 InvalidBlockList"
request PUT "/v2/import-container/big/one?comp=blocklist" --data-binary "<BlockList><Latest>"
is "none at all" "$status $(header x-ms-error-code)" "400 InvalidXmlDocument"
request PUT "/v2/import-container/big/one?comp=blocklist" --data-binary "$list"
has_status "the list" 201
stored 77 "makes it an instance"
ok "of all blocks in their order" cmp "$tmp/large.dcm" "$(find "$store/AHDS" -name 2.25.77.dcm)"
request PUT "/v2/import-container/big/one?comp=blocklist" --data-binary "$list"
is "again it has gone" "$status $(header x-ms-error-code)" "400 InvalidBlockList"
put_block 0 "$tmp/block.00" -H 'Content-MD5: AAAAAAAAAAAAAAAAAAAAAA=='
is "a damaged block" "$status $(header x-ms-error-code)" "400 Md5Mismatch"
request PUT "/v2/import-container/big/one?comp=blocklist" --data-binary "<BlockList><Latest>$(id 0)</Latest></BlockList>"
has_status "is none" 400
request PUT "/v2/import-container/x?comp=block" --data-binary x
has_status "a block needs an ID" 400
request PUT "/v2/import-container/x?comp=block&blockid=MDA%3D" -H 'Transfer-Encoding: chunked' --data-binary x
has_status "and a length" 411

# What is none of that
request PUT "/v2/import-container/x?comp=metadata" --data-binary x
is "other calls are refused" "$status $(header x-ms-error-code)" "400 InvalidQueryParameterValue"
request PUT "/v2/import-container/x" -H 'x-ms-blob-type: PageBlob' -H 'Content-Length: 0'
is "other blobs too" "$status $(header x-ms-error-code)" "400 InvalidBlobType"
request PUT "/v2/import-container/a/%2E%2E/b" --data-binary x
has_status "a way up is none" 400
request PUT "/v2/import-container/$(printf '%0241d' 0)" --data-binary x
has_status "a long name is none" 400
request PUT "/v2/import-container" --data-binary x
has_status "a blob needs a name" 404
request PUT "/v2/import-container/x" -H 'If-Match: "1"' --data-binary x
has_status "no blob has a tag" 412
request PUT "/v2/import-container/empty" --data-binary ""
has_status "an empty file" 201
fails 2 "is nothing" ls "$errors/empty"
request PUT "/v2/import-container/4" -H 'Expect: 100-continue' -H 'Transfer-Encoding: chunked' --data-binary "@$tmp/4.dcm"
has_status "chunked, with Expect" 201
stored 4 "is stored"

# A client that leaves in the middle
exec 3<>"$(peer)"
printf 'PUT /v2/import-container/half HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nsome bytes' >&3
half() {
	[ "$(find "$store/staging" -type f ! -name '*lock' -size +0 | wc -l)" -gt 0 ]
}
wait_for "$patience" half
exec 3>&-
ok "half a file is dropped" wait_for "$patience" sh -c "! find '$store/staging' -type f ! -name '*lock' | grep -q ."
fails 2 "and never seen" ls "$errors/half"

# The error-container
request GET "/v2/error-container"
is "it is listed" "$(json '.[].path' | tr '\n' ' ')" "a/bad a/bad.error.json nine nine.error.json other other.error.json "
is "with sizes" "$(json '.[0].size')" "$(stat -c %s "$tmp/text")"
request GET "/v2/error-container?limit=2&after=a/bad"
is "a page at a time" "$(json '.[].path' | tr '\n' ' ')" "a/bad.error.json nine "
request GET "/v2/error-container?restype=container&comp=list&maxresults=2"
like "in XML, too" "$(cat "$body")" '<Name>a/bad</Name>.*<NextMarker>a/bad.error.json</NextMarker>'
request GET "/v2/error-container?restype=container&comp=list&marker=other"
like "to its end" "$(cat "$body")" '<Blobs><Blob><Name>other.error.json</Name>.*<NextMarker></NextMarker>'
for path in a none a/bad/x; do
	request GET "/v2/error-container/$path"
	has_status "$path is no file of it" 404
	request DELETE "/v2/error-container/$path"
	has_status "nor can it be removed" 404
done
ln -s /etc/passwd "$errors/link"
request GET "/v2/error-container/link"
has_status "a link is none" 404
rm "$errors/link"
request DELETE "/v2/error-container/a/bad"
has_status "one is removed" 202
is "with its report, and the directory of it" "$(ls "$errors" | tr '\n' ' ')" "nine nine.error.json other other.error.json "
ok "nothing is left in staging" wait_for "$patience" sh -c "! find '$store/staging' -type f ! -name '*lock' | grep -q ."
done_testing
