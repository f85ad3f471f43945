#!/bin/bash
# Metadata at three levels, and its entity tags (contract 3.5).
. "$(dirname "$0")/web.sh"
new_store
start_daemon
make_instances 1:100 2:100 3:200 4:200
stow v2 "$tmp"/[1-3].dcm
s=/v2/studies/2.25.1000

uids() {
	json '[.[]."00080018".Value[0]] | sort | join(" ")'
}
request GET $s/metadata -H "$J"
has_status "of a study" 200
is "is DICOM JSON" "$(header Content-Type)" "application/dicom+json"
is "has all its instances" "$(uids)" "2.25.1 2.25.2 2.25.3"
is "hides bulk" "$(json 'any(.[]; has("7FE00010"))')" false
is "has no file meta information" "$(json 'any(.[]; keys[] | startswith("0002"))')" false
study_tag=$(header ETag)
like "the tag is bare: watermark and count" "$study_tag" '^[0-9]+-3$'
request GET $s/series/2.25.100/metadata -H "$J"
is "of a series" "$(uids)" "2.25.1 2.25.2"
series_tag=$(header ETag)
like "its tag counts its own" "$series_tag" '^[0-9]+-2$'
request GET $s/series/2.25.100/instances/2.25.2/metadata -H "$J"
is "of an instance: an array too" "$(json type) $(uids)" "array 2.25.2"
instance_tag=$(header ETag)
like "its tag is the watermark" "$instance_tag" '^[0-9]+$'

request GET $s/metadata -H "$J" -H "If-None-Match: $study_tag"
has_status "the same tag" 304
is "has no body" "$(stat -c %s "$body")" 0
is "and no tag" "$(header ETag)" ""
request GET $s/metadata -H "$J" -H "If-None-Match: \"$study_tag\""
has_status "quoted" 304
request GET $s/metadata -H "$J" -H "If-None-Match: W/\"$study_tag\""
has_status "weak" 304
request GET $s/metadata -H "$J" -H "If-None-Match: ${study_tag}1"
has_status "another tag" 200

put_file v2 "$tmp/4.dcm"
request GET $s/metadata -H "$J" -H "If-None-Match: $study_tag"
has_status "a new instance changes the study's tag" 200
request GET $s/series/2.25.100/metadata -H "$J" -H "If-None-Match: $series_tag"
has_status "but not that of another series" 304

request GET $s/metadata -H 'Accept: application/xml'
has_status "another type" 406
request GET $s/metadata -H 'Accept: application/json'
has_status "application/json at v2" 406
request GET /dicom-web/studies/2.25.1000/metadata -H 'Accept: application/json'
has_status "and at /dicom-web" 200
like "where the tag is quoted" "$(header ETag)" '^".*"$'
request GET /v2/studies/2.25.9/metadata
has_status "an unknown study" 404
says "names the level" '[Ss]tudy'
request GET $s/series/2.25.9/metadata
says "or the series" '[Ss]eries'
request GET $s/series/2.25.100/instances/2.25.9/metadata
says "or the instance" '[Ii]nstance'
request HEAD $s/metadata -H "$J"
has_status "HEAD" 200
like "has the tag" "$(header ETag)" "^[0-9]+-4\$"
done_testing
