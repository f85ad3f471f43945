#!/bin/bash
# A backup is one moment of a store that may be in use, the next one copies what changed, and restore gives it back.
. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
require_program jq
copy=$tmp/copy

# What both stores say, and have.
same_as_store() {
	diff -r "$store/AHDS" "$1/AHDS" >"$tmp/diff" 2>&1 || return
	diff <(lake query "$store" instance --json --include all | jq -S .) <(lake query "$1" instance --json --include all | jq -S .)
}
sum() {	# of the fields of the last backup
	jq -r "[$1] | join(\" \")" "$tmp/out"
}
backup() {
	lake backup --json "$store" "$copy" "$@" >"$tmp/out" 2>"$tmp/err" || { diag "$(cat "$tmp/err")"; false; }
}
refused() {	# NAME REGEX COMMAND...
	local name=$1 regex=$2
	shift 2
	lake "$@" >"$tmp/said" 2>&1
	is "$name: exit status" $? 1
	like "$name: words" "$(cat "$tmp/said")" "$regex"
}

new_store --workspace w --service s
mkdir -p "$tmp/in"
for n in {1..40}; do
	make_dcm "$tmp/in/$n.dcm" StudyInstanceUID=2.25.$((n / 20)) SeriesInstanceUID=2.25.$((n / 20)).$((n / 10)) SOPInstanceUID=2.25.9.$n
done
ok "an empty store is backed up" backup
ok "and is there" lake check --verify "$copy"
lake import --quiet "$store" "$tmp/in"
lake delete "$store" 2.25.1/2.25.1.3/2.25.9.39 >"$tmp/said"
ok "a store is backed up" backup
is "every file is taken" "$(sum '.instances, .copied + .shared, .unreadable')" "39 39 0"
ok "the copy is a store without a fault" lake check --verify "$copy"
ok "that says the same" same_as_store "$copy"
is "with the same changes" "$(lake status --json "$copy" | jq .sequence)" "$(lake status --json "$store" | jq .sequence)"

# The next one.
ok "again" backup
is "nothing is copied twice" "$(sum '.copied, .shared, .present, .removed')" "0 0 0 0"
for n in 101 102 103; do
	make_dcm "$tmp/$n.dcm" StudyInstanceUID=2.25.7 SeriesInstanceUID=2.25.8 SOPInstanceUID=2.25.9.$n
	lake import --quiet "$store" "$tmp/$n.dcm"
done
make_dcm "$tmp/5.dcm" StudyInstanceUID=2.25.0 SeriesInstanceUID=2.25.0.0 SOPInstanceUID=2.25.9.5 PatientID=other
lake import --quiet --replace "$store" "$tmp/5.dcm"
lake delete "$store" 2.25.1/2.25.1.2 >"$tmp/said"
ok "what changed is backed up" backup
is "only that" "$(sum '.instances, .copied + .shared, .present, .removed')" "32 4 0 10"
ok "without a fault" lake check --verify "$copy"
ok "the same" same_as_store "$copy"
lake delete "$store" 2.25.7/2.25.8/2.25.9.101 >"$tmp/said"
lake import --quiet "$store" "$tmp/101.dcm"
ok "deleted and stored again" backup
ok "the same" same_as_store "$copy"

# What an updated instance was first goes along.
originals() { (cd "$1/AHDS" && find . -path '*/.original/*.dcm' -exec sha256sum {} + | sort); }
ok "updated" lake update "$store" 2.25.0 PatientName=New^Name
ok "updated" lake update "$store" 2.25.1/2.25.1.3 SeriesInstanceUID=2.25.1.33
ok "updated instances are backed up" backup
like "there are some" "$(originals "$store" | wc -l)" '^[1-9][0-9]$'
is "with their originals" "$(originals "$copy")" "$(originals "$store")"
ok "without a fault" lake check --verify "$copy"
ok "the same" same_as_store "$copy"
lake import --quiet --replace "$store" "$tmp/in/6.dcm"
lake delete "$store" 2.25.0/2.25.0.0/2.25.9.3 >"$tmp/said"
lake delete "$store" 2.25.1/2.25.1.33 >"$tmp/said"
ok "updated" lake update "$store" 2.25.0 PatientName=Newer^Name
ok "replaced, deleted, and updated again" backup
is "originals are the store's" "$(originals "$copy")" "$(originals "$store")"
ok "without a fault" lake check --verify "$copy"
ok "the same" same_as_store "$copy"

