#!/bin/bash
# Files lie in several directories by rules, or as they are told, and every command knows it.
. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
require_web
require_program jq cmp
new_store
cold=$tmp/cold
archive=$tmp/archive
disk=$store/AHDS/default/dicom/dicom/Microsoft.Default
mkdir "$tmp/in" "$cold" "$archive"
for n in 1 2 3 4 5 6; do
	make_dcm "$tmp/in/$n.dcm" StudyInstanceUID=2.25.1 SeriesInstanceUID="2.25.2$((n % 2))" SOPInstanceUID="2.25.9.$n" \
		Modality="$( ((n % 2)) && echo MR || echo CT)"
done
lake import --quiet "$store" "$tmp/in"
# in DIR: the files there, by the names they came with.
in_dir() {
	find "$1" -name '*.dcm' -type f -printf '%f\n' | sed 's/2.25.9.\(.*\).dcm/\1/' | sort | tr '\n' ' '
}
tiers() {
	lake status --json "$store" | jq -r '.bytes as $b | .tiers | to_entries | map(select(.value > 0).key) | join(" ")'
}

fails 1 "without rules there is nothing to apply" lake tier "$store"
fails 1 "nor a tier to move to" lake tier --to cold "$store" 2.25.1
printf 'tier = cold %s\ntier = archive %s\nrule = hot modality=MR\nrule = cold age=0s\n' "$cold" "$archive" >"$store/tiers.conf"
fails 2 "what goes to a tier is named" lake tier --to cold "$store"
fails 2 "a tier, too" lake tier "$store" 2.25.1
fails 2 "by its name" lake tier --to warm "$store" 2.25.1
fails 1 "it must be there" lake tier --to cold "$store" 2.25.99
is "what would be moved" "$(lake tier --dry-run "$store" 2>"$tmp/said" | sort | sed 's/.*: //')" \
	"$(printf 'Microsoft.Default/2.25.1/2.25.20/2.25.9.%d\n' 2 4 6)"
like "is counted" "$(cat "$tmp/said")" 'would move 3 instances, '
is "for a script" "$(lake tier --dry-run --json "$store" | jq -c '[.instances, (.moves | map(.from + .to) | unique)]')" '[3,["hotcold"]]'
is "and nothing was done" "$(in_dir "$cold")" ""
before=$(cd "$disk" && find . -type f -exec cksum {} + | sort -k3)
ok "by the rules" lake tier "$store"
is "those are in their tier" "$(in_dir "$cold")" "2 4 6 "
is "the others are where they were" "$(in_dir "$disk")" "1 3 5 "
is "the tree reads as before" "$(cd "$disk" && find -L . -type f -exec cksum {} + | sort -k3)" "$before"
is "status tells of tiers" "$(tiers)" "hot cold"
like "in words" "$(lake status "$store")" '  cold      [1-9]'
is "it is an operation" "$(lake operations --json "$store" | jq -c 'map(select(.type == "tier") | [.status, .to, .moved, .failed, .done, .total])')" \
	'[["succeeded","rules",3,0,6,6]]'
like "in words" "$(lake operations "$store")" 'tier +succeeded +100% 3 moved by the rules'
is "again there is nothing to do" "$(lake tier --json "$store" | jq -c '[.moved, .failed]')" '[0,0]'
ok "all is well" lake check --verify "$store"

is "by hand" "$(lake tier --json --to archive "$store" 2.25.1/2.25.21 2.25.1/2.25.20/2.25.9.2 | jq .moved)" 4
is "from wherever it was" "$(in_dir "$disk")/$(in_dir "$cold")/$(in_dir "$archive")" "/4 6 /1 2 3 5 "
ok "all is well" lake check --verify "$store"
fails 1 "what is archived can be exported no more" lake export --quiet "$store" 2.25.1 "$tmp/out"
is "the rest is" "$(find "$tmp/out" -name '*.dcm' | wc -l)" 2
like "and why is said" "$(cat "$(find "$tmp/out" -name errors.log)")" 'BlobArchived'

# Backup takes all bytes along, and the copy has no tiers.
ok "a backup" lake backup --quiet "$store" "$tmp/backup"
is "has all" "$(in_dir "$tmp/backup/AHDS")" "1 2 3 4 5 6 "
ok "and is a store" lake check --verify "$tmp/backup"
ok "restored" lake restore --quiet "$tmp/backup" "$tmp/restored"
ok "it is whole" lake check --verify "$tmp/restored"
is "all of it hot" "$(lake status --json "$tmp/restored" | jq -c '[.instances, .bytes == .tiers.hot]')" '[6,true]'
lake import --quiet "$store" "$tmp/in" >/dev/null

ok "the index is made of the files alone" lake check --rebuild "$store"
is "which tell their tiers" "$(tiers)" "cold archive"
ok "all is well" lake check --verify "$store"

# What goes, goes everywhere.
lake delete "$store" 2.25.1/2.25.20/2.25.9.4 2>/dev/null
is "a delete" "$(in_dir "$disk")/$(in_dir "$cold")/$(in_dir "$archive")" "/6 /1 2 3 5 "
make_dcm "$tmp/6.dcm" StudyInstanceUID=2.25.1 SeriesInstanceUID=2.25.20 SOPInstanceUID=2.25.9.6 Modality=CT PatientID=NEW
lake import --quiet --replace "$store" "$tmp/6.dcm"
is "another version is hot" "$(in_dir "$disk")/$(in_dir "$cold")/" "6 //"
ok "with its bytes" cmp "$tmp/6.dcm" "$disk/2.25.1/2.25.20/2.25.9.6.dcm"
is "nothing is left behind" "$(lake reclaim "$store")" "removed 0 files (0 B), 0 kept"

