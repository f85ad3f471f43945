#!/bin/bash
# Every sample and every broken file: frames, pictures and other syntaxes are given or
# refused with a status that says so; many at once give what one alone does.
. "$(dirname "$0")/web.sh"
require_data
new_store
start_daemon
: >"$tmp/urls"
while read -r f; do
	request POST /dicom-web/studies -H 'Content-Type: application/dicom' --data-binary "@$data/$f"
	url=$(json '."00081199".Value[0]."00081190".Value[0]')
	[ "$url" = null ] || [ -z "$url" ] || echo "$f ${url#"$base"}" >>"$tmp/urls"
done < <(good_files unique; bad_files)
ok "samples are stored ($(wc -l <"$tmp/urls"))" test "$(wc -l <"$tmp/urls")" -gt 200

wrong= shown=0 refused=0
while read -r f url; do
	for what in rendered frames/1/rendered thumbnail frames/1 ''; do
		case $what in
		'') accept='application/dicom; transfer-syntax=1.2.840.10008.1.2.1' ;;
		frames/1) accept='application/octet-stream' ;;
		*) accept='image/jpeg' ;;
		esac
		request GET "$url/$what" -H "Accept: $accept"
		case $status in
		200) shown=$((shown + 1)) ;;
		404 | 406)
			refused=$((refused + 1))
			[ -s "$body" ] || wrong="$wrong $f:$what:silent"
			;;
		*) wrong="$wrong $f:$what:$status" ;;
		esac
	done
done <"$tmp/urls"
is "each is given, or refused as missing or not to be had" "$wrong" ""
ok "most are given ($shown given, $refused refused)" test "$shown" -gt $((3 * refused))
says "a refusal is a sentence" '[a-z]'

# Eight at a time.
mkdir "$tmp/one" "$tmp/many"
config() {
	local n=0 f url
	while read -r f url; do
		n=$((n + 1))
		printf 'url = "%s%s/rendered"\noutput = "%s/%d"\n' "$base" "$url" "$1" "$n"
	done <"$tmp/urls"
}
config "$tmp/one" >"$tmp/config"
curl -s -m 300 -K "$tmp/config"
config "$tmp/many" >"$tmp/config"
curl -s -m 300 -Z --parallel-max 8 -K "$tmp/config"
ok "many at once give the same pictures as one by one" diff -rq "$tmp/one" "$tmp/many"
done_testing
