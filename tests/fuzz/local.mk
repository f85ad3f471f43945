# Fuzz targets, one a parser of foreign bytes.  A target NAME is a file
# fuzz_NAME.c that defines LLVMFuzzerTestOneInput, and seeds (later: past
# crashes) in corpus/NAME/.  To add one:
#
#	fuzz_targets += tests/fuzz/fuzz_NAME
#	tests_fuzz_fuzz_NAME_LDADD = $(FUZZ_LIBS)		a door's library goes before
#
# `make check` replays the seeds through every target (replay.c).  Configured
# with CC=clang --enable-fuzzers --enable-asan --enable-ubsan the same files
# become libFuzzer programs: `make fuzzers`, then
# tests/fuzz/fuzz_NAME NEW_CORPUS ../tests/fuzz/corpus/NAME.
fuzz_targets =
EXTRA_DIST += $(srcdir)/tests/fuzz/corpus

if WITH_FUZZERS
FUZZ_LIBS = $(FUZZ_CFLAGS) $(CORE_LIBS)
else
check_LIBRARIES += libreplay.a
libreplay_a_SOURCES = tests/fuzz/replay.c tests/fuzz/check.h
FUZZ_LIBS = libreplay.a $(CORE_LIBS)
TESTS += $(fuzz_targets)
endif
check_PROGRAMS += $(fuzz_targets)

fuzz_targets += tests/fuzz/fuzz_coding tests/fuzz/fuzz_dicom_read tests/fuzz/fuzz_json_find \
	tests/fuzz/fuzz_frames tests/fuzz/fuzz_edit tests/fuzz/fuzz_pixel_decode
fuzz_targets += tests/fuzz/fuzz_destination
tests_fuzz_fuzz_destination_LDADD = $(FUZZ_LIBS)
fuzz_targets += tests/fuzz/fuzz_unpack tests/fuzz/fuzz_dicomdir
tests_fuzz_fuzz_unpack_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_dicomdir_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_coding_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_dicom_read_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_json_find_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_frames_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_edit_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_pixel_decode_LDADD = $(FUZZ_LIBS)

if WITH_WEB
include $(srcdir)/tests/fuzz/web.mk
endif

if WITH_FS
fuzz_targets += tests/fuzz/fuzz_fs_path tests/fuzz/fuzz_fs_query
tests_fuzz_fuzz_fs_path_LDADD = libfs.a $(FUZZ_LIBS)
tests_fuzz_fuzz_fs_query_CFLAGS = $(AM_CFLAGS) $(FUSE_CFLAGS)
tests_fuzz_fuzz_fs_query_LDADD = $(FS_LIBS) $(FUZZ_LIBS)
endif

include $(srcdir)/tests/fuzz/cli.mk

.PHONY: fuzzers
fuzzers: $(fuzz_targets)
