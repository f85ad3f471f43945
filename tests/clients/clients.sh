# clients.sh: what tests with other people's programs share.  Sourced; brings lib.sh.
#
#   run_tap COMMAND...       runs a program that prints TAP lines without a plan, as part of this test

. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
require_web
clients=$srcdir/tests/clients

run_tap() {
	local line ended=
	"$@" >"$tmp/tap" 2>"$tmp/tap.err" && ended=yes
	while IFS= read -r line; do
		case $line in
		'ok '*) pass "${line#ok }" ;;
		'not ok '*) fail "${line#not ok }" ;;
		*) diag "${line#\# }" ;;
		esac
	done <"$tmp/tap"
	[ -s "$tmp/tap.err" ] && diag "$(tail -n 20 "$tmp/tap.err")"
	is "the program came to its end" "$ended" yes
}
