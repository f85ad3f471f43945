#!/bin/bash
# S3: signed requests, which s3rver does not check but a proxy before it does; prefixes, large objects in parts.
. "$(dirname "$0")/export.sh"
require_web
make_studies 1 2 3
start_s3
start_server proxy "$s3_port" 0 1 secret/Key+1
endpoint=http://127.0.0.1:$server_port
export AWS_ACCESS_KEY_ID=S3RVER AWS_SECRET_ACCESS_KEY=secret/Key+1 AWS_ENDPOINT_URL=$endpoint AWS_REGION=eu-north-1
objects() {
	(cd "$tmp/s3/lake/$1" && find . -name '*._S3rver_object' | sed 's|^\./||; s|\._S3rver_object$||' | sort)
}

lake export --json --all "$store" s3://lake/some/where >"$body"
is "all of it, by the environment" "$(json '[.exported, .skipped] | join(" ")')" "6 0"
op=$(json .operation)
is "below the prefix" "$(objects "some/where/$op")" "$(expected)"
is "where the log is" "$(json .errorHref)" "s3://lake/some/where/$op/errors.log"
ok "byte for byte" cmp "$tmp/s3/lake/some/where/$op/results/2.25.1/2.25.1.1/2.25.1.1.1.dcm._S3rver_object" "$tmp/in/1.1.1.dcm"
lake export --json "$store" 2.25.1 2.25.9 s3://lake >"$body" 2>"$tmp/err"
is "without a prefix, and one that is unknown" "$(json '[.exported, .skipped] | join(" ")')" "6 1"
like "is logged" "$(cat "$tmp/s3/lake/$(json .operation)/errors.log._S3rver_object")" '"identifier":"2.25.9"'
AWS_SESSION_TOKEN=a/session+token== lake export --json "$store" 2.25.1 s3://lake >"$body"
is "a temporary key" "$(json .exported)" 6

AWS_SECRET_ACCESS_KEY=other fails 1 "a wrong key" lake export "$store" 2.25.1 s3://lake
like "is told of" "$(AWS_SECRET_ACCESS_KEY=other lake export "$store" 2.25.1 s3://lake 2>&1)" 'bucket lake refuses: SignatureDoesNotMatch, status 403$'
AWS_ACCESS_KEY_ID='' fails 1 "no key" lake export "$store" 2.25.1 s3://lake
like "a bucket that is not there" "$(lake export "$store" 2.25.1 s3://missing 2>&1)" 'there is no bucket missing$'
AWS_ENDPOINT_URL=http://127.0.0.1:$(free_port) fails 1 "a dead host" lake export "$store" 2.25.1 s3://lake

make_dcm "$tmp/small.dcm" StudyInstanceUID=2.25.8 SeriesInstanceUID=2.25.8.1 SOPInstanceUID=2.25.8.1.1 NumberOfFrames=5 Rows=4096 Columns=2048
{
	head -c -44 "$tmp/small.dcm"
	perl -e 'binmode STDOUT; my $n = 5 * 4096 * 2048; print pack("vva2vV", 0x7FE0, 0x10, "OW", 0, $n * 2);
		print pack("V", $_) x 4096 for 1 .. $n / 8192'
} >"$tmp/large.dcm"
lake import --quiet "$store" "$tmp/large.dcm"
lake export --json "$store" 2.25.8 s3://lake/large >"$body"
is "an object of 84 MB, in parts" "$(json '[.exported, .skipped] | join(" ")')" "1 0"
ok "byte for byte" cmp "$tmp/s3/lake/large/$(json .operation)/results/2.25.8/2.25.8.1/2.25.8.1.1.dcm._S3rver_object" "$tmp/large.dcm"
start_server proxy "$s3_port" 25 7 secret/Key+1
AWS_ENDPOINT_URL=http://127.0.0.1:$server_port lake export --json "$store" 2.25.8 s3://lake/bad >"$body"
is "though a quarter of the requests fail" "$(json '[.exported, .skipped] | join(" ")')" "1 0"
ok "byte for byte" cmp "$tmp/s3/lake/bad/$(json .operation)/results/2.25.8/2.25.8.1/2.25.8.1.1.dcm._S3rver_object" "$tmp/large.dcm"
ok "and they did" [ "$(grep -c fault "$server_log")" -ge 1 ]
lake delete "$store" 2.25.8 2>"$tmp/.ok.out"

# The service exports with its own key, wherever its client says.
start_daemon --export
post /v2/export '{"source":{"type":"identifiers","settings":{"values":["2.25.1"]}},"destination":{"type":"azureblob","settings":{"blobContainerUri":"s3://lake/x"}}}'
has_status "the service" 202
op=$(json .id)
ok "ends" wait_for "$patience" ended "$op"
is "with all" "$(json '[.results.exported, .results.errorHref] | join(" ")')" "6 s3://lake/x/$op/errors.log"
ok "and tells nobody the key" not grep -q secret/Key "$daemon_log" "$store/index/data.mdb"
done_testing
