#!/bin/bash
# DELETE at its three levels (contract 5).
. "$(dirname "$0")/web.sh"
new_store
start_daemon
make_instances 1:100 2:100 3:200 4:300
stow v2 "$tmp"/[1-4].dcm
has_status "four instances" 200
s=/v2/studies/2.25.1000

count() {
	request GET "/v2/instances" -H "$J"
	[ "$status" = 204 ] && echo 0 || json length
}

request DELETE $s/series/2.25.100/instances/2.25.1
has_status "an instance" 204
is "without a body" "$(stat -c %s "$body")" 0
is "leaves the others" "$(count)" 3
request DELETE $s/series/2.25.100/instances/2.25.1
has_status "again" 404
is "says so in plain text" "$(header Content-Type)" "text/plain; charset=utf-8"
request DELETE $s/series/2.25.100
has_status "a series" 204
is "leaves the other series" "$(count)" 2
request GET $s/series/2.25.100/metadata
has_status "is gone" 404
request DELETE $s/series/2.25.200/instances/2.25.3
has_status "the last instance of a series" 204
request DELETE $s/series/2.25.200
has_status "takes the series along" 404
request DELETE /dicom-web/studies/2.25.1000
has_status "a study" 204
request DELETE $s
has_status "once" 404
request GET /v2/studies -H "$J"
has_status "and the search finds nothing" 204
request DELETE /v2/studies/x
has_status "a UID that is none" 400
ok "no file is left" test -z "$(find "$store/AHDS" -type f)"
stow v2 "$tmp/1.dcm"
has_status "what was deleted can be stored again" 200

make_instances 9:900
stow v2 "$tmp/9.dcm"
file=$store/AHDS/default/dicom/dicom/Microsoft.Default/2.25.1000/2.25.900/2.25.9.dcm
echo changed >>"$file"
allow_log 'delete: the file of sop=2.25.9 was changed by somebody else, and stays'
request DELETE $s/series/2.25.900
has_status "an instance whose file somebody else changed" 204
request GET $s/series/2.25.900/metadata
has_status "is gone" 404
is "the file stays" "$(tail -c 8 "$file")" changed
is "and the log tells" "$(grep -c 'sop=2.25.9 was changed' "$daemon_log")" 1
request GET "/v1/changefeed/latest"
is "the change feed has the delete" "$(json '.sopInstanceUid + " " + .action + " " + .state')" "2.25.9 Delete Deleted"
done_testing