# And back.
back=$tmp/back
ok "it is restored" lake restore "$copy" "$back"
ok "without a fault" lake check --verify "$back"
ok "byte for byte" same_as_store "$back"
is "no file of it is one of the backup" "$(find "$back/AHDS" -type f -links +1 | head -n 1)" ""
is "nothing of the restore is left" "$(ls "$back" | tr '\n' ' ')" "$(ls "$store" | grep -v 'health\|operations.lock' | tr '\n' ' ')"
cp "$tmp/5.dcm" "$tmp/new.dcm"
make_dcm "$tmp/new.dcm" SOPInstanceUID=2.25.9.200
ok "it takes instances" lake import --quiet "$back" "$tmp/new.dcm"
ok "the backup stays as it is" lake check --verify "$copy"
refused "over a store" 'not empty' restore "$copy" "$back"
refused "over files" 'not empty' restore "$copy" "$tmp/in"
refused "of no backup" 'holds no whole backup' restore "$store" "$tmp/nowhere"
refused "to files" 'not empty, and not of a backup before' backup "$store" "$tmp/in"
refused "into itself" 'lies in the store itself' backup "$store" "$store/copy"
is "nothing is left of what was refused" "$(ls -d "$store/copy" "$store/backup.lock" "$tmp/in/backup.lock" 2>/dev/null)" ""
lake init "$tmp/other" --workspace w --service s 2>/dev/null
lake import --quiet "$tmp/other" "$tmp/in"
refused "of another store" 'of another store' backup "$tmp/other" "$copy"
lake import --quiet "$copy" "$tmp/new.dcm"
refused "to one that was changed" 'was changed since' backup "$store" "$copy"

# --copy, and a file that cannot be had.
rm -rf "$copy"
one=$(find "$store/AHDS" -name 2.25.9.8.dcm -not -path '*/.original/*')
setfattr -n user.dicomlake.rules -v v2 "$one" 2>/dev/null && ruled=yes || ruled=
ok "bytes are copied when asked" backup --copy
if [ -n "$ruled" ]; then
	is "with the rules that a file was stored by" \
		"$(getfattr --absolute-names --only-values -n user.dicomlake.rules "$copy${one#"$store"}" 2>&1)" v2
else
	skip "with the rules that a file was stored by" "no extended attributes where the store is, or no setfattr"
fi
is "all of them" "$(sum '.copied, .shared')" "$(find "$store/AHDS" -name '*.dcm' | wc -l) 0"
is "no file of it is one of the store" "$(find "$copy/AHDS" -type f -links +1 | head -n 1)" ""
ok "the same" same_as_store "$copy"
gone=$(find "$store/AHDS" -name 2.25.9.7.dcm -not -path '*/.original/*')
rm -rf "$copy"
mv "$gone" "$tmp/gone.dcm"
fails 1 "a backup that lacks a file fails" backup
is "and says which" "$(sum .unreadable) $(grep -c 'cannot copy.*2.25.9.7.dcm' "$tmp/err")" "1 1"
fails 1 "check finds it" lake check "$copy"
mv "$tmp/gone.dcm" "$gone"
ok "once it is back it is copied" backup
is "with what it was first, and what came after it looked at again" "$(sum '.copied + .shared')" 2
ok "without a fault" lake check --verify "$copy"

# Somebody has it open.
exec 7<"$copy/open.lock"
flock -s 7
refused "to one that is open as a store" 'is open as a store' backup "$store" "$copy"
exec 7<&-
exec 7<"$copy/backup.lock"
flock 7
refused "by two" 'another backup or restore' backup "$store" "$copy"
exec 7<&-
ok "then again" backup
done_testing
