#!/bin/bash
# Tiers in the mount: files look and read the same wherever their bytes lie, and user.dicomlake.tier shows and sets it.
. "$(dirname "$0")/mount.sh"
require_web
require_program getfattr setfattr cmp

new_store
mkdir "$tmp/cool" "$tmp/cold" "$tmp/archive" "$tmp/in"
printf 'tier = cool %s\ntier = cold %s\ntier = archive %s\n' "$tmp/cool" "$tmp/cold" "$tmp/archive" >"$store/tiers.conf"
start_daemon --mount "$mnt" --watch
partition=$mnt/AHDS/default/dicom/dicom/Microsoft.Default
disk=$store/AHDS/default/dicom/dicom/Microsoft.Default
series=$partition/2.25.1/2.25.2
for n in 1 2 3; do
	make_dcm "$tmp/in/2.25.9.$n.dcm" StudyInstanceUID=2.25.1 SeriesInstanceUID=2.25.2 SOPInstanceUID="2.25.9.$n"
done
t cp -r "$tmp/in" "$partition/"
tier_of() {
	t getfattr --absolute-names --only-values -n user.dicomlake.tier "$1" 2>/dev/null
}
is_in() { [ "$(tier_of "$1")" = "$2" ]; }
# set TIER PATH: and wait for it.
set_tier() {
	t setfattr -n user.dicomlake.tier -v "$1" "$2" && wait_for "$patience" is_in "$2" "$1"
}
looks() {
	t ls -ln --time-style=full-iso "$series"
	t du -sb "$series"
	t stat -c '%s %Y %i' "$series"/*.dcm
}

one=$series/2.25.9.1.dcm
is "what is stored is hot" "$(tier_of "$one")" hot
is "with its series" "$(tier_of "$series")" hot
is "which is listed" "$(t getfattr --absolute-names -m '^user.dicomlake.tier' "$one" | grep -c '^user.dicomlake.tier')" 1
before=$(looks)
exec 7<"$one"
ok "an instance goes to cold" set_tier cold "$one"
is "its bytes are there" "$(find "$tmp/cold" -name '*.dcm' -printf '%f')" 2.25.9.1.dcm
is "its series lies in both" "$(tier_of "$series")" hot,cold
is "and its study" "$(tier_of "$partition/2.25.1")" hot,cold
is "everything looks as before" "$(looks)" "$before"
ok "who had it open reads on" cmp /dev/fd/7 "$tmp/in/2.25.9.1.dcm"
exec 7<&-
ok "it reads as before" t cmp "$one" "$tmp/in/2.25.9.1.dcm"
ok "so does all" t diff -r "$tmp/in" "$series"
ok "the tree on the disk, too" diff -r "$tmp/in" "$disk/2.25.1/2.25.2"
ok "a study goes to cool" set_tier cool "$partition/2.25.1"
ok "and reads" t diff -r "$tmp/in" "$series"
fails 1 "there is no such tier" t setfattr -n user.dicomlake.tier -v warm "$one"

allow_log 'BlobArchived|ContainerNotFound|ConditionNotMet|state=away|state=linked|state=refused'
ok "one is archived" set_tier archive "$series/2.25.9.2.dcm"
is "it looks as before" "$(looks)" "$before"
fails 1 "and cannot be read" t cat "$series/2.25.9.2.dcm"
like "as is said" "$(t cat "$series/2.25.9.2.dcm" 2>&1)" 'Input/output error'
ok "the log says why" grep -q 'door=mount.*BlobArchived' "$daemon_log"
is "and its tier" "$(tier_of "$series/2.25.9.2.dcm")" archive
ok "the others are read" t cmp "$one" "$tmp/in/2.25.9.1.dcm"
ok "it can be fetched back" set_tier hot "$series/2.25.9.2.dcm"
ok "and is read" t cmp "$series/2.25.9.2.dcm" "$tmp/in/2.25.9.2.dcm"

# A copy that keeps attributes moves nothing.
set_tier archive "$series/2.25.9.3.dcm"
mkdir "$tmp/again"
make_dcm "$tmp/again/4.dcm" StudyInstanceUID=2.25.1 SeriesInstanceUID=2.25.2 SOPInstanceUID=2.25.9.4
if setfattr -n user.dicomlake.tier -v cold "$tmp/again/4.dcm" 2>/dev/null; then
	ok "a copy with the attribute of another" t cp -a "$tmp/again/4.dcm" "$partition/"
	wait_for "$patience" test -e "$series/2.25.9.4.dcm"
	is "is hot" "$(tier_of "$series/2.25.9.4.dcm")" hot
	t rm "$series/2.25.9.4.dcm"
else
	skip "a copy with the attribute of another" "no attributes below $tmp"
fi

# Written over, and removed.
make_dcm "$tmp/new.dcm" StudyInstanceUID=2.25.1 SeriesInstanceUID=2.25.2 SOPInstanceUID=2.25.9.1 PatientID=NEW
ok "what is in a tier can be written over" t cp "$tmp/new.dcm" "$one"
ok "and is that" t cmp "$one" "$tmp/new.dcm"
is "hot" "$(tier_of "$one")" hot
is "and nowhere else" "$(find "$tmp/cool" -name 2.25.9.1.dcm)" ""
ok "what is archived, too" t cp "$tmp/in/2.25.9.3.dcm" "$series/2.25.9.3.dcm"
is "when it is the same it stays" "$(tier_of "$series/2.25.9.3.dcm")" archive
set_tier cold "$one"
ok "an instance is removed" t rm "$one"
is "with its bytes" "$(find "$tmp/cold" "$tmp/cool" "$disk" -name 2.25.9.1.dcm)" ""

# By somebody who plants a link, beside the store.
set_tier cold "$series/2.25.9.2.dcm"
ln -sf /etc/passwd "$disk/2.25.1/2.25.2/2.25.9.2.dcm"
fails 1 "a link that is planted is not followed" t cat "$series/2.25.9.2.dcm"
ln -sfn "$tmp/cold/Microsoft.Default/2.25.1/2.25.2/2.25.9.2.dcm" "$disk/2.25.1/2.25.2/2.25.9.2.dcm"
ok "that of the store is" t cmp "$series/2.25.9.2.dcm" "$tmp/in/2.25.9.2.dcm"

# With --watch, what is removed beside the store is deleted; but not with the link to it.
linked() { [ -L "$disk/2.25.1/2.25.2/2.25.9.2.dcm" ]; }
rm "$disk/2.25.1/2.25.2/2.25.9.2.dcm"
ok "a link that is removed comes back" wait_for "$patience" linked
make_dcm "$tmp/other.dcm" StudyInstanceUID=2.25.5
t cp "$tmp/other.dcm" "$partition/"
# Without a single file it would be the disk that is missing.
other_is_there() { [ -n "$(find "$disk/2.25.5" -name '*.dcm' 2>/dev/null)" ]; }
wait_for "$patience" other_is_there
mv "$disk/2.25.1" "$tmp/elsewhere"
ok "with others of its study" wait_for "$patience" linked
ok "and reads" t cmp "$series/2.25.9.2.dcm" "$tmp/in/2.25.9.2.dcm"

# A tier that is away.
mv "$tmp/cold" "$tmp/away"
fails 1 "what is in a tier that is not there" t cat "$series/2.25.9.2.dcm"
ok "the log names its directory" grep -q "door=mount.*$tmp/cold.*ContainerNotFound" "$daemon_log"
mv "$tmp/away" "$tmp/cold"
ok "is read when it is back" t cmp "$series/2.25.9.2.dcm" "$tmp/in/2.25.9.2.dcm"
ok "rm -r of all" t rm -r "$partition/2.25.1" "$partition/2.25.5"
is "leaves no file" "$(find "$tmp/cold" "$tmp/cool" "$tmp/archive" "$disk" -name '*.dcm')" ""
stop_daemon
ok "check finds nothing" lake check --verify "$store"
done_testing
