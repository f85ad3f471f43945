#!/bin/bash
# Every sample file: in by STOW, out again with the same bytes; every broken one gets a verdict.
. "$(dirname "$0")/web.sh"
require_data
new_store
start_daemon

bad=0 n=0 refused=
while read -r f; do
	n=$((n + 1))
	request POST /dicom-web/studies -H 'Content-Type: application/dicom' --data-binary "@$data/$f"
	if [ "$status" != 200 ] && [ "$status" != 202 ]; then
		bad=$((bad + 1))
		refused="$refused $f:$status"
		continue
	fi
	url=$(json '."00081199".Value[0]."00081190".Value[0]')
	request GET "${url#"$base"}" -H "$AS_STORED"
	cmp -s "$body" "$data/$f" || { bad=$((bad + 1)); refused="$refused $f:differs"; }
done < <(good_files unique)
ok "there are samples" test "$n" -gt 50
is "all $n come back byte for byte from /dicom-web" "$refused" ""

request GET /dicom-web/studies
studies=$(json '.[]."0020000D".Value[0]')
wrong=
for s in $studies; do
	request GET "/dicom-web/studies/$s/metadata"
	jq -e 'type == "array" and length > 0' "$body" >/dev/null || wrong="$wrong $s"
done
is "the metadata of every study are JSON" "$wrong" ""
for s in $studies; do
	request DELETE "/v2/studies/$s"
done
nothing_stored "after every study was deleted"

wrong=
while read -r f; do
	request POST /v2/studies -H "$J" -H 'Content-Type: application/dicom' --data-binary "@$data/$f"
	case $status in
	200 | 202)
		url=$(json '."00081199".Value[0]."00081190".Value[0]')
		request GET "${url#"$base"}" -H "$AS_STORED"
		cmp -s <(tail -c +129 "$body") <(tail -c +129 "$data/$f") || wrong="$wrong $f"
		[ "$(head -c 128 "$body" | tr -d '\0' | wc -c)" = 0 ] || wrong="$wrong $f:preamble"
		;;
	409) [ "$(json '."00081198".Value[0]."00081197".Value[0]')" = 43264 ] || wrong="$wrong $f:reason" ;;
	*) wrong="$wrong $f:$status" ;;
	esac
done < <(good_files unique)
is "v2 stores each but for the preamble, or says why not" "$wrong" ""

wrong=
while read -r f; do
	request POST /dicom-web/studies -H 'Content-Type: application/dicom' --data-binary "@$data/$f"
	case $status in
	200 | 202 | 204 | 409) ;;
	*) wrong="$wrong $f:$status" ;;
	esac
done < <(bad_files)
is "every broken file has a verdict" "$wrong" ""
request GET /health/check
has_status "and the daemon lives" 200
staging_is_empty "at the end"
done_testing
