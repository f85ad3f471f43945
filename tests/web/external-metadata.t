#!/bin/bash
# External metadata: headers of a store request, read back among the attributes, and searched by (contract 2.11; row 82).
. "$(dirname "$0")/web.sh"
new_store
start_daemon
META='msdicom-request-meta: true'
for i in 1 2 3; do
	make_dcm "$tmp/$i.dcm" SOPInstanceUID="2.25.$i" StudyInstanceUID="2.25.10$((i / 3))" SeriesInstanceUID="2.25.20$i"
done
values() {
	json "[.[] | [.\"00190011\".Value[0], .\"00191100\".Value[0].Alphabetic]] | tostring"
}

# One bad header, and nothing is stored.
for bad in 'PN-00191100: A=B=C=D' 'PN-00101010: x' 'SQ-00191100: x' 'DA-00191100: yesterday' 'US-00191100: 70000' 'PN-0019110: x' \
	'XX-00191100: x'; do
	stow v2 "$tmp/1.dcm" -- -H "msdicom-meta-LO-00191101: good" -H "msdicom-meta-$bad"
	has_status "$bad is refused" 400
done
nothing_stored "with a bad header"

stow v2 "$tmp/1.dcm" -- -H 'msdicom-meta-PN-00191100: Person^Name' -H 'msdicom-meta-us-00191102: 7' -H 'msdicom-meta-LO-001911ff:' \
	-H 'msdicom-meta-FD-00191103: 0.1' -H 'msdicom-meta-FD-00191104: +1e300'
has_status "good ones are taken" 200
request GET /v2/studies/2.25.100/metadata -H "$J"
plain=$(header ETag)
is "metadata do not show them" "$(values)" '[[null,null]]'
request GET /v2/studies/2.25.100/metadata -H "$J" -H "$META"
with=$(header ETag)
is "but to who asks, with their creator" "$(values)" '[["Microsoft","Person^Name"]]'
is "numbers are numbers, and empty ones are none" "$(json '.[0] | [."00191102", ."001911FF"] | tostring')" '[{"vr":"US","Value":[7]},null]'
is "as they were given" "$(grep -oE '"0019110[34]":\{"vr":"FD","Value":\[[^]]*' "$body" | cut -d[ -f2 | tr '\n' ' ')" "0.1 1e300 "
is "in the order of tags" "$(json '.[0] | keys_unsorted == (keys_unsorted | sort) | tostring')" true
ok "with another tag" [ "$plain" != "$with" ]
like "and caches are told" "$(header Vary)" 'msdicom-request-meta'
request GET /v2/studies/2.25.100/series/2.25.201/instances/2.25.1/metadata -H "$J" -H "$META"
is "an instance has its study's" "$(values)" '[["Microsoft","Person^Name"]]'
request GET /v1/studies/2.25.100/metadata -H "$J" -H "$META"
is "v1 does not know them" "$(values)" '[[null,null]]'

stow v2 "$tmp/2.dcm" -- -H 'msdicom-meta-LO-00191100: text'
has_status "another VR is refused" 400
request GET /v2/studies/2.25.100/series -H "$J"
is "with what came with it" "$(json length)" 1
stow v2 "$tmp/2.dcm" -- -H 'msdicom-meta-PN-00191100: Other^Name'
has_status "another value is taken" 200
for coding in identity gzip gzip; do
	request GET /v2/studies/2.25.100/metadata -H "$J" -H "$META" -H "Accept-Encoding: $coding" --compressed
	is "every instance has the new one ($coding)" "$(values)" '[["Microsoft","Other^Name"],["Microsoft","Other^Name"]]'
	request GET /v2/studies/2.25.100/metadata -H "$J" -H "Accept-Encoding: $coding" --compressed
	is "and none for who does not ask ($coding)" "$(values)" '[[null,null],[null,null]]'
done
request GET /v2/studies/2.25.100/metadata -H "$J" -H "$META"
tag=$(header ETag)
request GET /v2/studies/2.25.100/metadata -H "$J" -H "$META" -H "If-None-Match: $tag"
has_status "they can be kept" 304
stow v2 "$tmp/3.dcm" -- -H 'msdicom-meta-PN-00191100: Third^Name'

