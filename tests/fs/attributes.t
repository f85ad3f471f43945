#!/bin/bash
# What a data set says, as extended attributes; and tools that copy those end well.
. "$(dirname "$0")/mount.sh"
require_program getfattr setfattr dump2dcm python3

# Several values, none, another character set, a sequence, private ones, a long text.
{
	grep -v '^(0010,0010)\|^(0008,0005)\|^(0008,0050)' "$srcdir/tests/data/minimal.dump"
	cat <<-END
	(0008,0005) CS [ISO_IR 100]
	(0008,0008) CS [ORIGINAL\\PRIMARY\\AXIAL]
	(0008,0050) SH []
	(0008,1111) SQ
	  (fffe,e000) na
	    (0008,1150) UI [1.2.840.10008.3.1.2.3.3]
	  (fffe,e00d) na
	(fffe,e0dd) na
	(0009,0010) LO [TEST]
	(0009,1001) LO [private]
	(0010,0010) PN [M$(printf '\374')ller^J$(printf '\366')rg]
	(0028,0030) DS [0.50\\1.25]
	(0040,a160) UT [$(printf '%03500d' 0)]
	END
} >"$tmp/one.dump"
ok "a file is made" dump2dcm +te +E "$tmp/one.dump" "$tmp/one.dcm"
start_mount
t cp "$tmp/one.dcm" "$partition/written"
study=$(echo "$partition"/*)
series=$(echo "$study"/*)
one=$(echo "$series"/*.dcm)

value() {
	t getfattr --absolute-names --only-values -n "$2" "$1" 2>/dev/null
}
names() {
	t getfattr --absolute-names "${2:--d}" "$1" 2>/dev/null | sed -n 's/^\(user[^=]*\).*/\1/p'
}

is "UTF-8, whatever the file has" "$(value "$one" user.dicom.PatientName)" 'Müller^Jörg'
is "several values" "$(value "$one" user.dicom.ImageType)" 'ORIGINAL\PRIMARY\AXIAL'
is "numbers as they are written" "$(value "$one" user.dicom.PixelSpacing)" '0.50\1.25'
ok "no value" t getfattr -n user.dicom.AccessionNumber "$one"
is "is none" "$(value "$one" user.dicom.AccessionNumber)" ""
is "by tag" "$(value "$one" user.dicom.00100010)" 'Müller^Jörg'
is "private ones, too" "$(value "$one" user.dicom.00091001)" private
is "a long one" "$(value "$one" user.dicom.TextValue | wc -c)" 3500
for name in ReferencedPerformedProcedureStepSequence PixelData NoSuchKeyword 0010 PatientWeight; do
	fails 1 "no $name" t getfattr -n "user.dicom.$name" "$one"
done
for name in PatientName ImageType AccessionNumber PixelSpacing 00091001 SOPInstanceUID; do
	ok "$name is listed" grep -qx "user.dicom.$name" <(names "$one")
done
is "the list goes by tags, after what the mount adds" \
	"$(t python3 -c 'import os, sys; print(*os.listxattr(sys.argv[1])[:4])' "$one")" \
	"user.dicomlake.hash user.dicomlake.watermark user.dicom.SpecificCharacterSet user.dicom.ImageType"
is "what is long is not" "$(names "$one" | grep -c TextValue)" 0
is "what is no text is not" "$(names "$one" | grep -c 'Sequence\|PixelData')" 0

is "a study has those of its level" "$(value "$study" user.dicom.PatientName) $(value "$study" user.dicom.StudyInstanceUID)" \
	"Müller^Jörg ${study##*/}"
is "its modalities" "$(value "$study" user.dicom.ModalitiesInStudy)" "$(value "$one" user.dicom.Modality)"
fails 1 "and no others" t getfattr -n user.dicom.Rows "$study"
is "a series" "$(value "$series" user.dicom.SeriesInstanceUID)" "${series##*/}"
fails 1 "has none of the study" t getfattr -n user.dicom.PatientName "$series"
is "the watermark of all above is that of the instance" \
	"$(value "$study" user.dicomlake.watermark) $(value "$series" user.dicomlake.watermark)" \
	"$(value "$one" user.dicomlake.watermark) $(value "$one" user.dicomlake.watermark)"
is "a partition has none" "$(names "$partition")" ""
is "the name it was written under lists none" "$(names "$partition/written")" ""
is "but has them" "$(value "$partition/written" user.dicom.PatientName)" 'Müller^Jörg'

is "SHA-256" "$(value "$one" user.dicomlake.sha256)" "$(sha256sum <"$tmp/one.dcm" | cut -c1-64)"
is "is not listed" "$(names "$one" | grep -c sha256)" 0

fails 1 "nothing is set" t setfattr -n user.dicom.PatientName -v Other "$one"
fails 1 "nor added" t setfattr -n user.dicom.PatientWeight -v 70 "$one"
fails 1 "nor removed" t setfattr -x user.dicom.PatientName "$one"
fails 1 "nor of a study" t setfattr -n user.dicom.PatientName -v Other "$study"
fails 1 "nor of a partition" t setfattr -n user.dicom.PatientName -v Other "$partition"
ok "what is so may be said" t setfattr -n user.dicom.PatientName -v 'Müller^Jörg' "$one"
is "and stays" "$(value "$one" user.dicom.PatientName)" 'Müller^Jörg'

