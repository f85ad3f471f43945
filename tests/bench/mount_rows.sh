# Rows of the mount, sourced by run: times against the same files in a plain directory.  That is the
# store's own data directory: the same bytes under the same names on the same disk.
# Below 1 the mount is the faster one.

read_files=$BUILD/tests/bench/read_files
mount_root=$work/mnt/AHDS/default/dicom/dicom/Microsoft.Default

# The switch that the option turns on is the whole machine's: it is put back by mount_rows_end.
uring_switch=/sys/module/fuse/parameters/enable_uring
uring_before=$(cat "$uring_switch" 2>/dev/null)
mount_rows_end() {
	[ "$uring_before" != N ] || echo N 2>/dev/null >"$uring_switch"
}
said_how=

mount_lake() {		# NAME: the store $work/NAME at $work/mnt, freshly mounted
	mkdir -p "$work/mnt"
	start_lake "$1" --mount "$work/mnt" --mount-options "${BENCH_MOUNT_OPTIONS:-uring}"
	if [ -z "$said_how" ]; then
		said_how=$(grep -o 'io_uring=[a-z]*' "$work/$1.log")
		echo "requests of the mount: ${said_how:-io_uring=unknown} (mount options ${BENCH_MOUNT_OPTIONS:-uring})"
	fi
	plain_root=$work/$1/AHDS/default/dicom/dicom/Microsoft.Default
}
stop_mount() {
	stop_lake
	! mountpoint -q "$work/mnt" || umount -l "$work/mnt"
}
drop_caches() { sync; echo 3 >/proc/sys/vm/drop_caches 2>/dev/null; }

# fill NAME DATA: a store of it
fill() {
	[ -d "$work/$1" ] && return
	"$lake" init "$work/$1" >/dev/null 2>&1 && "$lake" import "$work/$1" "$work/$2" >/dev/null 2>&1 || exit 1
	settle
}

