#!/bin/bash
# Exports to a directory: what comes where, what is skipped, and that nothing leads out of a root.
. "$(dirname "$0")/export.sh"
make_studies 2 2 2
out=$tmp/out

exported() {
	(cd "$1" && find . -type f | sed 's|^\./||' | sort)
}
same_bytes() {
	local file
	for file in $(cd "$1/results" && find . -type f); do
		cmp -s "$1/results/$file" "$store/$(tree)/$file" || return 1
	done
}

ok "all of it" lake export --quiet --all "$store" "$out"
op=$(ls "$out")
like "below the id of the operation" "$op" '^[0-9a-f]{32}$'
is "every instance by its UIDs, and the log" "$(exported "$out/$op")" "$(expected)"
ok "byte for byte" same_bytes "$out/$op"
is "the log is empty" "$(wc -c <"$out/$op/errors.log")" 0
is "what was needed to get there is wiped" "$(ls "$store/exports")" ""
is "it is told of" "$(lake operations --json "$store" | jq -r '.[] | select(.type == "export") | [.id, .type, .status, .exported, .skipped, .destination] | join(" ")')" \
	"$op export succeeded 8 0 file://$out"

lake export --json "$store" 2.25.1 2.25.2/2.25.2.1 2.25.2/2.25.2.2/2.25.2.2.2 2.25.9 2.25.1/2.25.7 2.25.1/2.25.1.1/2.25.5 "$out" >"$body" 2>"$tmp/err"
is "identifiers of three levels, some unknown: the exit status" $? 1
is "counts" "$(json '[.exported, .skipped] | join(" ")')" "7 3"
op=$(json .operation)
is "where the log is" "$(json .errorHref)" "file://$out/$op/errors.log"
is "each unknown one is told once" "$(jq -r '[.identifier, .error] | join(": ")' "$out/$op/errors.log")" \
	"$(printf '2.25.9: not found: no such study\n2.25.1/2.25.7: not found: no such series\n2.25.1/2.25.1.1/2.25.5: not found: no such instance')"
like "with the time" "$(jq -r .timestamp "$out/$op/errors.log" | head -n 1)" '^20[0-9-]+T[0-9:.]+Z$'
is "what was named is there" "$(exported "$out/$op/results" | wc -l)" 7

# Contract 11.5: a file that was changed, or is gone, behind the store.
echo more >>"$store/$(tree)/2.25.1/2.25.1.1/2.25.1.1.1.dcm"
rm "$store/$(tree)/2.25.1/2.25.1.1/2.25.1.1.2.dcm"
fails 1 "a changed and a missing file" lake export --quiet "$store" 2.25.1 "$tmp/changed"
op=$(ls "$tmp/changed")
is "are skipped and logged" "$(jq -r .identifier "$tmp/changed/$op/errors.log" | sort | tr '\n' ' ')" \
	"2.25.1/2.25.1.1/2.25.1.1.1 2.25.1/2.25.1.1/2.25.1.1.2 "
like "by the reason" "$(jq -r .error "$tmp/changed/$op/errors.log" | tr '\n' ' ')" 'ConditionNotMet|BlobNotFound'
is "the others are exported" "$(exported "$tmp/changed/$op/results" | wc -l)" 2

lake export --json --query "$store" PatientID=P2 Modality=MR "$out" >"$body"
is "a query" "$(json '[.exported, .skipped] | join(" ")')" "2 0"
is "exports what it finds" "$(exported "$out/$(json .operation)/results" | cut -d/ -f 1,2 | sort -u)" "2.25.2/2.25.2.2"
lake export --json --query "$store" SOPInstanceUID=2.25.2.1.1 "$out" >"$body"
is "a query by an attribute of instances" "$(json .exported)" 1
lake export --json --query "$store" 'ImageType=*' PatientID=P2 "$out" >"$body"
is "any value will do" "$(json .exported)" 4
lake export --json --query "$store" PatientID=NOBODY "$out" >"$body"
is "a query that finds nothing" "$(json .exported)" 0
fails 1 "an attribute that is none" lake export --query "$store" Nonsense=1 "$out"
fails 1 "a UID that is none" lake export "$store" abc "$out"
fails 1 "four UIDs" lake export "$store" 1.2/3.4/5.6/7.8 "$out"
fails 2 "nothing named" lake export "$store" "$out"
fails 2 "all and more" lake export --all "$store" 2.25.1 "$out"
fails 1 "a directory below none" lake export "$store" 2.25.1 "$tmp/no/such"
mkdir "$tmp/a b" && cd "$tmp"
ok "a directory relative and with a space" lake export --quiet "$store" 2.25.2 "a b"
is "has them" "$(ls "a b" | wc -l)" 1
fails 1 "another partition than there is" lake export --partition Other --all "$store" "$out"

# --- the service ---
mkdir -p "$tmp/root/lake" "$tmp/outside"
ln -s "$tmp/outside" "$tmp/root/link"
start_daemon --export --export-root "$tmp/root"
order() {
	echo "{\"source\":{\"type\":\"identifiers\",\"settings\":{\"values\":[\"2.25.2\"]}},\"destination\":{\"type\":\"azureblob\",\"settings\":{\"blobContainerUri\":\"$1\"}}}"
}
post /v2/export "$(order "file://$tmp/root/lake")"
has_status "a directory below a root" 202
op=$(json .id)
is "the log is there before it begins" "$(ls "$tmp/root/lake/$op" | head -n 1)" errors.log
ok "ends" wait_for "$patience" ended "$op"
is "with all of them" "$(json '[.type, .status, .results.exported, .results.skipped, .results.errorHref] | join(" ")')" \
	"export succeeded 4 0 file://$tmp/root/lake/$op/errors.log"
post /v2/export "$(order "file://$tmp/root")"
has_status "the root itself" 202
for uri in "$tmp/outside" "$tmp/root/../outside" "$tmp/root/link" "$tmp/rootlet" "$tmp/root/nothing" "$tmp/root/./lake" \
	"$tmp/root/%2e%2e/outside" / ; do
	post /v2/export "$(order "file://$uri")"
	has_status "${uri#"$tmp/"} is refused" 400
done
is "and nothing was written there" "$(find "$tmp/outside" -type f)" ""

exec 8>>"$store/operations.lock"
flock 8
stop_daemon
start_daemon --export --export-root "$tmp/root" 8>&-
post /v2/export "$(order "file://$tmp/root/lake")"
op=$(json .id)
ln -s "$tmp/outside" "$tmp/root/lake/$op/results"
exec 8>&-
allow_log 'kind=export state=(waiting|failed): '
ok "a link put in its way" wait_for "$patience" ended "$op"
is "makes it fail" "$(json '[.status, .results.exported] | join(" ")')" "failed 0"
is "and nothing was written there" "$(find "$tmp/outside" -type f)" ""
post /v2/export "$(order file:///)"
has_status "the root of all is below none" 400
done_testing
