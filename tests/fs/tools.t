#!/bin/bash
# The tools that copy files all end well, and what they copied is stored.
. "$(dirname "$0")/mount.sh"

make_files "$tmp/in/deep/er" 2 2000 1
touch -d '2020-01-02 03:04:05' "$tmp"/in/deep/er/*
start_mount
src=$tmp/in/deep/er
one=$src/00001.dcm
service=$mnt/AHDS/default/dicom/dicom
stored() {
	cmp "$one" "$1/2.25.4242/2.25.4242.1/2.25.4242.9.1.dcm"
}
both() {
	stored "$1" && cmp "$src/00002.dcm" "$1/2.25.4242/2.25.4242.2/2.25.4242.9.2.dcm" &&
		[ "$(files_in "$1" | wc -l)" -eq 2 ]
}
n=0
# tool WHAT CHECK CMD...: each in a partition of its own, named $p in CMD's shell
tool() {
	local what=$1 check=$2 need=$3
	shift 3
	n=$((n + 1))
	p=$service/part$n
	if ! command -v "$need" >/dev/null; then
		skip "$what" "no $need"
		return
	fi
	t mkdir "$p"
	ok "$what" t env p="$p" src="$src" one="$one" tmp="$tmp" bash -ec "$*"
	ok "$what: stored" "$check" "$p"
	is "$what: nothing else is listed" "$(t ls "$p")" 2.25.4242
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
	'cp $one $p/x; i=$p/2.25.4242/2.25.4242.1/2.25.4242.9.1.dcm; touch $i; chmod 600 $i; chown 1:1 $i'
tool "cat >, then mv inside" stored mv 'cat $one > $p/tmpname; mv $p/tmpname $p/final; cmp $one $p/final; test ! -e $p/tmpname'
tool "mv -n to a name that is taken" stored mv 'cp $one $p/x; cp $one $p/y; mv -n $p/x $p/y || :; test -e $p/x'
tool "write to a temporary name, rename to the public one" stored cp \
	'cp $one $p/first; d=$p/2.25.4242/2.25.4242.1; cp $one $d/.tmp; mv -f $d/.tmp $d/2.25.4242.9.1.dcm; cmp $one $d/2.25.4242.9.1.dcm'
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
tool "cp -r of the public tree back into a lake" both cp 'mkdir $tmp/back; cp -r $tmp/in $p/; cp -rp $p/2.25.4242 $tmp/back/; rm -r $p/2.25.4242; cp -rp $tmp/back/2.25.4242 $p/; rm -r $tmp/back'
tool "rsync -a of the public tree back into a lake" both rsync 'mkdir $tmp/back; cp -r $tmp/in $p/; cp -rp $p/2.25.4242 $tmp/back/; rm -r $p/2.25.4242; rsync -a $tmp/back/ $p/; rm -r $tmp/back'
tool "dcmodify of what is stored" true dcmodify 'cp $one $p/x; i=$p/2.25.4242/2.25.4242.1/2.25.4242.9.1.dcm; dcmodify -nb -m "(0010,0020)=CHANGED" $i; dcmdump +P 0010,0020 $i | grep -q CHANGED'
tool "rm -r of a folder that was copied" true rm 'cp -r $tmp/in $p/; rm -r $p/in'
t mkdir "$service/last"
fails 1 "mv of a stored instance is refused" t mv "$service/part1/2.25.4242/2.25.4242.1/2.25.4242.9.1.dcm" "$service/last/x"
ok "and it stays" stored "$service/part1"
fails 1 "mv of a series, too" t mv "$service/part1/2.25.4242/2.25.4242.1" "$service/part1/x"
ok "check finds nothing" beside check --verify "$store"
done_testing
