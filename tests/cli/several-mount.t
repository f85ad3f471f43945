#!/bin/bash
# Several stores under one root: the merged directories, each service by itself, numbers that stay, kill -9, SIGTERM.
. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
require_fuse
require_program jq perl
limit=$((patience * 2))
ulimit -c 0
t() {
	timeout "$limit" "$@"
}
new_store --workspace hosp --service ct
ct=$store mr=$tmp/mr clinic=$tmp/clinic
lake init "$mr" --workspace hosp --service mr 2>/dev/null
lake init "$clinic" --workspace clinic 2>/dev/null
part() {
	echo "$mnt/AHDS/$1/dicom/$2/Microsoft.Default"
}
a=$(part hosp ct) b=$(part hosp mr) c=$(part clinic dicom)
# the errno of a system call of perl
errno_of() {
	t perl -e "use Errno; $1 and print 'none' or print((grep { \$!{\$_} } qw(EXDEV EPERM ENOENT ESTALE))[0] // \$!)" "${@:2}"
}
stored() {
	lake query "$1" instance --json 2>/dev/null | jq length
}
instance=2.25.1000/2.25.1000.100
mounts() {
	grep -c " $mnt " /proc/self/mounts
}

for i in 1 2 3 4 5 6 7 8 9 10; do
	make_dcm "$tmp/$i.dcm" SOPInstanceUID=2.25.$i
done
start_daemon "$mr" "$clinic" --mount "$mnt"
like "the ready line names them all" "$(cat "$daemon_out")" "mount=$mnt store=$ct store=$mr store=$clinic\$"
is "every workspace is listed" "$(t ls "$mnt/AHDS" | xargs)" "clinic hosp"
is "every service of a workspace" "$(t ls "$mnt/AHDS/hosp/dicom" | xargs)" "ct mr"
is "every area" "$(t ls "$mnt" | xargs)" "AHDS AHDS_clinic-dicom AHDS_hosp-ct AHDS_hosp-mr"
is "and what is in one" "$(t ls "$mnt/AHDS_hosp-mr" | xargs)" "error-container error-queue import-container import-queue"
is "links are counted as directories are" "$(t stat -c %h "$mnt" "$mnt/AHDS" "$mnt/AHDS/hosp/dicom" | xargs)" "6 4 4"
is "nothing else is there" "$(errno_of 'opendir my $d, $ARGV[0]' "$mnt/AHDS/none")" ENOENT
fails 1 "nothing is made above the services" t mkdir "$mnt/AHDS/hosp/dicom/new"
fails 1 "nor removed" t rmdir "$mnt/AHDS/hosp"
is "the way back up is the same" "$(t stat -c %i "$b/../../../.." "$mnt/AHDS_hosp-ct/..")" "$(t stat -c %i "$mnt/AHDS" "$mnt")"

# Into two at once
(for i in 1 2 3 4 5 6 7 8; do t cp "$tmp/$i.dcm" "$a/in-$i.dcm" || echo "cp $i"; done >"$tmp/a.out" 2>&1) &
copying=$!
for i in 1 3 5 7 9; do t cp "$tmp/$i.dcm" "$b/in-$i.dcm" || echo "cp $i"; done >"$tmp/b.out" 2>&1
wait "$copying"
is "copies into two at once succeed" "$(cat "$tmp/a.out" "$tmp/b.out")" ""
is "each has its own" "$(t ls "$a/$instance" | wc -l) $(t ls "$b/$instance" | wc -l) $(t ls "$c" | wc -l)" "8 5 0"
is "in its own index" "$(stored "$ct") $(stored "$mr") $(stored "$clinic")" "8 5 0"
ok "bytes are those that were put" t cmp "$tmp/3.dcm" "$b/$instance/2.25.3.dcm"
is "no two files have the same inode number" "$(t find "$mnt" -printf '%i\n' | sort | uniq -d)" ""
is "the same instance of two services has two" "$(t stat -c %i "$a/$instance/2.25.3.dcm" "$b/$instance/2.25.3.dcm" | sort -u | wc -l)" 2
ok "each has its own virtual names" t grep -q 2.25.9.dcm "$b/2.25.1000/SHA256SUMS"
fails 1 "which tell of no other" t grep -q 2.25.9.dcm "$a/2.25.1000/SHA256SUMS"
is "and searches its own" "$(t ls "$a/.query/StudyInstanceUID=2.25.1000") $(t ls "$c/.query/StudyInstanceUID=2.25.1000")" "2.25.1000 "
is "extended attributes are the file's" "$(t getfattr --only-values -n user.dicom.SOPInstanceUID "$b/$instance/2.25.9.dcm" 2>/dev/null)" 2.25.9

