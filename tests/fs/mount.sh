# mount.sh: what the tests of the mount share, beside lib.sh.  Sourced, not run.
#
#   start_mount [OPTIONS]    (default $DICOMLAKE_TEST_MOUNT_OPTIONS, to run everything with others) serves $store (made if missing) at $mnt; sets $daemon_pid, $partition, $area;
#                            with $DICOMLAKE_TEST_BESIDE set, another store is mounted with it
#   counters, count OP       requests so far
#   reset_counts, counted OP requests since then
#   make_files DIR COUNT [PIXEL-BYTES [PER-SERIES [STUDY]]]
#   beside ARGS...           dicomlake ARGS: a second process that uses the store
#   files_in DIR             names of the files below it, sorted
#   sums DIR                 sorted checksums of the files below it
#   staging_is_empty         in $store
#   t CMD...                 with a time limit, as everything that touches the mount should be

. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
require_fuse
fsd=$builddir/tests/fs/fsd
[ -x "$fsd" ] || skip_all "tests/fs/fsd is not built"
limit=$((patience * 2))
# A sanitizer's first-aid threads and pipes are not wanted after a kill.
ulimit -c 0

mount_ready() {
	grep -q '^ready' "$daemon_out" || ! kill -0 "$daemon_pid" 2>/dev/null
}

start_mount() {
	local n=${#daemon_logs[@]} options=${1:-${DICOMLAKE_TEST_MOUNT_OPTIONS:-rw}}
	mkdir -p "$mnt" 2>/dev/null
	daemon_log=$tmp/mount.$n.err
	daemon_out=$tmp/mount.$n.out
	daemon_logs+=("$daemon_log")
	: >"$daemon_out"
	"$fsd" serve -c "$tmp/counters" -o "$options" ${DICOMLAKE_TEST_BESIDE:+-b "$tmp/beside"} "$store" "$mnt" >"$daemon_out" 2>"$daemon_log" </dev/null &
	daemon_pid=$!
	daemon_pids+=("$daemon_pid")
	wait_for "$patience" mount_ready
	grep -q '^ready' "$daemon_out" || {
		diag "$(tail -n 20 "$daemon_log")"
		bail "the mount did not start"
	}
	partition=$mnt/AHDS/default/dicom/dicom/Microsoft.Default
	area=$mnt/AHDS_default-dicom
}

counters() {
	rm -f "$tmp/counters"
	kill -USR1 "$daemon_pid"
	wait_for "$patience" test -e "$tmp/counters" || bail "no counters"
}

reset_counts() {
	counters
	mv "$tmp/counters" "$tmp/counters.before"
}

# of those taken by the last `counters`
counted() {
	awk -v op="$1" '$1 == op { n = FILENAME ~ /before$/ ? n - $2 : n + $2 } END { print n + 0 }' \
		"$tmp/counters.before" "$tmp/counters"
}

t() {
	timeout "$limit" "$@"
}

make_files() {
	mkdir -p "$1"
	"$fsd" make "$@" || bail "cannot make files"
}

beside() {
	t "$dicomlake" "$@"
}

files_in() {
	(cd "$1" && t find . -type f | sort)
}

sums() {
	t find "$1" -type f -exec sha256sum {} + | awk '{ print $1 }' | sort
}

staging_is_empty() {
	[ "$(find "$store/staging" -name '[0-9]*' -type f | wc -l)" -eq 0 ]
}
