#!/bin/bash
# The npm package @azure/storage-blob puts into the import-container, and looks into the error-container.
. "$(dirname "$0")/clients.sh"
require_program node npm perl
version=12.26.0
modules=${DICOMLAKE_TEST_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/dicomlake-tests}/storage-blob-$version
if [ ! -e "$modules/done" ]; then
	rm -rf "$modules" && mkdir -p "$modules" &&
		(cd "$modules" && timeout 300 npm install --silent --no-audit --no-fund --prefix . "@azure/storage-blob@$version" &&
			touch done) >"$tmp/npm.out" 2>&1 ||
		skip_all "npm does not give @azure/storage-blob: $(tail -n 1 "$tmp/npm.out")"
fi
allow_log 'refused door=import'
new_store
start_daemon
make_dcm "$tmp/small.dcm" SOPInstanceUID=2.25.1
make_dcm "$tmp/.large" SOPInstanceUID=2.25.77 NumberOfFrames=4 Rows=300 Columns=300
{
	head -c -44 "$tmp/.large"
	perl -e 'binmode STDOUT; print pack("vva2vV", 0x7FE0, 0x10, "OW", 0, 720000), map { pack("V", $_) } 1 .. 180000'
} >"$tmp/large.dcm"
for dialect in v2 dicom-web; do
	run_tap node "$clients/azure-blob.cjs" "$modules" "$base/$dialect" "$tmp/small.dcm" "$tmp/large.dcm"
	is "at /$dialect both are stored" "$(find "$store/AHDS" -name '2.25*.dcm' | wc -l)" 2
done
ok "byte for byte" cmp "$tmp/large.dcm" "$(find "$store/AHDS" -name 2.25.77.dcm)"
ok "check finds nothing" lake check --verify "$store"
done_testing