# From one to another
is "rename between services" "$(errno_of 'rename $ARGV[0], $ARGV[1]' "$a/$instance/2.25.8.dcm" "$b/8.dcm")" EXDEV
is "link between services" "$(errno_of 'link $ARGV[0], $ARGV[1]' "$a/$instance/2.25.8.dcm" "$b/8.dcm")" EXDEV
is "link within one, as ever" "$(errno_of 'link $ARGV[0], $ARGV[1]' "$a/$instance/2.25.8.dcm" "$a/8.dcm")" EPERM
is "nobody moves a service" "$(errno_of 'rename $ARGV[0], $ARGV[1]' "$mnt/AHDS/hosp/dicom/ct" "$mnt/AHDS/clinic/dicom/ct")" EPERM
is "nor a partition of one" "$(errno_of 'rename $ARGV[0], $ARGV[1]' "$a" "$c/x")" EPERM
is "nor anything above them" "$(errno_of 'rename $ARGV[0], $ARGV[1]' "$a/$instance/2.25.8.dcm" "$mnt/AHDS/8.dcm")" EPERM
ok "mv copies" t mv "$a/$instance/2.25.8.dcm" "$b/8.dcm"
ok "it is there" t cmp "$tmp/8.dcm" "$b/$instance/2.25.8.dcm"
is "and no longer here" "$(stored "$ct") $(stored "$mr")" "7 6"

# The import area of each
allow_log 'refused door=import'
echo "no DICOM at all, of some length" >"$tmp/bad"
t cp "$tmp/bad" "$mnt/AHDS_hosp-mr/import-container/bad"
t cp "$tmp/10.dcm" "$mnt/AHDS_hosp-mr/import-container/10"
is "a refused file lies in its own error-container" "$(t ls "$mnt/AHDS_hosp-mr/error-container" | xargs),$(t ls "$mnt/AHDS_hosp-ct/error-container")" "bad bad.error.json,"
ok "as it was" t cmp "$tmp/bad" "$mnt/AHDS_hosp-mr/error-container/bad"
is "the queue is its own" "$(t cat "$mnt/AHDS_hosp-mr/error-queue" | wc -l) $(t cat "$mnt/AHDS_hosp-ct/error-queue" | wc -l)" "1 0"
like "the log names the service" "$(grep 'refused door=import' "$daemon_log")" '^warning: service=hosp-mr refused door=import'
ok "moved to another service" t mv "$mnt/AHDS_hosp-mr/error-container/bad" "$mnt/AHDS_hosp-ct/import-container/again"
is "it is refused there" "$(t ls "$mnt/AHDS_hosp-mr/error-container" "$mnt/AHDS_hosp-ct/error-container" | grep -v : | sort | xargs)" "again again.error.json bad.error.json"

# Whose disk
is "statfs of a service is that of its disk" "$(t stat -f -c %b "$a")" "$(stat -f -c %b "$ct")"
is "that above them of all disks, each once" "$(t stat -f -c '%b %S' "$mnt" | awk '{ print $1 * $2 }')" \
	"$(for s in "$ct" "$mr" "$clinic"; do echo "$(stat -c %d "$s") $(stat -f -c '%b %S' "$s")"; done | sort -u | awk '{ n += int($2 * $3 / 4096) * 4096 } END { print n }')"

