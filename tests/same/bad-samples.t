#!/bin/bash
# Every file of bad/ gets the same verdict at each door, in bounded time and memory,
# and leaves nothing behind.
. "$(dirname "$0")/doors.sh"
start_sample_doors

in_store() {
	lake status "${door_store[$1]}" --json | jq .instances
}

# What each door did, by what is in its store afterwards, which is then emptied.
verdicts() {
	local f=$1 door said=
	timeout 60 "$dicomlake" import "${door_store[import]}" --quiet "$f" >"$tmp/out" 2>&1
	case $? in 0 | 1) ;; *) said="import ended with $? " ;; esac
	timeout 60 cp "$f" "$mnt/AHDS/default/dicom/dicom/Microsoft.Default/bad-$n.dcm" >"$tmp/out.cp" 2>&1
	case $? in
	0) cp_ok=yes ;;
	1) cp_ok=no ;;
	*) cp_ok=hangs ;;
	esac
	put_stow "$f" >"$tmp/out.stow" 2>&1 && stow_ok=yes || stow_ok=no
	for door in import mount stow; do
		said="$said$(in_store $door)"
	done
	# An empty file is what many tools close first: not an error on a mount.
	[ -s "$f" ] || { [ $cp_ok = yes ] && cp_ok=no; }
	printf '%s %s %s' "$said" "$cp_ok" "$stow_ok"
}

n=0 stored=0 differ= slow=
while read -r f; do
	n=$((n + 1))
	before=$SECONDS
	said=$(verdicts "$f")
	[ $((SECONDS - before)) -lt "$patience" ] || slow="$slow $f"
	case $said in
	"000 no no") ;;
	"111 yes yes")
		stored=$((stored + 1))
		study=$(lake query "${door_store[import]}" study --json | jq -r '.[0]["0020000D"].Value[0]')
		for door in import mount stow; do
			lake delete "${door_store[$door]}" "$study" 2>"$tmp/out" || differ="$differ delete:$f"
		done
		;;
	*) differ="$differ $f($said)" ;;
	esac
done < <(bad_files)
ok "there were bad files" test "$n" -gt 50
diag "$n files, of which $stored are good enough to be stored"
is "the doors agree about each" "$differ" ""
is "none took long" "$slow" ""

for door in import mount stow; do
	is "$door: still alive" "$(kill -0 "${door_pids[$door]}" 2>&1)" ""
	is "$door: nothing is left in its staging" "$(find "${door_store[$door]}/staging" -type f ! -name '*lock')" ""
	is "$door: nor in its tree" "$(find "${door_store[$door]}/AHDS" -type f)" ""
	ok "$door: it did not grow" test "$(du -sm "${door_store[$door]}" | cut -f1)" -lt 32
	ok "$door: check finds nothing" lake check "${door_store[$door]}" --verify
	if [ -z "$sanitizers" ]; then
		rss=$(awk '/^RssAnon/ { print $2 }' "/proc/${door_pids[$door]}/status")
		ok "$door: its memory is bounded ($rss kB)" test "$rss" -lt 200000
	fi
done
is "nothing was written beside the stores" "$(find "$tmp" -newer "${door_store[import]}/index" -path '*passwd*')" ""
stop_doors
done_testing
