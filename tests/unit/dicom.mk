# unit tests of src/dicom and src/pixel
DICOM_EXPECT = $(DICOM_FILE) tests/unit/dicom_expect.h tests/unit/dicom_expect.c

# What dicom-oracle.t compares with dcm2json.
check_PROGRAMS += tests/unit/dump_json
tests_unit_dump_json_LDADD = $(CORE_LIBS)

dicom_unit_tests = tests/unit/test_dicom_text tests/unit/test_dicom_read tests/unit/test_dicom_json \
	tests/unit/test_dicom_rules tests/unit/test_dicom_frames tests/unit/test_pixel
check_PROGRAMS += $(dicom_unit_tests)
TESTS += $(dicom_unit_tests)
tests_unit_test_dicom_text_LDADD = $(UNIT_LIBS)
tests_unit_test_dicom_read_SOURCES = tests/unit/test_dicom_read.c $(DICOM_EXPECT)
tests_unit_test_dicom_read_LDADD = $(UNIT_LIBS)
tests_unit_test_dicom_json_SOURCES = tests/unit/test_dicom_json.c $(DICOM_EXPECT)
tests_unit_test_dicom_json_LDADD = $(UNIT_LIBS)
tests_unit_test_dicom_rules_SOURCES = tests/unit/test_dicom_rules.c $(DICOM_EXPECT)
tests_unit_test_dicom_rules_LDADD = $(UNIT_LIBS)
tests_unit_test_dicom_frames_SOURCES = tests/unit/test_dicom_frames.c $(DICOM_EXPECT)
tests_unit_test_dicom_frames_LDADD = $(UNIT_LIBS)
tests_unit_test_pixel_LDADD = $(UNIT_LIBS)

dist_check_SCRIPTS += tests/unit/dicom-oracle.t
TESTS += tests/unit/dicom-oracle.t
EXTRA_DIST += tests/unit/dicom_oracle.py
