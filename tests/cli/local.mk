cli_tests = tests/cli/options.t tests/cli/import.t \
	tests/cli/import-archives.t tests/cli/import-media.t tests/cli/import-link.t tests/cli/import-resume.t tests/cli/query.t tests/cli/check-delete.t \
	tests/cli/serve-lifecycle.t tests/cli/several.t tests/cli/several-mount.t tests/cli/several-web.t tests/cli/notify.t tests/cli/mount-command.t tests/cli/man-pages.t \
	tests/cli/ohif.t tests/cli/tags.t tests/cli/update.t tests/cli/update-files.t tests/cli/watch.t tests/cli/health.t tests/cli/unprivileged.t tests/cli/examples.t \
	tests/cli/backup.t tests/cli/backup-kill.t tests/cli/backup-soak.t tests/cli/reclaim.t tests/cli/tier.t tests/cli/tier-order.t tests/cli/tier-soak.t
TESTS += $(cli_tests)
EXTRA_DIST += $(cli_tests) tests/cli/ohif.mjs tests/cli/import.sh
