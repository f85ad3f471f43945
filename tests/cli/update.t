#!/bin/bash
# Attributes of studies changed from the shell, with and without a daemon.
. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
require_program jq
new_store
for i in 1 2 3; do
	make_dcm "$tmp/$i.dcm" SOPInstanceUID="2.25.$i" StudyInstanceUID="2.25.10$((i / 3))" SeriesInstanceUID="2.25.20$((i / 3))" \
		PatientName=Old^Name
done
lake import --quiet "$store" "$tmp"/*.dcm
disk=$store/AHDS/default/dicom/dicom/Microsoft.Default

fails 2 "nothing to change" lake update "$store" 2.25.100
fails 2 "no study" lake update "$store" PatientName=A
fails 2 "an attribute that is none" lake update "$store" 2.25.100 Nonsense=A
fails 2 "one that cannot be updated" lake update "$store" 2.25.100 Rows=7
like "says so" "$(cat "$tmp/.ok.out")" 'Rows: it cannot be updated'
fails 2 "a value that is none" lake update "$store" 2.25.100 PatientBirthDate=yesterday
fails 1 "a UID that is none" lake update "$store" 2.25.x PatientID=1
fails 1 "two studies for one UID" lake update "$store" 2.25.100 2.25.101 StudyInstanceUID=2.25.9
ok "a name and an id" lake update "$store" 2.25.100 PatientName='Müller^Jörg' 00100020=P9
like "tells what it did" "$(cat "$tmp/.ok.out")" 'updated 2 instances of 1 study'
is "it is found" "$(lake query --json "$store" PatientID=P9 | jq -r '.[]["00100010"].Value[0].Alphabetic')" 'Müller^Jörg'
is "in JSON, of two studies" "$(lake update --json "$store" 2.25.100 2.25.101 AccessionNumber=A1 | jq -c '[.updated, .failed, .instances]')" "[2,0,3]"
is "the operations are listed" "$(lake operations --json "$store" | jq -c 'map(select(.type == "update") | [.type, .status, .instances])')" \
	'[["update","succeeded",2],["update","succeeded",3]]'
ok "a series gets another UID" lake update "$store" 2.25.100/2.25.200 SeriesInstanceUID=2.25.222
ok "and moves" test -e "$disk/2.25.100/2.25.222/2.25.1.dcm"
fails 1 "not onto another study" lake update "$store" 2.25.100 StudyInstanceUID=2.25.101
like "which is said" "$(cat "$tmp/.ok.out")" 'study 2\.25\.101 exists already'
echo >>"$disk/2.25.101/2.25.201/2.25.3.dcm"
fails 1 "a study with a changed file" lake update "$store" 2.25.101 PatientID=P1
like "says of what" "$(cat "$tmp/.ok.out")" 'Instance 2\.25\.3:'
done_testing
