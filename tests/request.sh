# request.sh: a request to the daemon, and its reply.  Sourced, not run; brings lib.sh.
#
#   request METHOD PATH [CURL-OPTIONS]   sets $status, $body (a file), $head (a file)
#   header NAME                         prints a header of the last reply
#   json FILTER                         jq -r on the last body
#   has_status NAME WANT                of the last reply
#   says NAME REGEX                     the last body, one line, matches
#
# $J is a header that accepts DICOM JSON, $PART one that says the body is an instance.

. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
require_program jq
body=$tmp/.body
head=$tmp/.head
J='Accept: application/dicom+json'
PART='Content-Type: application/dicom'

request() {
	local method=$1 path=$2
	shift 2
	: >"$body"
	: >"$head"
	[ "$method" != HEAD ] || set -- -I "$@"
	status=$(curl -s -m 60 -g -X "$method" -o "$body" -D "$head" -w '%{http_code}' "$@" "$base$path")
}

header() {
	sed -n "s/^$1: *\\(.*[^\\r]\\)\\r*\$/\\1/Ip" "$head" | tail -n 1
}

json() {
	jq -r "$1" "$body" 2>&1
}

has_status() {
	is "$1" "$status" "$2" || diag "$(head -c 500 "$body" | tr -d '\0')"
}

says() {
	like "$1" "$(tr '\n' ' ' <"$body")" "$2"
}
