#!/bin/bash
# Reading gives what was written, in every way there is to read.
. "$(dirname "$0")/mount.sh"

make_files "$tmp/in" 3 3000000
for options in rw nopassthrough; do
	rm -rf "$store"
	start_mount "$options"
	ok "$options: files go in" t cp "$tmp"/in/* "$partition/"
	series=$partition/2.25.4242/2.25.4242.1
	one=$series/2.25.4242.9.1.dcm
	ok "$options: cmp" t cmp "$tmp/in/00001.dcm" "$one"
	ok "$options: and again" t cmp "$tmp/in/00001.dcm" "$one"
	is "$options: sha256sum of all" "$(sums "$partition")" "$(sums "$tmp/in")"
	is "$options: pieces out of order" \
		"$(for skip in 700 3 2900 0; do t dd if="$one" bs=1000 skip=$skip count=1 status=none; done | sha256sum)" \
		"$(for skip in 700 3 2900 0; do dd if="$tmp/in/00001.dcm" bs=1000 skip=$skip count=1 status=none; done | sha256sum)"
	ok "$options: O_DIRECT" t dd if="$one" of="$tmp/direct" bs=1M iflag=direct status=none
	ok "$options: the same" cmp "$tmp/direct" "$tmp/in/00001.dcm"
	is "$options: tar c" "$(t tar -cf - -C "$series" . | tar -xOf - | wc -c)" "$(cat "$tmp"/in/* | wc -c)"
	ok "$options: cp out" t cp "$one" "$tmp/out"
	ok "$options: the same" cmp "$tmp/out" "$tmp/in/00001.dcm"
	ok "$options: cp inside the mount" t cp "$one" "$partition/copy"
	if command -v python3 >/dev/null; then
		ok "$options: mmap, sendfile and pread of many threads" t python3 - "$one" "$tmp/in/00001.dcm" <<-'PY'
			import mmap, os, sys, threading
			want = open(sys.argv[2], 'rb').read()
			fd = os.open(sys.argv[1], os.O_RDONLY)
			assert os.fstat(fd).st_size == len(want)
			m = mmap.mmap(fd, 0, prot=mmap.PROT_READ)
			assert m[:] == want
			out = os.open('/dev/null', os.O_WRONLY)
			assert os.sendfile(out, fd, 0, len(want)) > 0
			bad = []
			def run(k):
			    f = os.open(sys.argv[1], os.O_RDONLY)
			    for off in range(k * 100, len(want), 100003):
			        if os.pread(f, 5000, off) != want[off:off + 5000]:
			            bad.append(off)
			    os.close(f)
			threads = [threading.Thread(target=run, args=(k,)) for k in range(8)]
			[x.start() for x in threads]
			[x.join() for x in threads]
			assert not bad
		PY
	else
		skip "$options: mmap, sendfile and pread of many threads" "no python3"
	fi
	# Gone from the disk behind our back: an error, never other bytes.
	backing=$(find "$store/AHDS" -name 2.25.4242.9.3.dcm)
	allow_log 'open door=mount instance='
	rm "$backing"
	fails 1 "$options: a vanished backing file" t cat "$series/2.25.4242.9.3.dcm"
	ok "$options: the daemon ends" stop_daemon
done
done_testing
