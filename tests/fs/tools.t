#!/bin/bash
# The tools that write files all end well wherever they write, and what they wrote is stored: a table of
# tools and of places.
. "$(dirname "$0")/mount.sh"

allow_log 'refused door=(mount|import)'
places=
make_files "$tmp/in/deep/er" 2 2000 1
make_files "$tmp/seed" 3 2000 1
make_files "$tmp/other" 1 3000 1
touch -d '2020-01-02 03:04:05' "$tmp"/in/deep/er/*
start_mount
src=$tmp/in/deep/er
one=$src/00001.dcm
service=$mnt/AHDS/default/dicom/dicom
n=0

# nano wants a terminal; each key waits for what it says before.
cat >"$tmp/nano.py" <<'END'
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    os.environ["TERM"] = "vt100"
    os.execvp("nano", ["nano", "-ILN", sys.argv[1]])
for said, key in (b"Exit", b"\x0f"), (b"File Name", b"\r"), (b"lines", b"\x18"):
    seen = b""
    while said not in seen:
        seen += os.read(fd, 4096)
    os.write(fd, key)
try:
    while os.read(fd, 4096): pass
except OSError: pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END

# A fresh place of this kind: $p is where the tool writes, $root where it is stored, $seeded what is there before.
new_place() {
	n=$((n + 1))
	root=$service/part$n
	seeded=
	case $1 in
	import-container)
		root=$partition
		[ ! -e "$root/2.25.4242" ] || t rm -r "$root/2.25.4242"
		p=$area/import-container/t$n
		t mkdir "$p"
		return
		;;
	esac
	t mkdir "$root"
	p=$root
	[ "$1" = partition ] && return
	t cp "$tmp/seed/00003.dcm" "$root/"
	seeded=./2.25.4242/2.25.4242.3/2.25.4242.9.3.dcm
	case $1 in
	study) p=$root/2.25.4242 ;;
	series) p=$root/2.25.4242/2.25.4242.3 ;;
	esac
}

run_in_place() {
	t "$@" env p="$p" root="$root" src="$src" one="$one" tmp="$tmp" bash -ec "$script"
}

is_stored() {
	cmp "$src/0000$1.dcm" "$root/2.25.4242/2.25.4242.$1/2.25.4242.9.$1.dcm"
}

# CHECK stored: the first file, and nothing else; both: the two of them; any: whatever the tool says.
check_place() {
	local want
	case $1 in
	stored) want="./2.25.4242/2.25.4242.1/2.25.4242.9.1.dcm $seeded" ;;
	both) want="./2.25.4242/2.25.4242.1/2.25.4242.9.1.dcm ./2.25.4242/2.25.4242.2/2.25.4242.9.2.dcm $seeded" ;;
	any) return 0 ;;
	esac
	is_stored 1 || return
	[ "$1" = stored ] || is_stored 2 || return
	# What is listed is that, and nothing of the tool's own.
	[ "$(files_in "$root" | xargs)" = "$(xargs <<<"$want")" ] || { files_in "$root"; return 1; }
	[ "$(t ls "$root")" = 2.25.4242 ] || { ls "$root"; return 1; }
	case $p in
	"$area"/*) not grep -qx "${p##*/}" <<<"$(t ls -A "$area/import-container")" ;;
	esac
}

