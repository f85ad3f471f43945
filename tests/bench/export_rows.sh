# export_rows.sh: rows of exports.  Sourced by run.
#
# Azurite comes from what the tests keep (tests/lib.sh.in, require_npm_tree).

servers() { node "$top/tests/export/servers.mjs" "$@"; }

export_cp() {
	fresh export.cp
	mkdir "$work/export.cp"
	settle
	local t0 n
	t0=$(now_ms)
	cp -r "$work/exported/AHDS/default/dicom/dicom/Microsoft.Default" "$work/export.cp/results"
	sync -f "$work/export.cp"
	rate=$((export_bytes / 1000 / ($(now_ms) - t0)))
	n=$(find "$work/export.cp" -name '*.dcm' | wc -l)
	[ "$n" = "$export_n" ]
}

export_file() {
	fresh export.file
	settle
	local t0 n
	t0=$(now_ms)
	"$lake" export --quiet --all "$work/exported" "$work/export.file" || return 1
	rate=$((export_bytes / 1000 / ($(now_ms) - t0)))
	n=$(find "$work/export.file" -name '*.dcm' | wc -l)
	[ "$n" = "$export_n" ]
}

blobs_there() {		# PREFIX: as many as there should be?
	[ "$(servers list "$azurite_port" out | grep -c " $1/.*\.dcm$")" = "$export_n" ]
}

export_azurite() {
	local t0 op
	settle
	t0=$(now_ms)
	op=$(AZURE_STORAGE_SAS_TOKEN=$export_sas "$lake" export --json --all "$work/exported" "$azurite/out" | jq -r .operation) || return 1
	rate=$((export_bytes / 1000 / ($(now_ms) - t0)))
	blobs_there "$op/results"
}

# One curl that puts eight at a time and keeps its connections.
export_curl() {
	local t0 name=curl.$((++n_curl))
	(cd "$work/exported/AHDS/default/dicom/dicom/Microsoft.Default" && find . -name '*.dcm' | sed 's|^\./||') |
		awk -v dir="$work/exported/AHDS/default/dicom/dicom/Microsoft.Default" -v to="$azurite/out/$name" -v sas="$export_sas" '
			{ printf "%supload-file = \"%s/%s\"\nurl = \"%s/%s?%s\"\nheader = \"x-ms-blob-type: BlockBlob\"\noutput = /dev/null\n",
				(NR > 1 ? "next\n" : ""), dir, $0, to, $0, sas }' >"$work/curl.list"
	settle
	t0=$(now_ms)
	curl -s --no-progress-meter --parallel --parallel-immediate --parallel-max 8 --config "$work/curl.list" || return 1
	rate=$((export_bytes / 1000 / ($(now_ms) - t0)))
	blobs_there "$name"
}

export_rows() {
	local n name tree=${DICOMLAKE_TEST_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/dicomlake-tests}/azurite-3.35.0-tree
	n=$([ "$quick" = 1 ] && echo 10 || echo 200)
	make_data export-ct 10 1 "$n" 512
	"$lake" init "$work/exported" >/dev/null 2>&1
	"$lake" import --quiet "$work/exported" "$work/export-ct" || exit 1
	export_n=$((10 * n)) export_bytes=$("$lake" status "$work/exported" --json | jq .bytes) n_curl=0
	name="$export_n CT, $((export_bytes / 1000000)) MB"
	if by_turns export_file export_cp; then
		row "export of $name to a directory" "$ours" "$theirs" "MB/s" "$(ratio "$ours" "$theirs")" "-" "cp -r and sync"
	else
		refuse "export to a directory" "not all instances are there"
	fi
	[ -e "$tree/done" ] || { skip "export to Azurite" "the tests have not fetched it"; return; }
	azurite_port=$(free_port)
	node "$tree/node_modules/azurite/dist/src/blob/main.js" --silent --disableTelemetry --skipApiVersionCheck \
		--location "$work/azurite" --blobPort "$azurite_port" >"$work/azurite.log" 2>&1 &
	pids+=($!)
	azurite=http://127.0.0.1:$azurite_port/devstoreaccount1
	wait_http "$azurite" || return
	servers container "$azurite_port" out
	export_sas=$(servers sas out)
	if by_turns export_azurite export_curl; then
		row "export of $name to Azurite" "$ours" "$theirs" "MB/s" "$(ratio "$ours" "$theirs")" "-" "curl --parallel-max 8"
	else
		refuse "export to Azurite" "not all instances are there"
	fi
}
