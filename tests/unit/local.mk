# Unit tests: one test_<module>.c a module, linking the core.  A program of one file
# named like it needs no _SOURCES.
# What tests elsewhere take from here, too; of the last three each includes the one before.
SCRATCH = tests/unit/scratch.h tests/unit/scratch.c
DICOM_FILE = tests/unit/dicom_file.h tests/unit/dicom_file.c
MAKE_DICOM = $(DICOM_FILE) tests/unit/make_dicom.h tests/unit/make_dicom.c
INGEST_SAMPLES = $(MAKE_DICOM) tests/unit/ingest.h tests/unit/ingest.c
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
