#!/bin/bash
# Rows 37 to 52 of the contract's feature table, as both strict versions show them.
. "$(dirname "$0")/web.sh"
new_store
start_daemon
# dcmodify invents no private element of a known VR, so the file all others are made of has it
sed '/^(0010,0040)/a (0011,0010) LO [ACME]\n(0011,1001) LO [private]' "$srcdir/tests/data/minimal.dump" >"$tmp/private.dump"
dump2dcm +te "$tmp/private.dump" "$tmp/.minimal.dcm" >&2
make_dcm "$tmp/1.dcm" StudyInstanceUID=2.25.10 SeriesInstanceUID=2.25.101 SOPInstanceUID=2.25.1 PatientID=X \
	PatientName='John^Doe' StudyDate=20200101 Modality=CT PatientAge=035Y
make_dcm "$tmp/2.dcm" StudyInstanceUID=2.25.10 SeriesInstanceUID=2.25.102 SOPInstanceUID=2.25.2 PatientID=X \
	PatientName='John^Doe' StudyDate=20200101 Modality=MR PatientAge=035Y
make_dcm "$tmp/3.dcm" StudyInstanceUID=2.25.20 SeriesInstanceUID=2.25.201 SOPInstanceUID=2.25.3 PatientID=Y \
	PatientName='Muller^a' StudyDate=20211231 Modality=CT
stow v2 "$tmp"/[1-3].dcm
has_status "row 6: a multipart store of three" 200

