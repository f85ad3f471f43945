#!/bin/bash
# One daemon with both doors: what one answered is seen through the other at once, without waiting.
. "$(dirname "$0")/mount.sh"
require_web

count=40
make_files "$tmp/in" $count 100 10
new_store
start_daemon --mount "$mnt"
partition=$mnt/AHDS/default/dicom/dicom/Microsoft.Default
study=$partition/2.25.4242
stow() {
	[ "$(curl -s -m "$limit" -o "$tmp/body" -w '%{http_code}' -H 'Accept: application/dicom+json' \
		-H 'Content-Type: application/dicom' --data-binary "@$1" "$base/dicom-web/studies")" = 200 ]
}
remove() {
	[ "$(curl -s -m "$limit" -o /dev/null -w '%{http_code}' -X DELETE "$base/v2/studies/$1")" = 204 ]
}
count_http() {
	curl -s -m "$limit" "$base/dicom-web/studies/2.25.4242/instances" | jq length
}
t ls -lR "$partition" >/dev/null
late=0
for ((i = 1; i <= count / 2; i++)); do
	stow "$tmp/in/$(printf %05d "$i").dcm" || { fail "STOW of $i"; diag "$(cat "$tmp/body")"; break; }
	[ "$(t find "$study" -name '*.dcm' | wc -l)" -eq "$i" ] || late=$((late + 1))
	[ "$(t ls "$study" | wc -l)" -eq $(((i + 9) / 10)) ] || late=$((late + 1))
done
is "each STOW is seen by the next ls" $late 0

late=0
for ((; i <= count; i++)); do
	t cp "$tmp/in/$(printf %05d "$i").dcm" "$partition/" || fail "cp of $i"
	[ "$(t find "$study" -name '*.dcm' | wc -l)" -eq "$i" ] || late=$((late + 1))
	[ "$(count_http)" -eq "$i" ] || late=$((late + 1))
done
is "each cp by the next ls and the next search" $late 0

# Contract row 72.
missing=0
while read -r path; do
	t test -s "$mnt/$path" || missing=$((missing + 1))
done < <(curl -s -m "$limit" "$base/v1/changefeed?limit=100&includeMetadata=false" | jq -r '.[].filePath')
is "the change feed names paths of the mount" $missing 0

late=0
for ((i = 1; i <= 10; i++)); do
	remove "2.25.4242/series/2.25.4242.1/instances/2.25.4242.9.$i" || fail "DELETE of $i"
	! t test -e "$study/2.25.4242.1/2.25.4242.9.$i.dcm" || late=$((late + 1))
	[ "$(t find "$study" -name '*.dcm' | wc -l)" -eq $((count - i)) ] || late=$((late + 1))
done
is "each DELETE by the next ls" $late 0
fails 1 "an emptied series is gone" t test -e "$study/2.25.4242.1"

late=0
for ((i = 11; i <= 20; i++)); do
	t rm "$study/2.25.4242.2/2.25.4242.9.$i.dcm" || fail "rm of $i"
	[ "$(count_http)" -eq $((count - i)) ] || late=$((late + 1))
done
is "each rm by the next search" $late 0
ok "a study deleted over HTTP" remove 2.25.4242
is "is gone" "$(t ls "$partition")" ""
done_testing
