#!/bin/bash
# Extended query tags and operations from the shell, with and without a daemon.
. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
require_program jq flock
new_store
for i in {1..20}; do
	make_dcm "$tmp/$i.dcm" SOPInstanceUID="2.25.$i" KVP="$i" PatientAge=0$((20 + i % 2))Y
done
make_dcm "$tmp/bad.dcm" SOPInstanceUID=2.25.99 KVP=high
lake import --quiet "$store" "$tmp"/*.dcm

is "no tags" "$(lake tags "$store")" ""
is "in JSON" "$(lake tags --json "$store")" "[]"
reindexes() {
	lake operations --json "$store" | jq -c 'map(select(.type == "reindex"))'
}
is "no operations" "$(reindexes)" "[]"
fails 2 "a word that is no verb" lake tags "$store" erase KVP
fails 2 "add without a tag" lake tags "$store" add
fails 2 "two tags after errors" lake tags "$store" errors KVP PatientAge
fails 1 "a level that is none" lake tags "$store" add patient:PatientAge
like "is named with its path" "$(cat "$tmp/.ok.out")" 'PatientAge: level must be'
fails 1 "without a level" lake tags "$store" add PatientAge
fails 2 "not searchable before" lake query "$store" PatientAge=021Y

ok "tags are added and all is indexed" lake tags "$store" add study:PatientAge instance:KVP instance:00191001:LO:ACME
is "they are ready" "$(lake tags --json "$store" | jq -c 'map([.path, .status, .queryStatus, .errors])')" \
	'[["00101010","ready","enabled",0],["00180060","ready","disabled",1],["00191001","ready","enabled",0]]'
like "as text" "$(lake tags "$store")" '00101010  AS  study     ready     enabled   0 errors  PatientAge'
is "the operation has ended" "$(reindexes | jq -c 'map([.status, .percent, .done, .total, .tags])')" \
	'[["succeeded",100,21,21,["00101010","00180060","00191001"]]]'
id=$(reindexes | jq -r '.[0].id')
like "it is listed" "$(lake operations "$store" "$id")" "^$id .*reindex  succeeded    100%  PatientAge KVP 00191001"
fails 1 "another is not" lake operations "$store" 00000000000000000000000000000000
is "errors name the instance" "$(lake tags --json "$store" errors KVP | jq -r '.[] | .instance + " " + .why')" \
	"2.25.99 the value cannot be read"
like "as text" "$(lake tags "$store" errors KVP)" '^Microsoft.Default/2.25.1000/.*/2.25.99: the value cannot be read$'
fails 2 "a disabled tag" lake query "$store" instance KVP=7
ok "enabled" lake tags "$store" enable KVP
is "finds" "$(lake query --json --include SOPInstanceUID "$store" instance KVP=7.0 | jq -r '.[]["00080018"].Value[0]')" 2.25.7
ok "disabled again" lake tags "$store" disable KVP
ok "deleted" lake tags "$store" delete KVP
fails 1 "once" lake tags "$store" delete KVP
is "the others stay" "$(lake tags --json "$store" | jq -c 'map(.path)')" '["00101010","00191001"]'
ok "check finds nothing" lake check "$store"

# Interrupted: the operation waits for whoever comes next.
exec 8>>"$store/operations.lock"
flock 8
"$dicomlake" tags "$store" add instance:KVP 2>"$tmp/add.err" 8>&- &
adding=$!
ok "begun" wait_for "$patience" grep -q begun "$tmp/add.err"
kill -KILL "$adding"
wait "$adding" 2>/dev/null
is "it has not ended" "$(reindexes | jq -r '.[-1].status')" notStarted
exec 8>&-
ok "operations --follow does the work" lake operations --follow "$store"
is "to its end" "$(reindexes | jq -r '.[-1].status')" succeeded
is "each once" "$(lake tags --json "$store" | jq -c '.[] | select(.path == "00180060") | [.status, .errors]')" '["ready",1]'

ok "a rebuild" lake check --rebuild "$store"
is "keeps the tags, to be indexed" "$(lake tags --json "$store" | jq -c 'map([.path, .level, .status])')" \
	'[["00101010","study","adding"],["00180060","instance","adding"],["00191001","instance","adding"]]'
ok "by whoever comes next" lake operations --follow "$store"
both=$(($(lake query --json "$store" PatientAge=020Y | jq length) + $(lake query --json "$store" PatientAge=021Y | jq length)))
is "and finds the study, by the value of its latest instance" "$both" 1
is "and has the errors" "$(lake tags --json "$store" errors KVP | jq length)" 1
ok "check finds nothing" lake check "$store"
done_testing
