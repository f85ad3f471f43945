#!/bin/bash
# POST /export: what it takes and refuses (contract 9.1 to 9.4; rows 73 to 75).
. "$(dirname "$0")/export.sh"
require_web
make_studies 2 1 2
mkdir -p "$tmp/root"
source='"source":{"type":"identifiers","settings":{"values":["2.25.1"]}}'
file="\"destination\":{\"type\":\"azureblob\",\"settings\":{\"blobContainerUri\":\"file://$tmp/root\"}}"
start_daemon
post /v2/export "{$source,$file}"
has_status "switched off: 404" 404
stop_daemon

start_azurite
servers container "$azurite_port" out
start_daemon --export --export-root "$tmp/root"
azure() {
	echo "\"destination\":{\"type\":\"azureblob\",\"settings\":{$1}}"
}
connection="\"connectionString\":\"$(connection_string "$azurite_port")\",\"blobContainerName\":\"out\""

# --- row 73 ---
for v in v1 v2 dicom-web; do
	post "/$v/export" "{$source,$(azure "$connection")}"
	has_status "row 73: POST /$v/export" 202
	op=$(json .id)
	like "/$v: its id" "$op" '^[0-9a-f]{32}$'
	is "/$v: its place" "$(json .href)" "$base/$v/operations/$op"
	is "/$v: Location is the same" "$(header Location)" "$base/$v/operations/$op"
	ok "/$v: it ends" wait_for "$patience" ended "$op"
done
request GET "/v1/operations/$op"
is "v1 says completed" "$(json .status)" completed
is "without percentComplete and resources" "$(json 'keys | join(" ")')" "createdTime lastUpdatedTime operationId results status type"
is "results" "$(json '.results | tostring')" "{\"exported\":2,\"skipped\":0,\"errorHref\":\"$azurite/out/$op/errors.log\"}"
is "row 73: the blobs" "$(servers list "$azurite_port" out | grep "$op" | cut -d' ' -f 2 | sort)" \
	"$(printf '%s\n' "$op/errors.log" "$op/results/2.25.1/2.25.1.1/2.25.1.1.1.dcm" "$op/results/2.25.1/2.25.1.1/2.25.1.1.2.dcm")"
servers get "$azurite_port" out "$op/results/2.25.1/2.25.1.1/2.25.1.1.1.dcm" >"$tmp/back.dcm"
ok "row 73: byte for byte" cmp "$tmp/back.dcm" "$store/$(tree)/2.25.1/2.25.1.1/2.25.1.1.1.dcm"
post /v2/EXPORT "{\"SOURCE\":{\"Type\":\"IDENTIFIERS\",\"settings\":{\"VALUES\":[\"2.25.1\",]}}, /* any case */ $(azure "$connection" | sed 's/azureblob/AzureBlob/')}"
has_status "names and types in any case, comments, a trailing comma" 202

# --- row 74 ---
post /v2/export "{\"source\":{\"type\":\"identifiers\",\"settings\":{\"values\":[\"2.25.1/2.25.99\",\"2.25.2\"]}},$(azure "$connection")}"
op=$(json .id)
ok "row 74: an unknown UID" wait_for "$patience" ended "$op"
is "row 74: is skipped" "$(json '[.status, .results.exported, .results.skipped] | join(" ")')" "succeeded 2 1"
is "row 74: and logged" "$(servers get "$azurite_port" out "$op/errors.log" | jq -r '[.identifier, .error] | join(": ")')" \
	"2.25.1/2.25.99: not found: no such series"
post /v2/export "{$source,$(azure "${connection/\"out\"/\"missing\"}")}"
has_status "row 74: a missing container" 400
says "row 74: is named, and its account" "missing.*devstoreaccount1"
for id in abc 1.2/x 1.2/ /1.2 1.2/3.4/5.6/7.8 "" 1.2//3.4; do
	post /v2/export "{\"source\":{\"type\":\"identifiers\",\"settings\":{\"values\":[\"2.25.1\",\"$id\"]}},$(azure "$connection")}"
	has_status "row 74: the identifier '$id'" 400
done

# --- row 75 ---
for v in v1 v2; do
	post "/$v/export" "{$(azure "$connection")}"
	has_status "row 75: everything at /$v, of a data lake" 400
done
post /dicom-web/export "{$(azure "$connection")}"
has_status "at /dicom-web the partition" 202
op=$(json .id)
ok "ends" wait_for "$patience" ended "$op"
is "with every instance" "$(servers list "$azurite_port" out | grep "$op" | sed "s|^[0-9]* $op/||" | sort)" "$(expected)"

# --- 9.3 ---
refused() {
	post "/v2/export" "$2"
	has_status "$1" 400
	like "$1: in plain text" "$(header Content-Type)" '^text/plain'
	[ -z "${3:-}" ] || says "$1: says so" "$3"
}
refused "no identifiers" "{\"source\":{\"type\":\"identifiers\",\"settings\":{\"values\":[]}},$(azure "$connection")}"
refused "no values" "{\"source\":{\"type\":\"identifiers\",\"settings\":{}},$(azure "$connection")}"
refused "an identifier that is a number" "{\"source\":{\"type\":\"identifiers\",\"settings\":{\"values\":[1]}},$(azure "$connection")}"
refused "another source" "{\"source\":{\"type\":\"query\",\"settings\":{\"values\":[\"PatientID=P1\"]}},$(azure "$connection")}"
refused "no destination" "{$source}"
refused "another destination" "{$source,\"destination\":{\"type\":\"ftp\",\"settings\":{}}}"
refused "neither URI nor connection string" "{$source,$(azure '"useManagedIdentity":true')}"
refused "a connection string without container" "{$source,$(azure '"connectionString":"UseDevelopmentStorage=true"')}"
refused "a container without connection string" "{$source,$(azure '"blobContainerName":"out"')}"
refused "URI and connection string" "{$source,$(azure "$connection,\"blobContainerUri\":\"$azurite/out\"")}"
refused "URI and container name" "{$source,$(azure "\"blobContainerName\":\"out\",\"blobContainerUri\":\"$azurite/out\"")}"
refused "managed identity and connection string" "{$source,$(azure "$connection,\"useManagedIdentity\":true")}"
refused "managed identity and SAS" "{$source,$(azure "\"blobContainerUri\":\"$azurite/out?sv=1&sig=abc\",\"useManagedIdentity\":true")}"
refused "a key that is not the emulator's" \
	"{$source,$(azure '"connectionString":"AccountName=lake;AccountKey=c2VjcmV0","blobContainerName":"out"')}" "key of the account"
