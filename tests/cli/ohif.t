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
cache=${DICOMLAKE_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dicomlake-tests}
ohif=3.12.10 playwright=1.50.1

# fetch NAME VERSION: the package's folder is $cache/NAME-VERSION/package
fetch() {
	local dir=$cache/$(basename "$1")-$2
	[ -e "$dir/done" ] && return
	rm -rf "$dir" && mkdir -p "$dir" &&
		(cd "$dir" && timeout 300 npm pack --silent "$1@$2" && tar xzf ./*.tgz && rm ./*.tgz && touch done) \
			>"$tmp/npm.out" 2>&1
}
fetch @ohif/app $ohif && fetch playwright-core $playwright || skip_all "npm does not give OHIF and playwright-core: $(tail -n 1 "$tmp/npm.out")"

"$builddir/examples/make-phantom" --out "$tmp/phantom" --studies 1 --series 2 --instances 6 >/dev/null ||
	bail "no phantom"
new_store
lake import "$store" "$tmp/phantom" --quiet
study=$(lake query "$store" study --json | jq -r '.[0]["0020000D"].Value[0]')
start_daemon --cors-origin '*'
timeout 240 node "$srcdir/tests/cli/ohif.mjs" "$cache/app-$ohif/package/dist" \
	"$cache/playwright-core-$playwright/package" "$base/dicom-web" "$study" PH000001 \
	"$builddir/tests/cli/ohif.png" >"$tmp/seen"
grep '^#' "$tmp/seen"
for name in "the study list shows the study" "the viewer draws an image" "the console has no errors"; do
	ok "$name" grep -qx "yes: $name" "$tmp/seen"
done
ok "the picture is kept" test -s "$builddir/tests/cli/ohif.png"
done_testing
