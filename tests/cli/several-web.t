#!/bin/bash
# Several stores at one address: each by the beginning of the path or of the host name, and nothing of one through another.
. "$(dirname "$0")/../request.sh"
require_web
new_store --workspace hosp --service ct
mr=$tmp/mr parts=$tmp/parts
lake init "$mr" --workspace hosp --service mr.new 2>/dev/null
lake init "$parts" --workspace hosp --service parts --partitions 2>/dev/null
metric() {
	awk -v m="$1" '$1 == m { print $2 }' "$body"
}
for i in 1 2 3 4; do
	make_dcm "$tmp/$i.dcm" SOPInstanceUID=2.25.$i
done
echo "export-root = $tmp/results
export = yes" >"$mr/dicomlake.conf"
mkdir "$tmp/results"
start_daemon "$mr" "$parts" --cors-origin https://viewer.example
like "the ready line names them all" "$(cat "$daemon_out")" "store=$store store=$mr store=$parts\$"

# By the path
request POST /hosp-ct/v2/studies -H "$J" -H "$PART" --data-binary "@$tmp/1.dcm"
has_status "store, by the path" 200
is "RetrieveURL is the way back" "$(jq -r '."00081199".Value[0]."00081190".Value[0]' "$body")" \
	"$base/hosp-ct/v2/studies/2.25.1000/series/2.25.1000.100/instances/2.25.1"
request GET "$(jq -r '."00081199".Value[0]."00081190".Value[0]' "$body" | sed "s,^$base,,")" -H 'Accept: application/dicom; transfer-syntax=*'
has_status "it leads there" 200
request GET /HOSP-CT/dicom-web/studies -H "$J"
is "case does not matter" "$status $(jq -r '.[0]."00081190".Value[0]' "$body")" "200 $base/hosp-ct/dicom-web/studies/2.25.1000"
request GET /hosp-mr.new/v2/studies -H "$J"
has_status "the other has nothing" 204

# By the host
host=hosp-mr.new.dicom.example.org
request POST /v2/studies -H "Host: $host" -H "$J" -H "$PART" --data-binary "@$tmp/2.dcm"
has_status "store, by the host" 200
is "RetrieveURL has the host" "$(jq -r '."00081199".Value[0]."00081190".Value[0]' "$body")" \
	"http://$host/v2/studies/2.25.1000/series/2.25.1000.100/instances/2.25.2"
request GET /dicom-web/instances -H "Host: HOSP-MR.NEW.dicom.example.org:8042" -H "$J"
is "only its own are found" "$status $(jq -r '.[]."00080018".Value[0]' "$body" | xargs)" "200 2.25.2"
request GET /hosp-ct/v2/instances -H "$J"
is "as by the path" "$status $(jq -r '.[]."00080018".Value[0]' "$body" | xargs)" "200 2.25.1"
request GET /v2/studies/2.25.1000/series/2.25.1000.100/instances/2.25.2 -H 'Host: hosp-ct' -H 'Accept: */*'
has_status "nothing of one is retrieved through another" 404
request DELETE /hosp-ct/v2/studies/2.25.1000/series/2.25.1000.100/instances/2.25.2
has_status "nor deleted" 404
request GET /hosp-ct/v2/studies -H "Host: $host" -H "$J"
has_status "a host that names a service has no other's paths" 404
for almost in hosp-m.example hosp-mr.example hosp-mr.newer xhosp-ct hosp-cts; do
	request GET /v2/studies -H "Host: $almost" -H "$J"
	has_status "$almost names none" 404
done

# Neither
request GET /v2/studies -H "$J"
has_status "a path that names none" 404
like "is told how" "$(cat "$body")" '<workspace>-<service>'
is "and not which there are" "$(grep -c hosp "$body")" 0
is "with the dialect's headers" "$(header api-supported-versions)" "1.0-prerelease, 1, 2"
for path in / /hosp /hosp-none/v2/studies /hosp-ct /hosp-ct/ /hosp-ct/v3/studies /hosp-ct/hosp-ct/v2/studies /hosp%2Dct%2Fv2/studies; do
	request GET "$path" -H "$J"
	like "GET $path" "$status" '^40[04]$'
