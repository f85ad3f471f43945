# unit tests of kv, blob, catalog and store
core_tests = tests/unit/test_catalog tests/unit/test_store tests/unit/test_store_import
check_PROGRAMS += $(core_tests)
TESTS += $(core_tests)
tests_unit_test_store_SOURCES = tests/unit/test_store.c $(INGEST_SAMPLES)
tests_unit_test_store_LDADD = $(UNIT_LIBS)
tests_unit_test_store_import_LDADD = $(UNIT_LIBS)
tests_unit_test_catalog_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_destination tests/unit/test_http_client
TESTS += tests/unit/test_destination tests/unit/test_http_client
tests_unit_test_destination_LDADD = $(UNIT_LIBS)
tests_unit_test_http_client_LDADD = $(UNIT_LIBS)
check_PROGRAMS += tests/unit/test_store_orphans
TESTS += tests/unit/test_store_orphans
tests_unit_test_store_orphans_SOURCES = tests/unit/test_store_orphans.c $(INGEST_SAMPLES)
tests_unit_test_store_orphans_LDADD = $(UNIT_LIBS)
