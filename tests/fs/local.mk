# The mount, through a small daemon that has this door only.
if WITH_FS
check_PROGRAMS += tests/fs/fsd tests/fs/handles
tests_fs_fsd_SOURCES = tests/fs/fsd.c $(MAKE_DICOM)
tests_fs_fsd_LDADD = $(FS_LIBS) $(CORE_LIBS)
fs_tests = \
	tests/fs/attributes.t \
	tests/fs/beside.t \
	tests/fs/both-doors.t \
	tests/fs/bulk-update.t \
	tests/fs/coherence.t \
	tests/fs/copy-in.t \
	tests/fs/delete.t \
	tests/fs/export.t \
	tests/fs/full-disk.t \
	tests/fs/import-container.t \
	tests/fs/kill-and-remount.t \
	tests/fs/large-file.t \
	tests/fs/many-instances.t \
	tests/fs/options.t \
	tests/fs/query.t \
	tests/fs/read-back.t \
	tests/fs/reading-tools.t \
	tests/fs/readdir-while-ingest.t \
	tests/fs/refused-file.t \
	tests/fs/request-counts.t \
	tests/fs/samples.t \
	tests/fs/servers.t \
	tests/fs/soak.t \
	tests/fs/stop-when-busy.t \
	tests/fs/storm.t \
	tests/fs/tier.t \
	tests/fs/tools.t \
	tests/fs/tree-shape.t \
	tests/fs/uring.t \
	tests/fs/virtual.t \
	tests/fs/write-again.t
TESTS += $(fs_tests)
EXTRA_DIST += $(fs_tests) tests/fs/mount.sh

if WITH_CMOCKA
fs_unit_tests = tests/fs/test_fs_names tests/fs/test_fs_query tests/fs/test_fs_reader tests/fs/test_fs_receive \
	tests/fs/test_fs_behind tests/fs/test_fs_services tests/fs/test_fs_uring
check_PROGRAMS += $(fs_unit_tests)
TESTS += $(fs_unit_tests)
tests_fs_test_fs_names_LDADD = libfs.a $(CORE_LIBS) $(CMOCKA_LIBS)
tests_fs_test_fs_query_LDADD = libfs.a $(CORE_LIBS) $(CMOCKA_LIBS)
tests_fs_test_fs_reader_LDADD = libfs.a $(CORE_LIBS) $(CMOCKA_LIBS)
tests_fs_test_fs_services_SOURCES = tests/fs/test_fs_services.c $(SCRATCH)
tests_fs_test_fs_services_CFLAGS = $(AM_CFLAGS) $(FUSE_CFLAGS)
tests_fs_test_fs_services_LDADD = $(FS_LIBS) $(CORE_LIBS) $(CMOCKA_LIBS)
tests_fs_test_fs_uring_SOURCES = tests/fs/test_fs_uring.c $(SCRATCH)
tests_fs_test_fs_uring_LDADD = libfs.a $(CORE_LIBS) $(URING_LIBS) $(CMOCKA_LIBS)
tests_fs_test_fs_receive_SOURCES = tests/fs/test_fs_receive.c $(SCRATCH) $(MAKE_DICOM)
tests_fs_test_fs_receive_LDADD = libfs.a $(CORE_LIBS) $(CMOCKA_LIBS)
tests_fs_test_fs_behind_SOURCES = tests/fs/test_fs_behind.c $(SCRATCH) $(MAKE_DICOM)
tests_fs_test_fs_behind_LDADD = libfs.a $(CORE_LIBS) $(CMOCKA_LIBS)
endif
endif
