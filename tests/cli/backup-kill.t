#!/bin/bash
# kill -9 of backup and restore at random: done again they end, and the backup before stays whole until then.
. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
require_program jq perl
copy=$tmp/copy
new_store
make_dcm "$tmp/one.dcm" SOPInstanceUID=2.25.1000000000 SeriesInstanceUID=2.25.77
many() {	# FIRST N TEXT: instances whose patient is TEXT (4 letters)
	rm -rf "$tmp/many"
	mkdir "$tmp/many"
	dcmodify --no-backup -i "PatientID=$3" "$tmp/one.dcm"
	perl -e 'my ($from, $to, $first, $n) = @ARGV; local $/; open my $f, "<:raw", $from; my $all = <$f>;
		for my $i ($first .. $first + $n - 1) { my $uid = "2.25." . (1000000000 + $i); (my $one = $all) =~ s/2\.25\.1000000000/$uid/g;
			open my $o, ">:raw", "$to/$i.dcm"; print $o $one; close $o }' "$tmp/one.dcm" "$tmp/many" "$1" "$2"
	lake import --quiet --replace "$store" "$tmp/many"
}
# Kills about MS ms after the beginning, eight times.  $ended: one of them was faster.
kills=0
killed() {	# MS COMMAND...
	local ms=$1 n pid
	ended=no
	shift
	for n in {1..8}; do
		"$dicomlake" "$@" >"$tmp/out" 2>"$tmp/err" &
		pid=$!
		sleep "$(printf '0.%03d' $((RANDOM % ms + 3)))"
		if kill -KILL "$pid" 2>/dev/null; then
			kills=$((kills + 1))
		fi
		wait "$pid" 2>/dev/null && ended=yes
	done
}
same_as_store() {
	diff -r "$store/AHDS" "$1/AHDS" && diff <(lake query "$store" instance --json | jq -S .) <(lake query "$1" instance --json | jq -S .)
}
many 0 1500 AAAA
killed 150 backup --quiet --copy "$store" "$copy"
ok "a first backup ends" lake backup --json "$store" "$copy"
ok "without a fault" lake check --verify "$copy"
ok "the same" same_as_store "$copy"
for round in 1 2 3; do
	many $((round * 100)) 600 "BBB$round"
	lake delete "$store" "$(lake query "$store" study --json | jq -r '.[0]["0020000D"].Value[0]')/2.25.77/2.25.$((1000000000 + round))" >"$tmp/said"
	before=$(lake status --json "$copy" | jq .sequence)
	killed 60 backup --quiet --copy "$store" "$copy"
	[ $ended = no ] || before=$(lake status --json "$store" | jq .sequence)
	case $(cat "$copy/backup") in
	*running*)
		rm -rf "$tmp/early"
		ok "what a killed one left is the backup before ($round)" lake restore --quiet "$copy" "$tmp/early"
		is "to the change" "$(lake status --json "$tmp/early" | jq .sequence)" "$before"
		ok "without a fault" lake check --verify "$tmp/early"
		;;
	esac
	ok "the next backup ends ($round)" lake backup --quiet --copy "$store" "$copy"
	ok "without a fault" lake check --verify "$copy"
	ok "the same" same_as_store "$copy"
	is "nothing is left of the killed ones" "$(ls "$copy" | tr '\n' ' ')" "AHDS backup backup.lock import index open.lock staging "
done
killed 100 restore --quiet "$copy" "$tmp/back"
[ ! -e "$tmp/back/open.lock" ] || [ -e "$tmp/back/backup" ] || rm -rf "$tmp/back"
ok "a restore ends" lake restore --quiet "$copy" "$tmp/back"
ok "without a fault" lake check --verify "$tmp/back"
ok "byte for byte" same_as_store "$tmp/back"
diag "killed $kills times"
ok "it was killed" test "$kills" -gt 8
done_testing
