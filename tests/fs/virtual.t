#!/bin/bash
# Names that resolve and are not listed: metadata, sums, the change feed.
. "$(dirname "$0")/mount.sh"
require_program jq sha256sum python3

count=300
make_files "$tmp/in" $count 100 250
start_mount
service=$mnt/AHDS/default/dicom/dicom
study=$partition/2.25.4242
series=$study/2.25.4242.1
ok "files go in" t cp -r "$tmp/in" "$partition/"
all=$series/.metadata.json sums=$study/SHA256SUMS feed=$service/.feed/changes.ndjson

# As large as it says, byte for byte however it is read.
true_size() {
	[ "$(t stat -c %s "$1")" -eq "$(t cat "$1" | wc -c)" ]
}
cat >"$tmp/pieces.py" <<'END'
import os, random, sys
path = sys.argv[1]
whole = open(path, "rb").read()
fd = os.open(path, os.O_RDONLY)
assert os.fstat(fd).st_size == len(whole)
random.seed(1)
for off in [0, len(whole) - 1, len(whole), len(whole) + 1] + [random.randrange(len(whole)) for _ in range(12)]:
    n = random.choice([1, 100, 5000, 200000])
    got = b""
    while len(got) < n:
        piece = os.pread(fd, n - len(got), off + len(got))
        if not piece:
            break
        got += piece
    assert got == whole[off:off + n], (path, off, n)
END
for file in "$series/2.25.4242.9.7.json" "$all" "$sums" "$feed"; do
	ok "${file##*/} has the size it says" true_size "$file"
	ok "${file##*/} is the same in pieces" t python3 "$tmp/pieces.py" "$file"
	is "${file##*/} is read only" "$(t stat -c %a "$file")" 444
done

is "one instance" "$(t jq -r '."00080018".Value[0]' "$series/2.25.4242.9.7.json")" 2.25.4242.9.7
is "all of a series" "$(t jq length "$all")" 250
is "are the same" "$(t jq -c '.[] | select(."00080018".Value[0] == "2.25.4242.9.7")' "$all")" "$(t cat "$series/2.25.4242.9.7.json")"
is "of the other series" "$(t jq length "$study/2.25.4242.2/.metadata.json")" 50

ok "sha256sum -c proves the study" t sh -c 'cd "$1" && sha256sum --strict --quiet -c SHA256SUMS' - "$study"
is "a line each" "$(t wc -l <"$sums")" $count
is "they are those of the files" "$(t cut -c1-64 "$sums" | sort)" "$(cat "$tmp"/in/* >/dev/null; sha256sum "$tmp"/in/* | cut -c1-64 | sort)"

is "a line of the feed for each change" "$(t wc -l <"$feed")" $count
is "they are in order" "$(t jq -r .sequence "$feed" | sort -nc && t tail -n 1 "$feed" | jq .sequence)" $count
is "fields" "$(t head -n 1 "$feed" | jq -r 'keys | join(" ")')" \
	"action filePath partitionName sequence seriesInstanceUid sopInstanceUid state studyInstanceUid timestamp"
is "change 123 stands at its place" "$(t dd if="$feed" bs=1024 skip=122 count=1 status=none | jq .sequence)" 123

# What is not there.
for name in "$series/2.25.4242.9.9999.json" "$series/1.2.x.json" "$study/.metadata.json" "$series/SHA256SUMS" \
	"$partition/SHA256SUMS" "$partition/.feed" "$service/.feed/changes" "$study/.query" "$service/SHA256SUMS"; do
	fails 1 "no ${name#"$service"/}" t test -e "$name"
done

# Nothing of it is listed.
is "find sees none" "$(t find "$service" | grep -cE '/\.|json|SUMS')" 0
is "nor ls -a" "$(t ls -aR "$service" | grep -cE '^\.[a-z]|json|SUMS')" 0
is "the folder of the feed is empty" "$(t ls -A "$service/.feed")" ""
if command -v rsync >/dev/null; then
	ok "rsync -a" t rsync -a "$service/" "$tmp/out/"
	is "copies what is stored" "$(files_in "$tmp/out" | wc -l)" $count
