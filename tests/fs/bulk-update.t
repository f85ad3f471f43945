#!/bin/bash
# What a bulk update changes is seen in the mount at once: the latest version, the one stored first, and other names
# when UIDs change (contract 6; row 67).
. "$(dirname "$0")/mount.sh"
require_web
require_program dcmodify jq

new_store
start_daemon --mount "$mnt"
partition=$mnt/AHDS/default/dicom/dicom/Microsoft.Default
disk=$store/AHDS/default/dicom/dicom/Microsoft.Default
J='Accept: application/dicom+json'
for i in 1 2 3 4; do
	make_dcm "$tmp/$i.dcm" SOPInstanceUID="2.25.$i" StudyInstanceUID=2.25.100 SeriesInstanceUID="2.25.20$((i % 2))" \
		PatientName=First^Name
	t cp "$tmp/$i.dcm" "$partition/"
done

status() {
	curl -s -m "$limit" -g -o "$tmp/body" -w '%{http_code}' "$@"
}
finished() {
	[ "$(status "$base/v2/operations/$1")" = 200 ]
}
# update BODY: to its end; prints what the operation says.
update() {
	local id
	[ "$(status -H 'Content-Type: application/json' --data-binary "$1" "$base/v2/studies/\$bulkUpdate")" = 202 ] ||
		{ cat "$tmp/body"; return; }
	id=$(jq -r .id "$tmp/body")
	wait_for "$patience" finished "$id" || echo "does not end"
	jq -c '[.status, .results.instanceUpdated]' "$tmp/body"
}
name_of() {
	t dcmdump +P PatientName "$1" | sed 's/.*\[\(.*\)\].*/\1/'
}

series=$partition/2.25.100/2.25.201
is "before" "$(name_of "$series/2.25.1.dcm")" 'First^Name'
t ls -l "$partition/2.25.100" "$series" >/dev/null
blocks=$(t du -s --block-size=1 "$partition/2.25.100" | cut -f1)
is "an update" "$(update '{"studyInstanceUids":["2.25.100"],"changeDataset":{"00100010":{"vr":"PN","Value":[{"Alphabetic":"Second^Name that is longer"}]}}}')" \
	'["succeeded",4]'
is "its new name is read at once" "$(name_of "$series/2.25.1.dcm")" 'Second^Name that is longer'
is "with its size" "$(t stat -c %s "$series/2.25.1.dcm")" "$(stat -c %s "$disk/2.25.100/2.25.201/2.25.1.dcm")"
ok "the bytes are those on the disk" cmp "$series/2.25.1.dcm" "$disk/2.25.100/2.25.201/2.25.1.dcm"
ok "what was first is below .original" t cmp "$series/.original/2.25.1.dcm" "$tmp/1.dcm"
is "with its size" "$(t stat -c %s "$series/.original/2.25.1.dcm")" "$(stat -c %s "$tmp/1.dcm")"
is "which is not listed" "$(t ls -a "$series" | grep -c original)" 0
fails 2 "nor is there more than there is" t ls "$series/.original/2.25.9.dcm"
fails 1 "it is not for writing" t cp "$tmp/2.dcm" "$series/.original/2.25.1.dcm"
more=$(($(t du -s --block-size=1 "$partition/2.25.100" | cut -f1) - blocks))
ok "du knows of it" [ "$more" -ge "$(cat "$tmp"/[1-4].dcm | wc -c)" ]

# UIDs: of the study.
t ls -lR "$partition" >/dev/null
is "another study UID" "$(update '{"studyInstanceUids":["2.25.100"],"changeDataset":{"0020000D":{"vr":"UI","Value":["2.25.555"]}}}')" \
	'["succeeded",4]'
is "the study has moved" "$(t ls "$partition")" 2.25.555
fails 2 "from where it was" t ls "$series"
is "with all it has" "$(files_in "$partition" | tr '\n' ' ')" \
	"./2.25.555/2.25.200/2.25.2.dcm ./2.25.555/2.25.200/2.25.4.dcm ./2.25.555/2.25.201/2.25.1.dcm ./2.25.555/2.25.201/2.25.3.dcm "
is "and so on the disk" "$(cd "$disk" && find . -name '*.dcm' ! -path '*/.original/*' | sort | tr '\n' ' ')" \
	"$(files_in "$partition" | tr '\n' ' ')"
