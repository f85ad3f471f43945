#!/bin/bash
# Data partitions, off and on (contract 1.2 to 1.4; rows 54 to 56).
. "$(dirname "$0")/web.sh"
make_instances 1:100 2:100
uids=studies/2.25.1000/series/2.25.100/instances/2.25.1

# Row 54.
new_store
start_daemon
request GET /v2/partitions
has_status "off: the list" 400
says "says that they are off" 'not enabled'
request GET /v2/partitions/a/studies -H "$J"
has_status "off: a partition in the path" 400
says "says so, too" 'not enabled'
request GET /v2/partitions/Microsoft.Default/studies -H "$J"
has_status "even of the default one" 400
put_file v2 "$tmp/1.dcm"
has_status "without one, all is well" 200
request GET /v1/changefeed
is "the feed names the default one" "$(json '.[0].partitionName')" Microsoft.Default
stop_daemon

ok "an import makes a partition nobody sees over HTTP" "$builddir/dicomlake" import --quiet --partition hidden "$store" "$tmp/2.dcm"
fails 1 "then the service does not start" timeout "$patience" "$dicomlake" serve "$store" --listen 127.0.0.1:0
like "and says why" "$(cat "$tmp/.ok.out")" 'partition hidden holds data'
ok "its data deleted" "$builddir/dicomlake" delete --partition hidden "$store" 2.25.1000
start_daemon
request GET /v2/studies -H "$J"
has_status "it starts" 200
stop_daemon

# Row 55.
new_store --partitions
start_daemon
request GET /v2/partitions
has_status "on: the list" 200
is "holds the default one" "$(json 'map("\(.partitionKey) \(.partitionName)") | join(",")')" "1 Microsoft.Default"
like "with its date" "$(json '.[0].createdDate')" '^20[0-9-]{8}T[0-9:]{8}\.[0-9]{7}Z$'
for path in studies studies/1/metadata instances; do
	request GET "/v2/$path" -H "$J"
	has_status "on: /$path without a partition" 400
	says "says what is missing" 'must name a data partition'
done
put_file v2 "$tmp/1.dcm"
has_status "on: a store without a partition" 400
put_file v2/partitions/a "$tmp/1.dcm"
has_status "a store makes its partition" 200
is "RetrieveURL holds it" "$(json '."00081199".Value[0]."00081190".Value[0]')" "$base/v2/partitions/a/$uids"
request GET /v1/partitions
is "the list has it" "$(json 'map("\(.partitionKey) \(.partitionName)") | join(",")')" "1 Microsoft.Default,2 a"
request GET "/v2/partitions/a/$uids/metadata" -H "$J"
has_status "its metadata" 200
request GET "/v2/partitions/a/$uids" -H "$AS_STORED"
ok "its bytes" cmp "$body" "$tmp/1.dcm"
request POST "/v2/partitions/a/studies/2.25.1000" -H "$J" -H "$PART" --data-binary "@$tmp/2.dcm"
is "RetrieveURL of the study" "$(json '."00081190".Value[0]')" "$base/v2/partitions/a/studies/2.25.1000"

# Row 56.
long=$(printf 'n%.0s' {1..65})
for name in 'a!' 'a%20b' "$long" '%2e%2e'; do
	request GET "/v2/partitions/$name/studies" -H "$J"
	has_status "a name that is none: ${name:0:10}" 400
	put_file "v2/partitions/$name" "$tmp/1.dcm"
	has_status "to store into, too" 400
done
for path in studies "$uids" "$uids/metadata"; do
	request GET "/v2/partitions/nobody/$path"
	has_status "an unknown partition" 400
	says "is named" 'nobody'
done
request DELETE /v2/partitions/nobody/studies/1
has_status "nor is anything deleted there" 400
request POST /v2/partitions/never/studies -H "$J" -H 'Content-Type: text/plain' --data-binary x
has_status "what is no store" 415
request GET /v2/partitions/never/studies -H "$J"
has_status "makes no partition" 400
put_file v2/partitions/b "$tmp/1.dcm"
has_status "the same UIDs in another partition" 200
request DELETE "/v2/partitions/a/$uids"
has_status "deleted in one" 204
request GET "/v2/partitions/b/$uids/metadata" -H "$J"
has_status "live on in the other" 200
request GET "/v2/partitions/a/$uids/metadata" -H "$J"
has_status "and only there" 404
request GET /v2/partitions/b/studies -H "$J"
is "a search sees one partition" "$(json 'length')" 1
put_file v2/partitions/B "$tmp/2.dcm"
is "names in another case are the same partition, as it was spelled first" \
	"$(json '."00081199".Value[0]."00081190".Value[0]' | sed "s|$base||")" \
	/v2/partitions/b/studies/2.25.1000/series/2.25.100/instances/2.25.2
request GET /v2/partitions
is "not one more" "$(json 'map(.partitionName) | join(",")')" "Microsoft.Default,a,b"

# What spans them.
request GET /v1/changefeed
is "the feed tells of all" "$(json 'map(.partitionName) | join(",")')" "a,a,b,a,b"
request GET /v2/partitions/a/changefeed
has_status "and is in none" 404
request GET /dicom-web/partitions/b/studies -H "$J"
is "RetrieveURL at /dicom-web holds it" "$(json '.[0]."00081190".Value[0]')" "$base/dicom-web/partitions/b/studies/2.25.1000"
request OPTIONS /v2/partitions/b/studies
has_status "OPTIONS" 204
request GET /v2/partitions -H 'Accept: text/csv'
has_status "the list as something else" 406
request GET /v2/partitions/Microsoft.Default/studies -H "$J"
has_status "the default one is there from the beginning" 204
stop_daemon
ok "a rebuild" "$builddir/dicomlake" check --rebuild "$store"
start_daemon
request GET "/v2/partitions/b/$uids/metadata" -H "$J"
has_status "leaves them on" 200
done_testing
