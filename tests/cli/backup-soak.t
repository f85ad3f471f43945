#!/bin/bash
# Backups of a store that instances are stored in, replaced and deleted meanwhile are each a store without a fault.
. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
require_web
require_program jq perl
copy=$tmp/copy
new_store
make_dcm "$tmp/one.dcm" StudyInstanceUID=2.25.5 SOPInstanceUID=2.25.1000000000 SeriesInstanceUID=2.25.77
for side in a b; do
	mkdir "$tmp/$side"
	dcmodify --no-backup -i "PatientID=$side" "$tmp/one.dcm"
	perl -e 'my ($from, $to, $n) = @ARGV; local $/; open my $f, "<:raw", $from; my $all = <$f>;
		for my $i (0 .. $n - 1) { my $uid = "2.25." . (1000000000 + $i); (my $one = $all) =~ s/2\.25\.1000000000/$uid/g;
			open my $o, ">:raw", "$to/$i.dcm"; print $o $one; close $o }' "$tmp/one.dcm" "$tmp/$side" 400
done
start_daemon
churn() {
	while [ ! -e "$tmp/enough" ]; do
		lake import --quiet --replace "$store" "$tmp/a"
		curl -s -o /dev/null -X DELETE "$base/v2/studies/2.25.5/series/2.25.77/instances/2.25.$((1000000000 + RANDOM % 400))"
		lake import --quiet --replace "$store" "$tmp/b"
		[ $((RANDOM % 3)) -ne 0 ] || curl -s -o /dev/null -X DELETE "$base/v2/studies/2.25.5"
	done 2>"$tmp/churn.err"
}
churn &
churning=$!
bad=0
SECONDS=0
for ((n = 0; n < 200 && SECONDS < ${DICOMLAKE_TEST_SOAK:-8}; n++)); do
	lake backup --quiet "$store" "$copy" 2>>"$tmp/backup.err" || bad=$((bad + 1))
	lake check --verify "$copy" >>"$tmp/check.out" 2>&1 || bad=$((bad + 1))
done
touch "$tmp/enough"
wait "$churning"
diag "$n backups of $(lake status --json "$store" | jq .sequence) changes"
is "every backup is a store without a fault" "$bad" 0 || diag "$(cat "$tmp/backup.err"; grep -v '^checked' "$tmp/check.out" | head)"
ok "there were some" test "$n" -gt 3
is "the store took all" "$(cat "$tmp/churn.err")" ""
ok "a last one" lake backup --quiet "$store" "$copy"
ok "is the same" diff -r "$store/AHDS" "$copy/AHDS" -x healthCheck
ok "the store is without a fault" lake check --verify "$store"
done_testing
