#!/bin/bash
# serve with several stores: what is refused, before anything begins, and the file that a store has of its own.
. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
require_web
require_program jq
new_store --workspace w --service a
lake init "$tmp/b" --workspace w --service b 2>/dev/null
cp -r "$tmp/b" "$tmp/copy"
lake init "$tmp/case" --workspace W --service B 2>/dev/null
lake init "$tmp/dash1" --workspace w-x --service y 2>/dev/null
lake init "$tmp/dash2" --workspace w --service x-y 2>/dev/null
ln -s "$tmp/b" "$tmp/link"
mkdir "$tmp/empty"

# refuses NAME REGEX SERVE-ARGUMENTS...: at once, with a sentence, and with nothing begun
refuses() {
	local name=$1 regex=$2
	shift 2
	timeout "$patience" "$dicomlake" serve --listen 127.0.0.1:0 "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	is "$name: refused" $? 1
	like "$name: why" "$(cat "$tmp/err")" "$regex"
	is "$name: nothing else was said" "$(wc -l <"$tmp/err") $(cat "$tmp/out")" "1 "
	is "$name: nothing was begun" "$(find "$tmp" -name healthCheck -o -name operations.lock | wc -l)" 0
}
refuses "the same store twice" "^dicomlake serve: $tmp/b and $tmp/b are the same store" "$tmp/b" "$store" "$tmp/b"
refuses "by another path" "$tmp/b and $tmp/link are the same store" "$tmp/b" "$tmp/link"
refuses "the same workspace and service" "$tmp/b and $tmp/copy have the same name, w-b:" "$store" "$tmp/b" "$tmp/copy"
refuses "names that differ in case alone" "have the same name, W-B" "$tmp/b" "$tmp/case"
refuses "names that a hyphen makes the same" "have the same name, w-x-y" "$tmp/dash1" "$tmp/dash2"
refuses "what is no store" "^dicomlake serve: .*$tmp/empty" "$store" "$tmp/empty" "$tmp/b"
refuses "what is not there" "$tmp/none: No such file" "$store" "$tmp/none"
fails 2 "no store at all" "$dicomlake" serve
lake init "$tmp/hidden" --workspace w --service hidden --partitions 2>/dev/null
make_dcm "$tmp/1.dcm"
lake import --quiet --partition other "$tmp/dash1" "$tmp/1.dcm"
refuses_web() {
	timeout "$patience" "$dicomlake" serve --listen 127.0.0.1:0 "$store" "$tmp/dash1" >"$tmp/out" 2>"$tmp/err" </dev/null
}
fails 1 "one that DICOMweb cannot show stops all" refuses_web
like "and is named" "$(tail -n 1 "$tmp/err")" "^dicomlake serve: service w-x-y: the partition other"

# The file of a store
fails_with() {	# NAME REGEX TEXT
	printf '%s\n' "$3" >"$tmp/b/dicomlake.conf"
	timeout "$patience" "$dicomlake" serve --listen 127.0.0.1:0 "$store" "$tmp/b" >"$tmp/out" 2>"$tmp/err" </dev/null
	is "$1: refused" $? 1
	like "$1: why" "$(cat "$tmp/err")" "$2"
}
fails_with "an option that is none" "$tmp/b/dicomlake.conf:1: there is no option 'colour'" 'colour = red'
fails_with "one of the daemon" "$tmp/b/dicomlake.conf:2: 'listen' is not about a store" '
listen = 127.0.0.1:1'
chmod o+w "$tmp/b/dicomlake.conf"
fails_with "that everybody may write" "$tmp/b/dicomlake.conf: it is somebody else's, or everybody may write it" 'watch = no'
chmod o-w "$tmp/b/dicomlake.conf"
fails_with "a bad value" "health-interval: 1ms is outside" 'health-interval = 1ms'
fails_with "a receiver that is none" "^dicomlake serve: $tmp/b: " 'event-receiver = x'

# Events of one store go where its own file says, those of the others where the daemon's does
echo "event-receiver = own file://$tmp/own" >"$tmp/b/dicomlake.conf"
printf 'event-receiver = all file://%s/all\nhealth-interval = 1h\n' "$tmp" >"$tmp/lake.conf"
lake init "$tmp/c" --workspace w --service c 2>/dev/null
start_daemon "$tmp/b" "$tmp/c" --config "$tmp/lake.conf"
for i in 1 2 3; do
	make_dcm "$tmp/$i.dcm" SOPInstanceUID=2.25.$i
done
lake import --quiet "$store" "$tmp/1.dcm"
lake import --quiet "$tmp/b" "$tmp/2.dcm"
lake import --quiet "$tmp/c" "$tmp/3.dcm"
told() { [ "$(cat "$tmp/all" "$tmp/own" 2>/dev/null | wc -l)" -ge 3 ]; }
ok "the work of each goes on" wait_for "$patience" told
is "events of two" "$(jq -r .subject "$tmp/all" | sed 's,\..*/,.../,' | sort | xargs)" "w-a.../2.25.1 w-c.../2.25.3"
is "those of the one with a file of its own" "$(jq -r .subject "$tmp/own" | sed 's,\..*/,.../,')" "w-b.../2.25.2"
is "/metrics tells of each receiver" "$(curl -s "$base/metrics" | grep -o '^dicomlake_event_receiver_failing.* 0' | sort | xargs)" \
	"dicomlake_event_receiver_failing{service=w-a,receiver=all} 0 dicomlake_event_receiver_failing{service=w-b,receiver=own} 0 dicomlake_event_receiver_failing{service=w-c,receiver=all} 0"
ok "it ends" stop_daemon
is "and each was proved to work" "$(ls -d "$store/AHDS/w/dicom/a/healthCheck" "$tmp/b/AHDS/w/dicom/b/healthCheck" "$tmp/c/AHDS/w/dicom/c/healthCheck" | wc -l)" 3

# A store alone heeds its own file, too; the command line goes before it
echo 'max-request = 8K' >"$store/dicomlake.conf"
head -c 20000 /dev/zero >"$tmp/large"
send() {
	curl -s -m 60 -o /dev/null -w '%{http_code}' -H 'Content-Type: application/dicom' -H 'Accept: application/dicom+json' \
		--data-binary "@$tmp/large" "$base/v2/studies"
}
echo 'max-request = 1G' >"$tmp/lake.conf"
start_daemon --config "$tmp/lake.conf"
is "the store's file goes before that of --config" "$(send)" 413
stop_daemon
start_daemon --max-request 1M
like "the command line goes before both" "$(send)" '^4(00|09)$'
stop_daemon
done_testing
