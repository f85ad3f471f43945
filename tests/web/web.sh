# web.sh: what the tests of the service share.  Sourced, not run; brings request.sh and lib.sh.
#
#   stow DIALECT FILE... [-- CURL-OPTIONS]   one multipart request, as request
#   put_file DIALECT FILE               single part; as request
#   make_instances N:SERIES...          $tmp/N.dcm with SOP UID 2.25.N in series 2.25.SERIES
#   peer                                prints what bash opens as a connection to the daemon
#   nothing_stored NAME, staging_is_empty NAME
#   split_multipart DIR                 parts of the last reply as DIR/1.dcm, DIR/1.head ...

. "$(dirname "$0")/../request.sh"
require_web
dicomlake=$builddir/tests/web/webd
[ -x "$dicomlake" ] || skip_all "webd is not built (make check)"
httpgen=$builddir/tests/web/httpgen
AS_STORED='Accept: application/dicom; transfer-syntax=*'
AS_STORED_PARTS='Accept: multipart/related; type="application/dicom"; transfer-syntax=*'
MULTI='Content-Type: multipart/related; type="application/dicom"; boundary=bound'

multipart_body() {
	local file
	for file; do
		printf -- '--bound\r\nContent-Type: application/dicom\r\n\r\n'
		cat "$file"
		printf '\r\n'
	done
	printf -- '--bound--\r\n'
}

stow() {
	local dialect=$1 files=()
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		files+=("$1")
		shift
	done
	[ $# -eq 0 ] || shift
	multipart_body "${files[@]}" >"$tmp/.request"
	request "${METHOD:-POST}" "/$dialect/studies" -H "$J" -H "$MULTI" --data-binary "@$tmp/.request" "$@"
}

put_file() {
	request POST "/$1/studies" -H "$J" -H "$PART" --data-binary "@$2"
}

make_instances() {
	local pair
	for pair; do
		make_dcm "$tmp/${pair%:*}.dcm" SOPInstanceUID="2.25.${pair%:*}" SeriesInstanceUID="2.25.${pair#*:}"
	done
}

peer() {
	local at=${base#http://}
	echo "/dev/tcp/${at%:*}/${at#*:}"
}

split_multipart() {
	mkdir -p "$1"
	"$httpgen" split "$(header Content-Type)" "$1" <"$body"
}

nothing_stored() {
	request GET /v2/studies -H "$J"
	has_status "$1: nothing is stored" 204
	staging_is_empty "$1"
}

staging_is_empty() {
	is "$1: no file is left in staging" "$(find "$store/staging" -type f ! -name '*lock')" ""
}

# make_large FILE FRAMES ROWS COLUMNS: 16-bit frames, each filled with its number.
make_large() {
	local n
	make_dcm "$tmp/.large" SOPInstanceUID=2.25.77 NumberOfFrames="$2" Rows="$3" Columns="$4"
	{
		head -c -44 "$tmp/.large"
		perl -e 'my ($f, $n) = @ARGV; binmode STDOUT;
			print pack("vva2vV", 0x7FE0, 0x10, "OW", 0, $f * $n * 2);
			print pack("v", $_) x $n for 1 .. $f' "$2" $(($3 * $4))
	} >"$1"
}