refused "a SAS, not allowed" "{$source,$(azure "\"blobContainerUri\":\"$azurite/out?$(servers sas out)\"")}" "not allowed"
refused "no credential, not allowed" "{$source,$(azure "\"blobContainerUri\":\"$azurite/out\"")}" "not allowed"
refused "useManagedIdentity that is text" "{$source,$(azure "\"blobContainerUri\":\"$azurite/out\",\"useManagedIdentity\":\"yes\"")}"
refused "a token over plain HTTP to elsewhere" "{$source,$(azure '"blobContainerUri":"http://lake.example/out","useManagedIdentity":true')}" "https"
refused "a host that is dead" \
	"{$source,$(azure "\"connectionString\":\"$(connection_string "$(free_port)")\",\"blobContainerName\":\"out\"")}" "out.*devstoreaccount1"
refused "a wrong key" "{$source,$(azure "\"connectionString\":\"$(connection_string "$azurite_port" | sed 's/AccountKey=Eby8/AccountKey=Aby8/')\",\"blobContainerName\":\"out\"")}" "403"
refused "no identity" "{$source,$(azure "\"blobContainerUri\":\"http://127.0.0.1:$azurite_port/devstoreaccount1/out\",\"useManagedIdentity\":true")}" "managed identity"
refused "no JSON" "{"
refused "an array" "[]"
for uri in 'ftp://x/out' 'https://' 'https:///out' 'https://host/' 'https://u:p@host/out' 'https://host/a/b/c' 'https://host/o ut' 's3://' 's3://x' \
	'https://host/out#x' 'file://relative' 'gopher://x/y'; do
	refused "the URI $uri" "{$source,$(azure "\"blobContainerUri\":\"$uri\",\"useManagedIdentity\":true")}"
done
refused "S3 without a key of ours" "{$source,$(azure '"blobContainerUri":"s3://lake/x"')}" "access key"
status=$(curl -s -o "$body" -w '%{http_code}' -H 'Content-Type: text/plain' -d "{$source,$file}" "$base/v2/export")
has_status "another type of body" 415
request GET /v2/export
has_status "GET" 405

# --- the sources of /dicom-web ---
count() {
	ok "$1: ends" wait_for "$patience" ended "$(json .id)"
	is "$1: exports" "$(json '[.results.exported, .results.skipped] | join(" ")')" "$2"
}
post /dicom-web/export "{\"source\":{\"type\":\"query\",\"settings\":{\"values\":[\"PatientID=P2\",\"Modality=CT\"]}},$file}"
has_status "a query" 202
count "a query" "2 0"
post /dicom-web/export "{\"source\":{\"type\":\"query\",\"settings\":{\"values\":[\"PatientID=P*\",\"InstanceNumber=1\"]}},$file}"
count "wildcards, and what is not indexed" "1 0"
for bad in '"Nonsense=1"' '"PatientID"' '"StudyDate=-"' ''; do
	post /dicom-web/export "{\"source\":{\"type\":\"query\",\"settings\":{\"values\":[$bad]}},$file}"
	has_status "a query of $bad" 400
done
between=$(date -u +%Y-%m-%dT%H:%M:%S.%NZ | sed 's/..Z$/Z/')
make_dcm "$tmp/late.dcm" StudyInstanceUID=2.25.3 SeriesInstanceUID=2.25.3.1 SOPInstanceUID=2.25.3.1.1
curl -s -o /dev/null -H 'Content-Type: application/dicom' -H 'Accept: application/dicom+json' --data-binary "@$tmp/late.dcm" "$base/v2/studies"
post /dicom-web/export "{\"source\":{\"type\":\"changeFeed\",\"settings\":{\"startTime\":\"$between\"}},$file}"
has_status "a window of the change feed" 202
count "what changed since then" "1 0"
post /dicom-web/export "{\"source\":{\"type\":\"changeFeed\",\"settings\":{\"endTime\":\"$between\"}},$file}"
count "what changed before" "4 0"
curl -s -o /dev/null -X DELETE "$base/v2/studies/2.25.1"
post /dicom-web/export "{\"source\":{\"type\":\"changeFeed\",\"settings\":{}},$file}"
count "what was deleted is not there" "3 0"
post /dicom-web/export "{\"source\":{\"type\":\"changeFeed\",\"settings\":{\"startTime\":\"2030-01-01T00:00:00Z\",\"endTime\":\"2031-01-01T00:00:00Z\"}},$file}"
count "a window in the future" "0 0"
for bad in '"startTime":"yesterday"' '"startTime":"2025-01-01T00:00:00"' '"startTime":"2025-01-02T00:00:00Z","endTime":"2025-01-01T00:00:00Z"'; do
	post /dicom-web/export "{\"source\":{\"type\":\"changeFeed\",\"settings\":{$bad}},$file}"
	has_status "a window of $bad" 400
done
is "nothing that gives access is left" "$(ls "$store/exports")" ""
done_testing
