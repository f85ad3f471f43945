#!/bin/bash
# Two mounts of one store, HTTP and the command line at random at once: nobody sees half a file, all
# views are equal at the end.  DICOMLAKE_TEST_SOAK says how many seconds.
. "$(dirname "$0")/mount.sh"
require_web
require_program jq

seconds=${DICOMLAKE_TEST_SOAK:-10}
seed=${DICOMLAKE_TEST_SEED:-$RANDOM}
diag "$seconds seconds, DICOMLAKE_TEST_SEED=$seed"
# Twenty-four instances in four series of two studies, each in three versions of other sizes
for v in 1 2 3; do
	make_files "$tmp/v$v/a" 12 $((v * 700)) 6 2.25.71
	make_files "$tmp/v$v/b" 12 $((v * 40000)) 6 2.25.72
done
for f in "$tmp"/v*/*/*.dcm; do
	echo "$(sha256sum <"$f" | cut -c 1-64) ${f#"$tmp"/v?/}"
done >"$tmp/known"
new_store
start_daemon --mount "$mnt"
mkdir "$tmp/mnt2"
web=$base first_mount=$mnt/AHDS/default/dicom/dicom/Microsoft.Default
mnt=$tmp/mnt2
start_mount
second_mount=$partition
http=$web/dicom-web
limit=$((limit * 2))
end=$((SECONDS + seconds))

name() {		# a random instance: sets $file, $study, $path
	local n=$((RANDOM % 12 + 1)) s
	file=b study=2.25.72
	[ $((RANDOM % 2)) = 0 ] || file=a study=2.25.71
	file=$file/$(printf %05d $n).dcm
	s=$(((n - 1) / 6 + 1))
	series=$study.$s uid=$study.9.$n
	path=$study/$series/$uid.dcm
}
say() { echo "$*" >>"$tmp/complaints"; }
absent() { [ "$1" = 404 ] || [ "$1" = 410 ]; }

# writer WHERE...: puts a random version in, by a door
write_by() {
	local from=$tmp/v$((RANDOM % 3 + 1))/$file to status
	case $1 in
	first | second)
		to=$first_mount
		[ "$1" = first ] || to=$second_mount
		t cp "$from" "$to/w$me" 2>"$tmp/err.$me" || say "cp at the $1 mount: $(cat "$tmp/err.$me")"
		;;
	http)
		status=$(t curl -s -o /dev/null -w '%{http_code}' -X PUT -H 'Content-Type: application/dicom' \
			-T "$from" "$http/studies")
		[ "$status" = 200 ] || say "PUT $file: $status"
		;;
	shell)
		t "$dicomlake" import --quiet --replace "$store" "$from" >"$tmp/err.$me" 2>&1 ||
			say "import $file: $(cat "$tmp/err.$me")"
		;;
	esac
}
remove_by() {
	local status
	case $1 in
	first) t rm -f "$first_mount/$path" 2>"$tmp/err.$me" || say "rm $path: $(cat "$tmp/err.$me")" ;;
	# Others put files in meanwhile; where rm finds nothing and then unlinks, the directory may be there again.
	second) t rm -rf "$second_mount/$study/$series" 2>"$tmp/err.$me" ||
		grep -q 'not empty\|Is a directory' "$tmp/err.$me" || say "rm -r: $(cat "$tmp/err.$me")" ;;
	http)
		status=$(t curl -s -o /dev/null -w '%{http_code}' -X DELETE "$http/studies/$study/series/$series/instances/$uid")
		[ "$status" = 204 ] || absent "$status" || say "DELETE $path: $status"
		;;
	shell) t "$dicomlake" delete "$store" "$study" >"$tmp/err.$me" 2>&1 || grep -qi 'no such' "$tmp/err.$me" ||
		say "delete $study: $(cat "$tmp/err.$me")" ;;
	esac
}
# What is read is a version whole, or not there.
read_by() {
	local sum status got=$tmp/got.$me
	case $1 in
	first | second)
		status=$first_mount
		[ "$1" = first ] || status=$second_mount
		# replaced twice while it was opened
		t cat "$status/$path" >"$got" 2>"$tmp/err.$me" || { grep -q 'Stale' "$tmp/err.$me" &&
			t cat "$status/$path" >"$got" 2>"$tmp/err.$me"; }
		if [ -s "$tmp/err.$me" ]; then
			grep -q 'No such file' "$tmp/err.$me" || say "cat $path at the $1 mount: $(cat "$tmp/err.$me")"
			return
		fi
		;;
	http)
		status=$(t curl -s -o "$got" -w '%{http_code}' -H 'Accept: application/dicom; transfer-syntax=*' \
			"$http/studies/$study/series/$series/instances/$uid")
		absent "$status" && return
		[ "$status" = 200 ] || say "GET $path: $status"
		;;
	shell) t "$dicomlake" query "$store" instance "StudyInstanceUID=$study" --json >"$got" 2>"$tmp/err.$me" &&
		jq -e 'all(has("00080018"))' "$got" >/dev/null || say "query: $(cat "$tmp/err.$me")"
		return ;;
	esac
	sum=$(sha256sum <"$got" | cut -c 1-64)
	grep -q "^$sum $file\$" "$tmp/known" || say "$1: $path is no version of $file ($(stat -c %s "$got") bytes)"
}
actor() {		# DOOR NUMBER
	local me=$2
	RANDOM=$((seed + $2))
	while [ $SECONDS -lt $end ]; do
		name
		case $((RANDOM % 10)) in
		0) remove_by "$1" ;;
		[1-5]) write_by "$1" ;;
		*) read_by "$1" ;;
		esac
		echo . >>"$tmp/done.$2"
	done
	rm -f "$tmp/got.$me" "$tmp/err.$me"
}
lister() {
	local at=$1
	while [ $SECONDS -lt $end ]; do
		t find "$at" -name '*.dcm' -size 0 2>/dev/null | grep -q . && say "an empty file in $at"
		t ls -lR "$at" >/dev/null 2>&1
	done
}
n=0 actors=()
for door in first second http shell first second http; do
	n=$((n + 1))
	actor $door $n &
	actors+=($!)
done
lister "$first_mount" & actors+=($!)
lister "$second_mount" & actors+=($!)
for pid in "${actors[@]}"; do
	wait "$pid"
done
diag "$(cat "$tmp"/done.* | wc -l) actions"
is "nobody complains" "$(sort "$tmp/complaints" 2>/dev/null | uniq -c | sort -rn | head -n 20)" ""

view() { (cd "$1" && t find . -type f -name '*.dcm' -exec sha256sum {} + | sort -k 2); }
http_view() {
	curl -s -H 'Accept: application/dicom+json' "$http/instances" |
		jq -r '.[] | [."0020000D", ."0020000E", ."00080018"] | map(.Value[0]) | join(" ")' |
		while read -r study series uid; do
			echo "$(curl -s -H 'Accept: application/dicom; transfer-syntax=*' \
				"$http/studies/$study/series/$series/instances/$uid" | sha256sum | cut -c 1-64)  ./$study/$series/$uid.dcm"
		done | sort -k 2
}
view "$store/AHDS/default/dicom/dicom/Microsoft.Default" >"$tmp/files"
settled() { [ "$(view "$first_mount")" = "$(cat "$tmp/files")" ] && [ "$(view "$second_mount")" = "$(cat "$tmp/files")" ]; }
ok "both mounts show what the files are" wait_for "$patience" settled ||
	diag "$(diff <(view "$first_mount") "$tmp/files" | head -n 5; diff <(view "$second_mount") "$tmp/files" | head -n 5)"
is "so does HTTP" "$(http_view)" "$(cat "$tmp/files")"
is "the feed has no gap" "$(curl -s "$web/v2/changefeed/latest?includemetadata=false" | jq .sequence)" \
	"$("$dicomlake" status "$store" --json | jq .sequence)"
is "names that were written are not listed" "$(t ls "$first_mount" "$second_mount" | grep -c '^w')" 0
ok "check finds nothing" beside check --verify "$store"
done_testing
