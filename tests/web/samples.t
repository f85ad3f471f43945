#!/bin/bash
# Every sample file: in by STOW, out again with the same bytes; every broken one gets a verdict.
. "$(dirname "$0")/web.sh"
require_data
new_store
start_daemon

# Whether a file that breaks the rules may still be stored is the business of
# tests of the store; here each is stored, or refused as invalid.
n=0 stored=0 wrong=
while read -r f; do
	n=$((n + 1))
	request POST /dicom-web/studies -H "$PART" --data-binary "@$data/$f"
	if [ "$status" = 409 ] && [ "$(json '."00081198".Value[0]."00081197".Value[0]')" = 43264 ]; then
		continue
	fi
	stored=$((stored + 1))
	url=$(json '."00081199".Value[0]."00081190".Value[0]')
	echo "${url%/series/*}" >>"$tmp/studies"
	request GET "${url#"$base"}" -H "$AS_STORED"
	cmp -s "$body" "$data/$f" || wrong="$wrong $f"
done < <(good_files unique)
ok "there are samples ($stored of $n stored)" test "$stored" -gt 200
is "they come back byte for byte from /dicom-web" "$wrong" ""

wrong=
studies=$(sort -u "$tmp/studies")
for s in $studies; do
	request GET "${s#"$base"}/metadata"
	jq -e 'type == "array" and length > 0' "$body" >/dev/null || wrong="$wrong $s"
done
is "the metadata of every study are JSON" "$wrong" ""
for s in $studies; do
	request DELETE "${s#"$base"}"
done
nothing_stored "after every study was deleted"

wrong=
while read -r f; do
	request POST /v2/studies -H "$J" -H "$PART" --data-binary "@$data/$f"
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
	request POST /dicom-web/studies -H "$PART" --data-binary "@$data/$f"
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
