/* Pieces written by another thread: what is in the file afterwards, and what is said when they cannot be. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "fs/behind.h"
#include "fs/receive.h"
#include "tests/unit/make_dicom.h"
#include "tests/unit/scratch.h"

#define FILE_MAX (1u << 20)
#define PIECE (100u << 10)
#define N_THREADS 4
#define N_FILES 12

struct fixture {
	char dir[SCRATCH_MAX];
	struct store *st;
	struct behind *behind;
};

static int
setup(void **state)
{
	static struct fixture f;
	struct err err;

	if (scratch_store(f.dir, "behind", NULL, NULL, &f.st, &err) < 0 || behind_start(true, &f.behind) < 0)
		return -1;
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	behind_stop(f->behind);
	store_close(f->st);
	return scratch_remove(f->dir);
}

/* Writes of all sizes, most of them one after the other, some over others and some beyond the end. */
static bool
write_at_random(struct fixture *f, unsigned *seed)
{
	static const size_t lens[] = { 100, 5000, 32 << 10, 70000, PIECE, 128 << 10, 400000 };
	char *want = calloc(1, FILE_MAX), *data = malloc(FILE_MAX), *got = malloc(FILE_MAX);
	struct behind_file file = { 0 };
	struct incoming *in;
	struct err err;
	size_t size = 0, off, len, taken;
	struct stat sb;
	bool good = want != NULL && data != NULL && got != NULL && incoming_new(f->st, &in, &err) == 0;
	int i;

	if (!good)
		return false;
	for (i = 0; i < 20; i++) {
		len = lens[(unsigned)rand_r(seed) % (sizeof lens / sizeof *lens)];
		off = rand_r(seed) % 4 != 0 ? size : (size_t)rand_r(seed) % FILE_MAX;
		if (off + len > FILE_MAX)
			continue;
		memset(data, rand_r(seed), len);
		memcpy(want + off, data, len);
		if (off + len > size)
			size = off + len;
		taken = behind_write(f->behind, &file, in, data, len, off);
		if (taken < len)
			good &= behind_finish(f->behind, &file) == 0 &&
				incoming_write_at(in, data + taken, len - taken, off + taken) == 0;
		memset(data, 0, len);	/* it was copied */
		if (rand_r(seed) % 8 == 0)
			good &= behind_finish(f->behind, &file) == 0 && fstat(incoming_fd(in), &sb) == 0 &&
				(size_t)sb.st_size == size;
	}
	good &= behind_finish(f->behind, &file) == 0 && atomic_load(&file.waiting) == 0;
	good &= pread(incoming_fd(in), got, FILE_MAX, 0) == (ssize_t)size && memcmp(got, want, size) == 0;
	incoming_free(in);
	free(want);
	free(data);
	free(got);
	return good;
}

struct writer {
	struct fixture *f;
	unsigned seed;
	bool good;
};

static void *
write_files(void *arg)
{
	struct writer *w = arg;
	int i;

	for (i = 0; i < N_FILES && w->good; i++)
		w->good = write_at_random(w->f, &w->seed);
	return NULL;
}

static void
each_file_has_what_was_written_last(void **state)
{
	struct fixture *f = *state;
	struct writer writers[N_THREADS];
	pthread_t threads[N_THREADS];
	unsigned i;

	for (i = 0; i < N_THREADS; i++) {
		writers[i] = (struct writer){ .f = f, .seed = i + 1, .good = true };
		assert_int_equal(pthread_create(&threads[i], NULL, write_files, &writers[i]), 0);
	}
	for (i = 0; i < N_THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_true(writers[i].good);
	}
}

static void
little_is_taken_only_after_more(void **state)
{
	struct fixture *f = *state;
	struct behind_file file = { 0 };
	struct incoming *in;
	struct stat sb;
	struct err err;
	char *data = calloc(1, FILE_MAX);
	size_t taken = 0, n, i;

	assert_int_equal(incoming_new(f->st, &in, &err), 0);
	assert_int_equal(behind_write(f->behind, &file, in, data, 100, 0), 0);
	assert_int_equal(behind_write(NULL, &file, in, data, PIECE, 0), 0);
	assert_int_equal(behind_finish(NULL, &file), 0);
	/* More than one thread writes at a time, but not without end: some of it is left. */
	for (i = 0; i < 100 && taken == i * FILE_MAX; i++)
		taken += behind_write(f->behind, &file, in, data, FILE_MAX, i * FILE_MAX);
	assert_true(taken >= FILE_MAX && taken < i * FILE_MAX);
	n = behind_write(f->behind, &file, in, data, 100, taken);
	assert_true(n == 0 || n == 100);
	assert_int_equal(behind_finish(f->behind, &file), 0);
	assert_int_equal(fstat(incoming_fd(in), &sb), 0);
	assert_int_equal(sb.st_size, taken + n);
	assert_int_equal(behind_write(f->behind, &file, in, data, 100, 0), 0);
	incoming_free(in);
	free(data);
}

