#!/bin/bash
# Archives: what is in them is stored as if it lay in a folder, and a hostile one harms nothing.
. "$(dirname "$0")/import.sh"
require_program tar zip zstd gzip bzip2 xz python3
new_store
make_many "$tmp/in/deep" 40
make_many "$tmp/in/deep" 1 41 600000
cd "$tmp" || exit 1
tar --sort=name -cf in.tar in
tar czf in.tar.gz in
tar --zstd -cf in.tar.zst in
tar cjf in.tar.bz2 in
tar cJf in.tar.xz in
tar --format=pax -cf in.pax in
zip -qr in.zip in
zip -qr0 stored.zip in

ok "a tar goes in" imports "$tmp/in.tar"
is "with all that is in it" "$(field stored) $(field refused) $(count instances)" "41 0 41"
cmp_stored() {
	cmp "$tmp/in/deep/$1" "$(find "$store/AHDS" -name "2.25.10000$2.dcm")"
}
ok "the bytes are the entry's" cmp_stored 00007 00007
ok "those of a larger one too" cmp_stored 00041 00041
for archive in in.tar.gz in.tar.zst in.tar.bz2 in.tar.xz in.pax in.zip stored.zip; do
	ok "$archive is read" imports "$tmp/$archive"
	is "as the same" "$(field stored) $(field unchanged) $(field refused)" "0 41 0"
done
is "nothing was unpacked beside" "$(find "$tmp" -maxdepth 1 -newer stored.zip ! -name '.*' ! -name store ! -name json ! -name err ! -name "$(basename "$tmp")")" ""
is "one line of the import-queue each" "$(jq -r .subject "$store/import/import-queue" | grep -c 'blobs/in.tar/in/deep/')" 41

# What is refused
new_store
echo "some text" >in/text
ln -s deep/00001 in/link
ln in/deep/00002 in/hard
tar cf mixed.tar in/hard in/deep/00002 in/text in/link in/deep/00001
fails 1 "an archive with more than instances" imports mixed.tar
is "the good ones are stored" "$(field stored) $(field refused)" "2 3"
like "links are told of" "$(cat err)" "mixed.tar/in/link: a link, which is not followed"
ok "what is refused lies in the error-container" cmp in/text "$errors/mixed.tar/in/text"
is "with its report" "$(jq -r '[.path, .status, .failureReason] | map(tostring) | join(" ")' "$errors/mixed.tar/in/text.error.json")" \
	"mixed.tar/in/text 409 43264"
is "and a line in the error-queue, as each of them" "$(jq -r .path "$store/import/error-queue" | sort | tr '\n' ' ')" \
	"mixed.tar/in/deep/00002 mixed.tar/in/link mixed.tar/in/text "
ok "again, without what is no DICOM" not imports --skip-foreign mixed.tar
is "which is passed over" "$(field unchanged) $(field skipped) $(field refused)" "2 1 2"
rm -r "$errors"
ok "or only told of" not imports --discard-refused mixed.tar
fails 2 "and not kept" ls "$errors/mixed.tar"
rm in/link in/text in/hard

# Names
python3 - <<'END'
import tarfile, io
good = open('in/deep/00003', 'rb').read()
t = tarfile.open('names.tar', 'w', format=tarfile.GNU_FORMAT)
def add(name, data=good, **more):
    i = tarfile.TarInfo(name)
    i.size = len(data)
    for k, v in more.items():
        setattr(i, k, v)
    t.addfile(i, io.BytesIO(data))
add('../../../../../etc/evil')
add('/etc/passwd', b'not DICOM, of an absolute path')
add('n' * 70000)
add('\033[31mred\nline', b'a name that drives a terminal')
add('fifo', b'', type=tarfile.FIFOTYPE)
add('./good')
t.close()
END
fails 1 "names that mean harm" imports names.tar
is "harm nothing: the good one is stored" "$(field stored) $(field refused)" "1 5"
ok "what leads out is told of" grep -q 'evil: its name leads out of the archive' err
ok "what is too long, too" grep -q 'its name is too long' err
fails 1 "names cannot drive the terminal" grep -q "$(printf '\033')" err
ok "an absolute path is one below the archive" test -e "$errors/names.tar/etc/passwd"
is "nothing has left the error-container" "$(find "$store/import" -type f -newer names.tar ! -path "$errors/names.tar/*" -printf '%P ')" \
	"$(cd "$store/import" && find . -maxdepth 1 -type f -newer ../../names.tar -printf '%P ')"

# Damage
new_store
head -c $(($(stat -c %s in.tar) * 2 / 3)) in.tar >cut.tar
fails 1 "an archive that is cut short" imports cut.tar
like "is told of" "$(cat err)" "cut.tar: the archive is broken|cut short in the archive"
is "what came before is stored" "$(field stored)" 40
head -c $(($(stat -c %s in.tar.gz) / 2)) in.tar.gz >cut.tar.gz
fails 1 "a packed one, too" imports cut.tar.gz
like "is told of" "$(cat err)" "cut.tar.gz: the archive is broken"
python3 - <<'END'
d = bytearray(open('stored.zip', 'rb').read())
at = d.find(b'2.25.1000000005')
d[at + 40] ^= 255
open('bad.zip', 'wb').write(d)
END
fails 1 "a damaged entry" imports bad.zip
is "is refused alone" "$(field refused)" 1
like "by its sum" "$(cat err)" "cannot be unpacked.*CRC"
zip -qr -P secret locked.zip in
fails 1 "an encrypted archive" imports locked.zip
is "of which nothing can be read" "$(field refused)" 41
like "says so" "$(head -1 err)" "it is encrypted"
printf '\037\213\010\0\0\0\0\0\0\003 no gzip' >bad.tar.gz
fails 1 "a damaged header" imports bad.tar.gz
gzip -c in/deep/00001 >single.gz
fails 1 "one packed file is no archive" imports single.gz
: >empty.tar
fails 1 "nor is an empty file" imports empty.tar
head -c 20480 /dev/zero >zeros.tar
ok "an archive of nothing" imports zeros.tar
is "is nothing" "$(field stored) $(field refused)" "0 0"

# A bomb: 5 GB of zeros in 5 MB; a sparse file of 8 TB in 10 kB.
new_store
python3 - <<'END'
import tarfile, gzip
i = tarfile.TarInfo('in/zeros')
i.size = 6 << 30
one = gzip.compress(bytes(64 << 20), 9)
with open('bomb.tar.gz', 'wb') as out:
    out.write(gzip.compress(i.tobuf()))
    for n in range(96):
        out.write(one)
END
(ulimit -f 8388608; exec timeout 120 "$dicomlake" import "$store" --json --skip-foreign bomb.tar.gz >json 2>err)
is "a bomb is given up" $? 1
like "and told of" "$(cat err)" "a bomb"
truncate -s 8T sparse && printf x >>sparse
if tar -Scf sparse.tar sparse 2>"$tmp/.ok.out"; then
	(exec timeout 120 "$dicomlake" import "$store" --json --skip-foreign sparse.tar >json 2>err)
	is "a sparse one is passed over unread" "$? $(field stored) $(field skipped)" "0 0 1"
else
	skip "a sparse bomb" "this file system has no files so large"
fi
rm -f sparse
is "nothing is left of them" "$(find "$store/staging" -type f ! -name '*lock')" ""
ok "check finds nothing" lake check --verify "$store"
done_testing
