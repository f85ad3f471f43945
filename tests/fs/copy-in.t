#!/bin/bash
# A file written anywhere below a partition is stored under its own UIDs.
. "$(dirname "$0")/mount.sh"

make_files "$tmp/in" 8 3000
start_mount
series=$partition/2.25.4242/2.25.4242.1
stored() {
	cmp "$tmp/in/$1.dcm" "$series/2.25.4242.9.${1##*0}.dcm"
}

ok "cp" t cp "$tmp/in/00001.dcm" "$partition/"
ok "it is stored, byte for byte" stored 00001
ok "cat >" t sh -c "cat $tmp/in/00002.dcm > $partition/anything"
ok "stored" stored 00002
ok "tee" t sh -c "tee $partition/sub.dcm < $tmp/in/00003.dcm > /dev/null"
ok "stored" stored 00003
ok "dd, with small writes and an fsync" t dd if="$tmp/in/00004.dcm" of="$partition/dd" bs=100 conv=fsync status=none
ok "stored" stored 00004
ok "into the study" t cp "$tmp/in/00005.dcm" "$partition/2.25.4242/"
ok "stored" stored 00005
ok "into the series, by another name" t cp "$tmp/in/00006.dcm" "$series/x"
ok "stored" stored 00006
ok "into the series, by its own name" t cp "$tmp/in/00007.dcm" "$series/2.25.4242.9.7.dcm"
ok "stored" stored 00007
ok "into a directory of one's own" t sh -c "mkdir -p $partition/a/b && cp $tmp/in/00008.dcm $partition/a/b/"
ok "stored" stored 00008
is "each is listed once" "$(files_in "$partition" | wc -l)" 8
is "names written are not listed" "$(t ls "$partition")" 2.25.4242
is "the directories have gone with their content" "$(t ls "$partition/2.25.4242")" 2.25.4242.1

make_files "$tmp/tree/one/two" 3 100 1 2.25.77
make_files "$tmp/tree/three" 3 100 1 2.25.88
ok "cp -r of a folder" t cp -r "$tmp/tree" "$partition/"
is "all of it is there" "$(sums "$partition/2.25.77"; sums "$partition/2.25.88")" \
	"$(sums "$tmp/tree/one"; sums "$tmp/tree/three")"
is "and nothing else" "$(t ls "$partition")" "$(printf '2.25.4242\n2.25.77\n2.25.88')"

ok "cp again changes nothing" t cp "$tmp/in/00001.dcm" "$partition/again"
is "still once" "$(files_in "$series" | wc -l)" 8

ok "a partition is made by mkdir" t mkdir "$mnt/AHDS/default/dicom/dicom/other"
ok "and takes files" t cp "$tmp/in/00001.dcm" "$mnt/AHDS/default/dicom/dicom/other/"
is "that are in it" "$(files_in "$mnt/AHDS/default/dicom/dicom/other")" ./2.25.4242/2.25.4242.1/2.25.4242.9.1.dcm
is "beside the first" "$(t ls "$mnt/AHDS/default/dicom/dicom")" "$(printf 'Microsoft.Default\nother')"

odd=$(printf 'a b\n\303\244\t"\\*?')
ok "any name will do" t cp "$tmp/in/00002.dcm" "$partition/$odd"
ok "and is found again" t cmp "$tmp/in/00002.dcm" "$partition/$odd"
long=$(printf '%0255d' 0)
ok "255 bytes of name" t cp "$tmp/in/00002.dcm" "$partition/$long"
fails 1 "256 are too many" t cp "$tmp/in/00002.dcm" "$partition/0$long"
ok "nothing is left in staging" staging_is_empty
done_testing
