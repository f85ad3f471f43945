#!/bin/bash
# The stream of changes at /dicom-web: it begins where asked, tells of what others do, costs no
# thread, does not wait for a slow reader, and ends with the server.
. "$(dirname "$0")/web.sh"
new_store
start_daemon --threads 4
follow=/dicom-web/changefeed/follow
make_instances 1:100 2:100 3:100 4:100 5:100
# Large headers fill the socket of one who does not read.
for i in 1 2 3 4; do
	dcmodify --no-backup -i "TextValue=$(head -c 60000 /dev/zero | tr '\0' "$i")" "$tmp/$i.dcm"
done

# follow NAME [CURL-OPTIONS]: a client in the background; its events go to $tmp/NAME.
follow() {
	local name=$1
	shift
	curl -sN -o "$tmp/$name" -D "$tmp/$name.head" "$@" "$base${url:-$follow}" &
	eval "${name}_pid=$!"
	wait_for "$patience" grep -q retry: "$tmp/$name" || diag "$(cat "$tmp/$name.head")"
}
ids() {
	sed -n 's/^id: //p' "$tmp/$1" | tr '\n' ' '
}
has_ids() {
	[ "$(ids "$1")" = "$2" ]
}

put_file v2 "$tmp/1.dcm"
follow now -H 'Accept: text/event-stream'
like "the head" "$(tr -d '\r' <"$tmp/now.head" | tr '\n' ' ')" 'HTTP/1.1 200 OK .*Content-Type: text/event-stream .*Connection: close'
put_file v2 "$tmp/2.dcm"
ok "a change comes" wait_for "$patience" has_ids now "2 "
is "as the entry it is, without metadata" "$(sed -n 's/^data: //p' "$tmp/now" | jq -c '[.sequence, .action, .state, has("metadata")]')" \
	'[2,"Create","Current",false]'
follow resumed -H 'Last-Event-ID: 1'
ok "Last-Event-ID resumes" wait_for "$patience" has_ids resumed "2 "
url="$follow?offset=0&includeMetadata=true" follow all
ok "offset begins there" wait_for "$patience" has_ids all "1 2 "
is "with metadata when asked for" "$(sed -n 's/^data: //p' "$tmp/all" | jq -r '.metadata["00080018"].Value[0]' | tr '\n' ' ')" "2.25.1 2.25.2 "

# More followers than threads, and the service still answers.
for i in {1..20}; do
	follow "many$i"
done
put_file v2 "$tmp/3.dcm"
has_status "with more followers than threads" 200
everybody() {
	local i
	for i in {1..20}; do
		has_ids "many$i" "3 " || return 1
	done
}
ok "all of them are told" wait_for "$patience" everybody

# A process of its own writes to the store, too.
"$builddir/dicomlake" import --quiet "$store" "$tmp/4.dcm"
ok "what another process does is told" wait_for "$patience" has_ids now "2 3 4 "

# Somebody who does not read, with more to tell than the socket holds.
exec 7<>"$(peer)"
printf 'GET %s?offset=0&includeMetadata=true HTTP/1.1\r\nHost: x\r\n\r\n' "$follow" >&7
for i in {1..60}; do
	request DELETE /v2/studies/2.25.1000
	stow v2 "$tmp"/[1-4].dcm
done
put_file v2 "$tmp/5.dcm"
request GET /v1/changefeed/latest
total=$(json .sequence)
caught_up() {
	[ "$(sed -n 's/^id: //p' "$tmp/$1" | tail -n 1)" = "$total" ]
}
ok "the others are not held up by a slow reader" wait_for "$patience" caught_up now
ok "nothing is missed and nothing told twice" cmp <(seq 2 "$total") <(sed -n 's/^id: //p' "$tmp/now")
exec 7<&- 7>&-

request GET "$follow" -H 'Last-Event-ID: x'
has_status "a Last-Event-ID that is no number" 400
request GET "$follow?offset=-1"
has_status "an offset that is none" 400
request GET "$follow" -H 'Accept: application/json'
has_status "another Accept" 406
request GET /v2/changefeed/follow
has_status "only at /dicom-web" 404
request HEAD "$follow"
has_status "HEAD ends at once" 200

ok "the daemon ends" stop_daemon
ok "and the stream with it" timeout "$patience" tail --pid="$now_pid" -f /dev/null
done_testing
