#!/bin/bash
# Studies and series as multipart/related (contract 3.2, 3.3).
. "$(dirname "$0")/web.sh"
new_store
start_daemon
make_instances 1:200 2:100 3:200 4:100
dcmconv +ti "$tmp/4.dcm" "$tmp/4i.dcm"
stow dicom-web "$tmp"/[1-3].dcm "$tmp/4i.dcm"
s=studies/2.25.1000

# the parts of the last reply, by SOP Instance UID, are the files
same_files() {
	local n uid f
	for n in "$tmp/$1"/*.dcm; do
		uid=$(dcmdump +P 0008,0018 "$n" | sed 's/.*\[\(.*\)\].*/\1/')
		f=$tmp/${uid#2.25.}.dcm
		[ "$uid" != 2.25.4 ] || f=$tmp/4i.dcm
		cmp "$n" "$f" || return 1
	done
}
request GET /v2/$s -H "$AS_STORED_PARTS"
has_status "a study as stored" 200
like "is multipart without a type" "$(header Content-Type)" '^multipart/related; boundary=[0-9a-f]+$'
is "chunked" "$(header Transfer-Encoding) $(header Content-Length)" "chunked "
is "one part an instance" "$(split_multipart "$tmp/study")" 4
ok "each the bytes that went in" same_files study
is "each with its own syntax" "$(grep -ho 'syntax=[0-9.]*' "$tmp"/study/*.head | sort | uniq -c | tr -s ' ' | tr '\n' ';')" \
	" 1 syntax=1.2.840.10008.1.2; 3 syntax=1.2.840.10008.1.2.1;"
request GET /v2/$s/series/2.25.200 -H "$AS_STORED_PARTS"
is "a series" "$(split_multipart "$tmp/series")" 2
ok "has its own" same_files series
request GET /v2/$s
has_status "*/* at v2" 200
is "is all parts" "$(split_multipart "$tmp/any")" 4
request GET /v2/$s -H 'Accept: multipart/related; type="application/dicom"'
has_status "the default syntax of several instances" 406
says "advises" 'transfer-syntax=\*'
request GET /v2/$s -H 'Accept: application/dicom'
has_status "a study as a single part" 406
request GET /dicom-web/$s -H 'Accept: multipart/related; type=application/dicom'
has_status "/dicom-web gives what is stored" 200
like "and a type" "$(header Content-Type)" '^multipart/related; type="application/dicom"; boundary='
request GET /dicom-web/$s/series/2.25.200 -H 'Accept: multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.1'
has_status "all are stored in the named syntax" 200
request GET /dicom-web/$s -H 'Accept: multipart/related; type="application/dicom"; transfer-syntax=1.2.840.10008.1.2.1'
has_status "not all are" 200
is "those are transcoded" "$(split_multipart "$tmp/ele" >/dev/null; grep -ho "syntax=[0-9.]*" "$tmp"/ele/*.head | sort -u)" syntax=1.2.840.10008.1.2.1
request GET /v2/studies/2.25.9 -H "$AS_STORED_PARTS"
has_status "an unknown study" 404
request HEAD /v2/$s -H "$AS_STORED_PARTS"
has_status "HEAD" 200

status=$(curl -s -0 -o "$body" -D "$head" -w '%{http_code}' -H "$AS_STORED_PARTS" "$base/v2/$s")
has_status "HTTP/1.0" 200
is "is not chunked" "$(header Transfer-Encoding) $(header Connection)" " close"
is "and whole" "$(split_multipart "$tmp/old")" 4
curl -s -0 -o "$body" -D "$head" -H 'Connection: keep-alive' -H "$AS_STORED_PARTS" "$base/v2/$s"
is "nor kept, since nothing else tells its end" "$(header Connection)" close

"$httpgen" body 3 400000 2.25.5 >"$tmp/large"
request POST /v2/studies -H "$J" -H "$MULTI" --data-binary "@$tmp/large"
rm "$(find "$store/AHDS" -name 2.25.5.3.dcm)"
fails 18 "a file that is missing after the first bytes breaks the reply off" \
	curl -s -o /dev/null -H "$AS_STORED_PARTS" "$base/v2/studies/2.25.5.0.1"
rm "$(find "$store/AHDS" -name 2.25.3.dcm)"
request GET /v2/$s/series/2.25.200 -H "$AS_STORED_PARTS"
has_status "one missing before that has its status" 424
is "and a sentence" "$(header Content-Type)" "text/plain; charset=utf-8"
done_testing
