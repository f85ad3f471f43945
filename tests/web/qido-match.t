#!/bin/bash
# What a search finds and what it tells of it (contract 4.1, 4.4 to 4.7).
. "$(dirname "$0")/web.sh"
new_store
start_daemon
make_dcm "$tmp/1.dcm" StudyInstanceUID=2.25.10 SeriesInstanceUID=2.25.101 SOPInstanceUID=2.25.1 \
	PatientID=P1 PatientName='John^Doe' StudyDate=20200101 Modality=CT AccessionNumber=A1
make_dcm "$tmp/2.dcm" StudyInstanceUID=2.25.10 SeriesInstanceUID=2.25.102 SOPInstanceUID=2.25.2 \
	PatientID=P1 PatientName='John^Doe' StudyDate=20200101 Modality=MR AccessionNumber=A1
make_dcm "$tmp/3.dcm" StudyInstanceUID=2.25.20 SeriesInstanceUID=2.25.201 SOPInstanceUID=2.25.3 \
	PatientID=P2 PatientName='Müller^Anna' StudyDate=20210630 Modality=CT AccessionNumber=A2
stow v2 "$tmp"/[1-3].dcm
has_status "three instances" 200

# what a query finds: last components of the UIDs, newest first
found() {
	request GET "$1" -H "$J"
	[ "$status" = 200 ] || { echo "$status"; return; }
	json "[.[].\"$2\".Value[0] | ltrimstr(\"2.25.\")] | join(\" \")"
}
studies() {
	found "/v2/studies?$1" 0020000D
}

is "all studies, newest first" "$(studies '')" "20 10"
is "by PatientID" "$(studies PatientID=P1)" 10
is "by its tag" "$(studies 00100020=P1)" 10
is "without regard to case" "$(studies PatientID=p1)" 10
is "no wildcards" "$(studies 'PatientID=P*')" 204
is "the whole value" "$(studies PatientID=P)" 204
is "by study UID" "$(studies StudyInstanceUID=2.25.20)" 20
is "by exact name" "$(studies 'PatientName=john%5Edoe')" 10
is "without accents and case in names" "$(studies 'PatientName=MULLER%5EANNA')" 20
is "two conditions" "$(studies 'PatientID=P1&AccessionNumber=A1')" 10
is "that exclude each other" "$(studies 'PatientID=P1&AccessionNumber=A2')" 204
is "a date" "$(studies StudyDate=20200101)" 10
is "a range" "$(studies StudyDate=20200101-20201231)" 10
is "a range with both ends met" "$(studies StudyDate=20200101-20210630)" "20 10"
is "from" "$(studies StudyDate=20200102-)" 20
is "until" "$(studies StudyDate=-20210629)" 10
is "ModalitiesInStudy" "$(studies ModalitiesInStudy=MR)" 10
is "fuzzy: beginnings of words" "$(studies 'PatientName=jo+do&fuzzymatching=true')" 10
is "fuzzy: in their order" "$(studies 'PatientName=do+jo&fuzzymatching=true')" 204
is "fuzzy: not their middle" "$(studies 'PatientName=ohn&fuzzymatching=true')" 204
is "fuzzy: accents aside" "$(studies 'PatientName=mul&fuzzymatching=true')" 20

is "all series" "$(found /v2/series 0020000E)" "201 102 101"
is "series by modality" "$(found '/v2/series?Modality=CT' 0020000E)" "201 101"
is "series by a study's attribute" "$(found '/v2/series?PatientID=P1' 0020000E)" "102 101"
is "series of a study" "$(found /v2/studies/2.25.10/series 0020000E)" "102 101"
is "series of a study by modality" "$(found '/v2/studies/2.25.10/series?Modality=MR' 0020000E)" 102
is "all instances" "$(found /v2/instances 00080018)" "3 2 1"
is "instances by UID" "$(found '/v2/instances?SOPInstanceUID=2.25.2' 00080018)" 2
is "instances by modality" "$(found '/v2/instances?Modality=CT' 00080018)" "3 1"
is "instances of a study" "$(found /v2/studies/2.25.10/instances 00080018)" "2 1"
is "instances of a series" "$(found /v2/studies/2.25.10/series/2.25.101/instances 00080018)" 1
is "an unknown study has none" "$(found /v2/studies/2.25.99/series 0020000E)" 204
is "a series of another study has none" "$(found /v2/studies/2.25.20/series/2.25.101/instances 00080018)" 204

