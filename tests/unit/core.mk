# unit tests of kv, blob, catalog and store
STORE_FIXTURE = $(SCRATCH) $(INGEST_SAMPLES) tests/unit/store_fixture.h tests/unit/store_fixture.c

core_tests = tests/unit/test_blob_tier tests/unit/test_catalog tests/unit/test_destination tests/unit/test_http_client \
	tests/unit/test_store tests/unit/test_store_backup tests/unit/test_store_import tests/unit/test_store_orphans \
	tests/unit/test_store_search tests/unit/test_store_tiers tests/unit/test_tiers_conf
check_PROGRAMS += $(core_tests)
TESTS += $(core_tests)
tests_unit_test_blob_tier_SOURCES = tests/unit/test_blob_tier.c $(SCRATCH)
tests_unit_test_blob_tier_LDADD = $(UNIT_LIBS)
tests_unit_test_catalog_LDADD = $(UNIT_LIBS)
tests_unit_test_destination_LDADD = $(UNIT_LIBS)
tests_unit_test_http_client_LDADD = $(UNIT_LIBS)
tests_unit_test_store_SOURCES = tests/unit/test_store.c $(STORE_FIXTURE)
tests_unit_test_store_LDADD = $(UNIT_LIBS)
tests_unit_test_store_backup_SOURCES = tests/unit/test_store_backup.c $(STORE_FIXTURE)
tests_unit_test_store_backup_LDADD = $(UNIT_LIBS)
tests_unit_test_store_import_SOURCES = tests/unit/test_store_import.c $(SCRATCH)
tests_unit_test_store_import_LDADD = $(UNIT_LIBS)
tests_unit_test_store_orphans_SOURCES = tests/unit/test_store_orphans.c $(STORE_FIXTURE)
tests_unit_test_store_orphans_LDADD = $(UNIT_LIBS)
tests_unit_test_store_search_SOURCES = tests/unit/test_store_search.c $(STORE_FIXTURE)
tests_unit_test_store_search_LDADD = $(UNIT_LIBS)
tests_unit_test_store_tiers_SOURCES = tests/unit/test_store_tiers.c $(STORE_FIXTURE)
tests_unit_test_store_tiers_LDADD = $(UNIT_LIBS)
tests_unit_test_tiers_conf_LDADD = $(UNIT_LIBS)