# reads ROOT PASSES: us a file in $rate, bytes in $bytes
reads() {
	local out
	out=$(find "$1" -name '*.dcm' | sort | "$read_files" "$2") || return 1
	rate=${out% *} bytes=${out#* }
}
warm_row() {		# NAME PASSES TARGET
	local want
	reads "$plain_root" 1 || return
	want=$bytes
	reads "$mount_root" 1
	[ "$bytes" = "$want" ] || { refuse "$1" "$bytes bytes, not $want"; return; }
	by_turns "reads $mount_root $2" "reads $plain_root $2"
	row "$1" "$ours" "$theirs" us "$(ratio "$ours" "$theirs")" "$3" ext4
}
cold_row() {		# NAME TARGET
	by_turns "drop_caches; reads $mount_root 1" "drop_caches; reads $plain_root 1"
	row "$1" "$ours" "$theirs" us "$(ratio "$ours" "$theirs")" "$2" ext4
}

# lists CMD...: how long it takes, ms in $rate
lists() {
	local t0
	t0=$(date +%s%N)
	"$@" >/dev/null || return 1
	rate=$((($(date +%s%N) - t0) / 10000))
	rate=$(awk -v r="$rate" 'BEGIN { print r / 100 }')
}
# A new mount has nothing cached; the directory's own pages are warm.
first_list() {
	stop_mount
	mount_lake "$listed"
	lists "$@"
}
list_row() {		# NAME TARGET-FIRST TARGET-AGAIN CMD...: the directory comes last
	local name=$1 first=$2 again=$3 rel mine plain
	shift 3
	rel=$(cd "$plain_root" && echo */*)
	[ "$(ls "$mount_root/$rel" | wc -l)" = "$(ls "$plain_root/$rel" | wc -l)" ] || { refuse "$name" "not all listed"; return; }
	mine=$mount_root/$rel plain=$plain_root/$rel
	if [ "$1" = ls ] && [ "$2" = -U ]; then
		by_turns "first_list $* $mine" "drop_caches; lists $* $plain"
		row "$name, first" "$ours" "$theirs" ms "$(ratio "$ours" "$theirs")" "$first" "ext4, cold"
	else
		by_turns "first_list $* $mine" "lists $* $plain"
		row "$name, first" "$ours" "$theirs" ms "$(ratio "$ours" "$theirs")" "$first" "ext4, warm"
	fi
	lists "$@" "$mine"
	by_turns "lists $* $mine" "lists $* $plain"
	row "$name, again" "$ours" "$theirs" ms "$(ratio "$ours" "$theirs")" "$again" "ext4, warm"
}

# Everything in memory: what is measured is the work, not the disk.
copy_into_lake() {	# DATA
	local name=$shm/lake.$((++n_done))
	"$lake" init "$name" >/dev/null 2>&1 || return 1
	ln -s "$name" "$work/copied.$n_done"
	mount_lake "copied.$n_done"
	lists cp -r "$shm/$1" "$mount_root/" || return 1
	local took=$rate n
	n=$(count_lake "copied.$n_done")
	stop_mount
	rm -rf "$name"
	rate=$took
	[ "$n" = "$(wc -l <"$work/$1.list")" ]
}
copy_plain() {
	lists cp -r "$shm/$1" "$shm/plain" || return 1
	rm -rf "$shm/plain"
}
copy_row() {		# NAME DATA TARGET
	cp -r "$work/$2" "$shm/$2" || { skip "$1" "no room in memory"; return; }
	by_turns "copy_into_lake $2" "copy_plain $2" || { refuse "$1" "not all instances are there"; rm -rf "$shm/$2"; return; }
	row "$1" "$ours" "$theirs" ms "$(ratio "$ours" "$theirs")" "$3" "cp -r to tmpfs"
	rm -rf "$shm/$2"
}

mount_rows() {
	local big frames
	make_data mount-small 1 1 "$((quick ? 200 : 5000))" 112	# 30 KB
	make_data mount-ct 4 1 "$((quick ? 50 : 500))" 512
	make_data mount-many 1 1 "$((quick ? 5000 : 100000))" 16
	frames=$((quick ? 400 : 4095))				# 2 GB
	mkdir "$work/mount-long"
	cp "$(head -1 "$work/mount-ct.list")" "$work/mount-one.dcm"
	make_native "$frames" "$work/mount-one.dcm" "$work/mount-long/long.dcm" || exit 1

	fill mounted-long mount-long
	mount_lake mounted-long
	warm_row "read one file of $((frames / 2)) MB, warm" 2 "<= 1.15"
	stop_mount
	fill mounted-ct mount-ct
	mount_lake mounted-ct
	warm_row "read files of 512 KB, warm" 3 "<= 1.8"
	if [ -w /proc/sys/vm/drop_caches ]; then
		cold_row "read files of 512 KB, cold" "<= 1.2"
	else
		skip "read files of 512 KB, cold" "the caches are not ours to drop"
	fi
	stop_mount
	fill mounted-small mount-small
	mount_lake mounted-small
	warm_row "read files of 30 KB, warm" 3 "<= 4.7"
	stop_mount
	listed=mounted-many
	fill mounted-many mount-many
	big=$(wc -l <"$work/mount-many.list")
	mount_lake mounted-many
	list_row "ls -U of $big" "<= 2.5" "<= 1.0" ls -U
	list_row "ls -l of $big" "<= 1.3" "<= 0.9" ls -l
	list_row "du of $big" "<= 2.2" "<= 0.9" du
	stop_mount
	shm=$(mktemp -d /dev/shm/dicomlake-bench-XXXXXX) || { skip "cp -r" "no tmpfs"; return; }
	copy_row "cp -r of $(wc -l <"$work/mount-ct.list") files of 512 KB" mount-ct "<= 2.5"
	copy_row "cp -r of $(wc -l <"$work/mount-small.list") files of 30 KB" mount-small "<= 5"
	rm -rf "$shm"
}
