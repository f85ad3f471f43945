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
if command -v python3 >/dev/null; then
	ok "a mapping, written before and after the descriptor is closed" t python3 - "$tmp/in/00002.dcm" "$partition/mapped" <<-'PY'
		import mmap, os, sys
		want = open(sys.argv[1], 'rb').read()
		for close_first in (False, True):
		    fd = os.open(sys.argv[2], os.O_RDWR | os.O_CREAT | os.O_TRUNC)
		    os.ftruncate(fd, len(want))
		    m = mmap.mmap(fd, len(want))
		    if not close_first:
		        m[:] = want
		        m.close()
		        os.close(fd)
		    else:
		        try:
		            os.close(fd)	# what is there now is no DICOM file
		        except OSError:
		            pass
		        m[:] = want
		        m.close()
	PY
	ok "is stored" wait_for "$patience" cmp "$tmp/in/00002.dcm" "$series/2.25.4242.9.2.dcm"
fi
ok "a file that is being written reads as it is" t bash -c '
	head -c 2000 "$0" >"$1" || :
	exec 5>"$1"; head -c 2000 "$0" >&5 || :
	cmp <(head -c 2000 "$0") "$1" || exit
	tail -c +2001 "$0" >&5; cmp "$0" "$1"' "$tmp/in/00003.dcm" "$partition/growing"
ok "check: no file differs from its row" beside check --verify "$store"
done_testing
