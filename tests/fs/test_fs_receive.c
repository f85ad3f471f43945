/* The states of a file being written (receive.h), with a store below it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/hash.h"
#include "fs/receive.h"
#include "tests/unit/make_dicom.h"
#include "tests/unit/scratch.h"

struct fixture {
	char dir[SCRATCH_MAX];
	struct store *st;
	struct behind *behind;		/* NULL: without */
	unsigned char file[SAMPLE_MAX + 1000];
	size_t len;
};

static int
setup(void **state)
{
	static struct fixture f;
	struct sample s = { "1.2", "1.2.3", "1.2.3.4", "ID", "A^B", "20200101", "CT", "x", .pixels = 1000, .fill = 7 };
	struct err err;

	if (scratch_store(f.dir, "receive", NULL, NULL, &f.st, &err) < 0)
		return -1;
	f.len = make_dicom(&s, f.file);
	*state = &f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	store_close(f->st);
	return scratch_remove(f->dir);
}

static int
accept_it(struct receive *rc, struct ingest_result *result)
{
	const struct ingest_options options = {
		.partition = "P", .rules = VALIDATE_PLAIN, .same = INGEST_SAME_REPLACE, .survive_kill = true,
	};
	struct ticket *ticket;
	struct err err;
	int r;

	err_clear(&err);
	r = receive_accept(rc, &options, 1600000000000000000, result, &ticket, &err);
	if (r == 1)
		assert_int_equal(ticket_wait(ticket, result, &err), 0);
	return r;
}

static void
stored_is(struct fixture *f, uint64_t id, const void *want, size_t len)
{
	unsigned char got[SAMPLE_MAX + 2000];
	struct store_file *file;
	struct err err;

	assert_int_equal(store_open_file(f->st, id, &file, &err), 0);
	assert_int_equal(store_file_pread(file, got, sizeof got, 0), len);
	assert_memory_equal(got, want, len);
	store_file_close(file);
}

static void
an_empty_file_is_nothing(void **state)
{
	struct fixture *f = *state;
	struct ingest_result result;
	struct receive *rc = receive_new(f->st, f->behind);
	char c;

	assert_int_equal(accept_it(rc, &result), 0);
	assert_int_equal(receive_read(rc, &c, 1, 0), 0);
	assert_int_equal(receive_size(rc), 0);
	receive_free(rc);
	receive_free(NULL);
}

static void
refused_until_it_changes(void **state)
{
	struct fixture *f = *state;
	struct ingest_result result;
	struct receive *rc = receive_new(f->st, f->behind);
	size_t half = f->len / 2;
	int r;

	assert_int_equal(receive_write(rc, f->file, half, 0, false), half);
	r = accept_it(rc, &result);
	assert_true(r == -EBADMSG || r == -EINVAL);
	assert_int_equal(accept_it(rc, &result), r);
	assert_int_equal(receive_write(rc, f->file + half, f->len - half, 12345, true), f->len - half);
	assert_int_equal(accept_it(rc, &result), 1);
	assert_string_equal(result.identity.sop_uid, "1.2.3.4");
	assert_int_equal(accept_it(rc, &result), 0);
	receive_free(rc);
}

static void
what_was_accepted_is_never_written_into(void **state)
{
	struct fixture *f = *state;
	struct ingest_result first, second;
	struct receive *rc = receive_new(f->st, f->behind);
	struct store_file *old;
	struct store_node node;
	unsigned char changed[SAMPLE_MAX + 1000], got[SAMPLE_MAX + 1000];
	struct err err;

	assert_int_equal(receive_write(rc, f->file, f->len, 0, false), f->len);
	assert_int_equal(accept_it(rc, &first), 1);
	assert_int_equal(store_get_node(f->st, first.id, &node), 0);
	assert_int_equal(node.mtime, 1600000000000000000);
	assert_int_equal(store_open_file(f->st, first.id, &old, &err), 0);

	/* the last pixel */
	memcpy(changed, f->file, f->len);
	changed[f->len - 1] ^= 0xff;
	assert_int_equal(receive_write(rc, &changed[f->len - 1], 1, f->len - 1, false), 1);
	stored_is(f, first.id, f->file, f->len);
	assert_int_equal(receive_read(rc, got, sizeof got, 0), f->len);
	assert_memory_equal(got, changed, f->len);
	assert_int_equal(accept_it(rc, &second), 1);
	assert_int_equal(second.outcome, INGEST_REPLACED);
	assert_int_equal(second.id, first.id);
	stored_is(f, first.id, changed, f->len);
	/* who had it open keeps it */
	assert_int_equal(store_file_pread(old, got, sizeof got, 0), f->len);
	assert_memory_equal(got, f->file, f->len);
	store_file_close(old);

	/* truncated after it was stored, then written whole again */
	assert_int_equal(receive_truncate(rc, 10), 0);
	assert_int_equal(receive_size(rc), 10);
	stored_is(f, first.id, changed, f->len);
	assert_true(accept_it(rc, &second) < 0);
	assert_int_equal(receive_truncate(rc, 0), 0);
	assert_int_equal(accept_it(rc, &second), 0);
	assert_int_equal(receive_write(rc, f->file, f->len, 0, false), f->len);
	assert_int_equal(accept_it(rc, &second), 1);
	stored_is(f, first.id, f->file, f->len);
	receive_free(rc);
}

