# Fuzz targets, one a parser of foreign bytes.  A target NAME is a file
# fuzz_NAME.c that defines LLVMFuzzerTestOneInput, and seeds (later: past
# crashes) in corpus/NAME/.  To add one:
#
#	fuzz_targets += tests/fuzz/fuzz_NAME
#	tests_fuzz_fuzz_NAME_SOURCES = tests/fuzz/fuzz_NAME.c $(FUZZ_DRIVER)
#	tests_fuzz_fuzz_NAME_CFLAGS = $(AM_CFLAGS)		and what else its headers need
#	tests_fuzz_fuzz_NAME_LDFLAGS = $(FUZZ_LINK)
#	tests_fuzz_fuzz_NAME_LDADD = $(CORE_LIBS)		a door's library goes before
#	EXTRA_DIST += $(srcdir)/tests/fuzz/corpus/NAME
#
# `make check` replays the seeds through every target (replay.c).  Configured
# with CC=clang --enable-fuzzers --enable-asan --enable-ubsan the same files
# become libFuzzer programs: `make fuzzers`, then
# tests/fuzz/fuzz_NAME NEW_CORPUS ../tests/fuzz/corpus/NAME.
fuzz_targets =

if WITH_FUZZERS
FUZZ_DRIVER =
FUZZ_LINK = $(AM_LDFLAGS) $(FUZZ_CFLAGS)
else
FUZZ_DRIVER = tests/fuzz/replay.c
FUZZ_LINK = $(AM_LDFLAGS)
TESTS += $(fuzz_targets)
endif
check_PROGRAMS += $(fuzz_targets)

fuzz_targets += tests/fuzz/fuzz_dicom_read
tests_fuzz_fuzz_dicom_read_SOURCES = tests/fuzz/fuzz_dicom_read.c $(FUZZ_DRIVER)
tests_fuzz_fuzz_dicom_read_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_dicom_read_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_dicom_read_LDADD = $(CORE_LIBS)
EXTRA_DIST += $(srcdir)/tests/fuzz/corpus/dicom_read

fuzz_targets += tests/fuzz/fuzz_frames
tests_fuzz_fuzz_frames_SOURCES = tests/fuzz/fuzz_frames.c $(FUZZ_DRIVER)
tests_fuzz_fuzz_frames_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_frames_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_frames_LDADD = $(CORE_LIBS)
EXTRA_DIST += $(srcdir)/tests/fuzz/corpus/frames

fuzz_targets += tests/fuzz/fuzz_edit
tests_fuzz_fuzz_edit_SOURCES = tests/fuzz/fuzz_edit.c $(FUZZ_DRIVER)
tests_fuzz_fuzz_edit_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_edit_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_edit_LDADD = $(CORE_LIBS)
EXTRA_DIST += $(srcdir)/tests/fuzz/corpus/edit

fuzz_targets += tests/fuzz/fuzz_pixel_decode
tests_fuzz_fuzz_pixel_decode_SOURCES = tests/fuzz/fuzz_pixel_decode.c $(FUZZ_DRIVER)
tests_fuzz_fuzz_pixel_decode_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_pixel_decode_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_pixel_decode_LDADD = $(CORE_LIBS)
EXTRA_DIST += $(srcdir)/tests/fuzz/corpus/pixel_decode

fuzz_targets += tests/fuzz/fuzz_json_find
tests_fuzz_fuzz_json_find_SOURCES = tests/fuzz/fuzz_json_find.c $(FUZZ_DRIVER)
tests_fuzz_fuzz_json_find_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
tests_fuzz_fuzz_json_find_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_json_find_LDADD = $(CORE_LIBS)
EXTRA_DIST += $(srcdir)/tests/fuzz/corpus/json_find

if WITH_WEB
include $(srcdir)/tests/fuzz/web.mk
endif

if WITH_FS
fuzz_targets += tests/fuzz/fuzz_fs_path
tests_fuzz_fuzz_fs_path_SOURCES = tests/fuzz/fuzz_fs_path.c $(FUZZ_DRIVER)
tests_fuzz_fuzz_fs_path_CFLAGS = $(AM_CFLAGS)
tests_fuzz_fuzz_fs_path_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_fs_path_LDADD = libfs.a $(CORE_LIBS)
EXTRA_DIST += $(srcdir)/tests/fuzz/corpus/fs_path
endif

include $(srcdir)/tests/fuzz/cli.mk

.PHONY: fuzzers
fuzzers: $(fuzz_targets)
