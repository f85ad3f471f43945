#!/bin/bash
# Contract 14, row 89: what is stored, replaced and deleted is told to webhooks, as Event Grid and CloudEvents have it.
. "$(dirname "$0")/events.sh"
new_store
mkdir -p "$tmp/in"
make_dcm "$tmp/in/1.dcm" StudyInstanceUID=2.25.1 SeriesInstanceUID=2.25.2 SOPInstanceUID=2.25.3
make_dcm "$tmp/in/2.dcm" StudyInstanceUID=2.25.1 SeriesInstanceUID=2.25.2 SOPInstanceUID=2.25.4
make_dcm "$tmp/replaced.dcm" StudyInstanceUID=2.25.1 SeriesInstanceUID=2.25.2 SOPInstanceUID=2.25.3 PatientID=other
lake import --quiet "$store" "$tmp/in/1.dcm"

start_receiver grid && grid=http://127.0.0.1:$port
start_receiver cloud && cloud=http://127.0.0.1:$port
start_receiver deny && deny=http://127.0.0.1:$port
start_receiver mute && mute=http://127.0.0.1:$port
mode deny deny
mode mute mute
cat >"$tmp/credentials" <<'END'
HOOK_HEADER=X-Key: verysecret
HOOK_QUERY=code=evenmoresecret
END
chmod 600 "$tmp/credentials"
cat >"$tmp/lake.conf" <<END
credentials = $tmp/credentials
log-level = debug
event-retry = 200ms
event-receiver = grid $grid/hook?a=b from=first header=HOOK_HEADER query=HOOK_QUERY
event-receiver = cloud $cloud/ schema=cloudevents from=first
event-receiver = new $cloud/new validate=no
event-receiver = deletes $cloud/deletes validate=no types=deleted+updated
event-receiver = one $cloud/one validate=no begins=default-dicom.dicom ends=/instances/2.25.4
event-receiver = deny $deny/ from=first
event-receiver = mute $mute/ schema=cloudevents from=first
event-receiver = file file://$tmp/events.jsonl from=first
END
allow_log 'events receiver=(deny|mute) state=failing'
start_daemon --config "$tmp/lake.conf"
lake import --quiet "$store" "$tmp/in/2.dcm"
lake import --quiet --replace "$store" "$tmp/replaced.dcm"
lake delete "$store" 2.25.1/2.25.2/2.25.4 >/dev/null
ok "every change is told" wait_for "$patience" took grid 4
ok "to CloudEvents, too" wait_for "$patience" took cloud 4

events() {	# NAME PATH
	jq -c --arg url "$2" 'select(.url == $url and .method == "POST" and (.handshake | not)) | .events[]' "$tmp/$1.log"
}
hook='/hook?a=b&code=evenmoresecret'
is "in the order of the feed" "$(taken grid | tr '\n' ' ')" "1 2 3 4 "
is "with their types" "$(events grid "$hook" | jq -r .eventType | sed 's/Microsoft.HealthcareApis.//' | tr '\n' ' ')" \
	"DicomImageCreated DicomImageCreated DicomImageUpdated DicomImageDeleted "
is "the first event is as the contract has it" "$(events grid "$hook" | head -n 1 | jq -cS 'del(.id, .eventTime)')" \
	"$(jq -cSn '{topic: "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/dicomlake/providers/Microsoft.HealthcareApis/workspaces/default",
		subject: "default-dicom.dicom.azurehealthcareapis.com/v1/studies/2.25.1/series/2.25.2/instances/2.25.3",
		data: {partitionName: "Microsoft.Default", imageStudyInstanceUid: "2.25.1", imageSeriesInstanceUid: "2.25.2", imageSopInstanceUid: "2.25.3",
			serviceHostName: "default-dicom.dicom.azurehealthcareapis.com", sequenceNumber: 1},
		eventType: "Microsoft.HealthcareApis.DicomImageCreated", dataVersion: "1", metadataVersion: "1"}')"
like "its id is a GUID" "$(events grid "$hook" | head -n 1 | jq -r .id)" '^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'
is "each has its own" "$(events grid "$hook" | jq -r .id | sort -u | wc -l)" 4
feed() {
	curl -s "$base/v2/changefeed?includeMetadata=false"
}
is "sequences and times are those of the feed" "$(events grid "$hook" | jq -r '"\(.data.sequenceNumber) \(.eventTime)"')" \
	"$(feed | jq -r '.[] | "\(.sequence) \(.timestamp | sub("\\+00:00"; "Z"))"')"
is "the handshake comes first, with the code in it" "$(head -n 1 "$tmp/grid.log" | jq -r '[.headers."aeg-event-type", .method, .handshake] | join(" ")')" \
	"SubscriptionValidation POST true"
is "once" "$(jq -r 'select(.handshake) | .method' "$tmp/grid.log" | wc -l)" 1
is "events have the headers of a notification" "$(jq -rs '.[1].headers | [."aeg-event-type", ."aeg-subscription-name", ."aeg-delivery-count", ."content-type"] | join(" ")' "$tmp/grid.log")" \
	"Notification grid 1 application/json; charset=utf-8"
is "the secret goes along" "$(jq -r '.headers."x-key"' "$tmp/grid.log" | sort -u)" verysecret

is "CloudEvents ask by OPTIONS" "$(jq -r 'select(.url == "/" and .handshake) | "\(.method) \(.headers."webhook-request-origin")"' "$tmp/cloud.log")" \
	"OPTIONS default-dicom.dicom.azurehealthcareapis.com"
