fuzz_targets += tests/fuzz/fuzz_conf
tests_fuzz_fuzz_conf_LDADD = $(FUZZ_LIBS)
fuzz_targets += tests/fuzz/fuzz_tiers_conf
tests_fuzz_fuzz_tiers_conf_LDADD = $(FUZZ_LIBS)