is "without anything left" "$(find "$disk" -path '*2.25.100*')" ""
series=$partition/2.25.555/2.25.201
is "the data set says so" "$(t dcmdump +P StudyInstanceUID "$series/2.25.1.dcm" | sed 's/.*\[\(.*\)\].*/\1/')" 2.25.555
ok "the first version is still there" t cmp "$series/.original/2.25.1.dcm" "$tmp/1.dcm"
is "the new URL answers" "$(status -H "$J" "$base/v2/studies/2.25.555/metadata")" 200
is "the old one does not" "$(status -H "$J" "$base/v2/studies/2.25.100/metadata")" 404
is "search finds the new one" "$(curl -s -m "$limit" -H "$J" "$base/v2/studies" | jq -r '.[]."0020000D".Value[0]')" 2.25.555
status -H 'Accept: application/dicom; transfer-syntax=*' -H 'msdicom-request-original: true' \
	"$base/v2/studies/2.25.555/series/2.25.201/instances/2.25.1" >/dev/null
ok "and the first version over HTTP" cmp "$tmp/body" "$tmp/1.dcm"

# Of a series, and of an instance.
is "another series UID" "$(update '{"studyInstanceUids":["2.25.555"],"seriesInstanceUid":"2.25.200","changeDataset":{"0020000E":{"vr":"UI","Value":["2.25.299"]}}}')" \
	'["succeeded",2]'
is "only that series has moved" "$(t ls "$partition/2.25.555" | tr '\n' ' ')" "2.25.201 2.25.299 "
is "another instance UID" "$(update '{"studyInstanceUids":["2.25.555"],"seriesInstanceUid":"2.25.201","sopInstanceUid":"2.25.1","changeDataset":{"00080018":{"vr":"UI","Value":["2.25.77"]}}}')" \
	'["succeeded",1]'
is "only that instance has" "$(t ls "$series" | tr '\n' ' ')" "2.25.3.dcm 2.25.77.dcm "
is "in the meta information, too" "$(t dcmdump +P 0002,0003 "$series/2.25.77.dcm" | sed 's/.*\[\(.*\)\].*/\1/')" 2.25.77
ok "what it was first it still knows" t cmp "$series/.original/2.25.77.dcm" "$tmp/1.dcm"

# What is refused, at once or at its end.
curl -s -m "$limit" -o /dev/null -H "$J" -H 'Content-Type: application/dicom' --data-binary "@$tmp/2.dcm" "$base/v2/studies"
is "a study that exists is no target" "$(update '{"studyInstanceUids":["2.25.100"],"changeDataset":{"0020000D":{"vr":"UI","Value":["2.25.555"]}}}')" \
	'["failed",0]'
like "which is said" "$(jq -r '.results.errors[]' "$tmp/body")" '2\.25\.555 exists'
is "nor a series" "$(update '{"studyInstanceUids":["2.25.555"],"seriesInstanceUid":"2.25.299","changeDataset":{"0020000E":{"vr":"UI","Value":["2.25.201"]}}}')" \
	'["failed",0]'
is "a series that is not there cannot move" "$(update '{"studyInstanceUids":["2.25.555"],"seriesInstanceUid":"2.25.1","changeDataset":{"0020000E":{"vr":"UI","Value":["2.25.9"]}}}')" \
	'["failed",0]'
like "UIDs of two studies at a time cannot be changed" \
	"$(update '{"studyInstanceUids":["2.25.555","2.25.100"],"changeDataset":{"0020000D":{"vr":"UI","Value":["2.25.9"]}}}')" 'one study'
like "an instance without its series cannot be named" \
	"$(update '{"studyInstanceUids":["2.25.555"],"sopInstanceUid":"2.25.3","changeDataset":{"00080018":{"vr":"UI","Value":["2.25.9"]}}}')" 'seriesInstanceUid'
is "nothing has moved" "$(t ls "$partition" | tr '\n' ' ')" "2.25.100 2.25.555 "

curl -s -m "$limit" "$base/v2/changefeed?includeMetadata=false" >"$tmp/feed"
is "the feed tells of those that went" "$(jq -c '[.[] | select(.action == "Delete") | .sopInstanceUid] | sort' "$tmp/feed")" \
	'["2.25.1","2.25.1","2.25.2","2.25.2","2.25.3","2.25.4","2.25.4"]'
is "and what is now" "$(jq -c '[.[] | select(.state == "Current") | .sopInstanceUid] | sort' "$tmp/feed")" \
	'["2.25.2","2.25.2","2.25.3","2.25.4","2.25.77"]'
missing=0
while read -r path; do
	t test -s "$mnt/$path" || missing=$((missing + 1))
done < <(jq -r '.[] | select(.state == "Current") | .filePath' "$tmp/feed")
is "its paths are there" $missing 0
t rm -r "$partition/2.25.555"
is "removing a study removes what it was" "$(find "$disk" -path '*2.25.555*')" ""
stop_daemon
ok "check finds nothing" "$builddir/dicomlake" check "$store" --verify
done_testing
