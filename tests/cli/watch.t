#!/bin/bash
# serve --watch: the index follows what others do to the files of the store (contract 11.7).
. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
require_program jq
allow_log 'watch file=.* state=refused'
new_store
files=$store/AHDS/default/dicom/dicom
in=$files/Microsoft.Default
series=$in/2.25.1000/2.25.1000.100
for i in 1 2 3 4 5 6; do
	make_dcm "$tmp/$i.dcm" "SOPInstanceUID=2.25.9.$i"
done
make_dcm "$tmp/7.dcm" SOPInstanceUID=2.25.9.7 StudyInstanceUID=2.25.77
lake import "$store" "$tmp"/[1-3].dcm "$tmp/7.dcm" --quiet || bail "import"

found() { lake query "$store" instance "$@" --json | jq -r '[.[]."00080018".Value[0] | ltrimstr("2.25.9.")] | sort | join(" ")'; }
has() { [ "$(found)" = "$1" ]; }
instances() { wait_for "$patience" has "$2"; ok "$1" has "$2"; }
number_of() {
	lake query "$store" instance "SOPInstanceUID=2.25.9.$1" --json --include=InstanceNumber | jq '.[0]."00200013".Value[0]'
}
has_number() { [ "$(number_of "$1")" = "$2" ]; }
actions() {
	curl -sf "$base/v2/changefeed?limit=200" | jq -r '[.[] | .action + .sopInstanceUid[-1:]] | sort | join(" ")'
}
settled() { wait_for "$patience" grep -q "watch files=" "$daemon_log"; }

# What was done before
rm "$series/2.25.9.1.dcm"
cp "$tmp/4.dcm" "$series/2.25.9.4.dcm"
cp "$tmp/2.dcm" "$tmp/2b.dcm"
dcmodify -nb -m InstanceNumber=102 "$tmp/2b.dcm" >&2
cat "$tmp/2b.dcm" >"$series/2.25.9.2.dcm"
start_daemon --watch
settled
instances "at start: what vanished is gone, what came is there" "2 3 4 7"
ok "what was changed is found by its new values" has_number 2 102
[ "$with_web" != yes ] ||
	is "and the feed tells" "$(actions)" "Create1 Create2 Create3 Create4 Create7 Delete1 Update2"

# What is done meanwhile
mkdir "$in/a" && cp "$tmp/5.dcm" "$in/a/any-name"
instances "a file of any name is indexed" "2 3 4 5 7"
ok "and lies where it belongs" cmp "$tmp/5.dcm" "$series/2.25.9.5.dcm"
ok "alone" test ! -e "$in/a/any-name"
ln "$tmp/6.dcm" "$series/2.25.9.6.dcm"
instances "a hard link too" "2 3 4 5 6 7"
rm "$series/2.25.9.3.dcm"
instances "a file that is removed is a delete" "2 4 5 6 7"
cp "$tmp/4.dcm" "$tmp/4b.dcm"
dcmodify -nb -m InstanceNumber=104 "$tmp/4b.dcm" >&2
cp "$tmp/4b.dcm" "$series/2.25.9.4.dcm"
ok "a file that is changed is a new version" wait_for "$patience" has_number 4 104
mkdir -p "$tmp/other" && mv "$in/2.25.1000" "$tmp/other/"
instances "a study that is moved away is deleted" "7"
mv "$tmp/other/2.25.1000" "$in/"
instances "and is there again when it is moved back" "2 4 5 6 7"
cp "$tmp/3.dcm" "$files/3.dcm"
instances "outside of the partitions it is of the default one" "2 3 4 5 6 7"
echo "no DICOM" >"$in/notes.txt"
ok "what is not DICOM is told of" wait_for "$patience" grep -q '"door":"watch".*notes.txt' "$store/import/error-queue"
ok "and stays" test -e "$in/notes.txt"
echo x >"$in/.hidden"

# What the store itself does is no news
n=$(lake status "$store" --json | jq .sequence)
lake import "$store" "$tmp/1.dcm" --quiet
lake delete "$store" 2.25.1000/2.25.1000.100/2.25.9.6 2>/dev/null
sleep 1.5
is "an import and a delete beside it are two changes" "$(($(lake status "$store" --json | jq .sequence) - n))" 2
instances "and stay what they were" "1 2 3 4 5 7"
rm "$in/notes.txt" "$in/.hidden"
ok "check finds nothing" lake check "$store" --verify
done_testing
