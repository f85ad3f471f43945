#!/bin/bash
# --link and --move: a folder on the store's file system is taken over without a copy.
. "$(dirname "$0")/import.sh"
new_store
make_many "$tmp/in" 30 1 100000
blocks() {
	find "$store/AHDS" -type f -printf '%i\n' | sort
}
source_inodes() {
	find "$1" -type f -printf '%i\n' | sort
}
# A file system that clones files gives the clones inodes of their own.
clones=no
cp --reflink=always "$tmp/in/00001" "$tmp/clone" 2>/dev/null && clones=yes

ok "--link" imports --link "$tmp/in"
is "stores all of it" "$(field stored) $(field bytes) $(field copied)" "30 $(cat "$tmp/in"/* | wc -c) 0"
[ $clones = yes ] || is "as the same files" "$(blocks)" "$(source_inodes "$tmp/in")"
like "and says so" "$(rm -rf "$store"; lake init "$store" 2>/dev/null; lake import --link "$store" "$tmp/in")" "30 stored.* 0 B of them copied$"
ok "the sources are still there" test -e "$tmp/in/00030"
nothing_twice 30 "linked"
ok "again: nothing changes" imports --link "$tmp/in"
is "of what is there" "$(field unchanged) $(field stored)" "30 0"

if [ $clones = no ]; then
	# Somebody writes into a file by its other name: the store never serves what it did not take in.
	printf '\001\002' | dd of="$tmp/in/00007" bs=1 seek=90000 conv=notrunc status=none
	fails 1 "a file that is written to by its other name" lake check "$store"
	like "is found" "$(lake check "$store")" 'file-changed: .*2.25.1000000007.dcm'
	# Replaced, as editors and tools do, it is another file.
	cp "$tmp/in/00008" "$tmp/new" && printf '\001' | dd of="$tmp/new" bs=1 seek=90000 conv=notrunc status=none
	mv "$tmp/new" "$tmp/in/00008"
	is "one that is replaced is not" "$(lake check "$store" | grep -c file-changed)" 1
	ok "check --repair takes it as it is now" lake check --repair "$store"
	ok "and finds nothing then" lake check --verify "$store"
fi
rm -r "$tmp/in"
is "the files stay when their other names go" "$(count instances)" 30
ok "whole" lake check --verify "$store"

new_store
make_many "$tmp/in" 30
echo text >"$tmp/in/text"
make_many "$tmp/in/again" 1 5
inodes=$(find "$tmp/in" -name '0*' -type f ! -path '*/again/*' -printf '%i\n' | sort)
fails 1 "--move" imports --move "$tmp/in"
is "stores all" "$(field stored) $(field unchanged) $(field refused) $(field copied)" "30 1 1 0"
is "as the same files" "$(blocks | wc -l)" "$(echo "$inodes" | wc -l)"
is "of which nothing is left" "$(find "$tmp/in" -type f)" "$tmp/in/text"
nothing_twice 30 "moved"
fails 2 "either, not both" lake import --link --move "$store" "$tmp/in"
ok "the store is not moved into itself" not imports --move "$store/AHDS"
like "but refused" "$(cat "$tmp/err")" "lies in the store itself"
is "whole" "$(count instances) $(find "$store/AHDS" -type f | wc -l)" "30 30"
ok "a link to it is none" sh -c "ln -s '$store' '$tmp/alias'; ! '$dicomlake' import --move '$store' '$tmp/alias/AHDS/default' 2>'$tmp/err'"
is "either" "$(find "$store/AHDS" -type f | wc -l)" 30

# Another file system: it must be copied, which is said.
other=$(mktemp -d /dev/shm/dicomlake-test.XXXXXX 2>/dev/null) && at_exit rm -rf "$other"
if [ -n "$other" ] && [ "$(stat -c %d "$other")" != "$(stat -c %d "$tmp")" ]; then
	make_many "$other/in" 5 101
	bytes=$(cat "$other/in"/* | wc -c)
	ok "from another file system" imports --move "$other/in"
	is "all is copied" "$(field stored) $(field copied)" "5 $bytes"
	is "and moved all the same" "$(find "$other/in" -type f)" ""
else
	skip "from another file system" "there is no other"
fi
ok "check finds nothing" lake check --verify "$store"
done_testing
