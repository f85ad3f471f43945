# Unit tests: one test_<module>.c a module, linking the core.  A program of one file
# named like it needs no _SOURCES.
UNIT_LIBS = $(CORE_LIBS) $(CMOCKA_LIBS)
if WITH_CMOCKA
unit_tests = tests/unit/test_base
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
tests_unit_test_base_LDADD = $(UNIT_LIBS)
include $(srcdir)/tests/unit/dicom.mk
include $(srcdir)/tests/unit/core.mk
include $(srcdir)/tests/unit/cli.mk
if WITH_WEB
include $(srcdir)/tests/unit/web.mk
endif
endif
