#!/bin/bash
# A listing taken while files come in has every file that was there before, and none twice.
. "$(dirname "$0")/mount.sh"

count=${DICOMLAKE_TEST_LISTING:-600}
make_files "$tmp/in" "$count" 50
start_mount
series=$partition/2.25.4242/2.25.4242.1
mkdir "$tmp/first"
for ((i = 1; i <= count / 3; i++)); do
	mv "$tmp/in/$(printf %05d "$i").dcm" "$tmp/first/"
done
ok "a third goes in" t cp -r "$tmp/first" "$partition/"
before=$(t ls "$series" | sort)
is "all of it is listed" "$(wc -l <<<"$before")" $((count / 3))

(t cp -r "$tmp/in" "$partition/" >"$tmp/cp.out" 2>&1; echo $? >"$tmp/cp.status") &
rounds=0 twice=0 lost=0
while [ ! -e "$tmp/cp.status" ] || [ $rounds -lt 3 ]; do
	t ls -U "$series" >"$tmp/listing" || break
	[ -z "$(sort "$tmp/listing" | uniq -d)" ] || twice=$((twice + 1))
	[ -z "$(comm -23 <(echo "$before") <(sort "$tmp/listing"))" ] || lost=$((lost + 1))
	rounds=$((rounds + 1))
done
wait $!
diag "$rounds listings"
is "cp succeeded" "$(cat "$tmp/cp.status")" 0
is "no listing had a name twice" $twice 0
is "no listing lacked one that was there before" $lost 0
is "all are listed at the end" "$(t ls "$series" | wc -l)" "$count"
is "and found by find" "$(t find "$partition" -name '*.dcm' | wc -l)" "$count"

# While it is emptied, too.
(t find "$series" -name '*[02468].dcm' -delete; echo $? >"$tmp/rm.status") &
rounds=0 twice=0 lost=0
while [ ! -e "$tmp/rm.status" ]; do
	t ls -U "$series" >"$tmp/listing" || break
	[ -z "$(sort "$tmp/listing" | uniq -d)" ] || twice=$((twice + 1))
	[ "$(grep -c '[13579]\.dcm$' "$tmp/listing")" -eq $((count / 2)) ] || lost=$((lost + 1))
	rounds=$((rounds + 1))
done
wait $!
diag "$rounds listings"
is "half is removed" "$(cat "$tmp/rm.status")" 0
is "no listing had a name twice" $twice 0
is "no listing lacked one that stays" $lost 0
is "half is left" "$(t ls "$series" | wc -l)" $((count / 2))
done_testing
