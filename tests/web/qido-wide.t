#!/bin/bash
# What a search at /dicom-web can do beyond the strict dialects: PS3.18's matching, and more.
. "$(dirname "$0")/web.sh"
new_store
start_daemon
make_dcm "$tmp/1.dcm" StudyInstanceUID=2.25.10 SeriesInstanceUID=2.25.101 SOPInstanceUID=2.25.1 \
	PatientID=P1 PatientName='Doe^John^Quentin' StudyDate=20200101 StudyTime=1000 Modality=CT AccessionNumber=A1 \
	PatientSex=M SeriesNumber=2 InstanceNumber=3 BodyPartExamined=HEAD SliceThickness=2.50 '(0040,0275)[0].(0040,0009)=SPS1' \
	'(0040,0275)[0].(0040,0008)[0].(0008,0100)=PROTO'
make_dcm "$tmp/2.dcm" StudyInstanceUID=2.25.10 SeriesInstanceUID=2.25.102 SOPInstanceUID=2.25.2 \
	PatientID=P1 PatientName='Doe^John^Quentin' StudyDate=20200101 StudyTime=1000 Modality=MR AccessionNumber=A1 \
	PatientSex=M SeriesNumber=10 InstanceNumber=12 BodyPartExamined=HEAD
make_dcm "$tmp/3.dcm" StudyInstanceUID=2.25.20 SeriesInstanceUID=2.25.201 SOPInstanceUID=2.25.3 \
	PatientID=P2 PatientName='Müller^Anna=山田^花子' StudyDate=20190630 StudyTime=1530 Modality=CT AccessionNumber=B12 \
	PatientSex=F SeriesNumber=5 BodyPartExamined=CHEST SliceThickness=5
make_dcm "$tmp/4.dcm" StudyInstanceUID=2.25.30 SeriesInstanceUID=2.25.301 SOPInstanceUID=2.25.4 \
	PatientID='Q*3' PatientName='Doe^Jane' StudyDate= StudyTime=0900 Modality=US AccessionNumber= SeriesNumber= \
	BodyPartExamined=CHEST
stow dicom-web "$tmp"/[1-4].dcm
has_status "four instances" 200

found() {
	request GET "$1"
	[ "$status" = 200 ] || { echo "$status"; return; }
	json "[.[].\"$2\".Value[0] | ltrimstr(\"2.25.\")] | join(\" \")"
}
studies() {
	found "/dicom-web/studies?$1" 0020000D
}
series() {
	found "/dicom-web/series?$1" 0020000E
}

is "a wildcard at the end" "$(studies 'PatientID=P*')" "20 10"
is "at the beginning" "$(studies 'PatientName=*anna')" 204
is "and within" "$(studies 'PatientName=m*^anna*')" 20
is "around" "$(studies 'PatientName=*oe^j*')" "30 10"
is "one character" "$(studies 'AccessionNumber=b?2')" 20
is "neither more nor less" "$(studies 'AccessionNumber=b?')" 204
is "a character of several bytes is one" "$(studies 'PatientName=*=??%5E%E8%8A%B1%E5%AD%90')" 20
is "without regard to accents in names" "$(studies 'PatientName=MUL*')" 20
is "several" "$(studies 'PatientID=*1*&AccessionNumber=?1')" 10
is "of modalities" "$(studies 'ModalitiesInStudy=M*')" 10
is "a star alone says nothing" "$(studies 'AccessionNumber=*')" "30 20 10"
is "nor does no value" "$(studies 'AccessionNumber=')" "30 20 10"
is "but the attribute comes back" "$(json 'map(has("00080050")) | all')" true
is "a date has no wildcards" "$(studies 'StudyDate=2020*')" 400
is "nor has a UID" "$(studies 'StudyInstanceUID=2.25.*')" 400
is "at v2 a star is a star" "$(found '/v2/studies?PatientID=Q*3' 0020000D)" 30
is "and nothing more" "$(found '/v2/studies?PatientID=P*' 0020000D)" 204

