#!/bin/bash
# Which requests to store have which status (contract 2.1, 2.2, 2.9).
. "$(dirname "$0")/web.sh"
new_store
start_daemon --max-request 200000
make_dcm "$tmp/a.dcm" SOPInstanceUID=2.25.1
multipart_body "$tmp/a.dcm" >"$tmp/one"

post() {
	request POST "$@" --data-binary "@$tmp/one"
}

post /v2/studies -H "$J" -H 'Content-Type: text/plain'
has_status "row 12: another content type" 415
says "names the type" 'text/plain'
is "an error is plain text" "$(header Content-Type)" "text/plain; charset=utf-8"
post /v2/studies -H "$J" -H 'Content-Type:'
has_status "no content type" 415
post /v2/studies -H "$J" -H 'Content-Type: multipart/related; type="application/dicom"'
has_status "no boundary" 415
post /v2/studies -H "$J" -H "$MULTI; start=\"<a>\""
has_status "row 15: a start parameter" 400
post /v2/studies -H "$J" -H 'Content-Type: multipart/related; type="application/dicom+json"; boundary=bound'
has_status "multipart of another type" 415
post /v2/studies -H "$J" -H 'Content-Type: application/dicom; transfer-syntax=1.2.840.10008.1.2.1'
has_status "single part with parameters at v2" 415
post /v2/studies -H "$J" -H "$MULTI" -H 'Content-Encoding: br'
has_status "another content coding" 415
says "names it, and the one there is" 'br.*gzip'
post /v2/studies -H 'Accept: application/xml' -H "$MULTI"
has_status "row 13: an Accept that excludes DICOM JSON" 406
post /v2/studies -H 'Accept:' -H "$MULTI"
has_status "no Accept at v2" 406
post /v2/studies/abc -H "$J" -H "$MULTI"
has_status "a study UID that is none" 400
says "names which" 'Study'
post '/v2/studies?x=%3Ca' -H "$J" -H "$MULTI"
has_status "an angle bracket in the query" 400

request POST /v2/studies -H "$J" -H "$MULTI" --data-binary $'--bound--\r\n'
has_status "row 14: no parts" 204
request POST /v2/studies -H "$J" -H "$MULTI" --data-binary ''
has_status "an empty body" 204
request POST /v2/studies -H "$J" -H "$PART" --data-binary ''
has_status "an empty single part" 204

head -c 300000 /dev/zero >"$tmp/big"
request POST /v2/studies -H "$J" -H "$PART" --data-binary "@$tmp/big"
has_status "row 23: above the limit" 413
says "names the limit" '200000'
request POST /v2/studies -H "$J" -H "$PART" -H 'Transfer-Encoding: chunked' --data-binary "@$tmp/big"
has_status "row 23: above the limit, without a length" 413

nothing_stored "after all of these"

post /v2/studies -H 'Accept: application/*' -H "$MULTI"
has_status "application/* allows DICOM JSON" 200
request DELETE /v2/studies/2.25.1000
post /v2/studies -H 'Accept: */*' -H "$MULTI"
has_status "so does */*" 200
request DELETE /v2/studies/2.25.1000
post /dicom-web/studies -H 'Accept:' -H "$MULTI"
has_status "no Accept is welcome at /dicom-web" 200
request DELETE /v2/studies/2.25.1000
request POST /dicom-web/studies -H 'Content-Type: application/dicom;transfer-syntax=1.2.840.10008.1.2.1' \
	--data-binary "@$tmp/a.dcm"
has_status "so are parameters of the single part" 200
request DELETE /v2/studies/2.25.1000
request POST /v2/studies -H "$J" -H "$PART" -H 'Transfer-Encoding: chunked' --data-binary "@$tmp/a.dcm"
has_status "a chunked body" 200
request DELETE /v2/studies/2.25.1000
request POST /v2/studies -H "$J" -H "$PART" -H 'Expect: 100-continue' --data-binary "@$tmp/a.dcm"
has_status "row 5: a single part, with Expect: 100-continue" 200
is "is answered with 100 first" "$(head -n 1 "$head" | tr -d '\r')" "HTTP/1.1 100 Continue"
request POST /v2/studies -H "$J" -H 'Content-Type: text/plain' -H 'Expect: 100-continue' --data-binary "@$tmp/big"
has_status "a refusal is not held up by Expect" 415
is "and comes instead of the 100" "$(head -n 1 "$head" | tr -d '\r')" "HTTP/1.1 415 Unsupported Media Type"

head -c 5000 /dev/urandom >"$tmp/noise"
put_file v2 "$tmp/noise"
has_status "what is no DICOM file" 409
is "has a failure reason and nothing else" "$(json '."00081198".Value | tojson')" \
	'[{"00081197":{"vr":"US","Value":[43264]}}]'
make_dcm "$tmp/b.dcm"
dcmodify --no-backup -ea "(0008,0016)" "$tmp/b.dcm"
put_file v2 "$tmp/b.dcm"
has_status "without a SOP Class UID" 409
is "is invalid" "$(json '."00081198".Value[0]."00081197".Value[0]')" 43264
like "and says which attribute" "$(json '."00081198".Value[0]."00741048".Value[0]."00000902".Value[0]')" \
	'^DICOM100: \(0008,0016\) - '
dcmconv +ti "$tmp/a.dcm" "$tmp/implicit.dcm"
request DELETE /v2/studies/2.25.1000
put_file v2 "$tmp/implicit.dcm"
has_status "implicit VR at v2 is a warning" 202
is "with the reason 45063" "$(json '."00081199".Value[0]."00081196".Value[0]')" 45063
request DELETE /v2/studies/2.25.1000
put_file v1 "$tmp/implicit.dcm"
has_status "and at v1" 200
is "too" "$(json '."00081199".Value[0]."00081196".Value[0]')" 45063

allow_log 'id=no-staging failed: Nothing could be stored'
rm -r "$store/staging"
request POST /v2/studies -H "$J" -H "$PART" -H 'X-Request-ID: no-staging' --data-binary "@$tmp/a.dcm"
has_status "what the service cannot do is its own fault" 503
is "and the log tells, once" "$(grep -c 'id=no-staging failed: Nothing could be stored' "$daemon_log")" 1
done_testing
