#!/bin/bash
# Includes point down only, and a foreign header has one home.
. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
cd "$srcdir" || bail "no $srcdir"

# Every "FILE:INCLUDED" of the tree, quoted or in angle brackets.
includes() {
	grep -rHoE '^[[:space:]]*#[[:space:]]*include[[:space:]]*["<][^">]+' \
		--include='*.[ch]' --include='*.cc' src fs web |
		sed -E 's/:[[:space:]]*#[[:space:]]*include[[:space:]]*/:/'
}

layer_of() {
	case $1 in
	base) echo 0 ;;
	dicom | pixel | kv | blob | conf | net | unpack) echo 1 ;;
	catalog | destination) echo 2 ;;
	store) echo 3 ;;
	ops) echo 4 ;;
	cli | fs | web) echo 5 ;;
	*) echo '?' ;;
	esac
}

# The folder is what comes first below src/, fs/ or web/.
find_upward() {
	local file included from to
	while IFS=: read -r file included; do
		case $included in
		'"'*) included=${included#?} ;;
		*) continue ;;
		esac
		from=${file#src/}
		from=${from%%/*}
		case $included in
		*/*) to=${included%%/*} ;;
		*) continue ;;		# config.h, a generated table
		esac
		[ "$from" != "$to" ] || continue
		[ "$(layer_of "$to")" != '?' ] || { echo "$file includes $included: which layer is that?"; continue; }
		[ "$file" != src/cli/serve.c ] || continue
		# conf is a peer of dicom, but options speak of no data
		[ "$(layer_of "$from")" -gt "$(layer_of "$to")" ] || { echo "$file includes $included"; continue; }
		case $from/$to in
		fs/kv | fs/blob | fs/catalog | web/kv | web/blob | web/catalog | cli/kv | cli/blob | cli/catalog | \
		fs/net | web/net | cli/net)
			echo "$file includes $included: doors reach data through store" ;;
		esac
	done < <(includes)
}

# home HEADER-REGEX FILE-REGEX: prints the trespassers.
strangers() {
	includes | grep -E ":[\"<]($1)$" | grep -vE "^($2):"
}

is "the tree has includes to look at" "$([ "$(includes | wc -l)" -gt 100 ] && echo many)" many
is "includes point down only" "$(find_upward)" ""
while read -r header home; do
	is "$header has one home" "$(strangers "$header" "$home")" ""
done <<'END'
lmdb\.h src/kv/kv_lmdb\.c
liburing\.h fs/uring\.c
civetweb\.h web/(server|request|reply)\.c
(fuse[^>"]*|linux/fuse)\.h fs/[a-z_]+\.[ch]
xxhash\.h src/base/hash\.c
openssl/.* src/base/(sha256|md5)\.c
utf8proc\.h src/dicom/collate\.c
iconv\.h src/dicom/charset\.c
zlib\.h src/(base/coding|dicom/[a-z0-9_]+|pixel/deflate)\.c
curl/.* src/net/http_client\.c
dcmtk/.* src/pixel/dcmtk\.cc
jpeglib\.h src/pixel/jpeg\.c
png\.h src/pixel/png\.c
charls/.* src/pixel/charls\.c
archive(_entry)?\.h src/unpack/unpack\.c
openjpeg\.h src/pixel/openjpeg\.c
systemd/.* none
END
is "zstd.h is where streams and where headers are packed" \
	"$(includes | grep -E ':["<](zstd|zdict)\.h$' | cut -d: -f1 | sort -u | tr '\n' ' ')" "src/base/coding.c src/catalog/header.c "
is "C++ stays in pixel/" "$(find src fs web -name '*.cc' ! -path 'src/pixel/*')" ""
done_testing