/* One way to write a file: right bytes, wrong ones, and truncations to an offset, in this order. */
struct piece {
	enum { END, RIGHT, WRONG, CUT } what;
	size_t off, len;
};

static void
write_pieces(struct receive *rc, const struct piece *p, const unsigned char *right)
{
	unsigned char wrong[SAMPLE_MAX + 1000];

	memset(wrong, 'x', sizeof wrong);
	for (; p->what != END; p++)
		if (p->what == CUT)
			assert_int_equal(receive_truncate(rc, p->off), 0);
		else
			assert_int_equal(receive_write(rc, p->what == RIGHT ? right + p->off : wrong, p->len, p->off, false), p->len);
}

static void
whatever_order_bytes_come_in_the_hash_is_theirs(void **state)
{
	struct fixture *f = *state;
	const size_t n = f->len, a = 500, b = 900;
	const struct piece ways[][6] = {
		{ { RIGHT, 0, n } },
		{ { RIGHT, 0, a }, { RIGHT, a, b - a }, { RIGHT, b, n - b } },
		{ { RIGHT, b, n - b }, { RIGHT, 0, a }, { RIGHT, a, b - a } },
		{ { RIGHT, 0, a }, { RIGHT, b, n - b }, { RIGHT, a, b - a } },
		{ { WRONG, 0, n }, { RIGHT, 0, n } },
		{ { RIGHT, 0, b }, { WRONG, b, n - b }, { RIGHT, b, n - b } },
		{ { RIGHT, 0, a }, { WRONG, a, n - a }, { RIGHT, b, n - b }, { RIGHT, a, b - a } },
		{ { RIGHT, 0, n }, { WRONG, n, 50 }, { CUT, n, 0 } },
		{ { RIGHT, 0, b }, { WRONG, b, n - b }, { CUT, b, 0 }, { RIGHT, b, n - b } },
		{ { WRONG, 0, n }, { CUT, 0, 0 }, { RIGHT, 0, n } },
		{ { CUT, n, 0 }, { RIGHT, 0, a }, { RIGHT, a, n - a } },
		{ { CUT, n, 0 }, { RIGHT, a, n - a }, { RIGHT, 0, a } },
		{ { CUT, n + 10, 0 }, { RIGHT, 0, n }, { CUT, n, 0 } },
		{ { RIGHT, 0, n - 1 }, { WRONG, n - 1, 1 }, { CUT, n - 1, 0 }, { CUT, n, 0 } },		/* a zero */
	};
	unsigned char content[SAMPLE_MAX + 1000], hash[HASH_LEN];
	struct ingest_result result;
	struct store_file *file;
	struct err err;
	size_t i;

	for (i = 0; i < sizeof ways / sizeof *ways; i++) {
		struct receive *rc = receive_new(f->st, f->behind);

		memcpy(content, f->file, n);
		content[n - 2] = (unsigned char)i;
		content[n - 1] = 0;
		write_pieces(rc, ways[i], content);
		assert_int_equal(accept_it(rc, &result), 1);
		stored_is(f, result.id, content, n);
		hash_bytes(content, n, hash);
		assert_int_equal(store_open_file(f->st, result.id, &file, &err), 0);
		assert_memory_equal(store_file_info(file)->hash, hash, HASH_LEN);
		store_file_close(file);
		receive_free(rc);
	}
}

static void
a_base_is_copied_when_it_is_written_over(void **state)
{
	struct fixture *f = *state;
	struct ingest_result result;
	struct receive *rc = receive_new(f->st, f->behind);
	struct store_file *file;
	struct err err;
	unsigned char got[SAMPLE_MAX + 1000];

	assert_int_equal(receive_write(rc, f->file, f->len, 0, false), f->len);
	assert_true(accept_it(rc, &result) >= 0);
	receive_free(rc);
	rc = receive_new(f->st, f->behind);
	assert_int_equal(store_open_file(f->st, result.id, &file, &err), 0);
	assert_int_equal(receive_set_base(rc, file), 0);
	store_file_close(file);
	assert_int_equal(accept_it(rc, &result), 0);	/* nothing new */
	assert_int_equal(receive_read(rc, got, sizeof got, 0), f->len);
	assert_int_equal(receive_write(rc, "\0\1", 2, 0, false), 2);
	assert_int_equal(receive_read(rc, got, sizeof got, 0), f->len);
	assert_memory_equal(got, "\0\1", 2);
	assert_memory_equal(got + 2, f->file + 2, f->len - 2);
	assert_int_equal(receive_allocate(rc, 0, 0, f->len + 100), 0);
	assert_int_equal(receive_size(rc), f->len + 100);
	assert_int_equal(receive_allocate(rc, 3, 0, 10), -EOPNOTSUPP);
	assert_int_equal(receive_sync(rc), 0);
	assert_int_equal(receive_write(rc, "x", 1, UINT64_MAX, false), -EFBIG);
	receive_free(rc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_empty_file_is_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(refused_until_it_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_accepted_is_never_written_into, setup, teardown),
		cmocka_unit_test_setup_teardown(whatever_order_bytes_come_in_the_hash_is_theirs, setup, teardown),
		cmocka_unit_test_setup_teardown(a_base_is_copied_when_it_is_written_over, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
