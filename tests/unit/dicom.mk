# unit tests of src/dicom

# What dicom-oracle.t compares with dcm2json.
check_PROGRAMS += tests/unit/dump_json
tests_unit_dump_json_SOURCES = tests/unit/dump_json.c
tests_unit_dump_json_LDADD = $(CORE_LIBS)