# as VERSION QUERY: UIDs of studies, newest first, or the status
as() {
	request GET "/$1/studies?$2" -H "$J"
	[ "$status" = 200 ] && json '[.[]."0020000D".Value[0] | ltrimstr("2.25.")] | join(" ")' || echo "$status"
}
refused() {
	local v
	for v in v1 v2; do
		request GET "/$v/$2" -H "$J"
		has_status "$1 at $v" 400
		[ $# -lt 3 ] || says "and says" "$3"
		is "row 94: in plain text" "$(header Content-Type)" "text/plain; charset=utf-8"
	done
}

for v in v1 v2 v1.0-prerelease; do
	request GET /$v/studies/2.25.99/metadata -H "$J"
	has_status "row 37: an unknown study at $v" 404
	is "row 94: is told in plain text" "$(header Content-Type)" "text/plain; charset=utf-8"
	request GET /$v/studies/abc/metadata -H "$J"
	has_status "row 38: a UID that is none" 400
	says "row 38: is named with the rule" '[Ss]tudy.*64'
	request GET "/$v/studies/abc/series" -H "$J"
	has_status "row 38: in a search too" 400
	is "row 39: by PatientID" "$(as $v PatientID=X)" 10
	is "row 39: nobody" "$(as $v PatientID=Z)" 204
	is "row 39: has no body" "$(stat -c %s "$body")" 0
	is "row 40: a tag is the keyword" "$(as $v 00100020=X)" 10
	for url in studies series instances studies/2.25.10/series studies/2.25.10/instances \
		studies/2.25.10/series/2.25.101/instances; do
		request GET "/$v/$url" -H "$J"
		has_status "row 41: $url" 200
		request GET "/$v/$url?offset=99" -H "$J"
		has_status "row 41: none of $url" 204
	done
	is "row 42: from" "$(as $v StudyDate=20200102-)" 20
	is "row 42: until" "$(as $v StudyDate=-20200101)" 10
	is "row 42: between" "$(as $v StudyDate=20200101-20211231)" "20 10"
	is "row 43: beginnings of words" "$(as $v 'PatientName=jo%20do&fuzzymatching=true')" 10
	is "row 43: not their middle" "$(as $v 'PatientName=ohn&fuzzymatching=true')" 204
	is "row 44: case and accents" "$(as $v 'PatientName=M%C3%9CLLER%5EA')" 20
	is "row 45: no wildcards" "$(as $v 'PatientID=X*')" 204
	is "row 46: by modality" "$(as $v 'ModalitiesInStudy=CT&includefield=ModalitiesInStudy')" "20 10"
	is "row 46: tells them all" "$(json '[.[]."00080061".Value | sort | join("+")] | join(" ")')" "CT CT+MR"
	as $v 'PatientID=X&includefield=NumberOfStudyRelatedInstances' >/dev/null
	is "row 47: the count" "$(json '.[0]."00201208".Value[0]')" 2
	request GET "/$v/studies/2.25.10/series?includefield=NumberOfSeriesRelatedInstances" -H "$J"
	is "row 47: of a series" "$(json '.[0]."00201209".Value[0]')" 1
	as $v PatientID=X >/dev/null
	is "row 47: only when asked for" "$(json '.[0] | has("00201208") or has("00080061")')" false
	as $v 'PatientID=X&includefield=all' >/dev/null
	is "row 49: all has more" "$(json '.[0] | has("00101010"), has("00081030"), has("00080005")' | tr '\n' ' ')" "true true true "
	as $v 'PatientID=X&includefield=PatientAge,all,StudyDate' >/dev/null
	is "row 49: all among others wins" "$(json '.[0] | has("00081030")')" true
	as $v 'PatientID=X&includefield=00111001' >/dev/null
	is "row 49: a private tag" "$(json '.[0]."00111001".Value[0]')" private
	is "row 50: the second newest" "$(as $v 'limit=1&offset=1')" 10
	is "row 50: past the end" "$(as $v offset=99999)" 204
	request GET "/$v/studies" -H 'Accept: application/xml'
	has_status "another type" 406
done
as v1 PatientID=X >/dev/null
is "row 48: v1 gives PatientSex" "$(json '.[0] | has("00100040")')" true
as v2 PatientID=X >/dev/null
is "row 48: v2 does not" "$(json '.[0] | has("00100040")')" false
is "row 48: v1 has its own series" "$(request GET /v1/studies/2.25.10/series -H "$J"; json '.[0] | keys | join(" ")')" \
	"00080005 00080060 0020000D 0020000E"
is "row 48: and v2" "$(request GET /v2/studies/2.25.10/series -H "$J"; json '.[0] | keys | join(" ")')" \
	"00080060 0020000D 0020000E"
is "row 48: instances at v1" "$(request GET '/v1/studies/2.25.10/series/2.25.101/instances' -H "$J"; json '.[0] | keys | join(" ")')" \
	"00080005 00080016 00080018 0020000D 0020000E 00200013 00280010 00280011 00280100"
is "row 48: and at v2" "$(request GET '/v2/studies/2.25.10/series/2.25.101/instances' -H "$J"; json '.[0] | keys | join(" ")')" \
	"00080018 0020000D 0020000E"

refused "row 42: a range without an end" 'studies?StudyDate=-' 'end'
refused "row 42: a range reversed" 'studies?StudyDate=20210101-20200101' '20210101.*20200101'
refused "row 50: a limit too large" 'studies?limit=201' 'limit.*1 to 200'
refused "row 50: no limit" 'studies?limit=0' 'limit.*1 to 200'
refused "row 50: an offset below zero" 'studies?offset=-1' 'offset'
refused "row 51: an unknown key" 'studies?Nonsense=1' 'Nonsense.*case'
refused "row 51: a keyword in another case" 'studies?patientid=X' 'patientid.*case-sensitive'
refused "row 51: an unknown public tag" 'studies?00100999=1' '00100999'
refused "row 51: not searchable" 'studies?PatientSex=F' 'PatientSex'
refused "row 51: of another level" 'studies?Modality=CT' 'Modality'
refused "row 51: the path's own study" 'studies/2.25.10/series?StudyInstanceUID=2.25.10' 'StudyInstanceUID'
refused "row 51: twice" 'studies?PatientID=X&PatientID=Y' 'PatientID'
refused "row 51: in two spellings" 'studies?PatientID=X&00100020=X' '00100020'
refused "row 51: empty" 'studies?PatientID=' 'PatientID'
refused "row 51: blank" 'studies?PatientID=%20' 'PatientID'
refused "row 51: a sequence" 'studies?0040A730.00080100=1' 'equence'
refused "row 51: a bad date" 'studies?StudyDate=20201301' '20201301.*StudyDate.*yyyyMMdd'
refused "row 51: a field unknown" 'studies?includefield=Nonsense' 'Nonsense'
refused "row 51: a quote in a fuzzy name" 'studies?PatientName=a%22b&fuzzymatching=true' '"'
refused "row 51: an angle bracket" 'studies?PatientID=%3Cx'
refused "row 51: and as it is" 'studies?PatientID=<x'
refused "TimezoneOffsetFromUTC" 'studies?TimezoneOffsetFromUTC=1' 'TimezoneOffsetFromUTC'

make_dcm "$tmp/4.dcm" StudyInstanceUID=2.25.20 SeriesInstanceUID=2.25.201 SOPInstanceUID=2.25.4 PatientID=Y \
	PatientName='Other^Name' StudyDate= Modality=CT
put_file v2 "$tmp/4.dcm"
for v in v1 v2; do
	is "row 52: the new name is found at $v" "$(as $v 'PatientName=Other%5EName')" 20
	is "row 52: the old is not" "$(as $v 'PatientName=Muller%5Ea')" 204
	is "row 52: a value that is gone leaves the old one" "$(as $v StudyDate=20211231)" 20
done

request GET /v2/studies/2.25.10/metadata -H "$J"
is "row 32: metadata is an array without pixel data" \
	"$(json 'type, length, any(.[]; has("7FE00010"))' | tr '\n' ' ')" "array 2 false "
tag=$(header ETag)
request GET /v2/studies/2.25.10/metadata -H "$J" -H "If-None-Match: $tag"
has_status "row 33: nothing new" 304
make_dcm "$tmp/5.dcm" StudyInstanceUID=2.25.10 SeriesInstanceUID=2.25.102 SOPInstanceUID=2.25.5 PatientID=X
put_file v2 "$tmp/5.dcm"
request GET /v2/studies/2.25.10/metadata -H "$J" -H "If-None-Match: $tag"
has_status "row 33: a new instance" 200

# 4.9: an old instance with an accession number, the latest without
make_dcm "$tmp/old.dcm" StudyInstanceUID=2.25.90 SeriesInstanceUID=2.25.901 SOPInstanceUID=2.25.91 PatientID=R \
	AccessionNumber=OLD PatientAge=035Y
make_dcm "$tmp/new.dcm" StudyInstanceUID=2.25.90 SeriesInstanceUID=2.25.901 SOPInstanceUID=2.25.92 PatientID=R \
	AccessionNumber= PatientAge=040Y PatientSex=
stow v2 "$tmp/old.dcm"
stow v2 "$tmp/new.dcm"
represented() {
	request GET "$1" -H "$J"
	json '.[0] | [."00080050", ."00101010", ."00100040"] | map(.Value[0] // "-") | join(" ")'
}
is "what is indexed comes from the index" "$(represented '/v2/studies?PatientID=R')" "OLD - -"
is "with anything else all of it comes from the latest instance" \
	"$(represented '/v2/studies?PatientID=R&includefield=PatientAge')" "- 040Y -"
is "as the defaults of v1 do" "$(represented '/v1/studies?PatientID=R')" "- - -"
is "/dicom-web tells the latest that there was" "$(represented '/dicom-web/studies?PatientID=R')" "OLD - F"
done_testing
