#!/bin/bash
# Searches that are refused, each saying why (contract 4.2).
. "$(dirname "$0")/web.sh"
new_store
start_daemon
refused() {
	request GET "$2" -H "$J"
	is "$1" "$status $(header Content-Type)" "400 text/plain; charset=utf-8"
	says "$1: says why" "$3"
}
refused "an unknown key" '/v2/studies?Nonsense=1' 'Nonsense.*case-sensitive'
refused "a keyword in the wrong case" '/v2/studies?patientid=1' 'patientid.*case-sensitive'
refused "an unknown public tag" '/v2/studies?00100099=1' 00100099
refused "a study's key at a study's series" '/v2/studies/2.25.1/series?PatientID=1' PatientID
refused "the path's own UID" '/v2/studies/2.25.1/series?StudyInstanceUID=2.25.1' StudyInstanceUID
refused "a series' key at studies" '/v2/studies?Modality=CT' Modality
refused "the same key twice" '/v2/studies?PatientID=1&PatientID=2' PatientID
refused "the same attribute in two spellings" '/v2/studies?PatientID=1&00100020=2' 00100020
refused "an empty value" '/v2/studies?PatientID=' PatientID
refused "a blank value" '/v2/studies?PatientID=%20' PatientID
refused "a sequence path" '/v2/studies?0040A730.00080100=1' sequences
refused "a bad date" '/v2/studies?StudyDate=2020-1' 'StudyDate.*yyyyMMdd'
refused "a range turned round" '/v2/studies?StudyDate=20210101-20200101' '20210101.*20200101'
refused "a range without ends" '/v2/studies?StudyDate=-' 'one end'
refused "an unknown field" '/v2/studies?includefield=Nonsense' Nonsense
refused "limit 0" '/v2/studies?limit=0' 'limit.*200'
refused "limit 201" '/v2/studies?limit=201' 'limit.*200'
refused "a negative offset" '/v2/studies?offset=-1' offset
refused "fuzzymatching neither true nor false" '/v2/studies?fuzzymatching=maybe' fuzzymatching
refused "a quote in a fuzzy name" '/v2/studies?fuzzymatching=true&PatientName=a%22' '"'
refused "an angle bracket" '/v2/studies?PatientID=%3Ca' '<'
refused "a broken escape" '/v2/studies?PatientID=%zz' 'percent-encoded'
refused "a study UID that is none" '/v2/studies/a/series' 'Study Instance UID'
refused "a series UID that is none" '/v2/studies/1/series/b/instances' 'Series Instance UID'
refused "a time zone cannot be searched" '/v2/studies?TimezoneOffsetFromUTC=1' TimezoneOffsetFromUTC
request GET /v2/studies -H 'Accept: application/xml'
has_status "another type" 406
request GET /v2/studies
has_status "an empty store" 204
is "has no body" "$(stat -c %s "$body")" 0
request GET /v2/studies?limit=200
has_status "limit 200 is allowed" 204
done_testing
