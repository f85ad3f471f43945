same_tests = tests/same/one-instance.t tests/same/samples.t tests/same/bad-samples.t
TESTS += $(same_tests)
EXTRA_DIST += $(same_tests) tests/same/doors.sh