# Tools: out to a disk that has no more than a block for attributes, in again, twice.
service=${partition%/*}
for p in cp rsync tar; do
	t mkdir "$service/$p"
done
same() {
	cmp "$tmp/one.dcm" "$service/$1/${one#"$partition"/}" && [ "$(files_in "$service/$1" | wc -l)" -eq 1 ]
}
mkdir "$tmp/cp" "$tmp/rsync"
ok "cp -a out" t cp -a "$study" "$tmp/cp/"
ok "cp -a in" t cp -a "$tmp/cp/." "$service/cp/"
ok "is whole" same cp
if command -v rsync >/dev/null; then
	ok "rsync -aX out" t rsync -aX "$partition/" "$tmp/rsync/"
	is "with attributes" "$(value "$tmp/rsync/${one#"$partition"/}" user.dicom.PatientName)" 'Müller^Jörg'
	ok "rsync -aX in" t rsync -aX "$tmp/rsync/" "$service/rsync/"
	ok "and again" t rsync -aX "$tmp/rsync/" "$service/rsync/"
	ok "is whole" same rsync
fi
ok "tar c --xattrs" t tar --xattrs -cf "$tmp/a.tar" -C "$partition" .
ok "tar x --xattrs" t tar --xattrs -xf "$tmp/a.tar" -C "$service/tar"
ok "and again" t tar --xattrs -xf "$tmp/a.tar" -C "$service/tar"
ok "is whole" same tar
fails 1 "no special file is made" t mknod "$partition/pipe" p

# External metadata: the only ones that are set, on studies.
ok "a study gets a value of its own" t setfattr -n user.meta.00191100 -v LO:checked "$study"
is "has it" "$(value "$study" user.meta.00191100)" LO:checked
ok "is listed" grep -qx user.meta.00191100 <(names "$study")
ok "it is overwritten" t setfattr -n user.meta.00191100 -v 'LO:checked again' "$study"
ok "another" t setfattr -n user.meta.001910FF -v US:65535 "$study"
is "in either case" "$(value "$study" user.meta.001910ff) $(value "$study" user.meta.00191100)" "US:65535 LO:checked again"
allow_log 'external metadata door=mount'
for bad in 00191100=CS:X 00100010=PN:X 00191101=LO 00191101=XX:1 00191101=US:65536 00191101=US:1.5 00191101=DA:today \
	00190010=LO:creator PatientName=PN:X 00191101=SQ:x 00191101=OB:x; do
	fails 1 "$bad is refused" t setfattr -n "user.meta.${bad%%=*}" -v "${bad#*=}" "$study"
done
fails 1 "a series has none" t setfattr -n user.meta.00191100 -v LO:x "$series"
fails 1 "nor an instance" t setfattr -n user.meta.00191100 -v LO:x "$one"
fails 1 "none is removed" t setfattr -x user.meta.00191100 "$study"
ok "create" t python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.meta.00191102", b"LO:x", os.XATTR_CREATE)' "$study"
like "only once" "$(t python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.meta.00191102", b"LO:x", os.XATTR_CREATE)' "$study" 2>&1)" FileExists
is "nothing else came of it" "$(names "$study" | grep -c meta)" 3

# Bytes that were changed behind the store, with size and time as before.
stop_daemon
backing=$store/${one#"$mnt"/}
touch -r "$backing" "$tmp/time"
printf x | dd of="$backing" bs=1 seek=200 conv=notrunc status=none
touch -r "$tmp/time" "$backing"
allow_log 'sha256 door=mount .*not those that were stored'
start_mount
like "its sum is an error" "$(t getfattr -n user.dicomlake.sha256 "$one" 2>&1)" 'Input/output error'

is "what was set is kept" "$(value "$study" user.meta.00191100)" "LO:checked again"
ok "a study that is deleted" t rm -r "$study"
ok "and comes again" t cp "$tmp/one.dcm" "$partition/"
is "has nothing of it" "$(names "$study" | grep -c meta)" 0
ok "check finds nothing" beside check --verify "$store"
stop_daemon

# More attributes than Linux lists.
{
	cat "$srcdir/tests/data/minimal.dump"
	awk 'BEGIN { for (b = 16; b < 36; b++) {
		printf "(0011,00%02x) LO [B%d]\n", b, b
		for (i = 0; i < 250; i++) printf "(0011,%02x%02x) LO [v%d]\n", b, i, i } }'
} >"$tmp/many.dump"
ok "a file with thousands of attributes is made" dump2dcm +te +E "$tmp/many.dump" "$tmp/many.dcm"
start_mount xattr_list=65536
t mkdir "$service/many"
t cp "$tmp/many.dcm" "$service/many/"
many=$(echo "$service"/many/*/*/*.dcm)
count=$(names "$many" | wc -l)
ok "many of them are listed ($count)" test "$count" -gt 1000 -a "$count" -lt 3000
ok "those of the standard are" grep -qx user.dicom.StudyInstanceUID <(names "$many")
is "the others are there, too" "$(value "$many" user.dicom.001123f9)" v249
done_testing
