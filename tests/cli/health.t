#!/bin/bash
# serve proves that its store works, tells when it does not, and when it does again.
. "${abs_top_builddir:-$(cd "$(dirname "$0")/../../build" && pwd)}/tests/lib.sh"
require_web
require_program jq
new_store
probes=$store/AHDS/default/dicom/dicom/healthCheck
allow_log 'status=Degraded'
health() {
	curl -s "$base/health/check" | jq -r '.overallStatus + " " + (.details[] | select(.name == "store") | .status + " " + (.reason // "-"))'
}
healthy() {
	[ "$(health)" = "Healthy Healthy -" ]
}
degraded() {
	[ "$(health)" = "Degraded Degraded ConnectedStoreDegraded" ]
}
mkdir "$probes"
echo old >"$probes/healthaaaa.txt"
touch -d '6 minutes ago' "$probes/healthaaaa.txt"
echo young >"$probes/healthbbbb.txt"
echo older >"$probes/health.txt"
echo mine >"$probes/notes"
start_daemon --health-interval 100ms
ok "it is healthy" wait_for "$patience" healthy
ok "a leftover of 5 minutes goes" wait_for "$patience" test ! -e "$probes/healthaaaa.txt"
ok "that of older builds, too" wait_for "$patience" test ! -e "$probes/health.txt"
is "nothing else does" "$(cat "$probes/healthbbbb.txt" "$probes/notes" | xargs)" "young mine"
rm -r "$probes"
: >"$probes"
ok "a store that cannot be written is degraded, and says why" wait_for "$patience" degraded
is "which is no failure of the service" "$(curl -s -o /dev/null -w '%{http_code}' "$base/health/check")" 200
like "in words" "$(curl -s "$base/health/check" | jq -r '.details[] | select(.name == "store") | .description')" 'cannot be written: Not a directory'
rm -f "$probes"
ok "it comes back" wait_for "$patience" healthy
is "it was said once" "$(grep -c 'status=Degraded' "$daemon_log")" 1
is "and that it is over" "$(grep -c 'status=Healthy' "$daemon_log")" 1
ok "it ends" stop_daemon
is "no probe is left" "$(find "$probes" -name 'health*.txt' 2>/dev/null | wc -l)" 0
is "not in staging either" "$(find "$store/staging" -name '[0-9]*' -type f | wc -l)" 0
is "check finds nothing" "$(lake check "$store" --json 2>/dev/null | jq '.findings | length')" 0
for bad in 0 99ms 2h x; do
	fails 2 "an interval of $bad is refused" timeout 10 "$dicomlake" serve "$store" --health-interval "$bad"
done

# Who watches through the mount sees the probe.
if [ "$with_fs" = yes ] && [ -w /dev/fuse ]; then
	mkdir -p "$probes"
	echo here >"$probes/healthcccc.txt"
	start_daemon --mount "$mnt"
	service=$mnt/AHDS/default/dicom/dicom
	is "a probe is seen through the mount" "$(cat "$service/healthCheck/healthcccc.txt")" here
	is "but not listed there" "$(ls "$service")" Microsoft.Default
	fails 1 "nobody removes it" rm -f "$service/healthCheck/healthcccc.txt"
	fails 1 "nor makes one" touch "$service/healthCheck/mine"
	fails 1 "healthCheck is no partition" mkdir "$service/HealthCheck"
fi
done_testing
