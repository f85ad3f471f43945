#!/bin/bash
# Orthanc as a DICOMweb client: it stores what it has, searches, and fetches it back.
. "$(dirname "$0")/clients.sh"
require_program Orthanc jq
plugin=$(ls /usr/share/orthanc/plugins/libOrthancDicomWeb.so /usr/lib/orthanc/libOrthancDicomWeb.so* 2>/dev/null | head -n 1)
[ -n "$plugin" ] || skip_all "no DICOMweb plugin of Orthanc"
new_store
start_daemon
port=$(free_port)
mkdir "$tmp/orthanc"
cat >"$tmp/orthanc.json" <<END
{ "Name": "client", "StorageDirectory": "$tmp/orthanc", "IndexDirectory": "$tmp/orthanc", "HttpPort": $port,
  "DicomServerEnabled": false, "RemoteAccessAllowed": false, "AuthenticationEnabled": false, "Plugins": ["$plugin"],
  "DicomWeb": { "Enable": true, "Servers": { "lake": ["$base/dicom-web/"] } } }
END
Orthanc "$tmp/orthanc.json" >"$tmp/orthanc.log" 2>&1 &
daemon_pids+=($!)
o=http://127.0.0.1:$port
wait_for "$patience" curl -s -o /dev/null "$o/system" || bail "Orthanc does not start"

for n in 1 2 3; do
	make_dcm "$tmp/$n.dcm" StudyInstanceUID=2.25.7 SeriesInstanceUID=2.25.7.$((n % 2)) SOPInstanceUID=2.25.7.1.$n PatientID=O1
	curl -s -o "$tmp/out" --data-binary "@$tmp/$n.dcm" "$o/instances"
done
study=$(curl -s "$o/studies" | jq -r '.[0]')
instances() {
	curl -s "$o/statistics" | jq .CountInstances
}
is "Orthanc has three instances" "$(instances)" 3
# From curl's: status of a POST of JSON
post() {
	curl -s -m 60 -o "$tmp/out" -w '%{http_code}' -d "$2" "$o/dicom-web/servers/lake/$1"
}
is "it stores a study with us" "$(post stow "{\"Resources\":[\"$study\"],\"Synchronous\":true}")" 200
is "which is here" "$(curl -s "$base/dicom-web/studies?count=true&StudyInstanceUID=2.25.7" |
	jq -r '.[0] | ."00201208".Value[0], ."00201206".Value[0]' | tr '\n' ' ')" "3 2 "
is "it searches" "$(post qido '{"Uri":"/studies","Arguments":{"PatientID":"O*"}}')" 200
is "and finds" "$(jq -r '.[0]["0020000D"].Value' "$tmp/out")" 2.25.7
curl -s -X DELETE "$o/studies/$study" >"$tmp/out"
is "it forgets its own" "$(instances)" 0
is "and fetches it back" "$(post retrieve '{"Resources":[{"Study":"2.25.7"}],"Synchronous":true}')" 200
is "all of it" "$(instances)" 3
curl -s -X DELETE "$o/studies/$study" >"$tmp/out"
is "or a series" "$(post retrieve '{"Resources":[{"Study":"2.25.7","Series":"2.25.7.1"}],"Synchronous":true}')" 200
is "of two" "$(instances)" 2
for id in $(curl -s "$o/instances" | jq -r '.[]'); do
	curl -s "$o/instances/$id/file" >"$tmp/back.dcm"
	uid=$(curl -s "$o/instances/$id/tags?short" | jq -r '."0008,0018"')
	ok "byte for byte" cmp "$tmp/back.dcm" "$tmp/${uid##*.}.dcm"
done
done_testing
