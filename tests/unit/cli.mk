# unit tests of src/conf and src/cli
unit_cli_tests = tests/unit/test_conf
check_PROGRAMS += $(unit_cli_tests)
TESTS += $(unit_cli_tests)
tests_unit_test_conf_LDADD = $(UNIT_LIBS)
TESTS += tests/unit/layers.t
EXTRA_DIST += tests/unit/layers.t
