# import.sh: what the tests of import share.  Sourced; brings lib.sh.
#
#   make_many DIR COUNT [FIRST [BYTES]]   DIR/00001 ...: instances of their own, ten a series, with so many bytes of pixels
#   field NAME            of the summary in $tmp/json
#   count NAME            of `status`
#   imports ...           lake import "$store" --json ..., its summary in $tmp/json, the talk in $tmp/err
#   nothing_twice N       the store holds N instances, each stored once, and check finds nothing

. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
require_program jq perl
errors=$store/import/error-container

# Numbers of ten digits in the place of those of one file, so that no length changes.
make_many() {
	[ -e "$tmp/.many.dcm" ] || make_dcm "$tmp/.many.dcm" SOPInstanceUID=2.25.1000000000 SeriesInstanceUID=2.25.2000000000 \
		StudyInstanceUID=2.25.3000000000
	mkdir -p "$1"
	perl -e 'my ($file, $dir, $count, $first, $bytes) = @ARGV; local $/; open F, "<", $file; binmode F; my $d = <F>;
		$d =~ s/\xE0\x7F\x10\x00.*//s;
		for my $i ($first .. $first + $count - 1) {
			my $one = $d;
			$one =~ s{2\.25\.1000000000}{sprintf "2.25.%d", 1000000000 + $i}ge;
			$one =~ s{2\.25\.2000000000}{sprintf "2.25.%d", 2000000000 + $i / 10}ge;
			open O, ">", sprintf "%s/%05d", $dir, $i; binmode O;
			print O $one, pack("vva2vV", 0x7FE0, 0x10, "OW", 0, $bytes), pack("V", $i) x ($bytes / 4); close O;
		}' "$tmp/.many.dcm" "$1" "$2" "${3:-1}" "${4:-400}"
}

count() {
	lake status "$store" --json | jq -r ".$1"
}

imports() {
	lake import "$store" --json "$@" >"$tmp/json" 2>"$tmp/err"
}

field() {
	jq -r ".$1" "$tmp/json"
}

nothing_twice() {
	is "$2: nothing is missing" "$(count instances)" "$1"
	is "nothing was stored twice" "$(count sequence)" "$1"
	ok "check finds nothing" lake check --verify "$store"
	is "staging is empty" "$(find "$store/staging" -type f ! -name '*lock')" ""
}
