# tests/export: exports to directories, and to servers that the tests start (Azurite and s3rver, from npm).
if WITH_WEB
export_tests = \
	tests/export/azure.t \
	tests/export/door.t \
	tests/export/faults.t \
	tests/export/file.t \
	tests/export/kill.t \
	tests/export/s3.t
TESTS += $(export_tests)
EXTRA_DIST += $(export_tests) tests/export/export.sh tests/export/servers.mjs
endif