done
request GET /hosp%2Dct/v2/instances -H "$J"
has_status "an escape is undone" 200

# Partitions are each service's own
request POST /hosp-parts/v2/partitions/clinic/studies -H "$J" -H "$PART" --data-binary "@$tmp/3.dcm"
has_status "a partition" 200
is "is in the URL" "$(jq -r '."00081199".Value[0]."00081190".Value[0]' "$body")" \
	"$base/hosp-parts/v2/partitions/clinic/studies/2.25.1000/series/2.25.1000.100/instances/2.25.3"
request GET /hosp-ct/v2/partitions/clinic/studies -H "$J"
has_status "where they are off they stay off" 400
request GET /hosp-parts/v2/studies -H "$J"
has_status "and where they are on the URL names one" 400

# Operations
request POST /hosp-ct/v2/extendedquerytags -H 'Content-Type: application/json' --data-binary '[{"path":"PatientAge","level":"Study"}]'
has_status "an operation" 202
like "is where Location says" "$(header Location)" "^$base/hosp-ct/v2/operations/[0-9a-f]*\$"
location=$(header Location)
request GET "${location#"$base"}"
like "and found there" "$status" '^20[02]$'
request GET "/hosp-parts/v2/operations/${location##*/}"
has_status "not with another" 404
ready() {
	request GET /hosp-ct/v2/extendedquerytags/PatientAge
	[ "$(jq -r .status "$body")" = ready ]
}
ok "it is worked on" wait_for "$patience" ready
request POST /v2/extendedquerytags -H "Host: hosp-parts.x" -H 'Content-Type: application/json' --data-binary '[{"path":"PatientAge","level":"Study"}]'
like "by the host, Location has it" "$status $(header Location)" "^202 http://hosp-parts.x/v2/operations/"

# What a store's own file says is for it alone
export='{"source":{"type":"identifiers","settings":{"values":["2.25.1000"]}},"destination":{"type":"azureblob","settings":{"blobContainerUri":"file://'$tmp'/results"}}}'
request POST /hosp-ct/v2/export -H 'Content-Type: application/json' --data-binary "$export"
like "what one store allows, the other does not" "$status" '^40[04]$'
is "nothing is exported" "$(ls "$tmp/results")" ""

request POST /hosp-mr.new/v2/export -H 'Content-Type: application/json' --data-binary "$export"
has_status "what the other's own file allows it does" 202
exported() { [ -n "$(find "$tmp/results" -name 2.25.2.dcm)" ]; }
ok "it is exported" wait_for "$patience" exported

# The import area
request PUT /hosp-mr.new/v2/import-container/x/4 -H 'x-ms-blob-type: BlockBlob' --data-binary "@$tmp/4.dcm"
has_status "import-container" 201
allow_log 'refused door=import'
echo "no DICOM at all, of some length" >"$tmp/bad"
request PUT /v2/import-container/bad -H "Host: $host" -H 'x-ms-blob-type: BlockBlob' --data-binary "@$tmp/bad"
has_status "a refused file, by the host" 201
like "its Warning names the host alone" "$(header Warning)" "^299 $host: "
request PUT /hosp-mr.new/v2/import-container/bad2 -H 'x-ms-blob-type: BlockBlob' --data-binary "@$tmp/bad"
like "also when the path named the service" "$(header Warning)" "^299 ${base#http://}: "
request GET /hosp-mr.new/v2/error-container/bad
ok "lies in its own error-container" cmp "$tmp/bad" "$body"
request GET /hosp-ct/v2/error-container/bad
has_status "and in no other" 404
request GET /hosp-mr.new/v2/error-queue
is "error-queue" "$status $(jq -r .path "$body" | xargs)" "200 bad bad2"
request GET /hosp-ct/v2/error-queue
is "each has its own" "$status $(wc -l <"$body")" "200 0"
block=$(printf 0001 | base64)
request PUT "/hosp-ct/v2/import-container/blocks?comp=block&blockid=$block" --data-binary "@$tmp/3.dcm"
has_status "a block" 201
request PUT "/hosp-parts/v2/import-container/blocks?comp=blocklist" --data-binary "<BlockList><Latest>$block</Latest></BlockList>"
has_status "is not another service's" 400

