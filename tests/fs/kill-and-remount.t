#!/bin/bash
# kill -9 leaves nothing to clean up: the next start takes the mount point over,
# and every file whose close() succeeded is there.
. "$(dirname "$0")/mount.sh"

allow_log 'refused door=import'
make_files "$tmp/in" 60 20000 20
for round in with without; do
	rm -rf "$store"
	options=rw
	[ $round = with ] || options=noauto_unmount
	start_mount "$options"
	closed=0
	for ((i = 1; i <= 60; i++)); do
		t cp "$tmp/in/$(printf %05d "$i").dcm" "$partition/" 2>/dev/null || break
		closed=$i
		[ "$i" -ne 40 ] || kill -KILL "$daemon_pid"
	done
	wait "$daemon_pid" 2>/dev/null
	forget_daemon
	ok "$round auto_unmount: files went in before the kill ($closed)" test "$closed" -ge 40 -a "$closed" -lt 60
	start_mount "$options"
	sums "$partition" >"$tmp/got"
	for ((i = 1; i <= closed; i++)); do
		sha256sum "$tmp/in/$(printf %05d "$i").dcm"
	done | awk '{ print $1 }' | sort >"$tmp/want"
	is "$round auto_unmount: every one that was closed is whole" "$(comm -13 "$tmp/got" "$tmp/want" | wc -l)" 0
	is "$round auto_unmount: and at most one more" $(($(wc -l <"$tmp/got") - closed <= 1)) 1
	is "$round auto_unmount: mounted once" "$(grep -c " $mnt fuse.dicomlake" /proc/self/mounts)" 1
	ok "$round auto_unmount: it takes files" t cp "$tmp/in/00060.dcm" "$partition/"
	ok "$round auto_unmount: it ends" stop_daemon
	is "$round auto_unmount: unmounted" "$(grep -c " $mnt " /proc/self/mounts)" 0
	ok "$round auto_unmount: check finds nothing" beside check --verify "$store"
	ok "$round auto_unmount: staging is empty" staging_is_empty
done

# Of what was put into the import-container every file is either stored, refused, or not there; and whole.
for ((i = 1; i <= 60; i++)); do
	if ((i % 2)); then
		head -c $((5000 + i)) "$tmp/in/$(printf %05d "$i").dcm" >"$tmp/in/bad$i"
	fi
done
rm -rf "$store"
start_mount
import=$area/import-container
for ((i = 1; i <= 60; i++)); do
	good=$tmp/in/$(printf %05d "$i").dcm
	t cp "$good" "$import/" 2>/dev/null || break
	((i % 2 == 0)) || t cp "$tmp/in/bad$i" "$import/" 2>/dev/null || break
	[ "$i" -ne 40 ] || kill -KILL "$daemon_pid"
done
imported=$((i - 1))
wait "$daemon_pid" 2>/dev/null
forget_daemon
start_mount
sums "$partition" >"$tmp/got"
for ((i = 1; i <= imported; i++)); do
	sha256sum "$tmp/in/$(printf %05d "$i").dcm"
done | awk '{ print $1 }' | sort >"$tmp/want"
is "import-container: every good file that was closed is stored" "$(comm -13 "$tmp/got" "$tmp/want" | wc -l)" 0
broken=0
for file in "$area"/error-container/bad*; do
	case $file in
	*.error.json) jq -e .path "$file" >"$tmp/path" 2>&1 || broken=$((broken + 1)) ;;
	*) cmp -s "$file" "$tmp/in/${file##*/}" || broken=$((broken + 1)) ;;
	esac
done
is "import-container: what lies in error-container is whole" "$broken" 0
is "import-container: and nearly all that was refused does" \
	$(($(find "$area/error-container" -name 'bad*[0-9]' | wc -l) >= imported / 2 - 1)) 1
is "nothing else lies beside it" "$(ls "$store/import")" "$(printf '%s\n' error-container error-queue import-queue)"
ok "staging is empty" staging_is_empty
stop_daemon

# An old mount helper that is late must not unmount the new mount.
start_mount
for i in 1 2 3; do
	kill -KILL "$daemon_pid"
	wait "$daemon_pid" 2>/dev/null
	forget_daemon
	start_mount
done
helper=$(pgrep -f "fusermount3.*$mnt" | tail -n 1)
if [ -n "$helper" ]; then
	is "the mount helper keeps no file of ours open" "$(find "/proc/$helper/fd" -lname "$tmp/*" | wc -l)" 0
fi
helpers_gone() {
	! pgrep -f "fusermount3.*$mnt" >/dev/null || [ "$(pgrep -fc "fusermount3.*$mnt")" -le 1 ]
}
ok "old helpers go" wait_for "$patience" helpers_gone
ok "the mount still answers after three kills" t test -d "$partition"
done_testing
