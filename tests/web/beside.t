#!/bin/bash
# What the service of a store does it does below its name, too, where there are several.
. "$(dirname "$0")/web.sh"
DICOMLAKE_TEST_BESIDE=$tmp/beside
"$builddir/dicomlake" init "$DICOMLAKE_TEST_BESIDE" --workspace beside 2>/dev/null || bail "cannot make a store"
[ -z "$sanitizers" ] || skip_all "the tests themselves run under the sanitizer"
export DICOMLAKE_TEST_BESIDE
for name in change-feed change-feed-follow compression external-metadata metadata-etag openapi operations original-version partitions \
	query-tags wado-frames; do
	timeout $((patience * 4)) bash "$(dirname "$0")/$name.t" >"$tmp/$name.tap" 2>&1
	is "$name.t" "$? $(grep -c '^not ok' "$tmp/$name.tap")" "0 0" || diag "$(grep -A5 '^not ok' "$tmp/$name.tap" | head -n 20)"
done
done_testing
