#!/bin/bash
# A real viewer: OHIF's own pages, of another origin, in headless Chromium, list and show a
# CT study.  The picture stays in tests/cli/ohif.png of the build folder.
#
# OHIF (200 MB) and the browser's driver come from npm, once: they are kept in
# $DICOMLAKE_TEST_CACHE.
. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
require_web
require_program jq node npm chromium
[ -z "$sanitizers" ] || skip_all "a browser is too much under a sanitizer; the plain build has this test"
require_npm playwright-core 1.50.1
playwright=$package
require_npm @ohif/app 3.12.10

"$builddir/examples/make-phantom" --out "$tmp/phantom" --studies 1 --series 2 --instances 6 >/dev/null ||
	bail "no phantom"
new_store
lake import "$store" "$tmp/phantom" --quiet
study=$(lake query "$store" study --json | jq -r '.[0]["0020000D"].Value[0]')
start_daemon --cors-origin '*'
timeout 240 node "$srcdir/tests/cli/ohif.mjs" "$package/dist" "$playwright" \
	"$base/dicom-web" "$study" PH000001 \
	"$builddir/tests/cli/ohif.png" >"$tmp/seen"
grep '^#' "$tmp/seen"
for name in "the study list shows the study" "the viewer draws an image" "the console has no errors"; do
	ok "$name" grep -qx "yes: $name" "$tmp/seen"
done
ok "the picture is kept" test -s "$builddir/tests/cli/ohif.png"
done_testing
