#!/bin/bash
# A move syncs what it made before a name leads to it, and the name before what it led to is removed: whenever the power
# fails, there are the bytes.
. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
require_program strace
[ -z "$sanitizers" ] || skip_all "a sanitizer does not run below strace"
strace -f -o "$tmp/trace" true 2>/dev/null || skip_all "nothing can be traced here"
new_store
mkdir "$tmp/in" "$tmp/cool" "$tmp/cold"
make_dcm "$tmp/in/1.dcm" StudyInstanceUID=2.25.1 SeriesInstanceUID=2.25.2 SOPInstanceUID=2.25.3
make_dcm "$tmp/in/2.dcm" StudyInstanceUID=2.25.1 SeriesInstanceUID=2.25.2 SOPInstanceUID=2.25.4
lake import --quiet "$store" "$tmp/in"
printf 'tier = cool %s\ntier = cold %s\n' "$tmp/cool" "$tmp/cold" >"$store/tiers.conf"
lake tier --to cool "$store" 2.25.1/2.25.2/2.25.4 2>/dev/null
lake tier --to cold "$store" 2.25.1/2.25.2/2.25.4 2>/dev/null

# order TIER: what happens to the file, from its copy on, in words.
order() {
	strace -f -y -e trace=fsync,syncfs,fdatasync,rename,renameat,renameat2,unlink,unlinkat,symlinkat -o "$tmp/trace" \
		"$dicomlake" tier --to "$1" "$store" 2.25.1/2.25.2/2.25.3 2>/dev/null
	sed -nE -e 's/ +<unfinished.*/ = 0/' -e '/= -1 /d' \
		-e "s#.*fsync\([0-9]+<$tmp/(cool|cold)/.dicomlake-parts/.*#sync-copy#p" \
		-e "s#.*fsync\([0-9]+<$store/staging/.*#sync-copy#p" \
		-e "s#.*fsync\([0-9]+<$tmp/(cool|cold)/Microsoft.*#sync-placed#p" \
		-e "s#.*rename.*/.dicomlake-parts/.*\"$tmp/(cool|cold)/Microsoft.*#place#p" \
		-e "s#.*renameat.*/staging>.*\"Microsoft.Default/2.25.1/2.25.2/2.25.3.dcm\".*#lead#p" \
		-e "s#.*syncfs\([0-9]+<$store/.*#sync-names#p" \
		-e "s#.*fdatasync\([0-9]+<$store/index/.*#commit#p" \
		-e "s#.*unlink(at)?\(.*\"$tmp/(cool|cold)/Microsoft.*2.25.3.dcm.*#remove-\2#p" "$tmp/trace" |
		sed -n '/sync-copy/,$p' | uniq | tr '\n' ' '
}
is "out of the store" "$(order cool)" "sync-copy place sync-placed lead sync-names commit "
is "to another tier" "$(order cold)" "sync-copy place sync-placed lead sync-names commit remove-cool commit "
is "and back" "$(order hot)" "sync-copy lead sync-names commit remove-cold commit "
ok "all is well" lake check --verify "$store"
done_testing
