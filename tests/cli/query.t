#!/bin/bash
# Query: levels, conditions, ranges, paging, and output for people and scripts.
. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
require_program jq
new_store
mkdir "$tmp/in"
n=0
while IFS='|' read -r study series id name date modality; do
	n=$((n + 1))
	make_dcm "$tmp/in/$n.dcm" "StudyInstanceUID=2.25.$study" "SeriesInstanceUID=2.25.$study.$series" "PatientID=$id" \
		"PatientName=$name" "StudyDate=$date" "Modality=$modality" "SeriesDescription=series $series"
	lake import "$store" "$tmp/in/$n.dcm" --quiet || bail "import"
done <<'END'
1|1|P1|Müller^Jürgen|20240101|CT
1|1|P1|Müller^Jürgen|20240101|CT
1|2|P1|Müller^Jürgen|20240101|MR
2|1|P2|Doe^Jane|20240615|CT
3|1|P3|山田^太郎|20250301|US
END

studies() { lake query "$store" "$@" --json | jq -r '.[]["0020000D"].Value[0]' | xargs; }

is "all studies, newest first" "$(studies)" "2.25.3 2.25.2 2.25.1"
is "by patient id" "$(studies PatientID=P2)" 2.25.2
is "by tag" "$(studies 00100020=P2)" 2.25.2
is "names without case and accents" "$(studies 'PatientName=muller^jurgen')" 2.25.1
is "a range of dates" "$(studies StudyDate=20240101-20240630)" "2.25.2 2.25.1"
is "an open range" "$(studies StudyDate=20240615-)" "2.25.3 2.25.2"
is "up to a date" "$(studies StudyDate=-20240614)" 2.25.1
is "several conditions" "$(studies StudyDate=20240101-20251231 PatientID=P1)" 2.25.1
is "a year" "$(studies StudyDate=2024)" "2.25.2 2.25.1"
is "a month" "$(studies StudyDate=202406)" 2.25.2
is "years up to" "$(studies StudyDate=-2024)" "2.25.2 2.25.1"
is "modalities in study" "$(studies ModalitiesInStudy=MR)" 2.25.1
is "names by the beginnings of words" "$(studies --fuzzy PatientName=jan)" 2.25.2
is "limit and offset" "$(studies --limit 1 --offset 1)" 2.25.2
is "series" "$(lake query "$store" series StudyInstanceUID=2.25.1 --json | jq -r '.[]["0020000E"].Value[0]' | xargs)" "2.25.1.2 2.25.1.1"
is "instances" "$(lake query "$store" instance Modality=CT --json | jq length)" 3
is "counts" "$(lake query "$store" PatientID=P1 --json | jq -r '.[0] | .["00201206"].Value[0], .["00201208"].Value[0]' | xargs)" "2 3"
is "nothing found is an empty array" "$(lake query "$store" PatientID=none --json)" "[]"
ok "and no failure" lake query "$store" PatientID=none
is "--include adds an attribute" "$(lake query "$store" series --include BitsStored --limit 1 --json | jq '.[0]["00280101"].Value[0]')" 12
is "--include all gives the header" "$(lake query "$store" --include all --limit 1 --json | jq '.[0] | has("00280010")')" true
is "a table has a head and a line each" "$(lake query "$store" | wc -l)" 4
like "whose columns line up" "$(lake query "$store" | cut -c1-100 | sed -n 2p)" '^20250301  P3  '
fails 2 "an unknown keyword" lake query "$store" Patientid=P1
fails 2 "an attribute that is not searched" lake query "$store" Rows=4
fails 2 "an instance's attribute at study level" lake query "$store" study SOPInstanceUID=2.25.1
fails 2 "neither level nor condition" lake query "$store" patients
fails 2 "a range without ends" lake query "$store" StudyDate=-
fails 2 "a date that is none" lake query "$store" StudyDate=yesterday
fails 2 "nor is the 30th of February" lake query "$store" StudyDate=20240230
fails 2 "nor a half one" lake query "$store" StudyDate=2024-2
ok "head may close the pipe" bash -c '"$0" query "$1" --json | head -c 1 >/dev/null' "$dicomlake" "$store"

make_dcm "$tmp/esc.dcm" StudyInstanceUID=2.25.9 SeriesInstanceUID=2.25.9.1 "PatientID=$(printf 'E\033[31mX')"
lake import "$store" "$tmp/esc.dcm" --quiet
like "control characters are shown, not sent" "$(lake query "$store" StudyInstanceUID=2.25.9)" 'E\\x1b\[31mX'
ok "and JSON stays JSON" bash -c '"$0" query "$1" --json | jq -e . >/dev/null' "$dicomlake" "$store"
done_testing
