#!/bin/bash
# The manual pages are sound, and name every option, key, table, endpoint and mount option.
. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
require_program mandoc
cd "$srcdir" || bail "no $srcdir"

for page in man/*.[1-8]; do
	# mandoc asks for pages of other packages, and for what only BSDs have
	is "$page is sound" "$(mandoc -T lint -W warning "$page")" ""
	ok "$page has a name line" grep -q '^\.Nd ' "$page"
done

option_rows() {
	sed -n 's/^OPTION([A-Z_]*, "\([^"]*\)", \([^,]*\),.*/\1 \2/p' src/conf/options.tbl
}
ok "options.tbl is read" test "$(option_rows | wc -l)" -gt 20
is "no line of it is missed" "$(option_rows | wc -l)" "$(grep -c '^OPTION(' src/conf/options.tbl)"

missing=
while read -r name where; do
	grep -q "^\.It Fl -$name\( \|\$\)" man/dicomlake.1 || missing="$missing dicomlake.1:$name"
	case $where in
	*CONF_IN_FILE*)
		grep -q "^\.It Cm $name\$" man/dicomlake.conf.5 || missing="$missing dicomlake.conf.5:$name" ;;
	*)
		! grep -q "^\.It Cm $name\$" man/dicomlake.conf.5 || missing="$missing dicomlake.conf.5:not-$name" ;;
	esac
	for c in init serve mount import export query status check delete tags operations events backup restore reclaim; do
		if grep -qiw "CONF_$c" <<<"$where"; then
			lake $c --help | grep -q -- "^  --$name " || missing="$missing $c--help:$name"
			grep -A 1 "^\.It Fl -$name\( \|\$\)" man/dicomlake.1 >/dev/null
			# the tag list of commands stands in the lines after the item
			grep -A 3 "^\.It Fl -$name\( \|\$\)" man/dicomlake.1 | grep -q "^\.Pq Cm .*\b$c\b" ||
				missing="$missing dicomlake.1:$name-for-$c"
		fi
	done
done < <(option_rows)
is "every option is in the pages and in the help" "$missing" ""

missing=
for name in $(option_rows | sed -n 's/ .*CONF_IN_STORE.*//p'); do
	awk '/^\.Ss The file of a store/ { on = 1 } /^\.Ss Receivers/ { on = 0 } on' man/dicomlake.conf.5 | grep -qE "(Cm|,) $name( |\$)" ||
		missing="$missing $name"
done
is "every option that a store's file may set is said to be one" "$missing" ""

missing=
for name in $(sed -n 's/^\.It Fl -\([a-z-]*\).*/\1/p' man/dicomlake.1) $(awk '/^The keys are/ { on = 1 } on' man/dicomlake.conf.5 | sed -n 's/^\.It Cm \([a-z-]*\)$/\1/p'); do
	option_rows | grep -q "^$name " || missing="$missing $name"
done
is "no page names an option that is not" "$missing" ""

missing=
while read -r method template; do
	grep -qF ".It $method Pa $template" man/dicomlake-dicomweb.7 || missing="$missing $method:$template"
done < <(sed -n 's/^ROUTE([A-Z_]*,[[:space:]]*\([A-Z]*\),[^"]*"\([^"]*\)".*/\1 \2/p' web/routes.tbl)
is "every endpoint is in dicomlake-dicomweb.7" "$missing" ""
is "no route is missed" "$(sed -n 's/^ROUTE([A-Z_]*,[[:space:]]*\([A-Z]*\),[^"]*"\([^"]*\)".*/\1 \2/p' web/routes.tbl | wc -l)" \
	"$(grep -c '^ROUTE(' web/routes.tbl)"
is "no endpoint is named that is not" "$(grep -cE '^\.It (GET|POST|PUT|DELETE|PATCH) Pa' man/dicomlake-dicomweb.7)" \
	"$(grep -c '^ROUTE(' web/routes.tbl)"

missing=
for table in $(sed -n 's/^TABLE([A-Z_]*,[[:space:]]*"\([^"]*\)".*/\1/p' src/catalog/schema.tbl); do
	grep -q "^\.It Sy $table " man/dicomlake-store.5 || missing="$missing $table"
done
is "every table of the index is in dicomlake-store.5" "$missing" ""
like "with the version of the schema" "$(grep 'describes version' man/dicomlake-store.5)" \
	"version $(sed -n 's/^#define SCHEMA_VERSION //p' src/catalog/schema.h) of"

missing=
for option in $(grep -oE 'strn?cmp\(option, "[a-z_]+=?"' fs/options.c | sed 's/.*"\([a-z_]*\)=*"/\1/'); do
	case $option in comment) continue ;; esac
	grep -qw -- "$option" man/dicomlake-fs.7 || missing="$missing $option"
done
for name in $(grep -oE '"user\.dicomlake\.[a-z]+"' fs/xattr.c | tr -d '"' | sort -u); do
	grep -qF "$name" man/dicomlake-fs.7 || missing="$missing $name"
done
is "every mount option and extended attribute is in dicomlake-fs.7" "$missing" ""
done_testing
