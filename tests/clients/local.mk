# tests/clients: programs of other people against the service.  What they need besides Debian's
# packages comes from npm, into a temporary directory; without it a test is skipped.
# DICOMLAKE_TEST_NPM names a directory with a node_modules to use instead.
if WITH_WEB
clients_tests = \
	tests/clients/dicomweb-client.t \
	tests/clients/ohif.t \
	tests/clients/orthanc.t
TESTS += $(clients_tests)
EXTRA_DIST += $(clients_tests) tests/clients/clients.sh tests/clients/dicomweb-client.cjs tests/clients/ohif.cjs
CLEANFILES += tests/clients/ohif.png
endif
