#!/bin/bash
# Azure Blob as Azurite has it: a SAS, the key of an account, a token over TLS, and large blobs in blocks.
. "$(dirname "$0")/export.sh"
require_web
require_program openssl
make_studies 1 2 3
start_azurite
servers container "$azurite_port" out
names() {
	servers list "$azurite_port" out | sed -n "s|^[0-9]* $1/||p" | sort
}

# --- the command line ---
AZURE_STORAGE_CONNECTION_STRING=$(connection_string "$azurite_port") lake export --json --all "$store" "$azurite/out" >"$body"
is "by a connection string" "$(json '[.exported, .skipped] | join(" ")')" "6 0"
is "every instance, and the log" "$(names "$(json .operation)")" "$(expected)"
AZURE_STORAGE_ACCOUNT=devstoreaccount1 AZURE_STORAGE_KEY=$EMULATOR_KEY lake export --json "$store" 2.25.1/2.25.1.1 "$azurite/out/" >"$body"
is "by account and key" "$(json .exported)" 3
AZURE_STORAGE_SAS_TOKEN="?$(servers sas out)" lake export --json "$store" 2.25.1 "$azurite/out" >"$body"
is "by a SAS" "$(json .exported)" 6
cat >"$tmp/access" <<END
AZURE_STORAGE_CONNECTION_STRING=$(connection_string "$azurite_port")
END
chmod 600 "$tmp/access"
lake export --json --credentials "$tmp/access" "$store" 2.25.1 "$azurite/out" >"$body"
is "by a file of credentials" "$(json .exported)" 6
chmod 644 "$tmp/access"
fails 1 "which everybody may read" lake export --credentials "$tmp/access" "$store" 2.25.1 "$azurite/out"
fails 1 "a SAS on the command line" lake export "$store" 2.25.1 "$azurite/out?$(servers sas out)"
AZURE_STORAGE_SAS_TOKEN=$(servers sas out r) fails 1 "a SAS that may not write" lake export "$store" 2.25.1 "$azurite/out"
AZURE_STORAGE_SAS_TOKEN=$(servers sas other) fails 1 "a SAS of another container" lake export "$store" 2.25.1 "$azurite/out"
like "the reason, without the signature" "$(AZURE_STORAGE_SAS_TOKEN=$(servers sas other) lake export "$store" 2.25.1 "$azurite/out" 2>&1)" \
	'container out of the account devstoreaccount1 .* refuses: [A-Za-z]+, status 403$'
AZURE_STORAGE_CONNECTION_STRING=$(connection_string "$azurite_port") fails 1 "the string of another account" \
	lake export "$store" 2.25.1 "http://127.0.0.1:$azurite_port/another/out"

# --- a large one goes in blocks ---
make_dcm "$tmp/small.dcm" StudyInstanceUID=2.25.8 SeriesInstanceUID=2.25.8.1 SOPInstanceUID=2.25.8.1.1 NumberOfFrames=5 Rows=4096 Columns=2048
{
	head -c -44 "$tmp/small.dcm"
	perl -e 'binmode STDOUT; my $n = 5 * 4096 * 2048; print pack("vva2vV", 0x7FE0, 0x10, "OW", 0, $n * 2);
		print pack("V", $_) x 4096 for 1 .. $n / 8192'
} >"$tmp/large.dcm"
lake import --quiet "$store" "$tmp/large.dcm"
AZURE_STORAGE_CONNECTION_STRING=$(connection_string "$azurite_port") lake export --json "$store" 2.25.8 "$azurite/out" >"$body"
is "a blob of 84 MB" "$(json '[.exported, .skipped] | join(" ")')" "1 0"
servers get "$azurite_port" out "$(json .operation)/results/2.25.8/2.25.8.1/2.25.8.1.1.dcm" >"$tmp/back.dcm"
ok "comes back byte for byte" cmp "$tmp/back.dcm" "$store/$(tree)/2.25.8/2.25.8.1/2.25.8.1.1.dcm"
lake delete "$store" 2.25.8 2>"$tmp/.ok.out"

# --- the service, with what the hosted one refuses ---
source='"source":{"type":"identifiers","settings":{"values":["2.25.1"]}}'
start_daemon --export --export-sas
post /v2/export "{$source,\"destination\":{\"type\":\"azureblob\",\"settings\":{\"blobContainerUri\":\"$azurite/out?$(servers sas out)\"}}}"
has_status "a SAS in the URI, allowed" 202
op=$(json .id)
ok "ends" wait_for "$patience" ended "$op"
is "with all" "$(json .results.exported)" 6
is "the signature is not told again" "$(json .results.errorHref)" "$azurite/out/$op/errors.log"
ok "nor logged" not grep -q sig= "$daemon_log"
ok "nor in the index" not grep -q sig= "$store/index/data.mdb"
stop_daemon

# --- managed identity: a token, over TLS that is verified ---
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$tmp/key.pem" -out "$tmp/cert.pem" -days 2 -subj /CN=127.0.0.1 \
	-addext subjectAltName=IP:127.0.0.1 2>"$tmp/.ok.out"
start_azurite --oauth basic --cert "$tmp/cert.pem" --key "$tmp/key.pem"
servers container "$azurite_port" out https
start_server tokens 3600
identity="http://127.0.0.1:$server_port/metadata/identity/oauth2/token"
order="{$source,\"destination\":{\"type\":\"azureblob\",\"settings\":{\"blobContainerUri\":\"$azurite/out\",\"useManagedIdentity\":true}}}"
start_daemon --export --identity-endpoint "$identity"
post /v2/export "$order"
has_status "a certificate that nobody vouches for" 400
says "is told of" "certificate"
stop_daemon
start_daemon --export --identity-endpoint "$identity" --ca-file "$tmp/cert.pem"
post /v2/export "$order"
has_status "with its authority, by a token" 202
op=$(json .id)
ok "ends" wait_for "$patience" ended "$op"
is "with all" "$(json '[.status, .results.exported] | join(" ")')" "succeeded 6"
is "a probe and an export ask for a token each" "$(grep -c given "$server_log")" 3
post /v2/export "$order"
op=$(json .id)
ok "another" wait_for "$patience" ended "$op"
is "uses the one that is kept, but for its probe" "$(grep -c given "$server_log")" 4
stop_daemon
start_server tokens 60
start_daemon --export --identity-endpoint "http://127.0.0.1:$server_port/" --ca-file "$tmp/cert.pem" --export-jobs 1
post /v2/export "$order"
op=$(json .id)
ok "tokens that live for a minute" wait_for "$patience" ended "$op"
is "do" "$(json .results.exported)" 6
ok "and are renewed each time" [ "$(grep -c given "$server_log")" -ge 7 ]
lake export --json --ca-file "$tmp/cert.pem" --identity-endpoint "http://127.0.0.1:$server_port/" "$store" 2.25.1 "$azurite/out" >"$body"
is "from the command line, too" "$(json .exported)" 6
done_testing