is "a list of studies, with commas" "$(studies 'StudyInstanceUID=2.25.10,2.25.30,2.25.99')" "30 10"
is "with backslashes" "$(studies 'StudyInstanceUID=2.25.30\2.25.20')" "30 20"
is "twice the same" "$(studies 'StudyInstanceUID=2.25.30,2.25.30')" 30
is "with another condition" "$(studies 'StudyInstanceUID=2.25.10,2.25.20&PatientID=P2')" 20
is "series of a list of studies" "$(series 'StudyInstanceUID=2.25.10,2.25.30')" "301 102 101"
is "a list of series" "$(series 'SeriesInstanceUID=2.25.101,2.25.301')" "301 101"
is "a list of series of a study" "$(found '/dicom-web/studies/2.25.10/series?SeriesInstanceUID=2.25.101,2.25.301' 0020000E)" 101
is "a list of instances" "$(found '/dicom-web/instances?SOPInstanceUID=2.25.4,2.25.1,2.25.77' 00080018)" "4 1"
is "instances of a list of studies" "$(found '/dicom-web/instances?StudyInstanceUID=2.25.20,2.25.30' 00080018)" "4 3"
is "a list of modalities" "$(studies 'ModalitiesInStudy=MR,US')" "30 10"
is "a list with something else" "$(studies 'StudyInstanceUID=2.25.10,x')" 400
is "a list of nothing" "$(studies 'StudyInstanceUID=,')" 400
is "at v2 a list is no UID" "$(found '/v2/studies?StudyInstanceUID=2.25.10,2.25.30' 0020000D)" 204

is "fuzzy: any part, in any order" "$(studies 'PatientName=quen+doe&fuzzymatching=true')" 10
is "fuzzy: all of them" "$(studies 'PatientName=quen+doe+anna&fuzzymatching=true')" 204
is "fuzzy: of any group" "$(studies 'PatientName=%E8%8A%B1&fuzzymatching=true')" 20
is "fuzzy: wildcards are meant" "$(studies 'PatientName=*OE*&fuzzymatching=true')" "30 10"
is "v2 keeps to adjacent words" "$(found '/v2/studies?PatientName=quen+doe&fuzzymatching=true' 0020000D)" 204

is "an attribute that is not indexed, of the rows" "$(studies 'PatientSex=f')" "30 20"
is "is found without a header, so without a warning" "$(header Warning)" ""
is "of the header" "$(studies 'BodyPartExamined=CHEST')" "30 20"
like "with a warning that says so" "$(header Warning)" "^299 ${base#http://}: \".*3 candidates"
is "with a wildcard" "$(studies 'BodyPartExamined=*EA*')" 10
is "by its tag" "$(studies '00180015=head')" 10
is "numbers by value" "$(studies 'SliceThickness=5.0')" 20
is "no number" "$(studies 'SliceThickness=x')" 400
is "times as a range" "$(studies 'StudyTime=0930-1530')" "20 10"
is "what nobody has" "$(studies 'BodyPartExamined=KNEE')" 204
like "is told as well" "$(header Warning)" 'not indexed'
is "beside an indexed one" "$(studies 'PatientID=P2&BodyPartExamined=CHEST')" 20
like "only its candidates are looked at" "$(header Warning)" '1 candidates'
is "at the series" "$(series 'SeriesNumber=10')" 102
is "and instances" "$(found '/dicom-web/instances?SliceThickness=2.5' 00080018)" 1
is "a study's attribute below the study" "$(found '/dicom-web/studies/2.25.10/series?PatientID=P1' 0020000E)" "102 101"
is "a sequence" "$(series 'RequestAttributesSequence.ScheduledProcedureStepID=SPS*')" 101
is "by tags" "$(series '00400275.00400009=sps1')" 101
is "a sequence in a sequence" "$(series '00400275.00400008.00080100=PROTO')" 101
is "with another value" "$(series '00400275.00400009=SPS2')" 204
is "without an attribute in it" "$(series '00400275=SPS1')" 400
is "bulk data" "$(studies 'PixelData=1')" 400
is "no attribute" "$(studies 'Nonsense=1')" 400
is "no sequence" "$(studies 'Nonsense.PatientID=1')" 400
is "no attribute of a sequence" "$(series '00400275.Nonsense=1')" 400
is "v2 searches no such attribute" "$(found '/v2/studies?BodyPartExamined=CHEST' 0020000D)" 400
is "and no sequence" "$(found '/v2/series?00400275.00400009=SPS1' 0020000E)" 400

