#!/bin/bash
# kill -9 at random while an export goes on: resumed it puts all there is, counts it once, and wipes its secret.
. "$(dirname "$0")/export.sh"
require_web
make_studies 3 3 25
start_azurite
servers container "$azurite_port" out
source='"source":{"type":"identifiers","settings":{"values":["2.25.1","2.25.9","2.25.2","2.25.3","2.25.3/2.25.8"]}}'
order="{$source,\"destination\":{\"type\":\"azureblob\",\"settings\":{\"blobContainerUri\":\"$azurite/out?$(servers sas out)\"}}}"
options=(--export --export-sas --export-jobs 1)

exec 8>>"$store/operations.lock"
flock 8
start_daemon "${options[@]}" 8>&-
post /v2/export "$order"
has_status "an export is begun" 202
op=$(json .id)
is "what gives access is its owner's alone" "$(stat -c '%a %F' "$store/exports" "$store/exports/$op" | tr '\n' ' ')" "700 directory 600 regular file "
ok "it has the signature" grep -q sig= "$store/exports/$op"
ok "which GET /operations has not" not grep -q sig= <(curl -s "$base/v2/operations/$op")
kill_daemon
ok "kept when killed" grep -q sig= "$store/exports/$op"
exec 8>&-
for n in {1..6}; do
	start_daemon "${options[@]}"
	sleep "$(printf '0.%03d' $((RANDOM % 60 + n * 70)))"
	kill_daemon
	diag "killed at $(lake operations --json "$store" | jq -r '.[] | select(.type == "export") | .exported')"
done
start_daemon "${options[@]}"
ok "it ends" wait_for "$patience" ended "$op"
is "every instance is counted once" "$(json '[.status, .results.exported, .results.skipped] | join(" ")')" "succeeded 225 2"
is "and there" "$(servers list "$azurite_port" out | sed -n "s|^\([0-9]*\) $op/results/|\1 |p" | sort -k 2)" \
	"$(cd "$store/$(tree)" && find . -name '*.dcm' -printf '%s %P\n' | sort -k 2)"
is "each unknown one is told once" "$(servers get "$azurite_port" out "$op/errors.log" | jq -r .identifier | tr '\n' ' ')" "2.25.9 2.25.3/2.25.8 "
wiped() {
	[ -z "$(ls "$store/exports")" ]
}
ok "what gave access is wiped" wait_for "$patience" wiped
stop_daemon
ok "check finds nothing" lake check "$store"

# The command line: interrupted, it is gone on with.
AZURE_STORAGE_SAS_TOKEN=$(servers sas out) "$dicomlake" export --quiet --export-jobs 1 --all "$store" "$azurite/out" >"$tmp/out" 2>"$tmp/err" &
pid=$!
begun() {
	[ -n "$(ls "$store/exports")" ]
}
wait_for "$patience" begun
kill -INT "$pid"
wait "$pid"
is "interrupted" $? 1
like "it says how to go on" "$(cat "$tmp/err")" 'interrupted.*operations --follow'
fails 0 "and so it does" lake operations --follow "$store"
is "to the end" "$(lake operations --json "$store" | jq -r 'map(select(.type == "export" and .status == "succeeded") | .exported | tostring) | join(" ")')" "225 225"
done_testing
