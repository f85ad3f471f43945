/* What happens to a store in the very moment that a backup is of. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/backup.h"
#include "tests/unit/store_fixture.h"

struct fixture {
	char dir[SCRATCH_MAX], path[96], copy[96];
	struct store *st;
	unsigned calls;
	bool struck;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	*state = f;
	if (scratch_make(f->dir, "backup", false) < 0)
		return -1;
	snprintf(f->path, sizeof f->path, "%s/store", f->dir);
	snprintf(f->copy, sizeof f->copy, "%s/copy", f->dir);
	return store_init(f->path, NULL, NULL, NULL) == 0 && store_open(f->path, NULL, &f->st, NULL) == 0 ? 0 : -1;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;
	int r;

	store_close(f->st);
	r = scratch_remove(f->dir);
	free(f);
	return r;
}

static void
store_one(struct fixture *f, int number, int fill)
{
	char sop[64];
	struct sample s;

	snprintf(sop, sizeof sop, "1.2.3.%d", number);
	s = sample("1.2", "1.2.3", sop);
	s.fill = fill;
	put_sample(f->st, s);
}

/* One that is still to be copied goes, and another becomes a new version. */
static void *
strike(void *ctx)
{
	const struct store_scope scope = { .study_uid = "1.2", .series_uid = "1.2.3", .sop_uid = "1.2.3.8" };
	struct fixture *f = ctx;

	assert_int_equal(store_delete(f->st, &scope, NULL, NULL), 0);
	store_one(f, 9, 7);
	return NULL;
}

/* By another thread: this one holds the transaction. */
static void
progress(void *ctx, uint64_t done, uint64_t total, uint64_t bytes)
{
	struct fixture *f = ctx;
	pthread_t thread;

	(void)done;
	(void)total;
	(void)bytes;
	if (++f->calls != 3 || f->struck)
		return;
	f->struck = true;
	assert_int_equal(pthread_create(&thread, NULL, strike, f), 0);
	pthread_join(thread, NULL);
}

static void
the_copy_is_of_one_moment(void **state)
{
	struct fixture *f = *state;
	const struct backup_options o = { .progress = progress, .ctx = f };
	struct backup_totals totals;
	struct store_status status;
	struct store *copy;
	struct err err = { 0 };
	int i;

	for (i = 1; i <= 10; i++)
		store_one(f, i, 1);
	if (store_backup(f->st, f->copy, &o, &totals, &err) < 0)
		fail_msg("%s", err_text(&err));
	assert_true(f->struck);
	assert_int_equal(totals.unreadable, 0);
	assert_int_equal(totals.sequence, 12);
	assert_int_equal(totals.instances, 9);
	assert_int_equal(store_open(f->copy, NULL, &copy, NULL), 0);
	assert_true(store_is_clean(copy));
	assert_int_equal(store_get_status(copy, &status, NULL), 0);
	assert_int_equal(status.instances, 9);
	store_close(copy);
	assert_true(store_is_clean(f->st));
}

static void
a_backup_that_is_told_to_stop_can_be_gone_on_with(void **state)
{
	struct fixture *f = *state;
	atomic_bool stop = true;
	struct backup_options o = { .stop = &stop };
	struct backup_totals totals;
	struct store *copy;

	store_one(f, 1, 1);
	assert_int_equal(store_backup(f->st, f->copy, &o, &totals, NULL), -ECANCELED);
	stop = false;
	assert_int_equal(store_backup(f->st, f->copy, &o, &totals, NULL), 0);
	assert_int_equal(totals.instances, 1);
	assert_int_equal(store_open(f->copy, NULL, &copy, NULL), 0);
	assert_true(store_is_clean(copy));
	store_close(copy);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_copy_is_of_one_moment),
		TEST(a_backup_that_is_told_to_stop_can_be_gone_on_with),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