is "ordered" "$(studies 'orderby=StudyDate')" "20 10 30"
is "descending, without a value last" "$(studies 'orderby=-StudyDate')" "10 20 30"
is "with a condition" "$(studies 'orderby=-PatientName&PatientID=P*')" "20 10"
is "a page of it" "$(studies 'orderby=PatientName&limit=1&offset=1')" 10
is "series" "$(series 'orderby=Modality')" "101 201 102 301"
is "series of a study" "$(found '/dicom-web/studies/2.25.10/series?orderby=-Modality' 0020000E)" "102 101"
is "by what rows keep but no index has" "$(studies 'orderby=-PatientSex,StudyDate')" "10 20 30"
is "by two attributes" "$(studies 'orderby=PatientSex,-StudyDate')" "20 30 10"
is "series by a number of their own" "$(series 'orderby=SeriesNumber')" "101 201 102 301"
is "by an attribute of the level above" "$(series 'orderby=StudyDate,-SeriesNumber')" "201 102 101 301"
is "a page of those alike in the first" "$(series 'orderby=Modality,-SeriesNumber&limit=2&offset=1')" "101 102"
is "instances by their number" "$(found '/dicom-web/studies/2.25.10/instances?orderby=-InstanceNumber' 00080018)" "2 1"
is "and by their series" "$(found '/dicom-web/instances?orderby=StudyDate,InstanceNumber' 00080018)" "3 1 2 4"
is "not by what no row has" "$(studies 'orderby=BodyPartExamined')" 400
is "nor by an attribute of a lower level" "$(studies 'orderby=SeriesNumber')" 400
is "nor by UIDs" "$(studies 'orderby=StudyInstanceUID')" 400
is "nor at v2" "$(found '/v2/studies?orderby=StudyDate' 0020000D)" 400

studies '' >/dev/null
is "the total of a page that holds all" "$(header X-Total-Count)" 3
studies 'limit=1' >/dev/null
is "of everything" "$(header X-Total-Count)" 3
studies 'limit=1&PatientID=P*' >/dev/null
is "of what would have to be counted: not unasked" "$(header X-Total-Count)" ""
studies 'limit=1&PatientID=P*&count=true' >/dev/null
is "but when asked" "$(header X-Total-Count) $(json length)" "2 1"
studies 'offset=5&count=true' >/dev/null
is "past the end" "$status $(header X-Total-Count)" "204 3"
series 'limit=2&count=true&orderby=Modality' >/dev/null
is "of what is ordered" "$(header X-Total-Count)" 4
request HEAD '/dicom-web/studies?count=true&limit=1'
is "HEAD tells it" "$status $(header X-Total-Count)" "200 3"

request GET '/dicom-web/studies?PatientID=P1&includefield=BodyPartExamined,00400275.00400009'
is "fields of the header, sequences whole" "$(json '.[0] | ."00180015".Value[0], has("00400275")' | tr '\n' ' ')" "HEAD false "
request GET '/dicom-web/instances?SOPInstanceUID=2.25.1&includefield=00400275.00400009'
is "of which a part is asked for" "$(json '.[0]."00400275".Value[0]."00400009".Value[0]')" SPS1
request GET '/dicom-web/studies?PatientID=P1&includefield=all'
is "the whole header, with what is computed" \
	"$(json '.[0] | has("00180015"), ."00201208".Value[0], ."00081190".Value[0], (."00080061".Value | sort | join("+")), ."0020000D".Value[0]' | tr '\n' ' ')" \
	"true 2 $base/dicom-web/studies/2.25.10 CT+MR 2.25.10 "
is "in the order of tags, each once" "$(grep -o '"[0-9A-F]\{8\}":{"vr' "$body" | sort -u | wc -l) $(json '.[0] | keys_unsorted == keys')" \
	"$(json '[.. | objects | keys[] | select(test("^[0-9A-F]{8}$"))] | unique | length') true"
request GET '/dicom-web/studies?PatientID=P1'
is "the mandatory attributes of a study" "$(json '.[0] | keys | join(" ")')" \
	"00080005 00080020 00080030 00080050 00080056 00080061 00080090 00081190 00100010 00100020 00100030 00100040 0020000D 00200010 00201206 00201208"
request GET '/dicom-web/studies/2.25.10/series?SeriesInstanceUID=2.25.101'
is "of a series" "$(json '.[0] | keys | join(" ")')" \
	"00080005 00080056 00080060 00081190 0020000D 0020000E 00200011 00201209 00400275"
request GET '/dicom-web/studies/2.25.10/series/2.25.101/instances'
is "of an instance" "$(json '.[0] | keys | join(" ")')" \
	"00080005 00080016 00080018 00080056 00081190 0020000D 0020000E 00200013 00280010 00280011 00280100"
done_testing
