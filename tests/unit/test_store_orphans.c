/* Files that no row is of: what was surely stored and deleted here is removed, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/internal.h"
#include "store/orphans.h"
#include "tests/unit/store_fixture.h"

struct fixture {
	char dir[SCRATCH_MAX];
	struct store *st;
	struct orphan_totals totals;
	char reported[512];
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	*state = f;
	return scratch_store(f->dir, "orphans", NULL, NULL, &f->st, NULL);
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
path_of(const struct fixture *f, const char *sop, char path[512])
{
	snprintf(path, 512, "%s/AHDS/default/dicom/dicom/Microsoft.Default/1.2/1.2.3/%s.dcm", f->dir, sop);
}

static bool
is_there(const struct fixture *f, const char *sop)
{
	char path[512];

	path_of(f, sop, path);
	return access(path, F_OK) == 0;
}

static void
store_one(struct fixture *f, const char *sop)
{
	put_sample(f->st, sample("1.2", "1.2.3", sop));
	assert_int_equal(store_sync(f->st), 0);
}

/* As a power cut leaves it that undoes the removal of the file. */
static void
delete_row_alone(struct fixture *f, const char *sop)
{
	struct catalog_batch *b;
	struct catalog_path path;
	uint64_t sequence, all = UINT64_MAX;

	assert_int_equal(batch_begin(f->st->kv, &b), 0);
	assert_int_equal(catalog_find_path(batch_txn(b), STORE_DEFAULT_PARTITION, "1.2", "1.2.3", sop, &path), 0);
	assert_int_equal(batch_remove(b, &path, clock_now(), &sequence), 0);
	assert_int_equal(catalog_delete_range(batch_txn(b), T_RECLAIM, slice_of(NULL, 0), slice_of(NULL, 0), &all), 0);
	assert_int_equal(batch_commit(b), 0);
	assert_true(is_there(f, sop));
}

static void
report(void *ctx, const char *dir, const char *name, uint64_t size, bool ours)
{
	struct fixture *f = ctx;

	assert_true(size > 0);
	(void)dir;
	snprintf(f->reported, sizeof f->reported, "%s %s", ours ? "ours" : "kept", strrchr(name, '/') + 1);
}

static void
reclaim(struct fixture *f, bool dry_run)
{
	const struct orphan_options o = { .dry_run = dry_run, .report = report, .ctx = f };

	f->reported[0] = '\0';
	assert_int_equal(store_reclaim(f->st, &o, &f->totals, NULL), 0);
}

static void
a_file_that_was_deleted_and_is_back_is_removed(void **state)
{
	struct fixture *f = *state;

	store_one(f, "1.2.3.1");
	store_one(f, "1.2.3.2");
	delete_row_alone(f, "1.2.3.1");
	reclaim(f, true);
	assert_int_equal(f->totals.removed, 1);
	assert_string_equal(f->reported, "ours 1.2.3.1.dcm");
	assert_true(is_there(f, "1.2.3.1"));
	reclaim(f, false);
	assert_int_equal(f->totals.removed, 1);
	assert_int_equal(f->totals.kept, 0);
	assert_false(is_there(f, "1.2.3.1"));
	assert_true(is_there(f, "1.2.3.2"));
	assert_true(store_is_clean(f->st));
	reclaim(f, false);
	assert_int_equal(f->totals.removed, 0);
}

static void
a_file_that_nobody_stored_stays(void **state)
{
	struct fixture *f = *state;
	char from[512], to[512], command[2200];

	store_one(f, "1.2.3.1");
	path_of(f, "1.2.3.1", from);
	path_of(f, "1.2.3.9", to);
	snprintf(command, sizeof command, "cp -p '%s' '%s'", from, to);
	assert_int_equal(system(command), 0);
	reclaim(f, false);
	assert_int_equal(f->totals.kept, 1);
	assert_int_equal(f->totals.removed, 0);
	assert_string_equal(f->reported, "kept 1.2.3.9.dcm");
	assert_true(is_there(f, "1.2.3.9"));
}

static void
a_file_that_somebody_put_back_after_the_delete_stays(void **state)
{
	struct fixture *f = *state;
	char path[512], command[2200];

	store_one(f, "1.2.3.1");
	delete_row_alone(f, "1.2.3.1");
	path_of(f, "1.2.3.1", path);
	snprintf(command, sizeof command, "cp -p '%s' '%s.new' && mv '%s.new' '%s'", path, path, path, path);
	assert_int_equal(system(command), 0);
	reclaim(f, false);
	assert_int_equal(f->totals.kept, 1);
	assert_true(is_there(f, "1.2.3.1"));
}

/* Ten minutes pass between the change and what was done to its file. */
static void
make_change_older(struct fixture *f, uint64_t sequence)
{
	struct key k = key_of_1(sequence);
	struct feed_entry e;
	struct kv_txn *txn;
	struct slice v;
	struct buf b;

	buf_init(&b, 4096);
	assert_int_equal(kv_begin(f->st->kv, KV_WRITE, &txn), 0);
	assert_int_equal(kv_get(txn, T_FEED, key_slice(&k), &v), 0);
	assert_int_equal(feed_entry_get(v, &e), 0);
	e.time -= (int64_t)600 * 1000000000;
	feed_entry_put(&e, &b);
	assert_int_equal(kv_put(txn, T_FEED, key_slice(&k), buf_slice(&b)), 0);
	assert_int_equal(kv_commit(txn), 0);
	buf_fini(&b);
}

static void
a_file_that_somebody_touched_before_the_delete_stays(void **state)
{
	struct fixture *f = *state;

	store_one(f, "1.2.3.1");
	make_change_older(f, 1);
	delete_row_alone(f, "1.2.3.1");
	reclaim(f, false);
	assert_int_equal(f->totals.kept, 1);
	assert_true(is_there(f, "1.2.3.1"));
}

static void
a_file_that_was_stored_again_stays(void **state)
{
	struct fixture *f = *state;

	store_one(f, "1.2.3.1");
	delete_row_alone(f, "1.2.3.1");
	store_one(f, "1.2.3.1");
	reclaim(f, false);
	assert_int_equal(f->totals.removed + f->totals.kept, 0);
	assert_true(is_there(f, "1.2.3.1"));
	assert_true(store_is_clean(f->st));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_file_that_was_deleted_and_is_back_is_removed),
		TEST(a_file_that_nobody_stored_stays),
		TEST(a_file_that_somebody_put_back_after_the_delete_stays),
		TEST(a_file_that_somebody_touched_before_the_delete_stays),
		TEST(a_file_that_was_stored_again_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
