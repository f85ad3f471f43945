#!/bin/bash
# One instance gives the same rows, metadata and bytes whichever door it came through.
. "$(dirname "$0")/doors.sh"
start_doors

make_dcm "$tmp/a.dcm" "PatientName=Müller^Ä" "(0009,0010)=PRIVATE"
printf 'preamble' | dd of="$tmp/a.dcm" conv=notrunc status=none
ok "import takes it" put_import "$tmp/a.dcm"
ok "the mount takes it" put_mount "$tmp/a.dcm"
ok "STOW takes it" put_stow "$tmp/a.dcm"
ok "rows, metadata and bytes are the same" same_view
is "and there is one" "$(rows stow instance | wc -l)" 1
for door in import mount stow; do
	ok "$door: the bytes are those that went in, preamble included" \
		cmp "$tmp/a.dcm" "$(find "${door_store[$door]}/AHDS" -name '*.dcm')"
	curl -sf -H 'Accept: application/dicom; transfer-syntax=*' -o "$tmp/back" \
		"${door_base[$door]}/dicom-web/studies/2.25.1000/series/2.25.1000.100/instances/2.25.1000.1"
	ok "$door: so are those that come back" cmp "$tmp/a.dcm" "$tmp/back"
done

ok "identical bytes again: import" put_import "$tmp/a.dcm"
ok "identical bytes again: mount" put_mount "$tmp/a.dcm"
ok "identical bytes again: STOW" put_stow "$tmp/a.dcm"
for door in import mount stow; do
	is "$door: that changed nothing" "$(lake status "${door_store[$door]}" --json | jq .sequence)" 1
done
stop_doors
done_testing
