#!/bin/bash
# reclaim says what it removes, and leaves what may be somebody's.
. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
require_program jq
new_store
mkdir "$tmp/in"
for n in 1 2 3; do
	make_dcm "$tmp/in/$n.dcm" StudyInstanceUID=2.25.1 SeriesInstanceUID=2.25.2 SOPInstanceUID=2.25.9.$n
done
lake import --quiet "$store" "$tmp/in"
is "a store has nothing to reclaim" "$(lake reclaim "$store")" "removed 0 files (0 B), 0 kept"
lake delete "$store" 2.25.1/2.25.2/2.25.9.1 >"$tmp/said"
is "nor has a delete left anything" "$(lake reclaim --json "$store" | jq -c .)" '{"files":[],"removed":0,"bytes":0,"kept":0}'
cp "$tmp/in/1.dcm" "$store/AHDS/default/dicom/dicom/Microsoft.Default/2.25.1/2.25.2/2.25.9.1.dcm"
cp "$tmp/in/1.dcm" "$store/AHDS/default/dicom/dicom/Microsoft.Default/2.25.1/notes"
is "what somebody put there stays, and is named" "$(lake reclaim "$store" | sort)" \
	"$(printf '%s\n' "kept: Microsoft.Default/2.25.1/2.25.2/2.25.9.1.dcm (it may be somebody's; check --repair indexes it)" \
	"kept: Microsoft.Default/2.25.1/notes (it may be somebody's; check --repair indexes it)" "removed 0 files (0 B), 2 kept" | sort)"
is "to a script, too" "$(lake reclaim --dry-run --json "$store" | jq -c '[.wouldRemove, .kept, (.files | map(.removed))]')" '[0,2,[false,false]]'
rm "$store/AHDS/default/dicom/dicom/Microsoft.Default/2.25.1/notes"
ok "and can be indexed" lake check --repair "$store"
ok "then all is well" lake check --verify "$store"
is "all are there" "$(lake status --json "$store" | jq .instances)" 3
done_testing
