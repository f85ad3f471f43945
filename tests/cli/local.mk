cli_tests = tests/cli/options.t tests/cli/import.t tests/cli/query.t tests/cli/check-delete.t \
	tests/cli/serve-lifecycle.t tests/cli/notify.t tests/cli/mount-command.t tests/cli/man-pages.t \
	tests/cli/ohif.t tests/cli/tags.t tests/cli/watch.t
TESTS += $(cli_tests)
EXTRA_DIST += $(cli_tests) tests/cli/ohif.mjs
