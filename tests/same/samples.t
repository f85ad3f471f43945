#!/bin/bash
# Every sample outside bad/ (repeats of a UID aside) gives the same rows, metadata and
# bytes through each door, and what comes back is what went in.
. "$(dirname "$0")/doors.sh"
start_sample_doors
files=()
while read -r f; do files+=("$f"); done < <(good_files unique)

stored=() refused=()
for f in "${files[@]}"; do
	if put_import "$f" >"$tmp/out" 2>&1; then
		stored+=("$f")
	else
		refused+=("$f")
		cat "$tmp/out" >>"$tmp/refusals"
	fi
done
ok "nearly all of the samples go in by import" test "${#stored[@]}" -gt $((${#files[@]} * 9 / 10))
diag "$(cat "$tmp/refusals" 2>/dev/null)"

differ=
for f in "${stored[@]}"; do
	put_mount "$f" >"$tmp/out" 2>&1 || differ="$differ mount:$f"
	put_stow "$f" >"$tmp/out" 2>&1 || differ="$differ stow:$f"
done
is "what import stores, the mount and STOW store" "$differ" ""
differ=
for f in "${refused[@]}"; do
	put_mount "$f" >"$tmp/out" 2>&1 && differ="$differ mount:$f"
	put_stow "$f" >"$tmp/out" 2>&1 && differ="$differ stow:$f"
done
is "what import refuses, they refuse" "$differ" ""

ok "rows, metadata and bytes are the same" same_view
is "each is there" "$(rows mount instance | wc -l)" "${#stored[@]}"
sha256sum "${stored[@]}" | cut -d' ' -f1 | sort >"$tmp/in"
for door in import mount stow; do
	bytes $door | cut -d' ' -f1 | sort | diff "$tmp/in" - >"$tmp/out"
	is "$door: the bytes are those of the files" "$(cat "$tmp/out")" ""
	ok "$door: check finds nothing" lake check "${door_store[$door]}" --verify
done
find "$mnt/AHDS" -name '*.dcm' -exec sha256sum {} + | cut -d' ' -f1 | sort | diff "$tmp/in" - >"$tmp/out"
is "the mount reads the same bytes" "$(cat "$tmp/out")" ""
stop_doors
done_testing
