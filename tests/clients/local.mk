# tests/clients: programs of other people against the service (a browser: tests/cli/ohif.t).
if WITH_WEB
clients_tests = tests/clients/azure-blob.t tests/clients/dicomweb-client.t tests/clients/orthanc.t
TESTS += $(clients_tests)
EXTRA_DIST += $(clients_tests) tests/clients/clients.sh tests/clients/dicomweb-client.cjs tests/clients/azure-blob.cjs
endif