is "and are of their own form" "$(events cloud / | head -n 1 | jq -cS 'del(.id, .time, .data)')" \
	"$(jq -cSn '{source: "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/dicomlake/providers/Microsoft.HealthcareApis/workspaces/default",
		subject: "default-dicom.dicom.azurehealthcareapis.com/v1/studies/2.25.1/series/2.25.2/instances/2.25.3",
		type: "Microsoft.HealthcareApis.DicomImageCreated", specversion: "1.0", datacontenttype: "application/json"}')"
is "and type" "$(jq -r 'select(.url == "/" and .method == "POST") | .headers."content-type"' "$tmp/cloud.log" | sort -u)" \
	"application/cloudevents-batch+json; charset=utf-8"
of() {
	events cloud "/$1" | jq -r .data.sequenceNumber | tr '\n' ' '
}
arrived() {
	[ "$(of "$1")" = "$2" ]
}
ok "who is new is told from now on" wait_for "$patience" arrived new "2 3 4 " || diag "$(of new)"
ok "who wants deletes and updates gets those" wait_for "$patience" arrived deletes "3 4 " || diag "$(of deletes)"
ok "who wants one subject gets that" wait_for "$patience" arrived one "2 4 " || diag "$(of one)"

failing() {
	lake status --json "$store" | jq -e --arg name "$1" '.receivers[] | select(.name == $name) | .failingSince and .behind == 4 and .served' >/dev/null
}
ok "who does not agree is told nothing" wait_for "$patience" failing deny
is "really nothing" "$(taken deny; taken mute)" ""
ok "nor who gives no answer" wait_for "$patience" failing mute
like "status says why" "$(lake status "$store" | grep deny)" 'deny: 4 behind, fails since .*does not agree.*403'
like "the metrics say it" "$(curl -s "$base/metrics" | grep -E 'receiver_[a-z]*\{receiver="(deny|grid)"')" \
	'behind\{receiver="deny"\} 4.*failing\{receiver="deny"\} 1'
is "health, too, and is healthy" "$(curl -s "$base/health/check" | jq -r '.overallStatus, (.details[] | select(.name == "events-deny") | .status)' | tr '\n' ' ')" \
	"Healthy Degraded "
mode deny
mode mute
ok "once it agrees it is told all" wait_for "$patience" took deny 4
ok "likewise" wait_for "$patience" took mute 4

lines() {
	[ "$(wc -l <"$tmp/events.jsonl")" = 4 ]
}
ok "a file has a line for each" wait_for "$patience" lines
is "of the same events" "$(jq -cS . "$tmp/events.jsonl")" "$(events grid "$hook" | jq -cS .)"
is "no secret is in the log" "$(grep -c 'verysecret\|evenmoresecret' "$daemon_log")" 0
stop_daemon

# Another start.
truncate -s -7 "$tmp/events.jsonl"
before=$(jq -cS . "$tmp/grid.log" | wc -l)
start_daemon --config "$tmp/lake.conf"
is "nothing is told twice" "$(jq -cS . "$tmp/grid.log" | wc -l)" "$before"
lake delete "$store" 2.25.1/2.25.2/2.25.3 >/dev/null
ok "what comes then is told" wait_for "$patience" took grid 5
is "without another handshake" "$(jq -r 'select(.handshake) | .method' "$tmp/grid.log" | wc -l)" 1
whole() {
	[ "$(jq -r .data.sequenceNumber "$tmp/events.jsonl" 2>/dev/null | tail -n 1)" = 5 ]
}
ok "a torn line in the file does not stay" wait_for "$patience" whole
stop_daemon

# Who is gone is forgotten; asked for again it begins anew.
is "dicomlake events lists them" "$(lake events --json "$store" | jq -r '.[].name' | tr '\n' ' ')" "cloud deletes deny file grid mute new one "
like "in words" "$(lake events "$store")" '^cloud: 0 behind, nobody sends them'
ok "one is forgotten" lake events "$store" forget new
is "and not listed" "$(lake events --json "$store" | jq -r '.[].name' | grep -cx new)" 0
fails 1 "once" lake events "$store" forget new

# What a configuration may not say.
says() {	# NAME REGEX RECEIVER
	lake serve "$store" --listen 127.0.0.1:0 --event-receiver "$3" >"$tmp/out" 2>&1
	is "$1: exit status" $? 1
	like "$1: words" "$(cat "$tmp/out")" "$2"
}
says "no URL" 'receiver a: its URL is missing' 'a'
says "a bad name" 'NAME URL' 'a/b http://x/'
says "another scheme" 'begins with none of' 'a ftp://x/'
says "no host" 'begins with none of' 'a http:///x'
says "a password" 'must not have a password' 'a http://u:p@x/'
says "an unknown key" "no key 'tpyes'" 'a http://x/ tpyes=created'
says "an unknown type" "'gone' is none of created" 'a http://x/ types=created+gone'
says "an unknown schema" 'neither eventgrid nor cloudevents' 'a http://x/ schema=xml'
says "a secret itself" 'not the name of a variable' 'a http://x/ header=X-Key:abc'
says "a secret that is not set" 'HOOK_NONE is set neither' 'a http://x/ header=HOOK_NONE'
says "a file with secrets" 'a file takes no secrets' 'a file:///tmp/x query=HOOK'
says "a name twice" 'receiver a is named twice' 'a http://x/,a http://y/'
done_testing
