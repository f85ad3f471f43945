# One suite for each contract, run against every engine behind it.
if WITH_CMOCKA
contract_tests = tests/contract/kv tests/contract/blob
check_PROGRAMS += $(contract_tests)
TESTS += $(contract_tests)
tests_contract_kv_SOURCES = tests/contract/kv.c tests/contract/suite.h tests/contract/suite.c $(SCRATCH)
tests_contract_kv_LDADD = $(UNIT_LIBS)
tests_contract_blob_SOURCES = tests/contract/blob.c tests/contract/suite.h tests/contract/suite.c $(SCRATCH)
tests_contract_blob_LDADD = $(UNIT_LIBS)
endif
