#!/bin/bash
# The tree has the shape the manual gives it, and stat tells the truth about it.
. "$(dirname "$0")/mount.sh"

make_files "$tmp/in" 5 100 2
start_mount
study=$partition/2.25.4242
ok "files go in" t cp "$tmp"/in/* "$partition"/

is "the top" "$(t ls "$mnt")" "$(printf 'AHDS\nAHDS_default-dicom')"
is "the service" "$(t ls "$mnt/AHDS/default/dicom")" dicom
is "the partition" "$(t ls "$mnt/AHDS/default/dicom/dicom")" Microsoft.Default
is "studies" "$(t ls "$partition")" 2.25.4242
is "series" "$(t ls "$study")" "$(printf '2.25.4242.1\n2.25.4242.2\n2.25.4242.3')"
is "instances" "$(t ls "$study/2.25.4242.1")" "$(printf '2.25.4242.9.1.dcm\n2.25.4242.9.2.dcm')"
is "the area has its containers and queues" "$(t ls "$area" | xargs)" "error-container error-queue import-container import-queue"

is "links of a study: two and one a series" "$(t stat -c %h "$study")" 5
is "links of a series: it has no directories" "$(t stat -c %h "$study/2.25.4242.1")" 2
is "links of the partition" "$(t stat -c %h "$partition")" 3
is ".. of a series is its study" "$(t stat -c %i "$study/2.25.4242.1/..")" "$(t stat -c %i "$study")"
is ".. of the service" "$(t stat -c %i "$mnt/AHDS/default/dicom/dicom/..")" "$(t stat -c %i "$mnt/AHDS/default/dicom")"
is "ls -a shows both dots" "$(t ls -a "$study/2.25.4242.3")" "$(printf '.\n..\n2.25.4242.9.5.dcm')"
is "size" "$(t stat -c %s "$study/2.25.4242.3/2.25.4242.9.5.dcm")" "$(stat -c %s "$tmp/in/00005.dcm")"
is "du says what is stored" "$(t du -sb "$partition" | cut -f1)" "$(cat "$tmp"/in/* | wc -c)"
is "df tells the backing disk" "$(t df --output=size "$mnt" | tail -n 1)" "$(df --output=size "$store" | tail -n 1)"
is "files" "$(files_in "$partition" | wc -l)" 5
fails 1 "no such name" t test -e "$partition/nothing"
fails 1 "no such study" t test -e "$partition/1.2.3"
fails 1 "nothing is made beside the partitions" t mkdir "$mnt/AHDS/x"
fails 1 "no file either" t cp "$tmp/in/00001.dcm" "$mnt/AHDS/default/dicom/dicom/"
fails 1 "the queue is only read" t dd if=/dev/null of="$area/error-queue" status=none

inode=$(t stat -c %i "$study/2.25.4242.3/2.25.4242.9.5.dcm")
ok "the daemon ends" stop_daemon
start_mount
is "inode numbers are the same after a restart" "$(t stat -c %i "$study/2.25.4242.3/2.25.4242.9.5.dcm")" "$inode"
is "the backing tree has the same names" "$(cd "$store" && find AHDS -type f | sort)" \
	"$(cd "$mnt" && t find AHDS -type f | sort)"

# A directory's time is that of the last change of what is in it, as on a disk.
times() { t stat -c %.Y "$partition" "$study" "$study/2.25.4242.3"; }
after() {	# WHAT: which of the three changed
	local i was now
	mapfile -t was <<<"$before"
	mapfile -t now < <(times)
	for i in 0 1 2; do [ "${was[i]}" = "${now[i]}" ] || printf '%s ' "$i"; done
}
dcmodify --no-backup -i "(0020,000e)=2.25.4242.3" -gin "$tmp/in/00005.dcm" 2>/dev/null
before=$(times)
ok "one more of a series" t cp "$tmp/in/00005.dcm" "$partition/"
is "changes the series" "$(after)" "2 "
dcmodify --no-backup -i "(0020,000e)=2.25.4242.8" "$tmp/in/00005.dcm" 2>/dev/null
before=$(times)
ok "a new series" t cp "$tmp/in/00005.dcm" "$partition/"
is "changes the study" "$(after)" "1 "
dcmodify --no-backup -i "(0020,000d)=2.25.4243" "$tmp/in/00005.dcm" 2>/dev/null
before=$(times)
ok "a new study" t cp "$tmp/in/00005.dcm" "$partition/"
is "changes the partition" "$(after)" "0 "
before=$(times)
ok "a study that goes" t rm -r "$partition/2.25.4243"
is "does, too" "$(after)" "0 "
before=$(times)
ok "a series that goes" t rm -r "$study/2.25.4242.8"
is "changes the study" "$(after)" "1 "
done_testing
