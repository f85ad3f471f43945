#!/bin/bash
# The tools that read all see the same: a table of tools and of what is read.
. "$(dirname "$0")/mount.sh"

allow_log 'refused door=import'
make_files "$tmp/in" 12 300000 4
# the same instance with other pixels: import-container refuses it
t cp -p "$tmp/in/00001.dcm" "$tmp/other"
printf X | t dd of="$tmp/other" bs=1 seek=$(($(stat -c %s "$tmp/other") - 1)) conv=notrunc status=none
t touch -r "$tmp/in/00001.dcm" "$tmp/other"
start_mount
t cp -p "$tmp"/in/* "$partition/"
t cp -p "$tmp/other" "$area/import-container/x"

# one WHAT PROGRAM CMD...: a tool that reads a file, $f, whose bytes are those of $src
one() {
	local what=$1 need=$2 name f src
	shift 2
	if ! command -v "$need" >/dev/null; then
		skip "$what" "no $need"
		return
	fi
	for name in instance alias refused; do
		src=$tmp/in/00001.dcm
		case $name in
		instance) f=$partition/2.25.4242/2.25.4242.1/2.25.4242.9.1.dcm ;;
		alias) f=$partition/00001.dcm ;;
		refused)
			f=$area/error-container/x
			src=$tmp/other
			;;
		esac
		ok "$what, $name" t env f="$f" src="$src" tmp="$tmp" bash -ec "$*"
	done
}
python() {
	one "$1" python3 "${py:-python3} -c '
import os, sys
path, want = sys.argv[1], open(sys.argv[2], \"rb\").read()
$2' \"\$f\" \"\$src\""
}

one "cat" cat 'cat $f | cmp - $src'
one "stat" stat 'test "$(stat -c "%F %s" $f)" = "regular file $(stat -c %s $src)"'
one "md5sum -c" md5sum 'echo "$(md5sum <$src | cut -c1-32)  $f" | md5sum -c --status'
one "head and tail" tail 'tail -c 1000 $f | cmp - <(tail -c 1000 $src); head -c 1000 $f | cmp - <(head -c 1000 $src)'
one "tail -c of a part" tail 'tail -c +299000 $f | cmp - <(tail -c +299000 $src)'
one "cp" cp 'cp $f $tmp/out; cmp $tmp/out $src'
one "cp -p keeps the time" cp 'cp -p $f $tmp/out; test "$(stat -c %Y $tmp/out)" = "$(stat -c %Y $src)"'
one "dd iflag=direct" dd 'dd if=$f of=$tmp/out iflag=direct bs=1M status=none; cmp $tmp/out $src'
one "tar c" tar 'tar -cf - -C $(dirname $f) $(basename $f) | tar -xOf - | cmp - $src'
one "rsync" rsync 'rm -f $tmp/out.rsync; rsync -a $f $tmp/out.rsync; cmp $tmp/out.rsync $src'
one "zip" zip 'rm -f $tmp/a.zip; zip -qj $tmp/a.zip $f; unzip -p $tmp/a.zip | cmp - $src'
one "less" less 'LESSOPEN= less -f $f | cmp - $src'
one "grep -c" grep 'test "$(grep -ac DICM $f)" -eq "$(grep -ac DICM $src)"'
one "dcmdump" dcmdump 'diff <(dcmdump -q $f) <(dcmdump -q $src)'
# Debian's, where another Python comes first
for py in python3 /usr/bin/python3 ""; do
	"$py" -c 'import pydicom' 2>/dev/null && break
done
if [ -n "$py" ]; then
	python "pydicom" 'import pydicom
assert str(pydicom.dcmread(path)) == str(pydicom.dcmread(sys.argv[2]))'
else
	skip "pydicom" "no pydicom"
fi
py=python3
python "mmap" 'import mmap
fd = os.open(path, os.O_RDONLY)
assert mmap.mmap(fd, 0, prot=mmap.PROT_READ)[:] == want'
python "sendfile" 'fd = os.open(path, os.O_RDONLY)
out = os.open(sys.argv[2] + ".out", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
while os.sendfile(out, fd, None, 1 << 20): pass
assert open(sys.argv[2] + ".out", "rb").read() == want
os.unlink(sys.argv[2] + ".out")'
python "copy_file_range" 'import errno
fd = os.open(path, os.O_RDONLY)
out = os.open(sys.argv[2] + ".out", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
try:
    while os.copy_file_range(fd, out, 1 << 20): pass
    assert open(sys.argv[2] + ".out", "rb").read() == want
except OSError as e:
    assert e.errno in (errno.EXDEV, errno.EOPNOTSUPP), e
os.unlink(sys.argv[2] + ".out")'
python "splice" 'fd = os.open(path, os.O_RDONLY)
r, w = os.pipe()
if hasattr(os, "splice"):
    n = os.splice(fd, w, 4096, offset_src=500)
    assert os.read(r, 4096) == want[500:500 + n]'
python "pread of many threads" 'import threading
bad = []
def run(k):
    fd = os.open(path, os.O_RDONLY)
    for off in range(k * 10, len(want), 10007):
        if os.pread(fd, 5000, off) != want[off:off + 5000]: bad.append(off)
    os.close(fd)
threads = [threading.Thread(target=run, args=(k,)) for k in range(16)]
[x.start() for x in threads]
[x.join() for x in threads]
assert not bad'
python "lseek to the end and beyond" 'fd = os.open(path, os.O_RDONLY)
assert os.lseek(fd, 0, os.SEEK_END) == len(want)
assert os.read(fd, 10) == b""
assert os.pread(fd, 10, len(want) + 100000) == b""'
python "posix_fadvise, readahead" 'fd = os.open(path, os.O_RDONLY)
os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_WILLNEED)
os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
assert os.read(fd, 100) == want[:100]'

# all WHAT PROGRAM CMD...: a tool that reads a whole tree, $d, of 12 files with the bytes of $in
all() {
	local what=$1 need=$2
	shift 2
	if ! command -v "$need" >/dev/null; then
		skip "$what" "no $need"
		return
	fi
	ok "$what" t env d="$partition" in="$tmp/in" tmp="$tmp" bash -ec 'digest() { find "$1" -type f -exec md5sum {} + | cut -c1-32 | sort | md5sum; }; '"$*"
}
all "ls -lR" ls 'test "$(ls -lR $d | grep -c "\.dcm$")" -eq 12'
all "ls -f" ls 'test "$(ls -f $d/2.25.4242/2.25.4242.1 | sort | tail -n +3 | wc -l)" -eq 4'
all "find" find 'test "$(find $d -name "*.dcm" -size +290k | wc -l)" -eq 12'
all "find -newer, -links, -inum" find 'i=$(stat -c %i $d/2.25.4242); test "$(find $d -inum $i)" = $d/2.25.4242; test "$(find $d -links 1 | wc -l)" -eq 12'
all "tree" tree 'tree --noreport $d | grep -c "\.dcm$" | grep -qx 12'
all "du" du 'test "$(du -sb --apparent-size $d | cut -f1)" -eq "$(cat $in/* | wc -c)"'
all "md5sum of all" md5sum 'test "$(digest $d)" = "$(digest $in)"'
all "cp -r" cp 'cp -r $d $tmp/all.cp; test "$(digest $tmp/all.cp)" = "$(digest $in)"'
all "rsync -a" rsync 'rsync -a $d/ $tmp/all.rsync/; test "$(digest $tmp/all.rsync)" = "$(digest $in)"'
all "rsync -a again sends nothing" rsync 'test -z "$(rsync -ai $d/ $tmp/all.rsync/ | grep "^>f")"'
all "rsync -aH --checksum" rsync 'test -z "$(rsync -aHic $d/ $tmp/all.rsync/ | grep "^>f")"'
all "tar c" tar 'mkdir $tmp/all.tar; tar -cf - -C $d . | tar -xf - -C $tmp/all.tar; test "$(digest $tmp/all.tar)" = "$(digest $in)"'
all "diff -r" diff 'diff -r $d $tmp/all.tar'
all "os.walk" python3 'test "$(python3 -c "
import os, sys
print(sum(len(f) for _, _, f in os.walk(sys.argv[1])))" $d)" -eq 12'
all "grep -r" grep 'test "$(grep -rla DICM $d | wc -l)" -eq 12'
done_testing
