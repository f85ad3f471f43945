#!/bin/bash
# What exporting the mount again (NFS) needs: handles that outlive caches and restarts, directory offsets that hold.
. "$(dirname "$0")/mount.sh"
handles=$builddir/tests/fs/handles
[ -x "$handles" ] || skip_all "tests/fs/handles is not built"
[ "$(id -u)" -eq 0 ] || skip_all "open_by_handle_at needs root"
forget() {
	sync
	echo 2 2>/dev/null >/proc/sys/vm/drop_caches
}
forget || skip_all "the kernel's caches cannot be dropped"

make_files "$tmp/in" 40 2000
make_files "$tmp/new" 60 2000
make_files "$tmp/other" 2 3000
start_mount
t cp "$tmp"/in/* "$partition/"
study=$partition/2.25.4242
series=$study/2.25.4242.1
one=$series/2.25.4242.9.1.dcm
service=$mnt/AHDS/default/dicom/dicom
paths=("$mnt" "$mnt/AHDS" "$service" "$partition" "$study" "$series" "$one" "$mnt/AHDS_default-dicom/import-container" "$area/error-container"
	"${one%.dcm}.json" "$series/.metadata.json" "$study/SHA256SUMS")
shown() {
	local p
	for p in "${paths[@]}"; do
		stat -c '%i %F %s' "$p"
	done | sed 's/directory/dir/; s/regular file/file/'
}
want=$(shown)
ok "handles are given" t "$handles" save "$tmp/h" "${paths[@]}"
is "they open what they are of" "$(t "$handles" open "$tmp/h" "$mnt")" "$want"
forget
is "and when the kernel has forgotten all of it" "$(t "$handles" open "$tmp/h" "$mnt")" "$want"
"$handles" save "$tmp/h1" "$one"
forget
ok "with its bytes" cmp <(t "$handles" cat "$tmp/h1" "$mnt") "$tmp/in/00001.dcm"
stop_daemon
start_mount
is "and after a restart" "$(t "$handles" open "$tmp/h" "$mnt")" "$want"
ok "with its bytes" cmp <(t "$handles" cat "$tmp/h1" "$mnt") "$tmp/in/00001.dcm"
"$handles" save "$tmp/h2" "$series/2.25.4242.9.2.dcm"
"$handles" save "$tmp/h3" "$series/2.25.4242.9.3.dcm"
t cp "$tmp/other/00002.dcm" "$partition/"
t rm "$series/2.25.4242.9.3.dcm"
forget
is "that of an instance that was replaced is stale" "$(t "$handles" open "$tmp/h2" "$mnt")" ESTALE
is "that of one that was removed, too" "$(t "$handles" open "$tmp/h3" "$mnt")" ESTALE
"$handles" save "$tmp/h4" "$study"
t rm -r "$study"
forget
is "and that of a study" "$(t "$handles" open "$tmp/h4" "$mnt")" ESTALE

t cp "$tmp"/in/* "$partition/"
t "$handles" walk "$series" 20 "cp '$tmp'/new/*.dcm '$partition/'; rm '$series'/2.25.4242.9.5.dcm '$series'/2.25.4242.9.25.dcm" >"$tmp/walk"
sed '/^--$/,$d' "$tmp/walk" >"$tmp/before"
sed '1,/^--$/d' "$tmp/walk" >"$tmp/after"
is "half of a directory was listed" "$(wc -l <"$tmp/before")" 20
is "the offset holds when others add and remove: nothing comes twice" "$(sort "$tmp/before" "$tmp/after" | uniq -d)" ""
for ((i = 1; i <= 40; i++)); do
	[ "$i" -eq 5 ] || [ "$i" -eq 25 ] || echo "2.25.4242.9.$i.dcm"
done | sort >"$tmp/stayed"
is "and nothing that was there all the time is missed" "$(sort "$tmp/before" "$tmp/after" | comm -13 - "$tmp/stayed")" ""
ok "what was removed before it was reached is not listed" not grep -qx 2.25.4242.9.25.dcm "$tmp/after"
mkdir "$partition/mine"
t "$handles" walk "$partition" 1 "mkdir '$partition/also' && rmdir '$partition/mine'" >"$tmp/walk"
is "directories of one's own, too" "$(sed '/^--$/d' "$tmp/walk" | xargs)" "2.25.4242 also"
done_testing
