# Kill at every numbered step, fail every write: afterwards the invariants hold.
if WITH_CMOCKA
strike = tests/fault/strike.h tests/fault/strike.c $(SCRATCH)
fault_tests = tests/fault/kill tests/fault/reindex tests/fault/export tests/fault/update tests/fault/tier tests/fault/write tests/fault/power
check_PROGRAMS += $(fault_tests)
TESTS += $(fault_tests)
tests_fault_kill_SOURCES = tests/fault/kill.c $(strike) $(INGEST_SAMPLES)
tests_fault_kill_LDADD = $(CORE_LIBS)
tests_fault_reindex_SOURCES = tests/fault/reindex.c $(strike) $(INGEST_SAMPLES)
tests_fault_reindex_LDADD = $(CORE_LIBS)
tests_fault_export_SOURCES = tests/fault/export.c $(strike) $(INGEST_SAMPLES)
tests_fault_export_LDADD = $(CORE_LIBS)
tests_fault_update_SOURCES = tests/fault/update.c $(strike) $(INGEST_SAMPLES)
tests_fault_update_LDADD = $(CORE_LIBS)
tests_fault_tier_SOURCES = tests/fault/tier.c $(strike) $(INGEST_SAMPLES)
tests_fault_tier_LDADD = $(CORE_LIBS)
tests_fault_write_SOURCES = tests/fault/write.c $(INGEST_SAMPLES)
tests_fault_write_LDADD = $(CORE_LIBS)
tests_fault_power_SOURCES = tests/fault/power.c $(SCRATCH) $(INGEST_SAMPLES)
tests_fault_power_LDADD = $(CORE_LIBS)
endif
