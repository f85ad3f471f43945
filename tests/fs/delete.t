#!/bin/bash
# rm deletes instances; what is left empty goes with them.
. "$(dirname "$0")/mount.sh"

make_files "$tmp/in" 12 100 4
make_files "$tmp/more" 4 100 2 2.25.99
start_mount
study=$partition/2.25.4242
ok "files go in" t cp "$tmp"/in/* "$partition"/
ok "rm of one" t rm "$study/2.25.4242.1/2.25.4242.9.1.dcm"
is "the others stay" "$(t ls "$study/2.25.4242.1" | wc -l)" 3
fails 1 "it is gone" t test -e "$study/2.25.4242.1/2.25.4242.9.1.dcm"
is "on the disk, too" "$(find "$store/AHDS" -name '*.dcm' | wc -l)" 11

exec 5<"$study/2.25.4242.1/2.25.4242.9.2.dcm"
ok "rm of one that is open" t rm "$study/2.25.4242.1/2.25.4242.9.2.dcm"
ok "its reader keeps the bytes" t cmp "$tmp/in/00002.dcm" - <&5
exec 5<&-

fails 1 "rmdir of a series that is not empty" t rmdir "$study/2.25.4242.2"
ok "rm -r of a series" t rm -r "$study/2.25.4242.2"
is "the study lists what is left" "$(t ls "$study")" "$(printf '2.25.4242.1\n2.25.4242.3')"
is "links of the study" "$(t stat -c %h "$study")" 4
ok "the last of a series, and its directory" t sh -c "rm $study/2.25.4242.3/*.dcm && rmdir $study/2.25.4242.3"
is "gone" "$(t ls "$study")" 2.25.4242.1
ok "rm -rf of a study" t rm -rf "$study"
is "nothing is left" "$(t ls "$partition")" ""
ok "rm -r of all studies" t sh -c "cp $tmp/in/* $partition/ && cp $tmp/more/* $partition/ && rm -r $partition/2*"
is "nothing is left" "$(t ls "$partition")" ""
is "nor on the disk" "$(find "$store/AHDS" -name '*.dcm' | wc -l)" 0

ok "they go in again" t cp "$tmp/in/00001.dcm" "$partition/"
ok "and are found" t cmp "$tmp/in/00001.dcm" "$study/2.25.4242.1/2.25.4242.9.1.dcm"
ok "rm of a lingering name" t rm "$partition/00001.dcm"
fails 1 "is gone" t test -e "$partition/00001.dcm"
ok "the instance is not" t test -e "$study/2.25.4242.1/2.25.4242.9.1.dcm"
ok "find -delete" t find "$study" -name '*.dcm' -delete
fails 1 "rm of nothing" t rm "$study/2.25.4242.1/2.25.4242.9.1.dcm"
fails 1 "a partition stays" t rmdir "$partition"
fails 1 "a link is refused" t ln "$area/error-queue" "$partition/link"
fails 1 "a symbolic one, too" t ln -s x "$partition/link"
ok "an empty directory of one's own comes and goes" t sh -c "mkdir $partition/d && test -d $partition/d && rmdir $partition/d && ! test -d $partition/d"
done_testing