fi
is "du says what is stored" "$(t du -sb "$partition" | cut -f1)" "$(cat "$tmp"/in/* | wc -c)"

# Nothing can be written there.
denied() {
	local what=$1 out
	shift
	out=$(t "$@" 2>&1)
	like "$what" "$out" 'Operation not permitted|cannot overwrite|File exists'
}
denied "no writing" dd if=/dev/null of="$sums" conv=notrunc status=none
denied "no truncating" truncate -s 0 "$all"
denied "no touch" touch "$feed"
denied "no rm" rm -f "$series/2.25.4242.9.7.json"
denied "no rm of the feed" rm -f "$feed"
denied "no rmdir" rmdir "$service/.feed"
denied "no mv" mv "$sums" "$study/x"
denied "no mv to it" mv "$tmp/in/00001.dcm" "$all"
denied "no cp in" cp "$tmp/in/00001.dcm" "$service/.feed/x"
denied "no mkdir" mkdir "$service/.feed/x"
denied "no mkdir over it" mkdir "$sums"
denied "no ln" ln -s x "$service/.feed/x"
denied "no attributes" setfattr -n user.dicom.PatientID -v x "$sums"
ok "and all are there still" true_size "$sums"

# They follow what happens, here and elsewhere.
is "an instance elsewhere" "$(beside delete "$store" 2.25.4242/2.25.4242.1/2.25.4242.9.7 >/dev/null 2>&1; echo $?)" 0
fails 1 "takes its metadata along" t test -e "$series/2.25.4242.9.7.json"
is "also that of the series" "$(t jq length "$all")" 249
is "and its sum" "$(t grep -c . "$sums")" $((count - 1))
is "and is told of" "$(t tail -n 1 "$feed" | jq -r '"\(.sequence) \(.action)"')" "$((count + 1)) Delete"
is "its first line knows" "$(t jq -r 'select(.sopInstanceUid == "2.25.4242.9.7") | .state' "$feed" | sort -u)" Deleted
for file in "$all" "$sums" "$feed"; do
	ok "${file##*/} has the size it says now" true_size "$file"
done
make_files "$tmp/other" 1 200
t cp "$tmp/other/00001.dcm" "$partition/"
for file in "$all" "$sums" "$feed"; do
	ok "${file##*/} after one was replaced" true_size "$file"
done
ok "the sums prove it" t sh -c 'cd "$1" && sha256sum --quiet -c SHA256SUMS' - "$study"

timeout "$limit" tail -n 0 -f "$feed" >"$tmp/tail" 2>/dev/null &
tail_pid=$!
# tail looks once a second; what comes before its first look would not be new
follows() {
	beside delete "$store" "2.25.4242/2.25.4242.1/2.25.4242.9.$((++victim))" >/dev/null 2>&1
	wait_for 3 test -s "$tmp/tail"
}
victim=20
wait_for "$patience" follows
is "tail -f sees what another process does" "$(head -n 1 "$tmp/tail" | jq -r .action)" Delete
kill "$tail_pid"
wait "$tail_pid"

# A file that was changed behind the store.
stop_daemon
broken=$store/AHDS/default/dicom/dicom/Microsoft.Default/2.25.4242/2.25.4242.1/2.25.4242.9.100.dcm
touch -r "$broken" "$tmp/time"
printf x | dd of="$broken" bs=1 seek=300 conv=notrunc status=none
touch -r "$tmp/time" "$broken"
allow_log 'sums door=mount .*not those that were stored'
start_mount
is "is the one that fails" "$(t sh -c 'cd "$1" && sha256sum --quiet -c SHA256SUMS 2>/dev/null' - "$study")" \
	"2.25.4242.1/2.25.4242.9.100.dcm: FAILED"
ok "though it has the size it says" true_size "$sums"

t rm -r "$series"
fails 1 "without its series there is no metadata" t test -e "$all"
allow_log 'unmount .*is busy: detached'
ok "the daemon ends while one is open" bash -c "exec 3<'$sums'; kill $daemon_pid; timeout $patience tail --pid=$daemon_pid -f /dev/null"
wait "$daemon_pid"
is "cleanly" $? 0
daemon_pid=
done_testing
