#!/bin/bash
# Media with a DICOMDIR: the files that it names, whatever their case, and nothing outside of its folder.
. "$(dirname "$0")/import.sh"
require_data
media=$data/pydicom/dicomdirtests
dicomdir=$data/bad/pydicom/dicomdirtests/DICOMDIR
[ -r "$dicomdir" ] || skip_all "no DICOMDIR among the samples"
new_store
cp -r "$media" "$tmp/cd"
cp "$dicomdir" "$tmp/cd/"
make_dcm "$tmp/cd/unnamed"
echo autorun >"$tmp/cd/autorun.inf"
ok "a folder that has one" imports "$tmp/cd"
is "gives what it names, and nothing else" "$(field stored) $(field refused) $(field skipped)" "31 0 0"
ok "the DICOMDIR itself" imports "$tmp/cd/DICOMDIR"
is "gives the same" "$(field unchanged) $(field refused)" "31 0"
(cd "$tmp/cd" && imports DICOMDIR)
is "from within, too" "$(field unchanged) $(field refused)" "31 0"
fails 1 "all of the folder" imports "$tmp/cd/."/../cd/98892001 "$tmp/cd/autorun.inf"
ok "all of it that is DICOM, with --skip-foreign" imports --skip-foreign "$tmp/cd"
is "is one more" "$(field stored) $(field unchanged) $(field skipped)" "1 31 2"

# In another case, as a system may show a CD.
new_store
mv "$tmp/cd/DICOMDIR" "$tmp/cd/dicomdir"
for d in 98892003/MR700 98892003/MR2 98892003/MR1 77654033/CR3 77654033/CT2; do
	mv "$tmp/cd/$d" "$tmp/cd/$(tr A-Z a-z <<<"$d")"
done
ok "in another case" imports "$tmp/cd"
is "nothing is missing" "$(field stored) $(field refused)" "31 0"

# What is not there is told of; a link is not followed; no way leads out.
new_store
rm "$tmp/cd/98892003/mr2/6605"
mv "$tmp/cd/77654033/ct2" "$tmp/elsewhere"
ln -s "$tmp/elsewhere" "$tmp/cd/77654033/ct2"
fails 1 "what it names and is not there" imports "$tmp/cd"
is "is counted" "$(field stored) $(field refused)" "26 5"
ok "and told of" grep -qi '98892003/MR2/6605: the DICOMDIR names it, but it is not there' "$tmp/err"
is "as are links" "$(grep -c 'ct2: a symbolic link\|ct2/.*: a symbolic link\|CT2/.*a symbolic link' "$tmp/err")" 4
perl -pi -e 's/98892003\\MR700\\4678/..\\..\\98892003\\MR70/' "$tmp/cd/dicomdir"
fails 1 "a way out" imports "$tmp/cd"
ok "is none" grep -q 'names what can be no file below it' "$tmp/err"

# One that is of no use: the folder is one as any other.
new_store
head -c 5000 "$dicomdir" >"$tmp/cd/dicomdir"
rm "$tmp/cd/77654033/ct2"
fails 1 "a damaged one" imports "$tmp/cd"
is "is refused, and the folder goes in" "$(field stored) $(field refused)" "27 2"
cp "$data/bad/pydicom/dicomdirtests/DICOMDIR-empty.dcm" "$tmp/cd/dicomdir"
rm "$tmp/cd/autorun.inf"
fails 1 "as is one that names nothing" imports "$tmp/cd"
is "likewise" "$(field unchanged) $(field refused)" "27 1"

# In an archive its neighbours come by themselves.
new_store
cp "$dicomdir" "$tmp/cd/DICOMDIR"
rm "$tmp/cd/dicomdir"
(cd "$tmp" && tar cf cd.tar cd)
ok "media in an archive" imports "$tmp/cd.tar"
is "are all that is there" "$(field stored) $(field skipped) $(field refused)" "27 1 0"
ok "check finds nothing" lake check --verify "$store"
done_testing