# One's changes are none of the others'
requests() {
	curl -s "$base/$1/metrics" | awk -v s="$1" '/^dicomlake_fs_requests_total/ && /op="(readdir|readdirplus|lookup|getattr)"/ { n += $2 } END { print n }'
}
if [ "$with_web" = yes ]; then
	look() {
		t ls -l "$1/$instance" >/dev/null
	}
	look "$a"; look "$b"; look "$a"
	before=$(requests hosp-ct)
	make_dcm "$tmp/11.dcm" SOPInstanceUID=2.25.11
	lake import --quiet "$mr" "$tmp/11.dcm"
	seen() { [ -e "$b/$instance/2.25.11.dcm" ] && t ls "$b/$instance" | grep -q 2.25.11; }
	ok "what another process stores is seen" wait_for "$patience" seen
	lake delete "$mr" "$instance/2.25.11" >/dev/null
	gone() { ! [ -e "$b/$instance/2.25.11.dcm" ]; }
	ok "what it deletes is gone" wait_for "$patience" gone
	look "$a"
	is "the other service's listing is still the kernel's" "$(requests hosp-ct)" "$before"
fi

# The same numbers whatever the order, and whoever else is there
(cd "$mnt" && t find AHDS AHDS_hosp-ct AHDS_hosp-mr -printf '%P %i %h\n' | grep -v ' AHDS_.*error-container/' | sort) >"$tmp/before"
handles=$builddir/tests/fs/handles
[ ! -x "$handles" ] || t "$handles" save "$tmp/h" "$a/$instance/2.25.3.dcm" "$b/$instance/2.25.3.dcm" "$b/2.25.1000" "$mnt/AHDS/hosp/dicom" "$c" >/dev/null
[ ! -x "$handles" ] || handles_before=$(t "$handles" open "$tmp/h" "$mnt")
ok "SIGTERM ends it" stop_daemon
lake init "$tmp/new" --workspace aaa --service first 2>/dev/null
ct_first=$store store=$clinic
start_daemon "$tmp/new" "$mr" "$ct_first" --mount "$mnt"
(cd "$mnt" && t find AHDS AHDS_hosp-ct AHDS_hosp-mr -printf '%P %i %h\n' | grep -v ' AHDS_.*error-container/' | grep -v aaa | sort) >"$tmp/after"
grep -v aaa "$tmp/before" | cmp -s - "$tmp/after" || diff "$tmp/before" "$tmp/after" | head -n 20
ok "inode numbers stay in another order and beside another store" cmp "$tmp/before" "$tmp/after"
if [ -x "$handles" ]; then
	is "so do file handles" "$(t "$handles" open "$tmp/h" "$mnt")" "$handles_before"
	t "$handles" cat "$tmp/h" "$mnt" >"$tmp/h.dcm"
	ok "with the bytes" cmp "$tmp/3.dcm" "$tmp/h.dcm"
fi
ok "it ends again" stop_daemon
store=$ct_first
start_daemon "$clinic" --mount "$mnt"
[ ! -x "$handles" ] || is "the handle of a service that is not there is stale" \
	"$(t "$handles" open "$tmp/h" "$mnt" 2>&1 | sed -n 2,3p | xargs)" "ESTALE ESTALE"
ok "and the mount goes on" t ls "$a/$instance"

# kill -9
t cp "$tmp/9.dcm" "$a/9.dcm"
t cp "$tmp/9.dcm" "$c/9.dcm"
kill_daemon
start_daemon "$clinic" --mount "$mnt"
ok "after kill -9 it starts again" t cmp "$tmp/9.dcm" "$a/$instance/2.25.9.dcm"
ok "with what was closed in each" t cmp "$tmp/9.dcm" "$c/$instance/2.25.9.dcm"
is "it is one mount" "$(mounts)" 1

# Busy: somebody is in each, above them, and writes
allow_log 'is busy: detached'
(cd "$mnt/AHDS/hosp" && exec sleep 1000) &
inside=$!
exec 5<"$a/$instance/2.25.9.dcm" 6<"$c/$instance/2.25.9.dcm"
(while t cp "$tmp/1.dcm" "$c/w1.dcm" 2>/dev/null && t cp "$tmp/2.dcm" "$a/w2.dcm" 2>/dev/null; do :; done) &
writing=$!
ok "SIGTERM ends it when it is busy" stop_daemon
is "it is unmounted" "$(mounts)" 0
exec 5<&- 6<&-
kill "$inside" 2>/dev/null
wait "$inside" "$writing" 2>/dev/null
for s in "$ct" "$mr" "$clinic"; do
	ok "check finds nothing in ${s##*/}" lake check "$s"
