# doors.sh: three stores, one a door, each served so that it can be looked at
# in the same ways.  Sourced, not run; brings lib.sh.
#
#   start_doors            stores import, mount and stow, each with a daemon
#   start_sample_doors     the same, for DICOM sample files, in whose directory the test then is
#   put_import FILE...     ) exit 0 when stored
#   put_mount FILE         )
#   put_stow FILE          )
#   show DOOR              everything that can be seen of its store, as text

. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
require_web
require_fuse
require_program jq
declare -A door_store door_base door_pids

start_doors() {
	local door
	for door in import mount stow; do
		store=$tmp/$door
		door_store[$door]=$store
		lake init "$store" 2>/dev/null || bail "cannot make a store"
		if [ "$door" = mount ]; then
			start_daemon --mount "$mnt"
		else
			start_daemon
		fi
		door_base[$door]=$base
		door_pids[$door]=$daemon_pid
	done
}

start_sample_doors() {
	require_data
	allow_log 'refused|result=|status=4'
	start_doors
	cd "$data" || bail "no $data"
}

stop_doors() {
	local door
	for door in import mount stow; do
		daemon_pid=${door_pids[$door]}
		ok "the daemon of $door ends cleanly" stop_daemon
	done
}

put_import() {
	lake import "${door_store[import]}" --quiet "$@"
}

# Each under a name of its own: a name may be written again only to replace.
copies=0
put_mount() {
	copies=$((copies + 1))
	cp "$1" "$mnt/AHDS/default/dicom/dicom/Microsoft.Default/copy-$copies.dcm"
}

put_stow() {
	local status
	status=$(curl -s -o "$tmp/stow.out" -w '%{http_code}' --max-time 60 -H 'Content-Type: application/dicom' \
		-H 'Accept: application/dicom+json' -H 'Expect:' --data-binary "@$1" "${door_base[stow]}/dicom-web/studies")
	[ "$status" = 200 ] || [ "$status" = 202 ] || { cat "$tmp/stow.out"; echo "status $status"; return 1; }
}

rows() {	# DOOR LEVEL
	lake query "${door_store[$1]}" "$2" --json --include all |
		jq -Sc 'sort_by(.["0020000D"].Value[0], .["0020000E"].Value[0]?, .["00080018"].Value[0]?)[]'
}

metadata() {	# DOOR
	local study
	lake query "${door_store[$1]}" study --json | jq -r '.[]["0020000D"].Value[0]' | sort | while read -r study; do
		curl -sf -H 'Accept: application/dicom+json' "${door_base[$1]}/dicom-web/studies/$study/metadata" |
			sed "s,${door_base[$1]},BASE,g" | jq -Sc 'sort_by(.["0020000E"].Value[0], .["00080018"].Value[0])[]'
	done
}

bytes() {	# DOOR
	(cd "${door_store[$1]}" && find AHDS -type f | sort | xargs -r sha256sum)
}

show() {
	echo "studies"
	rows "$1" study
	echo "series"
	rows "$1" series
	echo "instances"
	rows "$1" instance
	echo "metadata"
	metadata "$1"
	echo "bytes"
	bytes "$1"
}

same_view() {
	local door
	for door in import mount stow; do
		show "$door" >"$tmp/view.$door"
	done
	diff "$tmp/view.import" "$tmp/view.mount" | cut -c1-300 && diff "$tmp/view.import" "$tmp/view.stow" | cut -c1-300
	cmp -s "$tmp/view.import" "$tmp/view.mount" && cmp -s "$tmp/view.import" "$tmp/view.stow"
}
