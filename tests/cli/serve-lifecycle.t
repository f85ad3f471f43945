#!/bin/bash
# The daemon: ready, ended, killed, started again; and commands beside it.
. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
require_web
require_fuse
require_program jq
new_store
in=$mnt/AHDS/default/dicom/dicom/Microsoft.Default
mkdir -p "$mnt"

mounted() { mountpoint -q "$mnt"; }
found() { curl -sf -H 'Accept: application/dicom+json' "$base/v2/instances?SOPInstanceUID=$1" | grep -q 0020000D; }

start_daemon --mount "$mnt" --pid-file "$tmp/pid"
like "the ready line names both doors" "$(cat "$daemon_out")" "^dicomlake: ready http=http://127\.0\.0\.1:[0-9]+ mount=$mnt store=$store\$"
is "the pid file holds the process id" "$(cat "$tmp/pid")" "$daemon_pid"
ok "HTTP answers" curl -sf "$base/health/check"
ok "the mount answers" test -d "$in"
ok "the mount's requests are counted in /metrics" bash -c 'curl -sf "$0/metrics" | grep -q "^dicomlake_fs_requests_total{op=\"lookup\"} [1-9]"' "$base"

# Beside a running daemon
make_dcm "$tmp/a.dcm"
ok "import beside the daemon" lake import "$store" "$tmp/a.dcm" --quiet
path=$in/2.25.1000/2.25.1000.100/2.25.1000.1.dcm
ok "is seen through HTTP" found 2.25.1000.1
ok "and in the mount" cmp "$tmp/a.dcm" "$path"
ok "check beside the daemon" lake check "$store" --verify
make_dcm "$tmp/b.dcm"
ls "$in/2.25.1000/2.25.1000.100" >/dev/null
cp "$tmp/b.dcm" "$in/b.dcm"
is "what cp put in is queried" "$(lake query "$store" instance SOPInstanceUID=2.25.1000.2 --json | jq length)" 1
ok "and counted" bash -c '[ "$("$0" status "$1" --json | jq .instances)" -eq 2 ]' "$dicomlake" "$store"
ok "delete beside the daemon" lake delete "$store" 2.25.1000/2.25.1000.100/2.25.1000.1
gone() { [ ! -e "$path" ]; }
ok "empties the mount" wait_for 5 gone
fails 1 "and HTTP" found 2.25.1000.1

# Two daemons on one address
lake serve "$store" --listen "${base#http://}" >"$tmp/out" 2>&1
is "a port that is taken is a failure" $? 1

ok "SIGHUP does not end it" kill -HUP "$daemon_pid"
ok "it still answers" curl -sf "$base/health/check"
ok "SIGTERM ends it with status 0" stop_daemon
ok "the mount is gone" not mounted
ok "and the pid file" test ! -e "$tmp/pid"

# kill -9, over the dead mount
start_daemon --mount "$mnt"
for i in 1 2 3 4 5; do
	make_dcm "$tmp/k$i.dcm" "SOPInstanceUID=2.25.9.$i"
	cp "$tmp/k$i.dcm" "$in/k$i.dcm"
done
kill_daemon
fails 1 "after kill -9 the mount is dead" test -d "$in"
start_daemon --mount "$mnt"
ok "it starts again over the dead mount" test -d "$in"
for i in 1 2 3 4 5; do
	ok "what close() accepted is there: $i" cmp "$tmp/k$i.dcm" "$in/2.25.1000/2.25.1000.100/2.25.9.$i.dcm"
done
ok "check finds nothing" lake check "$store" --verify
is "one mount, not two" "$(grep -c " $mnt " /proc/self/mounts)" 1

# Connections that wait for another request are no reason to stay
exec 5<>"/dev/tcp/127.0.0.1/${base##*:}"
printf 'GET /health/check HTTP/1.1\r\nHost: x\r\n\r\n' >&5
read -r line <&5
like "a connection is kept" "$line" "200 OK"
before=$(date +%s%3N)
ok "SIGTERM ends it" stop_daemon
took=$(($(date +%s%3N) - before))
ok "at once, an idle connection open or not ($took ms)" test "$took" -lt 1000
exec 5>&-
start_daemon --mount "$mnt"

# umount by somebody
umount "$mnt"
ok "HTTP goes on after umount" curl -sf "$base/health/check"
ok "and SIGTERM ends it" stop_daemon

# SIGINT, and the mount alone
start_daemon --mount "$mnt" --listen 127.0.0.1:0
kill -INT "$daemon_pid"
wait "$daemon_pid"
is "SIGINT is a clean end" $? 0
forget_daemon

"$dicomlake" serve "$store" --mount "$mnt" >"$tmp/out" 2>"$tmp/err" </dev/null &
pid=$!
ok "with --mount alone" wait_for "$patience" grep -q "^dicomlake: ready mount=$mnt store=" "$tmp/out"
umount "$mnt"
wait "$pid"
is "umount ends it" $? 0

# A configuration, a log file
printf 'listen = 127.0.0.1:0\nlog-level = debug\nlog-file = %s\n' "$tmp/log" >"$tmp/lake.conf"
"$dicomlake" serve "$store" --config "$tmp/lake.conf" >"$tmp/out" 2>"$tmp/err" </dev/null &
pid=$!
ok "the configuration is used" wait_for "$patience" grep -q '^dicomlake: ready http=' "$tmp/out"
mv "$tmp/log" "$tmp/log.1"
kill -HUP "$pid"
ok "SIGHUP opens the log again" wait_for "$patience" test -e "$tmp/log"
kill "$pid"
wait "$pid"
is "it ends" $? 0
ok "what it says is in the log" grep -q 'state=ending' "$tmp/log"
done_testing
