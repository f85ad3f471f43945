# clients.sh: what tests with other people's programs share.  Sourced; brings lib.sh.
#
#   require_npm PACKAGE...   $modules/node_modules has them, or the whole test is skipped
#   require_npm_files PACKAGE   likewise the files of one alone, without what it depends on
#   run_tap COMMAND...       runs a program that prints TAP lines without a plan, as part of this test

. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
require_web
clients=$srcdir/tests/clients

# The bare name of "@scope/name@1.2" or "name@1.2".
package_name() {
	local scope=
	case $1 in
	@*) scope=@ ;;
	esac
	local rest=${1#@}
	echo "$scope${rest%%@*}"
}

require_npm() {
	local package missing=()
	require_program node npm
	modules=${DICOMLAKE_TEST_NPM:-$tmp/npm}
	for package; do
		[ -d "$modules/node_modules/$(package_name "$package")" ] || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	mkdir -p "$modules"
	# without scripts of theirs, and without asking for what npm has in its cache
	timeout 300 npm install --prefix "$modules" --no-save --ignore-scripts --no-audit --no-fund \
		--prefer-offline --omit=dev --omit=peer --legacy-peer-deps "${missing[@]}" >"$tmp/npm.log" 2>&1 ||
		skip_all "npm has no ${missing[*]}: $(tail -n 1 "$tmp/npm.log")"
}

require_npm_files() {
	local to
	require_program node npm
	modules=${DICOMLAKE_TEST_NPM:-$tmp/npm}
	to=$modules/node_modules/$(package_name "$1")
	[ ! -d "$to" ] || return 0
	mkdir -p "$tmp/packed" "$to"
	(cd "$tmp/packed" && timeout 300 npm pack --prefer-offline "$1" >"$tmp/npm.log" 2>&1) &&
		tar -xzf "$tmp/packed"/*.tgz -C "$to" --strip-components=1 ||
		skip_all "npm has no $1: $(tail -n 1 "$tmp/npm.log")"
}

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
