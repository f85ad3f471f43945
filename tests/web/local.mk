# tests/web: the service over HTTP, by curl against a daemon that has this door only.
if WITH_WEB
check_PROGRAMS += tests/web/webd tests/web/httpgen
tests_web_webd_LDADD = $(WEB_LIBS) $(CORE_LIBS)
web_tests = \
	tests/web/bulkdata.t \
	tests/web/change-feed.t \
	tests/web/change-feed-follow.t \
	tests/web/contract-search.t \
	tests/web/delete.t \
	tests/web/health-metrics.t \
	tests/web/hostile-requests.t \
	tests/web/many-clients.t \
	tests/web/memory.t \
	tests/web/metadata-etag.t \
	tests/web/operations.t \
	tests/web/partitions.t \
	tests/web/qido-errors.t \
	tests/web/qido-match.t \
	tests/web/qido-paging.t \
	tests/web/qido-wide.t \
	tests/web/query-tags.t \
	tests/web/samples.t \
	tests/web/slow-clients.t \
	tests/web/stow-broken-requests.t \
	tests/web/stow-gzip.t \
	tests/web/stow-multipart.t \
	tests/web/stow-statuses.t \
	tests/web/stow-validation.t \
	tests/web/wado-instance.t \
	tests/web/wado-multipart.t
TESTS += $(web_tests)
EXTRA_DIST += $(web_tests) tests/web/web.sh
endif
