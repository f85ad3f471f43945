#!/bin/bash
# What the mount of a store does it does in a mount of several, too.
. "$(dirname "$0")/mount.sh"
[ -z "$sanitizers" ] || skip_all "the tests themselves run under the sanitizer"
export DICOMLAKE_TEST_BESIDE=yes
for name in attributes coherence copy-in delete import-container kill-and-remount read-back readdir-while-ingest \
	request-counts servers virtual write-again; do
	t bash "$(dirname "$0")/$name.t" >"$tmp/$name.tap" 2>&1
	is "$name.t" "$? $(grep -c '^not ok' "$tmp/$name.tap")" "0 0" || diag "$(grep -A5 '^not ok' "$tmp/$name.tap" | head -n 20)"
done
done_testing