# Searches.
request GET '/v2/studies?00191100=Other^Name' -H "$J" -H "$META"
is "a study is found by it" "$(json '.[]."0020000D".Value[0]')" 2.25.100
is "and it is shown" "$(json '.[0]."00191100".Value[0].Alphabetic')" 'Other^Name'
request GET '/v2/studies?00191100=Person^Name' -H "$J" -H "$META"
has_status "by an old value none is" 204
request GET '/v2/studies?00191100=Other^Name' -H "$J"
has_status "without the header it is no attribute to search by" 400
request GET '/v2/instances?00191100=Other^Name' -H "$J" -H "$META"
is "instances of the study are found, too" "$(json 'map(."00080018".Value[0]) | sort | tostring')" '["2.25.1","2.25.2"]'
request GET '/v2/studies?includefield=00191102' -H "$J" -H "$META"
is "it can be asked for" "$(json '[.[]."00191102".Value[0]] | tostring')" '[null,7]'
request GET '/dicom-web/studies?00191100=Third*' -H "$J" -H "$META"
is "dicom-web finds it, with wildcards" "$(json '.[]."0020000D".Value[0]')" 2.25.101

# A query tag of the same path: the external value comes first.
dcmdump +L "$tmp/1.dcm" | grep '^(' >"$tmp/9.dump"
printf '(0019,0011) LO [ACME]\n(0019,1100) LO [FileValue]\n' >>"$tmp/9.dump"
dump2dcm +te "$tmp/9.dump" "$tmp/9.dcm" 2>/dev/null || bail "dump2dcm failed"
dcmodify --no-backup -i SOPInstanceUID=2.25.9 -i StudyInstanceUID=2.25.109 -i SeriesInstanceUID=2.25.209 "$tmp/9.dcm" 2>/dev/null
request POST /v2/extendedquerytags -H 'Content-Type: application/json' --data-binary \
	'[{"path":"00191100","vr":"LO","level":"Study","privateCreator":"ACME"}]'
id=$(json .id)
succeeded() {
	request GET "/v2/operations/$id"
	[ "$status" = 200 ]
}
wait_for "$patience" succeeded
stow v2 "$tmp/9.dcm" -- -H 'msdicom-meta-LO-00191100: HeaderValue'
request GET '/v2/studies?00191100=FileValue' -H "$J"
is "by the tag what the file says finds it" "$(json '.[]."0020000D".Value[0]')" 2.25.109
request GET '/v2/studies?00191100=FileValue' -H "$J" -H "$META"
has_status "which is not so with the header" 204
request GET '/v2/studies?00191100=HeaderValue' -H "$J" -H "$META"
is "then the external value does" "$(json '.[0]."00191100".Value[0]')" 'HeaderValue'

# What is found is found by the index: an old value, a word of a tag that goes, a study that goes leave nothing there.
is "no header is looked at for it" "$(header Warning)" ""
request GET '/v2/studies?00191100=headervalue' -H "$J" -H "$META"
is "case does not matter" "$(json 'length')" 1
request DELETE /v2/extendedquerytags/00191100
gone() {
	request GET /v2/extendedquerytags/00191100
	[ "$status" = 404 ]
}
wait_for "$patience" gone
request GET '/v2/studies?00191100=HeaderValue' -H "$J" -H "$META"
is "the tag's end leaves the external value" "$(json '.[0]."0020000D".Value[0]')" 2.25.109
request GET '/v2/studies?00191102=0007' -H "$J" -H "$META"
has_status "numbers are compared as texts" 204
request GET '/v2/studies?00191102=7' -H "$J" -H "$META"
is "as they were given" "$(json 'length')" 1
stop_daemon
ok "check finds nothing wrong with them" "$builddir/dicomlake" check "$store"
start_daemon
request DELETE /v2/studies/2.25.100
stow v2 "$tmp/1.dcm"
request GET /v2/studies/2.25.100/metadata -H "$J" -H "$META"
is "they go with their study" "$(values)" '[[null,null]]'
stop_daemon
ok "check finds nothing" "$builddir/dicomlake" check "$store"
done_testing