request GET /v2/studies?PatientID=P1 -H "$J"
is "v2 attributes of a study" "$(json '.[0] | keys | join(" ")')" \
	"00080020 00080050 00080090 00081030 00100010 00100020 00100030 0020000D"
is "the answer is DICOM JSON" "$(header Content-Type)" "application/dicom+json"
request GET /v1/studies?PatientID=P1 -H "$J"
is "v1 attributes" "$(json '.[0] | keys | join(" ")')" \
	"00080005 00080020 00080030 00080050 00080090 00100010 00100020 00100030 00100040 0020000D 00200010"
request GET '/v2/studies?PatientID=P1&includefield=PatientSex,00201208&includefield=ModalitiesInStudy' -H "$J"
is "fields asked for" "$(json '.[0] | ."00100040".Value[0], ."00201208".Value[0], (."00080061".Value | sort | join("+"))' | tr '\n' ' ')" \
	"F 2 CT+MR "
request GET '/v2/studies/2.25.10/series?Modality=CT&includefield=NumberOfSeriesRelatedInstances' -H "$J"
is "counts of a series" "$(json '.[0]."00201209".Value[0]')" 1
is "the path's study comes back" "$(json '.[0]."0020000D".Value[0]')" 2.25.10
request GET '/v2/studies?PatientID=P1&includefield=NumberOfStudyRelatedSeries' -H "$J"
is "v2 does not compute the number of series" "$(json '.[0] | has("00201206")')" false
request GET '/v2/instances?SOPInstanceUID=2.25.1&includefield=all' -H "$J"
is "all of an instance" "$(json '.[0] | ."00280010".Value[0], ."00080016".Value[0], ."00100040".Value[0]' | tr '\n' ' ')" \
	"4 1.2.840.10008.5.1.4.1.1.2 F "
is "never bulk" "$(json '.[0] | has("7FE00010")')" false

request GET '/dicom-web/studies?PatientID=P1' -H "$J"
is "/dicom-web computes what PS3.18 wants" \
	"$(json '.[0] | ."00201206".Value[0], ."00201208".Value[0], ."00080056".Value[0], ."00081190".Value[0]' | tr '\n' ' ')" \
	"2 2 ONLINE $base/dicom-web/studies/2.25.10 "
request GET '/dicom-web/studies/2.25.10/series?Modality=CT'
is "for series" "$(json '.[0] | ."00201209".Value[0], ."00081190".Value[0]' | tr '\n' ' ')" \
	"1 $base/dicom-web/studies/2.25.10/series/2.25.101 "
request GET '/dicom-web/instances?SOPInstanceUID=2.25.1'
is "for instances" "$(json '.[0] | ."00081190".Value[0]')" \
	"$base/dicom-web/studies/2.25.10/series/2.25.101/instances/2.25.1"

make_dcm "$tmp/4.dcm" StudyInstanceUID=2.25.10 SeriesInstanceUID=2.25.101 SOPInstanceUID=2.25.4 \
	PatientID=P1 PatientName='Jane^Doe' StudyDate=20200101 Modality=CT AccessionNumber=A1
put_file v2 "$tmp/4.dcm"
is "the latest value of a study counts" "$(studies 'PatientName=Jane%5EDoe')" 10
is "the one before is forgotten" "$(studies 'PatientName=John%5EDoe')" 204
done_testing