# The change feed, and following it
request GET /hosp-mr.new/v2/changefeed
is "the change feed" "$(jq -r '.[].sopInstanceUid' "$body" | xargs)" "2.25.2 2.25.4"
curl -sN -m 60 -o "$tmp/events" "$base/hosp-ct/dicom-web/changefeed/follow?offset=0" &
follower=$!
request POST /hosp-mr.new/dicom-web/studies -H "$J" -H "$PART" --data-binary "@$tmp/3.dcm"
request POST /hosp-ct/dicom-web/studies -H "$J" -H "$PART" --data-binary "@$tmp/4.dcm"
followed() { [ "$(grep -c '^data:' "$tmp/events")" -ge 2 ]; }
ok "a stream of changes" wait_for "$patience" followed
is "of one service" "$(sed -n 's/^data: //p' "$tmp/events" | jq -r .sopInstanceUid | xargs)" "2.25.1 2.25.4"
kill "$follower"
wait "$follower" 2>/dev/null

# Pixels and metadata that are kept, of the same versions of the same study: nothing of one is shown as another's
for s in ct mr.new; do
	case $s in
	ct) n=1 name=Ct pixels=1111 text=60000 ;;
	*) n=2 name=Mr pixels=2222 text=50000 ;;
	esac
	make_dcm "$tmp/$s.dcm" SOPInstanceUID=2.25.77 StudyInstanceUID=2.25.700 "PatientName=$name" \
		"PixelData=$(printf "$pixels"'\\%.0s' {1..15})$pixels" "TextValue=$(head -c $text /dev/zero | tr '\0' $n)"
	lake init "$tmp/same-$s" --workspace same --service "$s" 2>/dev/null
done
same_daemon=$daemon_pid same_base=$base same_log=$daemon_log same_store=$store
store=$tmp/same-ct
start_daemon "$tmp/same-mr.new"
for s in ct mr.new; do
	request POST "/same-$s/dicom-web/studies" -H "$J" -H "$PART" --data-binary "@$tmp/$s.dcm"
	has_status "the same UIDs in $s" 200
done
for turn in first second; do
	for s in ct mr.new; do
		request GET "/same-$s/v2/studies/2.25.700/metadata" --compressed -H "$J"
		is "$turn: metadata of $s" "$(jq -r '.[0]."00100010".Value[0].Alphabetic | ascii_downcase' "$body")" "${s%.new}"
		request GET "/same-$s/dicom-web/studies/2.25.700/series/2.25.1000.100/instances/2.25.77/frames/1" \
			-H 'Accept: application/octet-stream'
		is "$turn: pixels of $s" "$(od -An -tx2 -N2 <"$body" | tr -d ' ')" "$([ $s = ct ] && echo 1111 || echo 2222)"
	done
done
ok "it ends" stop_daemon
daemon_pid=$same_daemon base=$same_base daemon_log=$same_log store=$same_store

# Metadata, of the same UIDs and versions in two stores
request GET /hosp-ct/v2/studies/2.25.1000/metadata --compressed -H "$J"
one=$(jq -cS 'map(."00080018".Value[0]) | sort' "$body")
request GET /hosp-mr.new/v2/studies/2.25.1000/metadata --compressed -H "$J"
is "metadata" "$one $(jq -cS 'map(."00080018".Value[0]) | sort' "$body")" '["2.25.1","2.25.4"] ["2.25.2","2.25.3","2.25.4"]'
request GET /hosp-ct/v2/api.yaml
ok "OpenAPI tells the way" grep -qx "  - url: $base/hosp-ct/v2" "$body"
request OPTIONS /hosp-ct/v2/studies -H 'Origin: https://viewer.example' -H 'Access-Control-Request-Method: POST'
is "a preflight below the prefix" "$status $(header Access-Control-Allow-Origin)" "204 https://viewer.example"
like "has the methods" "$(header Access-Control-Allow-Methods)" POST
request GET /v2/studies -H 'Origin: https://viewer.example'
is "a refusal can be read by the page" "$status $(header Access-Control-Allow-Origin)" "404 https://viewer.example"

