#!/bin/bash
# While a daemon moves by the rules and others by hand, and instances are stored, updated and deleted, all of them are
# killed again and again: in the end each file is where its row says, once.
. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
require_web
require_program jq pgrep
new_store
mkdir "$tmp/cool" "$tmp/cold" "$tmp/archive"
for s in 1 2; do
	for version in a b; do
		mkdir "$tmp/$version$s"
		for n in {1..12}; do
			make_dcm "$tmp/$version$s/$n.dcm" StudyInstanceUID="2.25.$s" SeriesInstanceUID="2.25.$s.1" \
				SOPInstanceUID="2.25.$s.9.$n" PatientName="$version"
		done
	done
	lake import --quiet "$store" "$tmp/a$s"
done
printf 'tier = cool %s\ntier = cold %s\ntier = archive %s\nrule = cold\n' "$tmp/cool" "$tmp/cold" "$tmp/archive" >"$store/tiers.conf"

study() { echo "2.25.$((RANDOM % 2 + 1))"; }
tiers=(hot cool cold archive)
mover() {
	for _ in {1..25}; do
		lake tier --to "${tiers[RANDOM % 4]}" "$store" "$(study)"
	done
}
updater() {
	for _ in {1..12}; do
		lake update "$store" "$(study)" PatientName="U$RANDOM"
	done
}
storer() {
	local s
	for _ in {1..10}; do
		s=$((RANDOM % 2 + 1))
		lake import --quiet --replace "$store" "$tmp/b$s" "$tmp/a$s"
	done
}
deleter() {
	local s
	for _ in {1..20}; do
		s=$((RANDOM % 2 + 1))
		lake delete "$store" "2.25.$s/2.25.$s.1/2.25.$s.9.$((RANDOM % 12 + 1))"
	done
}
work=()
for w in mover updater storer deleter; do
	$w >/dev/null 2>&1 &
	work+=($!)
done
busy() { kill -0 "${work[@]}" 2>/dev/null; }
kills=0
while busy; do
	start_daemon --tier-interval 300ms --listen 127.0.0.1:0
	# a random while
	timeout "0.$((RANDOM % 8 + 1))" tail -f /dev/null
	kill_daemon
	kills=$((kills + 1))
	for pid in $(pgrep -P "$(IFS=,; echo "${work[*]}")" -f "$store"); do
		[ $((RANDOM % 2)) = 0 ] || kill -KILL "$pid" 2>/dev/null
	done
done
diag "killed $kills times"
start_daemon --tier-interval 1h --listen 127.0.0.1:0
wait "${work[@]}"
ended() {
	[ "$(lake operations --json "$store" | jq 'map(select(.type != "import" and (.status == "running" or .status == "notStarted"))) | length')" = 0 ]
}
ok "what was begun is ended" wait_for "$patience" ended
stop_daemon
allow_log 'cannot read the index|archive|BlobArchived'
ok "all is well" lake check --verify "$store"
is "nothing lies in two places" "$(lake reclaim --dry-run "$store")" "would remove 0 files (0 B), 0 kept"
is "no move has failed" "$(lake operations --json "$store" | jq -c 'map(select(.type == "tier" and .status == "failed") | .why)')" '[]'
ok "and all can be had back" lake tier --to hot "$store" $(ls "$store/AHDS/default/dicom/dicom/Microsoft.Default")
is "nothing is left in the tiers" "$(find "$tmp/cool" "$tmp/cold" "$tmp/archive" -name '*.dcm')" ""
done_testing
