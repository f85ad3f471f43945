# export.sh: what the tests of exports share.  Sourced, not run; brings request.sh and lib.sh.
#
#   start_server ARGS...        servers.mjs; sets $server_port, $server_log
#   start_azurite [OPTIONS]     sets $azurite_port, $azurite (the URI of the account), $azurite_pid
#   start_s3                    sets $s3_port; the bucket is "lake"
#   servers ARGS...             one of the requests of servers.mjs
#   make_studies STUDIES SERIES INSTANCES    $tmp/in, imported into $store; UIDs 2.25.S, 2.25.S.E, 2.25.S.E.I
#   post PATH JSON              as request
#   ended ID                    has the operation? its reply is in $body then
#   expected                    what errors.log and all instances are called, sorted, below the id of the operation

. "$(dirname "$0")/../request.sh"
EMULATOR_KEY='Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='
unset "${!AZURE_@}" "${!AWS_@}"
export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost

servers() {
	node "$srcdir/tests/export/servers.mjs" "$@"
}

n_servers=0
start_server() {
	n_servers=$((n_servers + 1))
	server_log=$tmp/server.$n_servers
	: >"$server_log"
	node "$srcdir/tests/export/servers.mjs" "$@" >"$server_log" 2>&1 &
	daemon_pids+=($!)
	wait_for "$patience" grep -q '^port' "$server_log" || bail "no server: $(tail -n 3 "$server_log")"
	server_port=$(sed -n 's/^port //p' "$server_log")
}

answers() {
	curl -s -k -o /dev/null "$1"
}

start_azurite() {
	local scheme=http
	require_npm_tree azurite 3.35.0
	azurite_port=$(free_port)
	case " $* " in
	*" --cert "*) scheme=https ;;
	esac
	node "$npm_tree/azurite/dist/src/blob/main.js" --silent --disableTelemetry --skipApiVersionCheck --inMemoryPersistence \
		--blobHost 127.0.0.1 --blobPort "$azurite_port" "$@" >"$tmp/azurite.log" 2>&1 &
	azurite_pid=$!
	daemon_pids+=($!)
	azurite=$scheme://127.0.0.1:$azurite_port/devstoreaccount1
	wait_for "$patience" answers "$azurite" || bail "Azurite does not start: $(tail -n 3 "$tmp/azurite.log")"
}

connection_string() {
	echo "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=$EMULATOR_KEY;BlobEndpoint=http://127.0.0.1:$1/devstoreaccount1;"
}

start_s3() {
	require_npm_tree s3rver 3.7.1
	s3_port=$(free_port)
	mkdir -p "$tmp/s3"
	node "$npm_tree/s3rver/bin/s3rver.js" -d "$tmp/s3" -a 127.0.0.1 -p "$s3_port" --silent --configure-bucket lake \
		>"$tmp/s3.log" 2>&1 &
	daemon_pids+=($!)
	wait_for "$patience" answers "http://127.0.0.1:$s3_port/" || bail "the S3 server does not start: $(tail -n 3 "$tmp/s3.log")"
}

make_studies() {
	local s e i
	new_store
	mkdir -p "$tmp/in"
	for ((s = 1; s <= $1; s++)); do
		for ((e = 1; e <= $2; e++)); do
			for ((i = 1; i <= $3; i++)); do
				make_dcm "$tmp/in/$s.$e.$i.dcm" StudyInstanceUID=2.25.$s SeriesInstanceUID=2.25.$s.$e \
					SOPInstanceUID=2.25.$s.$e.$i PatientID=P$s Modality=$([ "$e" = 1 ] && echo CT || echo MR)
			done
		done
	done
	lake import --quiet "$store" "$tmp/in" || bail "cannot import"
}

tree() {
	echo "AHDS/default/dicom/dicom/Microsoft.Default"
}

expected() {
	echo errors.log
	(cd "$store/$(tree)" && find . -name '*.dcm' | sed 's|^\./|results/|' | sort)
}

post() {
	request POST "$1" -H 'Content-Type: application/json' --data-binary "$2"
}

ended() {
	request GET "/v2/operations/$1"
	[ "$status" = 200 ]
}
