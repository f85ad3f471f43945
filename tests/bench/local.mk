# tests/bench: built by `make bench-programs` alone.
bench_programs = tests/bench/load tests/bench/fsync_loop tests/bench/read_files
EXTRA_PROGRAMS += tests/bench/load tests/bench/fsync_loop tests/bench/read_files
tests_bench_load_SOURCES = tests/bench/load.c
tests_bench_fsync_loop_SOURCES = tests/bench/fsync_loop.c
tests_bench_read_files_SOURCES = tests/bench/read_files.c
EXTRA_DIST += tests/bench/run tests/bench/mount_rows.sh tests/bench/export_rows.sh

if WITH_DCMTK
bench_programs += tests/bench/header_bench
endif
EXTRA_PROGRAMS += tests/bench/header_bench
tests_bench_header_bench_SOURCES = \
	tests/bench/header_bench.h tests/bench/header_bench.c tests/bench/header_oracle.cc
tests_bench_header_bench_CXXFLAGS = $(DCMTK_CXXFLAGS) $(SAN_CFLAGS) $(PTHREAD_CFLAGS)
tests_bench_header_bench_LDADD = $(CORE_LIBS) $(DCMTK_LIBS)

.PHONY: bench-programs
bench-programs: $(bench_programs)
CLEANFILES += $(bench_programs)
