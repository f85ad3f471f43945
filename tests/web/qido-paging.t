#!/bin/bash
# Paging through a search (contract 4.2, 4.8).
. "$(dirname "$0")/web.sh"
new_store
start_daemon
files=()
for n in $(seq 1 12); do
	make_dcm "$tmp/$n.dcm" SOPInstanceUID=2.25.$n StudyInstanceUID=2.25.10$n SeriesInstanceUID=2.25.20$n
	files+=("$tmp/$n.dcm")
done
for f in "${files[@]}"; do
	put_file v2 "$f"
done
page() {
	request GET "/v2/instances?$1" -H "$J"
	[ "$status" = 200 ] && json '[.[]."00080018".Value[0] | ltrimstr("2.25.")] | join(" ")' || echo "$status"
}
is "the first page" "$(page limit=5)" "12 11 10 9 8"
is "the second" "$(page 'limit=5&offset=5')" "7 6 5 4 3"
is "the last" "$(page 'limit=5&offset=10')" "2 1"
is "past the end" "$(page offset=12)" 204
is "far past the end" "$(page offset=18446744073709551615)" 204
is "with a condition" "$(page 'limit=1&offset=1&Modality=CT')" 11
is "names of parameters in any case" "$(page 'LIMIT=1&Offset=2')" 10
is "no limit" "$(page '' | wc -w)" 12
request GET '/v2/studies?limit=1&offset=1' -H "$J"
is "studies too" "$(json '.[0]."0020000D".Value[0]')" 2.25.1011
request GET '/dicom-web/instances?limit=1000'
is "no cap at /dicom-web" "$(json length)" 12
request HEAD /v2/studies -H "$J"
has_status "HEAD of a search" 200
done_testing