/* Files may not grow beyond that. */
static void
limit_files(rlim_t max)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void
the_first_error_is_said_once(void **state)
{
	struct fixture *f = *state;
	struct behind_file file = { 0 };
	struct incoming *in;
	struct stat sb;
	struct err err;
	char *data = calloc(1, PIECE);
	unsigned i;

	assert_int_equal(incoming_new(f->st, &in, &err), 0);
	limit_files(PIECE + 1000);
	for (i = 0; i < 4; i++)
		assert_int_equal(behind_write(f->behind, &file, in, data, PIECE, i == 3 ? 0 : i * PIECE), PIECE);
	assert_int_equal(behind_finish(f->behind, &file), -EFBIG);
	assert_int_equal(behind_finish(f->behind, &file), 0);
	limit_files(RLIM_INFINITY);
	assert_int_equal(fstat(incoming_fd(in), &sb), 0);
	assert_true(sb.st_size <= PIECE + 1000);
	incoming_free(in);
	free(data);
}

static int
accept_it(struct receive *rc, struct ingest_result *result)
{
	const struct ingest_options options = { .rules = VALIDATE_PLAIN, .same = INGEST_SAME_REPLACE, .survive_kill = true };
	struct ticket *ticket;
	struct err err;
	int r;

	err_clear(&err);
	r = receive_accept(rc, &options, -1, result, &ticket, &err);
	return r == 1 ? ticket_wait(ticket, result, &err) : r;
}

/* It would be whole by its length: a piece in the middle is missing. */
static void
a_file_with_a_hole_is_refused(void **state)
{
	struct fixture *f = *state;
	struct sample s = { "1.2", "1.2.3", "1.2.3.4", "ID", "A^B", "20200101", "CT", "x", .pixels = 3 * PIECE, .fill = 7 };
	unsigned char *file = malloc(SAMPLE_MAX + s.pixels);
	struct receive *rc = receive_new(f->st, f->behind);
	struct ingest_result result;
	size_t len = make_dicom(&s, file), rest = len - 2 * PIECE;

	assert_int_equal(receive_write(rc, file, PIECE, 0, false), PIECE);
	assert_int_equal(receive_sync(rc), 0);
	limit_files(PIECE + 1000);
	assert_int_equal(receive_write(rc, file + PIECE, PIECE, PIECE, false), PIECE);
	assert_int_equal(receive_sync(rc), -EFBIG);
	limit_files(RLIM_INFINITY);
	assert_int_equal(receive_write(rc, file + 2 * PIECE, rest, 2 * PIECE, false), -EFBIG);
	assert_int_equal(accept_it(rc, &result), -EFBIG);
	assert_int_equal(accept_it(rc, &result), -EFBIG);

	/* Once more, from the beginning. */
	assert_int_equal(receive_truncate(rc, 0), 0);
	assert_int_equal(receive_write(rc, file, PIECE, 0, false), PIECE);
	assert_int_equal(receive_write(rc, file + PIECE, PIECE, PIECE, false), PIECE);
	assert_int_equal(receive_write(rc, file + 2 * PIECE, rest, 2 * PIECE, false), rest);
	assert_int_equal(accept_it(rc, &result), 0);
	assert_string_equal(result.identity.sop_uid, "1.2.3.4");
	receive_free(rc);
	free(file);
}

/* What reads, cuts or asks sees what was written before. */
static void
others_wait_for_what_is_written(void **state)
{
	struct fixture *f = *state;
	struct receive *rc = receive_new(f->st, f->behind);
	char *data = malloc(PIECE), *got = malloc(2 * PIECE);
	unsigned i;

	for (i = 0; i < 50; i++) {
		memset(data, (int)i + 1, PIECE);
		assert_int_equal(receive_write(rc, data, PIECE, 0, false), PIECE);
		assert_int_equal(receive_write(rc, data, PIECE, 0, true), PIECE);
		assert_int_equal(receive_size(rc), 2 * PIECE);
		assert_int_equal(receive_read(rc, got, 2 * PIECE, 0), 2 * PIECE);
		assert_memory_equal(got, data, PIECE);
		assert_memory_equal(got + PIECE, data, PIECE);
		assert_int_equal(receive_truncate(rc, 10), 0);
		assert_int_equal(receive_read(rc, got, 2 * PIECE, 0), 10);
		assert_int_equal(receive_truncate(rc, 0), 0);
	}
	/* Thrown away with pieces to write. */
	assert_int_equal(receive_write(rc, data, PIECE, 0, false), PIECE);
	receive_free(rc);
	free(data);
	free(got);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_file_has_what_was_written_last, setup, teardown),
		cmocka_unit_test_setup_teardown(little_is_taken_only_after_more, setup, teardown),
		cmocka_unit_test_setup_teardown(the_first_error_is_said_once, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_with_a_hole_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(others_wait_for_what_is_written, setup, teardown),
	};

	signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