# Again, to see which system call it is that fails.
explain() {
	if ! command -v strace >/dev/null; then
		diag "no strace: it would say which system call failed"
		return
	fi
	new_place "$1"
	run_in_place strace -f -o "$tmp/strace" -e trace=file,desc >/dev/null 2>&1
	diag "system calls that failed there:"
	diag "$(grep -F "${mnt##*/}/" "$tmp/strace" | grep ' = -1 E' | tail -n 8)"
	diag "and last of all: $(grep ' = -1 E' "$tmp/strace" | tail -n 1)"
}

# tool WHAT CHECK PROGRAM CMD...: by CMD's shell in each of $places, with $p, $root, $src, $one, $tmp
tool() {
	local what=$1 check=$2 need=$3 place
	shift 3
	if ! command -v "$need" >/dev/null; then
		skip "$what" "no $need"
		return
	fi
	script=$*
	for place in ${places:-partition study series import-container}; do
		new_place "$place"
		if run_in_place >"$tmp/.ok.out" 2>&1; then
			ok "$what, $place" check_place "$check"
		else
			fail "$what, $place"
			diag "$(tail -n 20 "$tmp/.ok.out")"
			explain "$place"
		fi
	done
}

tool "cp -p" stored cp 'cp -p $one $p/'
tool "cp -a" stored cp 'cp -a $one $p/; stat -c %Y $p/00001.dcm | grep -qx "$(stat -c %Y $one)"'
tool "cp -a of a folder" both cp 'cp -a $tmp/in $p/'
tool "mv from another file system" stored mv 'cp -p $one $tmp/moving; mv $tmp/moving $p/; test ! -e $tmp/moving'
tool "install -m" stored install 'install -m 600 $one $p/x'
tool "tar x" both tar 'tar -cf $tmp/a.tar -C $tmp/in .; tar -xf $tmp/a.tar -C $p'
tool "tar x twice" both tar 'tar -xf $tmp/a.tar -C $p; tar -xf $tmp/a.tar -C $p'
tool "zip, unzip" both unzip 'cd $tmp/in; zip -qr $tmp/a.zip .; cd $p; unzip -q $tmp/a.zip; unzip -qo $tmp/a.zip'
tool "rsync -a" both rsync 'rsync -a $tmp/in/ $p/'
tool "a second rsync -a sends nothing" both rsync \
	'rsync -a $tmp/in $p/; out=$(rsync -ai $tmp/in $p/ | grep "^>f" || :); test -z "$out" || { echo "$out"; exit 1; }'
tool "rsync -a --inplace" both rsync 'rsync -a --inplace $tmp/in/ $p/'
tool "rsync -a --delay-updates" both rsync 'rsync -a --delay-updates $tmp/in/ $p/'
tool "rsync --partial-dir" both rsync 'rsync -a --partial-dir=.partial $tmp/in/ $p/'
tool "dd conv=fsync" stored dd 'dd if=$one of=$p/x conv=fsync status=none'
tool "touch, chmod and chown of what was written" stored touch \
	'cp $one $p/x; touch $p/x; touch -d 2001-01-01 $p/x; chmod 600 $p/x; chown 1:1 $p/x; test $(stat -c %a:%u:%Y $p/x) = 600:1:$(date -d 2001-01-01 +%s)'
tool "touch, chmod and chown of what is stored" stored touch \
	'cp $one $p/x; i=$root/2.25.4242/2.25.4242.1/2.25.4242.9.1.dcm; touch $i; chmod 600 $i; chown 1:1 $i'
tool "cat >, then mv inside" stored mv 'cat $one > $p/tmpname; mv $p/tmpname $p/final; cmp $one $p/final; test ! -e $p/tmpname'
tool "mv -n to a name that is taken" stored mv 'cp $one $p/x; cp $one $p/y; mv -n $p/x $p/y || :; test -e $p/x'
tool "write to a temporary name, rename to the public one" stored cp \
	'cp $one $p/first; d=$root/2.25.4242/2.25.4242.1; cp $one $d/.tmp; mv -f $d/.tmp $d/2.25.4242.9.1.dcm; cmp $one $d/2.25.4242.9.1.dcm'
tool "gzip -d" stored gzip 'gzip -c $one > $tmp/x.gz; gzip -dc $tmp/x.gz > $p/x'
tool "curl -o" stored curl 'curl -s -o $p/x file://$one'
tool "sed -i on a copy" stored sed 'cp $one $p/x; sed -i "s/never there//" $p/x'
tool "shutil.copy, copy2, move" both python3 'python3 -c "
import shutil, sys
s, p, t = sys.argv[1:]
shutil.copy(s + \"/00001.dcm\", p)
shutil.copy2(s + \"/00001.dcm\", p + \"/again\")
shutil.copy(s + \"/00002.dcm\", t + \"/m\")
shutil.move(t + \"/m\", p + \"/moved\")
" $src $p $tmp'
tool "shutil.copytree" both python3 'python3 -c "
import shutil, sys
shutil.copytree(sys.argv[1], sys.argv[2] + \"/tree\")" $tmp/in $p'
tool "os.replace" stored python3 'python3 -c "
import os, sys
open(sys.argv[2] + \"/t\", \"wb\").write(open(sys.argv[1], \"rb\").read())
os.replace(sys.argv[2] + \"/t\", sys.argv[2] + \"/n\")
assert os.path.getsize(sys.argv[2] + \"/n\") == os.path.getsize(sys.argv[1])" $one $p'
tool "python subprocess writing to a file" stored python3 'python3 -c "
import subprocess, sys
subprocess.check_call([\"cat\", sys.argv[1]], stdout=open(sys.argv[2] + \"/x\", \"wb\"))" $one $p'
# (A series that is removed is no place to write to.)
places="partition study import-container"
tool "cp -r of the public tree back into a lake" both cp 'mkdir $tmp/back; cp -r $tmp/in $p/; cp -rp $root/2.25.4242 $tmp/back/; rm -r $root/2.25.4242; cp -rp $tmp/back/2.25.4242 $p/; rm -r $tmp/back'
tool "rsync -a of the public tree back into a lake" both rsync 'mkdir $tmp/back; cp -r $tmp/in $p/; cp -rp $root/2.25.4242 $tmp/back/; rm -r $root/2.25.4242; rsync -a $tmp/back/ $p/; rm -r $tmp/back'
places=
tool "dcmodify of what is stored" any dcmodify 'cp $one $p/x; i=$root/2.25.4242/2.25.4242.1/2.25.4242.9.1.dcm; dcmodify -nb -m "(0010,0020)=CHANGED" $i; dcmdump +P 0010,0020 $i | grep -q CHANGED'
tool "rm -r of a folder that was copied" any rm 'cp -r $tmp/in $p/; rm -r $p/in'
tool "cp" stored cp 'cp $one $p/'
tool "cp -r" both cp 'cp -r $tmp/in $p/'
tool "tee" stored tee 'tee $p/x <$one >/dev/null'
tool "ln and ln -s are refused, and leave nothing" stored ln 'cp $one $p/x
	for s in "" -s; do
		if out=$(LC_ALL=C ln $s $p/x $p/y 2>&1); then echo "it linked"; exit 1; fi
		grep -q "Operation not permitted" <<<"$out"
		test ! -e $p/y -a ! -L $p/y
	done'
tool "mkfifo is refused, and leaves nothing" stored mkfifo 'cp $one $p/x; ! mkfifo $p/f 2>/dev/null; test ! -e $p/f'
tool "setfattr and setfacl do no harm" stored setfattr 'cp $one $p/x
	setfattr -n user.mine -v 1 $p/x 2>/dev/null || :; setfattr -n trusted.mine -v 1 $p/x 2>/dev/null || :'
tool "vim, saving what was just copied" any vim 'cp $one $p/x
	vim -es -u NONE -i NONE -b -c "set enc=latin1" -c "%s/PATIENT/EDITED!/e" -c "wq!" $p/x </dev/null'
tool "vim, saving what is stored" any vim 'cp $one $p/x; i=$root/2.25.4242/2.25.4242.1/2.25.4242.9.1.dcm
	vim -es -u NONE -i NONE -b -c "set enc=latin1" -c "%s/ISO_IR/XXX_IR/e" -c "wq!" $i </dev/null
	test "$(grep -c XXX_IR $i)" -eq "$(grep -c ISO_IR $one)"'
tool "nano, saving what was just copied" stored nano 'cp $one $p/x; timeout 10 python3 $tmp/nano.py $p/x; test "$(stat -c %s $p/x)" -ge 0'
tool "git: a temporary name that is linked, or else renamed" stored python3 'python3 -c "
import os, sys, tempfile
fd, name = tempfile.mkstemp(prefix=\"tmp_obj_\", dir=sys.argv[2])
os.write(fd, open(sys.argv[1], \"rb\").read())
os.fchmod(fd, 0o444)
os.fsync(fd)
os.close(fd)
try:
    os.link(name, sys.argv[2] + \"/final\")
except PermissionError:
    os.rename(name, sys.argv[2] + \"/final\")
assert os.stat(sys.argv[2] + \"/final\").st_size == os.stat(sys.argv[1]).st_size" $one $p'
tool "two programs that write the same instance at once" stored cp 'for i in 1 2 3 4; do cp $one $p/$i & a=$!; cp $one $p/$i.b & b=$!; wait $a; wait $b; done'
tool "and with other bytes: one of them is there, whole" any cp 'cp $one $p/a & a=$!; cp $tmp/other/00001.dcm $p/b & wait $a; wait $!
	i=$root/2.25.4242/2.25.4242.1/2.25.4242.9.1.dcm; cmp $i $one || cmp $i $tmp/other/00001.dcm'
tool "writing through a mapping" any python3 'python3 -c "
import mmap, os, sys
data = open(sys.argv[1], \"rb\").read()
fd = os.open(sys.argv[2] + \"/x\", os.O_RDWR | os.O_CREAT)
os.ftruncate(fd, len(data))
m = mmap.mmap(fd, len(data))
m[:] = data
m.flush(); m.close(); os.close(fd)" $one $p'
tool "copy_file_range into the mount" stored python3 'python3 -c "
import os, sys
a = os.open(sys.argv[1], os.O_RDONLY)
b = os.open(sys.argv[2] + \"/x\", os.O_WRONLY | os.O_CREAT)
left = os.fstat(a).st_size
while left > 0:
    try: n = os.copy_file_range(a, b, left)
    except OSError: n = os.sendfile(b, a, None, left)
    assert n > 0
    left -= n
os.close(b)" $one $p'
tool "dd oflag=direct" stored dd 'dd if=$one of=$p/x oflag=direct bs=1M status=none'
new_place partition
t cp "$one" "$p/"
t mkdir "$service/last"
fails 1 "mv of a stored instance is refused" t mv "$root/2.25.4242/2.25.4242.1/2.25.4242.9.1.dcm" "$service/last/x"
ok "and it stays" is_stored 1
fails 1 "mv of a series, too" t mv "$root/2.25.4242/2.25.4242.1" "$root/x"
ok "check finds nothing" beside check --verify "$store"
done_testing
