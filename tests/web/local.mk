# tests/web: the service over HTTP, by curl against a daemon that has this door only.
if WITH_WEB
check_PROGRAMS += tests/web/webd tests/web/httpgen tests/web/crowd
tests_web_webd_LDADD = $(WEB_LIBS) $(CORE_LIBS)
web_tests = \
	tests/web/beside.t \
	tests/web/bulk-update.t \
	tests/web/bulkdata.t \
	tests/web/change-feed.t \
	tests/web/change-feed-follow.t \
	tests/web/compression.t \
	tests/web/conditional.t \
	tests/web/contract-search.t \
	tests/web/cors.t \
	tests/web/delete.t \
	tests/web/external-metadata.t \
	tests/web/health-metrics.t \
	tests/web/hostile-requests.t \
	tests/web/http-manners.t \
	tests/web/import.t \
	tests/web/many-clients.t \
	tests/web/memory.t \
	tests/web/metadata-etag.t \
	tests/web/openapi.t \
	tests/web/operations.t \
	tests/web/original-version.t \
	tests/web/partitions.t \
	tests/web/qido-errors.t \
	tests/web/qido-match.t \
	tests/web/qido-paging.t \
	tests/web/qido-wide.t \
	tests/web/query-tags.t \
	tests/web/samples.t \
	tests/web/samples-pixels.t \
	tests/web/slow-clients.t \
	tests/web/stow-broken-requests.t \
	tests/web/stow-gzip.t \
	tests/web/stow-multipart.t \
	tests/web/stow-statuses.t \
	tests/web/stow-validation.t \
	tests/web/thousand-connections.t \
	tests/web/tier.t \
	tests/web/wado-frames.t \
	tests/web/wado-instance.t \
	tests/web/wado-multipart.t \
	tests/web/wado-rendered.t \
	tests/web/wado-transcode.t
TESTS += $(web_tests)
EXTRA_DIST += $(web_tests) tests/web/web.sh
endif
