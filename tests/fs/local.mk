# The mount.
if WITH_FS
noinst_PROGRAMS += tests/fs/fsd
tests_fs_fsd_SOURCES = tests/fs/fsd.c tests/unit/make_dicom.c
tests_fs_fsd_LDADD = $(FS_LIBS) $(CORE_LIBS)
endif
