#!/bin/bash
# Help, versions, exit statuses, and errors that name what is wrong.
. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"

says() {	# NAME STATUS REGEX ARGS...
	local name=$1 status=$2 regex=$3
	shift 3
	lake "$@" >"$tmp/out" 2>&1
	is "$name: exit status" $? "$status"
	like "$name: words" "$(cat "$tmp/out")" "$regex"
}

says "no command" 2 'usage: dicomlake COMMAND'
says "unknown command" 2 "no command 'frobnicate'" frobnicate
says "version" 0 '^dicomlake [0-9.]+' --version
says "overview" 0 'import .*store files' --help
for c in init serve mount import query status check delete; do
	says "help of $c" 0 "^usage: dicomlake $c " "$c" --help
	says "$c without a store" 2 'no store is named' "$c"
	says "$c with an unknown option" 2 'there is no option --frobnicate' "$c" --frobnicate x y
done
says "one operand too many" 2 "'b' is one operand too many" status a b
says "status of no store" 1 '^dicomlake status: ' status "$tmp/none"
says "init of a directory in use" 1 '^dicomlake init: ' init /etc
says "bad workspace name" 1 '^dicomlake init: ' init "$tmp/bad" --workspace a/b
ok "a store can be made" lake init "$store" --workspace w1 --service s1
like "with its names" "$(lake status "$store" --json)" '"workspace":"w1","service":"s1"'
ok "with its public path" test -d "$store/AHDS/w1/dicom/s1"

says "address of others" 2 'give --insecure' serve "$store" --listen 0.0.0.0:0
says "bad address" 2 "not an IPv4 address" serve "$store" --listen lake:80
says "bad log level" 2 "none of error" serve "$store" --log-level loud
printf '# mine\n\nlistne = 127.0.0.1:1\n' >"$tmp/lake.conf"
says "unknown key" 1 "lake.conf:3: there is no option 'listne'" serve "$store" --config "$tmp/lake.conf"
printf 'threads = many\n' >"$tmp/lake.conf"
says "bad value" 1 "lake.conf:1: threads: 'many' is not a number" serve "$store" --config "$tmp/lake.conf"
printf 'listen = 10.0.0.1:1\n' >"$tmp/lake.conf"
says "address of others in the file" 2 'give --insecure' serve "$store" --config "$tmp/lake.conf"
says "missing file" 1 'nowhere.conf: No such file' serve "$store" --config "$tmp/nowhere.conf"
says "serving no store" 1 '^dicomlake serve: ' serve "$tmp/none" --listen 127.0.0.1:0

# A full disk under standard output is a failure.
if [ -w /dev/full ]; then
	lake status "$store" --json >/dev/full 2>"$tmp/err"
	is "output that does not arrive" $? 1
fi
done_testing
