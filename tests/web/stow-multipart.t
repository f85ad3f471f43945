#!/bin/bash
# STOW of several parts in one request: the response data set, item by item.
. "$(dirname "$0")/web.sh"
new_store
start_daemon

make_dcm "$tmp/a.dcm" SOPInstanceUID=2.25.1
make_dcm "$tmp/b.dcm" SOPInstanceUID=2.25.2
make_dcm "$tmp/c.dcm" SOPInstanceUID=2.25.3

stow v2 "$tmp/a.dcm" "$tmp/b.dcm"
has_status "row 6: two new instances" 200
is "the answer is DICOM JSON" "$(header Content-Type)" "application/dicom+json"
is "row 6: both are referenced, in order" "$(json '[."00081199".Value[]."00081155".Value[0]] | join(" ")')" "2.25.1 2.25.2"
is "nothing failed" "$(json 'has("00081198")')" false
is "no study URL without a study in the path" "$(json 'has("00081190")')" false
is "the class is named" "$(json '."00081199".Value[0]."00081150".Value[0]')" "1.2.840.10008.5.1.4.1.1.2"
is "the URL is absolute and the dialect's own" "$(json '."00081199".Value[0]."00081190" | .vr + " " + .Value[0]')" \
	"UR $base/v2/studies/2.25.1000/series/2.25.1000.100/instances/2.25.1"
is "v2 always has the failed attributes" "$(json '."00081199".Value[0]."00741048" | tojson')" '{"vr":"SQ"}'

stow v2 "$tmp/a.dcm" "$tmp/c.dcm"
has_status "row 10: one that is there and one new" 202
is "row 9, 10: the one that is there failed" "$(json '."00081198".Value[] | [."00081155".Value[0], ."00081197".Value[0]] | tojson')" \
	'["2.25.1",45070]'
is "its failure is a US" "$(json '."00081198".Value[0]."00081197".vr')" US
is "row 10: the new one is referenced" "$(json '[."00081199".Value[]."00081155".Value[0]] | join(" ")')" 2.25.3

stow v2 "$tmp/a.dcm"
has_status "row 9: nothing stored" 409
is "a refusal of all is DICOM JSON as well" "$(header Content-Type)" "application/dicom+json"
is "and holds no references" "$(json 'has("00081199")')" false

make_dcm "$tmp/d.dcm" SOPInstanceUID=2.25.4
stow v1 "$tmp/d.dcm"
has_status "v1 stores" 200
is "v1 has no failed attributes" "$(json '."00081199".Value[0] | has("00741048")')" false

make_dcm "$tmp/e.dcm" SOPInstanceUID=2.25.5
multipart_body "$tmp/e.dcm" >"$tmp/one"
request POST /v2/studies/2.25.1000 -H "$J" -H "$MULTI" --data-binary "@$tmp/one"
has_status "row 7: into its study" 200
is "row 7: the study URL is there" "$(json '."00081190".Value[0]')" "$base/v2/studies/2.25.1000"

make_dcm "$tmp/f.dcm" SOPInstanceUID=2.25.6
multipart_body "$tmp/f.dcm" >"$tmp/one"
request POST /v2/studies/2.25.77 -H "$J" -H "$MULTI" --data-binary "@$tmp/one"
has_status "row 8: into another study" 409
is "row 8: with the reason" "$(json '."00081198".Value[0]."00081197".Value[0]')" 43265
like "and the attribute" "$(json '."00081198".Value[0]."00741048".Value[0]."00000902".Value[0]')" '^DICOM100: \(0020,000d\) - '
is "no study URL when nothing was stored" "$(json 'has("00081190")')" false

stow dicom-web "$tmp/a.dcm"
request DELETE /dicom-web/studies/2.25.1000
stow dicom-web "$tmp/a.dcm"
has_status "new at /dicom-web" 200
stow dicom-web "$tmp/a.dcm"
has_status "identical bytes again are a success at /dicom-web" 200
make_dcm "$tmp/a2.dcm" SOPInstanceUID=2.25.1 PatientName=Other
stow dicom-web "$tmp/a2.dcm"
has_status "other bytes under the same UIDs are not" 409
METHOD=PUT stow dicom-web "$tmp/a2.dcm"
has_status "PUT replaces" 200
request GET /v2/studies -H "$J"
is "and the search finds the new value" "$(json '.[0]."00100010".Value[0].Alphabetic')" Other
done_testing
