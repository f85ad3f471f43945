#!/bin/bash
# Bulk data at /dicom-web: BulkDataURI and what it answers.
. "$(dirname "$0")/web.sh"
new_store
start_daemon
"$httpgen" instance 20000 2.25.7 >"$tmp/a.dcm"
put_file dicom-web "$tmp/a.dcm"
has_status "stored" 200
request GET /dicom-web/studies/2.25.7.0.1/metadata
uri=$(json '.[0]."7FE00010".BulkDataURI')
like "metadata names the pixel data below the instance" "$uri" \
	"^$base/dicom-web/studies/2.25.7.0.1/series/2.25.7.0.2/instances/2.25.7/bulkdata/7FE00010\\?offset=[0-9]+&length=[0-9]+\$"
path=${uri#"$base"}
len=${uri##*length=}
off=${uri##*offset=}
off=${off%%&*}
tail -c +$((off + 1)) "$tmp/a.dcm" | head -c "$len" >"$tmp/want"
request GET "$path"
has_status "the URI answers" 200
is "as octets" "$(header Content-Type)" application/octet-stream
ok "with the bytes of the value" cmp "$body" "$tmp/want"
request GET "$path" -H 'Range: bytes=10-19'
has_status "a range of it" 206
is "says which" "$(header Content-Range)" "bytes 10-19/$len"
ok "and is" cmp "$body" <(tail -c +11 "$tmp/want" | head -c 10)
request GET "$path" -H "Range: bytes=$len-"
has_status "a range past the end" 416
request GET "$path" -H 'Range: bytes=10-19' -H 'If-Range: "other"'
has_status "a range of another version" 200
is "is the whole" "$(stat -c %s "$body")" "$len"
tag=$(header ETag)
request GET "$path" -H 'Range: bytes=10-19' -H "If-Range: $tag"
has_status "a range of this version" 206
request GET "$path" -H "If-None-Match: $tag"
has_status "the client has it" 304
request GET "${path%%\?*}?offset=$off&length=20000"
has_status "a span past the end of the file" 404
request GET "${path%%\?*}?offset=18446744073709551615&length=18446744073709551615"
has_status "numbers that overflow when added" 404
request GET "${path%%\?*}?offset=-1&length=5"
has_status "a negative offset" 400
request GET "${path%%\?*}"
has_status "no span" 400
request GET "$path" -H 'Accept: image/png'
has_status "another type" 406
request GET "${path/2.25.7\/bulk/2.25.8\/bulk}"
has_status "an unknown instance" 404
request GET "${path/dicom-web/v2}"
has_status "v2 has no such resource" 404
done_testing
