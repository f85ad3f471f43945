# pixel.sh: what the tests of pixel data share.  Sourced, not run; brings lib.sh.
#
#   oracle WHAT FILE...     oracle.py on sample files; its lines to $tmp/oracle
#   agrees NAME MINIMUM     no line differs, and so many files were compared
#   images                  sample files with pixel data, one a line, without those that
#                           are variations of others in what is not pixels
. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
require_program python3 dcmdjpeg dcmdjpls dcmdrle dcmconv dcmj2pnm opj_decompress
require_data
pixels=$builddir/tests/pixel/pixels
[ -x "$pixels" ] || skip_all "pixels is not built (make check)"

images() {
	awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) col[$i] = i; next }
		$1 !~ /^bad\// && $1 !~ /C3N|qido|charset|dicomdirtests|MR0[2-9]|MR1/ && $col["rows"] > 0 { print $1 }' \
		"$data/MANIFEST.tsv"
}

# One of each kind of cell and colour.
kinds() {
	awk -F '\t' 'NR == 1 { for (i = 1; i <= NF; i++) col[$i] = i; next }
		$1 ~ /^bad\// || !($col["rows"] > 0) || $col["bytes"] > 600000 { next }
		{ kind = $col["bits_allocated"] "/" $col["bits_stored"] "/" $col["samples"] "/" $col["photometric"] \
			($col["note"] ~ /signed/) ($col["note"] ~ /planar/) ($col["frames"] > 1) }
		!seen[kind]++ { print $1 }' "$data/MANIFEST.tsv"
}

oracle() {
	local what=$1
	shift
	python3 "$srcdir/tests/pixel/oracle.py" "$what" "$pixels" "$data" "$@" >"$tmp/oracle" 2>&1
	diag "$(grep -c ': same' "$tmp/oracle") same; $(grep -E ': skipped|as expected' "$tmp/oracle" | head -n 60)"
}

agrees() {
	is "$1" "$(grep -vE ': (same|the same|skipped, |differs as expected)' "$tmp/oracle")" ""
	ok "$2 files or more were compared" test "$(grep -c ': same' "$tmp/oracle")" -ge "$2"
}
