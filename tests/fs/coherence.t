#!/bin/bash
# What another process stores, replaces or deletes is seen at once, whatever was cached.
. "$(dirname "$0")/mount.sh"

make_files "$tmp/a" 4 100 2
make_files "$tmp/b" 4 200 2
make_files "$tmp/c" 1 100 1 2.25.99
start_mount
study=$partition/2.25.4242
seen() {
	[ "$(t ls "$1" 2>/dev/null | wc -l)" -eq "$2" ]
}
gone() {
	! t test -e "$1"
}
same() {
	cmp -s "$1" "$2"
}

is "an empty partition is looked at" "$(t ls "$partition")" ""
fails 1 "and a name that is not there" t stat "$study"
ok "stored beside" beside import --quiet --replace "$store" "$tmp/a/00001.dcm"
ok "its study is listed" wait_for "$patience" seen "$partition" 1
ok "and its series" wait_for "$patience" seen "$study" 1
ok "and it" wait_for "$patience" seen "$study/2.25.4242.1" 1
ok "one more in a listed series" beside import --quiet --replace "$store" "$tmp/a/00002.dcm"
ok "is seen" wait_for "$patience" seen "$study/2.25.4242.1" 2
ok "a new series in a listed study" beside import --quiet --replace "$store" "$tmp/a/00003.dcm" "$tmp/a/00004.dcm"
ok "is seen" wait_for "$patience" seen "$study" 2
links() {
	[ "$(t stat -c %h "$study")" -eq "$1" ]
}
ok "links follow" wait_for "$patience" links 4

one=$study/2.25.4242.1/2.25.4242.9.1.dcm
ok "read" t cmp "$tmp/a/00001.dcm" "$one"
inode=$(t stat -c %i "$one")
exec 5<"$one"
ok "replaced beside" beside import --quiet --replace "$store" "$tmp/b/00001.dcm"
ok "new bytes" wait_for "$patience" same "$tmp/b/00001.dcm" "$one"
is "new size" "$(t stat -c %s "$one")" "$(stat -c %s "$tmp/b/00001.dcm")"
is "same inode number" "$(t stat -c %i "$one")" "$inode"
ok "the old reader has the old ones" t cmp "$tmp/a/00001.dcm" - <&5
exec 5<&-

ok "one deleted beside" beside delete "$store" 2.25.4242/2.25.4242.1/2.25.4242.9.1
ok "is not found" wait_for "$patience" gone "$one"
is "nor listed" "$(t ls "$study/2.25.4242.1")" 2.25.4242.9.2.dcm
ok "the last of a series deleted beside" beside delete "$store" 2.25.4242/2.25.4242.1
ok "takes the series along" wait_for "$patience" gone "$study/2.25.4242.1"
ok "a study deleted beside" beside delete "$store" 2.25.4242
ok "is gone" wait_for "$patience" gone "$study"
is "all of it" "$(t ls "$partition")" ""

ok "a new partition" beside import --quiet --partition clinic "$store" "$tmp/a/00001.dcm"
service=$mnt/AHDS/default/dicom/dicom
ok "is listed" wait_for "$patience" seen "$service" 2
ok "with what is in it" wait_for "$patience" seen "$service/clinic" 1
ok "any name the store takes will do" beside import --quiet --partition .clinic "$store" "$tmp/a/00001.dcm"
ok "and is entered" wait_for "$patience" seen "$service/.clinic" 1

# A name written here follows its instance.
ok "stored here" t cp "$tmp/c/00001.dcm" "$partition/mine"
ok "read by the name it was given" t cmp "$tmp/c/00001.dcm" "$partition/mine"
ok "deleted beside" beside delete "$store" 2.25.99
ok "the name goes" wait_for "$patience" gone "$partition/mine"

# The other way: this mount's changes in a second mount of the same store.
first=$daemon_pid
mkdir "$tmp/mnt2"
mnt=$tmp/mnt2
start_mount
second_partition=$partition
mnt=$tmp/mnt
partition=$mnt/AHDS/default/dicom/dicom/Microsoft.Default
is "a second mount is looked at" "$(t ls "$second_partition")" ""
ok "stored in the first" t cp "$tmp/a/00002.dcm" "$partition/"
ok "seen in the second" wait_for "$patience" same "$tmp/a/00002.dcm" \
	"$second_partition/2.25.4242/2.25.4242.1/2.25.4242.9.2.dcm"
ok "removed in the second" t rm -r "$second_partition/2.25.4242"
ok "gone in the first" wait_for "$patience" gone "$partition/2.25.4242"
ok "the second ends" stop_daemon
daemon_pid=$first

# Who is in a directory that somebody else deletes finds nothing there, and may remove it.
ok "stored beside" beside import --quiet --replace "$store" "$tmp/a/00001.dcm" "$tmp/a/00002.dcm"
ok "is seen" wait_for "$patience" seen "$partition/2.25.4242/2.25.4242.1" 2
cat >"$tmp/within.py" <<'END'
import os, subprocess, sys
series = os.open(sys.argv[1], os.O_RDONLY)
names = os.listdir(series)
os.stat(names[0], dir_fd=series)
subprocess.check_call(sys.argv[2:])
for name in names:
    for what in (lambda: os.unlink(name, dir_fd=series), lambda: os.stat(name, dir_fd=series)):
        try:
            what()
            print("is there", name)
        except OSError as e:
            print(type(e).__name__)
print("links", os.fstat(series).st_nlink, os.listdir(series))
END
if command -v python3 >/dev/null; then
	is "deleted while somebody is in it" "$(t python3 "$tmp/within.py" "$partition/2.25.4242/2.25.4242.1" \
		"$dicomlake" delete "$store" 2.25.4242 2>/dev/null | sort | uniq -c | xargs)" "4 FileNotFoundError 1 links 0 []"
	cat >"$tmp/local.py" <<-'END'
	import os, sys
	os.mkdir(sys.argv[1])
	fd = os.open(sys.argv[1], os.O_RDONLY)
	os.rmdir(sys.argv[1])
	try:
	    os.unlink("x", dir_fd=fd)
	except OSError as e:
	    print(type(e).__name__)
	print("links", os.fstat(fd).st_nlink)
	END
	is "so it is with a directory of one's own" "$(t python3 "$tmp/local.py" "$partition/own" | xargs)" "FileNotFoundError links 0"
else
	skip "deleted while somebody is in it" "no python3"
	skip "so it is with a directory of one's own" "no python3"
fi
done_testing
