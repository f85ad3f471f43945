#!/bin/bash
# A close is not always the last one, and what is stored can be written over.
. "$(dirname "$0")/mount.sh"

allow_log 'refused door=mount'
make_files "$tmp/in" 3 5000
make_files "$tmp/other" 1 7000
start_mount
series=$partition/2.25.4242/2.25.4242.1
one=$series/2.25.4242.9.1.dcm

halves() {
	{ head -c 3000 "$tmp/in/00001.dcm"; tail -c +3001 "$tmp/in/00001.dcm"; } >"$partition/halves"
}
ok "two programs write one file" halves
ok "it is whole" t cmp "$tmp/in/00001.dcm" "$one"
fails 1 "half a file" t sh -c "head -c 3000 $tmp/in/00002.dcm > $partition/app"
fails 2 "its bytes are not kept for a second open to append to" \
	t sh -c "tail -c +3001 $tmp/in/00002.dcm >> $partition/app"

# Written after the close that stored it, on a descriptor that stayed open.
grow() {
	exec 5>"$partition/grow"
	cat "$tmp/in/00003.dcm" >&5 || return
	wait_for "$patience" cmp "$tmp/in/00003.dcm" "$series/2.25.4242.9.3.dcm" || return
	cp "$store"/AHDS/default/dicom/dicom/*/2.25.4242/2.25.4242.1/2.25.4242.9.3.dcm "$tmp/before" || return
	printf 'trailing' >&5
	cmp "$tmp/before" "$store"/AHDS/default/dicom/dicom/*/2.25.4242/2.25.4242.1/2.25.4242.9.3.dcm || return
	exec 5>&-
}
grow
ok "the stored file is not written into" cmp "$tmp/in/00003.dcm" "$tmp/before"
ok "and reads the same through the mount unless it was replaced whole" t sh -c \
	"cmp $tmp/in/00003.dcm $series/2.25.4242.9.3.dcm || { cat $tmp/in/00003.dcm; printf trailing; } | cmp - $series/2.25.4242.9.3.dcm"

old=$(t cat "$one" | sha256sum)
exec 6<"$one"
head -c 100 <&6 >/dev/null
ok "cp over an instance replaces it" t cp "$tmp/other/00001.dcm" "$one"
ok "new bytes by its name" t cmp "$tmp/other/00001.dcm" "$one"
is "new size" "$(t stat -c %s "$one")" "$(stat -c %s "$tmp/other/00001.dcm")"
is "who had it open reads the old one" "$( (head -c 100 "$tmp/in/00001.dcm"; cat <&6) | sha256sum)" "$old"
exec 6<&-
is "its inode number stays" "$(t stat -c %i "$one")" "$(t ls -i "$one" | awk '{ print $1 }')"
is "still listed once" "$(t ls "$series" | grep -c '9\.1\.dcm')" 1

fails 1 "cp of rubbish over it fails" t cp "$tmp/mount.0.out" "$one"
ok "and leaves it" t cmp "$tmp/other/00001.dcm" "$one"
ok "truncating it to nothing stores nothing" t sh -c ": > $one"
ok "it is there still" t cmp "$tmp/other/00001.dcm" "$one"
ok "dd into the middle" t sh -c "printf ABCD | dd of=$one bs=1 seek=2000 conv=notrunc status=none"
cp "$tmp/other/00001.dcm" "$tmp/patched"
printf ABCD | dd of="$tmp/patched" bs=1 seek=2000 conv=notrunc status=none
ok "replaces it with what a disk would hold" t cmp "$tmp/patched" "$one"

ok "over a lingering name, too" t cp "$tmp/in/00001.dcm" "$partition/halves"
ok "replaced" t cmp "$tmp/in/00001.dcm" "$one"
ok "check: no file differs from its row" t "$fsd" check "$store"
done_testing
