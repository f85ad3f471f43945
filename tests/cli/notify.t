#!/bin/bash
# systemd's readiness protocol: READY=1 when the doors are open, STOPPING=1 at the end.
. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
require_web
command -v python3 >/dev/null || command -v socat >/dev/null || skip_all "neither socat nor python3 to listen on a datagram socket"
new_store

# Prints each datagram that comes to the socket as a line.
listener() {	# NAME
	if command -v socat >/dev/null; then
		case $1 in
		@*) exec socat -u "ABSTRACT-RECV:${1#@}" - ;;
		*) exec socat -u "UNIX-RECV:$1" - ;;
		esac
	else
		exec python3 -uc '
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1].replace("@", "\0", 1) if sys.argv[1][0] == "@" else sys.argv[1])
print("listening", flush=True)
while True:
    print(s.recv(4096).decode(), flush=True)' "$1"
	fi
}

for socket in "$tmp/notify" "@dicomlake-test-$$"; do
	listener "$socket" >"$tmp/said" 2>/dev/null &
	pid=$!
	at_exit kill "$pid"
	ok "somebody listens on $socket" wait_for 10 grep -qF "${socket#@}" /proc/net/unix
	export NOTIFY_SOCKET=$socket
	start_daemon
	unset NOTIFY_SOCKET
	ok "READY=1 is said" wait_for 10 grep -q READY=1 "$tmp/said"
	fails 1 "and not yet STOPPING=1" grep -q STOPPING=1 "$tmp/said"
	ok "it ends" stop_daemon
	ok "STOPPING=1 is said" wait_for 10 grep -q STOPPING=1 "$tmp/said"
done

allow_log 'NOTIFY_SOCKET is no socket'
export NOTIFY_SOCKET=nonsense
start_daemon
ok "a senseless NOTIFY_SOCKET does no harm" curl -sf "$base/health/check"
done_testing
