#!/bin/bash
# All sample files go in by cp -r and come back the same; every broken one gets a verdict.
. "$(dirname "$0")/mount.sh"
require_data

allow_log 'refused door=mount'
start_mount
mkdir "$tmp/in"
# Those that share a SOP Instance UID replace each other: the first of each.
n=0
while read -r file; do
	n=$((n + 1))
	cp "$data/$file" "$tmp/in/$n.dcm"
done < <(good_files unique)
t cp -r "$tmp/in" "$partition/" 2>"$tmp/cp.err"
refused=$(sed -n "s|^cp: failed to close '.*/\([0-9]*\.dcm\)': Invalid argument\$|\1|p" "$tmp/cp.err")
is "cp says nothing but of refused files" "$(grep -vc "failed to close '.*': Invalid argument" "$tmp/cp.err")" 0
for file in $refused; do
	# A verdict, not an accident: each says why.
	t getfattr --only-values -n user.dicomlake.error "$partition/in/$file" >/dev/null 2>&1 || echo "$file"
done >"$tmp/unexplained"
is "each refused file says why" "$(cat "$tmp/unexplained")" ""
diag "$n files, $(wc -w <<<"$refused") refused"
ok "most are stored" test "$(wc -w <<<"$refused")" -lt $((n / 10))
for file in $refused; do
	rm "$tmp/in/$file"
done
is "the rest is stored, byte for byte" "$(sums "$partition" | sha256sum)" "$(sums "$tmp/in" | sha256sum)"

while read -r file; do
	timeout 60 cp "$data/$file" "$partition/bad" 2>/dev/null
	status=$?
	[ $status -le 1 ] || echo "$file: $status"
done < <(bad_files) >"$tmp/verdicts"
is "every broken file is taken or refused in bounded time" "$(cat "$tmp/verdicts")" ""
ok "nothing stays in staging" wait_for "$patience" staging_is_empty
ok "the mount answers" t ls "$partition"
ok "the daemon stays small" test "$(awk '/^RssAnon/ { print $2 }' "/proc/$daemon_pid/status")" -lt "$([ -z "$sanitizers" ] && echo 200000 || echo 800000)"
ok "check finds nothing" beside check --verify "$store"
done_testing