# Health and metrics: all, or one
request GET /health/check
has_status "health of all" 200
is "names each" "$(jq -r '.overallStatus, (.details[] | .service + " " + .name)' "$body" | sort | xargs)" \
	"Healthy hosp-ct index hosp-ct store hosp-mr.new index hosp-mr.new store hosp-parts index hosp-parts store"
request GET /hosp-ct/health/check
is "health of one" "$status $(jq -r '[.details[].service] | unique | join(" ")' "$body")" "200 hosp-ct"
request GET /health/check -H "Host: $host"
is "by the host" "$status $(jq -r '[.details[].service] | unique | join(" ")' "$body")" "200 hosp-mr.new"
request GET /metrics
is "metrics name the service" "$(metric 'dicomlake_instances{service="hosp-ct"}') $(metric 'dicomlake_instances{service="hosp-mr.new"}')" "2 3"
is "requests too" "$(metric 'dicomlake_http_requests_total{service="hosp-parts",route="STORE",status="2xx"}')" 1
like "those for none have no name" "$(metric 'dicomlake_http_requests_total{route="SEARCH_STUDIES",status="4xx"}')" '^[1-9]'
is "every line is a comment or a sample" "$(grep -cvE '^(# (HELP|TYPE) [a-z_]+ .*|[a-z_]+(\{[^}]*\})? [0-9.e+-]+)$' "$body")" 0
is "no sample twice" "$(grep -v '^#' "$body" | awk '{ print $1 }' | sort | uniq -d)" ""
is "samples of a metric stand together" "$(grep -v '^#' "$body" | sed 's/[{ ].*//; s/_\(bucket\|sum\|count\)$//' | uniq | sort | uniq -d)" ""
request GET /hosp-ct/metrics
is "metrics of one" "$(metric 'dicomlake_instances{service="hosp-ct"}') $(grep -c hosp-mr "$body")" "2 0"
like "the log names the service" "$(grep 'route=v2/CHANGES ' "$daemon_log")" '^info: service=hosp-mr\.new request door=web'
is "but not where it is for none" "$(grep 'route=METRICS' "$daemon_log" | head -n 1 | cut -d ' ' -f 2)" request

# One that ails is told of
allow_log 'status=Degraded'
rm -rf "$mr/AHDS/hosp/dicom/mr.new/healthCheck"
ok "it ends" stop_daemon
: >"$mr/AHDS/hosp/dicom/mr.new/healthCheck"
start_daemon "$mr" "$parts" --health-interval 100ms
degraded() {
	request GET /health/check
	[ "$(jq -r '.overallStatus + " " + (.details[] | select(.status != "Healthy") | .service + " " + .name)' "$body")" = "Degraded hosp-mr.new store" ]
}
ok "one that ails" wait_for "$patience" degraded
like "is named in the log" "$(grep status=Degraded "$daemon_log")" '^error: service=hosp-mr\.new health status=Degraded'
request GET /hosp-ct/health/check
is "the others are well" "$(jq -r .overallStatus "$body")" Healthy
rm "$mr/AHDS/hosp/dicom/mr.new/healthCheck"
ok "it ends again" stop_daemon

# A store alone has no prefix and any host
start_daemon
request GET /v2/instances -H 'Host: hosp-other.example' -H "$J"
is "alone it needs no name" "$status" 200
request GET /hosp-ct/v2/instances -H "$J"
has_status "and has none" 404
is "its 404 is as it was" "$(cat "$body")" "No such resource"
request GET /health/check
is "nor in health" "$(jq -c '[.details[] | has("service")] | unique' "$body")" "[false]"
request GET /metrics
is "nor in metrics" "$(grep -c service= "$body") $(metric dicomlake_instances)" "0 2"
is "nor in the log" "$(grep -c service= "$daemon_log")" 0
done_testing
