#!/bin/bash
# OHIF, from another origin, in a headless Chromium: lists a CT study and draws it.
# The picture stays in the build tree as tests/clients/ohif.png.
. "$(dirname "$0")/clients.sh"
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) || skip_all "no Chromium"
require_npm playwright-core
require_npm_files @ohif/app@3.12.10
dist=$modules/node_modules/@ohif/app/dist
[ -f "$dist/index.html" ] || skip_all "the package of OHIF has no built pages"
new_store
phantom=$builddir/examples/make-phantom
[ -x "$phantom" ] || skip_all "no make-phantom"
ok "a CT study is made" "$phantom" --out "$tmp/phantom" --series 2 --instances 6 --size 512
lake import "$store" "$tmp/phantom" >"$tmp/import.out" 2>&1 || bail "import failed"
start_daemon --cors-origin '*'
study=$(curl -s "$base/dicom-web/studies" | jq -r '.[0]."0020000D".Value[0]')
patient=$(curl -s "$base/dicom-web/studies" | jq -r '.[0]."00100020".Value[0]')
mkdir -p "$builddir/tests/clients"
run_tap timeout 240 node "$clients/ohif.cjs" "$modules" "$dist" "$browser" "$base/dicom-web" "$study" "$patient" \
	"$builddir/tests/clients/ohif.png"
ok "the picture is kept" test -s "$builddir/tests/clients/ohif.png"
ok "the viewer asked for frames" grep -q 'route=dicom-web/FRAMES .*status=200' "$daemon_log"
is "and nothing it asked for failed" "$(grep -o 'route=[^ ]* .*status=[45][0-9]*' "$daemon_log" | head -n 5)" ""
done_testing