# A tier that is not there.
mv "$archive" "$archive.away"
fails 1 "check names it" lake check --repair "$store"
lake check --repair "$store" >"$tmp/said" 2>/dev/null
is "with how many files it has" "$(cat "$tmp/said")" "tier-away: archive, with 4 files: $archive is not there"
is "and no row is dropped" "$(lake status --json "$store" 2>/dev/null | jq .instances)" 5
fails 1 "nor is an index made without it" lake check --rebuild "$store"
is "which would forget them" "$(lake status --json "$store" 2>/dev/null | jq .instances)" 5
mv "$archive.away" "$archive"
ok "it is back" lake check --verify "$store"
printf 'tier = cold %s\n' "$cold" >"$store/tiers.conf"
fails 1 "a tier that has files cannot be left out" lake tier --to cold "$store" 2.25.1
printf 'tier = cold %s\ntier = cool %s\ntier = archive %s\n' "$cold" "$tmp/nowhere" "$archive" >"$store/tiers.conf"
fails 1 "nor be nowhere" lake import "$store" "$tmp/6.dcm"
like "which is said" "$(lake import "$store" "$tmp/6.dcm" 2>&1)" "$tmp/nowhere of the tier cool: no such directory"

# On another file system.
printf 'tier = cold %s\n' "$tmp/other" >"$store/tiers.conf"
mkdir "$tmp/other"
rm -rf "$tmp/second"
lake init "$tmp/second" >/dev/null
mv "$store/tiers.conf" "$tmp/second/"
printf 'tier = cold %s\ntier = archive %s\n' "$cold" "$archive" >"$store/tiers.conf"
if mount -t tmpfs -o size=8M none "$tmp/other" 2>/dev/null; then
	lake import --quiet "$tmp/second" "$tmp/in"
	ok "a move to another file system" lake tier --to cold "$tmp/second" 2.25.1
	is "has all" "$(in_dir "$tmp/other")" "1 2 3 4 5 6 "
	ok "all is well" lake check --verify "$tmp/second"
	ok "a backup copies" lake backup --quiet "$tmp/second" "$tmp/backup2"
	ok "it is whole" lake check --verify "$tmp/backup2"
	ok "what is updated comes from there" lake update "$tmp/second" 2.25.1 PatientName=New^Name
	is "and leaves it" "$(in_dir "$tmp/other")" ""
	ok "all is well" lake check --verify "$tmp/second"
	lake tier --to cold "$tmp/second" 2.25.1/2.25.21 2>/dev/null
	umount "$tmp/other"
	fails 1 "a file system that is not mounted is missed" lake check --repair "$tmp/second"
	is "takes nothing along" "$(lake status --json "$tmp/second" 2>/dev/null | jq .instances)" 6
	fails 1 "and nothing is put where it was" lake tier --to cold "$tmp/second" 2.25.1/2.25.20
	is "indeed" "$(find "$tmp/other" -type f | wc -l)" 0
	# Of 8 MB.
	mount -t tmpfs -o size=8M none "$tmp/other"
	rm "$tmp/second/tiers.conf"
	rm -rf "$tmp/third" && lake init "$tmp/third" >/dev/null
	printf 'tier = cold %s\n' "$tmp/other" >"$tmp/third/tiers.conf"
	make_dcm "$tmp/big.dcm" StudyInstanceUID=2.25.1 SeriesInstanceUID=2.25.2 SOPInstanceUID=2.25.3
	truncate -s 12M "$tmp/zeros"
	{
		cat "$tmp/big.dcm"
		printf '\xe0\x7f\x10\x00OW\0\0\0\0\xc0\0'	# PixelData, 12 MB
		cat "$tmp/zeros"
	} >"$tmp/big2.dcm"
	if lake import --quiet "$tmp/third" "$tmp/big2.dcm" 2>/dev/null; then
		fails 1 "a tier that is full" lake tier --to cold "$tmp/third" 2.25.1
		ok "takes nothing" lake check --verify "$tmp/third"
		is "and keeps nothing of it" "$(find "$tmp/other" -type f ! -name .dicomlake-tier | wc -l)" 0
	else
		skip "a tier that is full" "the large file is refused"
	fi
	umount "$tmp/other"
else
	skip "a tier on another file system" "tmpfs cannot be mounted"
fi

# The daemon applies the rules by itself.
printf 'tier = cold %s\ntier = archive %s\nrule = cold\n' "$cold" "$archive" >"$store/tiers.conf"
start_daemon --tier-interval 1h --listen 127.0.0.1:0
all_cold() { [ "$(tiers)" = cold ]; }
ok "serve applies the rules" wait_for "$patience" all_cold
is "as an operation" "$(lake operations --json "$store" | jq -r 'map(select(.type == "tier" and .to == "rules" and .moved > 0)) | length')" 1
stop_daemon
runs() {
	lake operations --json "$store" | jq 'map(select(.type == "tier" and .to == "rules")) | length'
}
before=$(runs)
start_daemon --tier-interval 1h --listen 127.0.0.1:0
stop_daemon
is "not at every start" "$(runs)" "$before"
more_runs() { [ "$(runs)" -gt $((before + 1)) ]; }
start_daemon --tier-interval 100ms --listen 127.0.0.1:0
ok "but every so often" wait_for "$patience" more_runs
stop_daemon
ok "all is well" lake check --verify "$store"
done_testing