done

# umount, and the mount command
start_daemon "$clinic" --mount "$mnt"
ok "umount takes all of it away" t umount "$mnt"
is "nothing is left" "$(mounts)" 0
ok "it ends" stop_daemon
if [ "$(id -u)" -eq 0 ]; then
	ok "mount takes several, too" t "$dicomlake" mount "$ct" "$mr" "$mnt"
	ok "and shows them" t test -e "$a/$instance/2.25.9.dcm" -a -e "$b/$instance/2.25.9.dcm"
	ok "umount" t umount "$mnt"
fi

# A store alone is what it was
one() {
	(cd "$mnt" && t find . -printf '%p %i\n' | grep -v error-container/ | sort)
}
lake init "$tmp/lone" --workspace w --service s 2>/dev/null
store=$tmp/lone
start_daemon --mount "$mnt"
t cp "$tmp/1.dcm" "$(part w s)/"
one >"$tmp/lone.1"
is "alone, inode numbers are its ids" "$(t stat -c %i "$mnt/AHDS/w" "$(part w s)" "$(part w s)/2.25.1000" | xargs)" "3 4096 4097"
stop_daemon
start_daemon "$clinic" --mount "$mnt"
fails 1 "among several they are others" cmp -s "$tmp/lone.1" <(one)
stop_daemon
start_daemon --mount "$mnt"
ok "and alone again the same" cmp "$tmp/lone.1" <(one)
stop_daemon

# Two that got the same number apart from each other
for s in s11 s12 x; do
	lake init "$tmp/$s" --workspace w --service $s 2>/dev/null
done
number_of() {
	echo $(($(t stat -c %i "$(part w "$1")") >> 40))
}
for s in s11 s12; do
	store=$tmp/$s
	start_daemon "$tmp/x" --mount "$mnt"
	t cp "$tmp/1.dcm" "$(part w $s)/"
	eval "$s=$(number_of $s)"
	[ ! -x "$handles" ] || t "$handles" save "$tmp/h.$s" "$(part w $s)" "$(part w $s)/$instance/2.25.1.dcm"
	stop_daemon
done
is "they have" "$s11" "$s12"
allow_log 'has the number of'
start_daemon "$tmp/s11" --mount "$mnt"
is "together one keeps it" "$(number_of s11)" "$s11"
ok "the other gets another" test "$(number_of s12)" -ne "$s12"
like "and the log says so" "$(grep number "$daemon_log")" 'service=w-s12 has the number of service=w-s11'
if [ -x "$handles" ]; then
	is "handles of the one hold" "$(t "$handles" open "$tmp/h.s11" "$mnt" | cut -d ' ' -f 2 | xargs)" "dir file"
	is "those of the other are stale, and nobody else's" "$(t "$handles" open "$tmp/h.s12" "$mnt" | xargs)" "ESTALE ESTALE"
fi
s12=$(number_of s12)
stop_daemon
start_daemon "$tmp/x" --mount "$mnt"
is "which it keeps" "$(number_of s12)" "$s12"
stop_daemon

# Ten
ten=()
for i in 0 1 2 3 4 5 6 7 8 9; do
	lake init "$tmp/ten$i" --workspace "w$((i % 3))" --service "s$i" 2>/dev/null
	ten+=("$tmp/ten$i")
done
store=${ten[0]}
start_daemon "${ten[@]:1}" --mount "$mnt"
for i in 0 1 2 3 4 5 6 7 8 9; do
	t cp "$tmp/$((i + 1)).dcm" "$(part "w$((i % 3))" "s$i")/x.dcm" || fail "cp into service $i"
done
is "ten have one file each" "$(t find "$mnt" -name '*.dcm' | wc -l)" 10
is "ten have ten numbers" "$(t find "$mnt" -printf '%i\n' | sort | uniq -d | wc -l)" 0
ok "ten end" stop_daemon
done_testing
