/* The contract of kv.h, held against every engine and wrapper. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kv/kv.h"
#include "suite.h"
#include "tests/unit/scratch.h"

static const char *const tables[] = { "a", "b", "added" };

enum { KEEPS = 1, FAILS = 2 };		/* what was committed is there after close and open; the fault wrapper */

struct engine {
	int (*open)(const char *dir, size_t map_size, struct kv **ret_kv);
	struct kv *kv;
	char dir[SCRATCH_MAX];
};

static const struct kv_options *
options(size_t map_size)
{
	static struct kv_options o;

	o = (struct kv_options){ .tables = tables, .n_tables = 2, .map_size = map_size, .create = true };
	return &o;
}

static int
open_lmdb(const char *dir, size_t map_size, struct kv **ret_kv)
{
	return kv_lmdb_open(dir, options(map_size), ret_kv, NULL);
}

static int
open_mem(const char *dir, size_t map_size, struct kv **ret_kv)
{
	(void)dir;
	return kv_mem_open(options(map_size), ret_kv, NULL);
}

static int
open_fault(const char *dir, size_t map_size, struct kv **ret_kv)
{
	struct kv *inner;
	int r = open_mem(dir, map_size, &inner);

	return r < 0 ? r : kv_fault_open(inner, ret_kv);
}

static struct engine lmdb = { .open = open_lmdb }, mem = { .open = open_mem }, fault = { .open = open_fault };

static int
setup(void **state)
{
	struct engine *e = *state;

	if (scratch_make(e->dir, "kv", false) < 0)
		return -1;
	return e->open(e->dir, 0, &e->kv);
}

static int
teardown(void **state)
{
	struct engine *e = *state;

	kv_close(e->kv);
	e->kv = NULL;
	return scratch_remove(e->dir);
}

static struct kv_txn *
begin(struct engine *e, enum kv_mode mode)
{
	struct kv_txn *t = NULL;

	assert_int_equal(kv_begin(e->kv, mode, &t), 0);
	return t;
}

static void
put(struct kv_txn *t, unsigned table, const char *k, const char *v)
{
	assert_int_equal(kv_put(t, table, slice_str(k), slice_str(v)), 0);
}

static void
expect(struct kv_txn *t, unsigned table, const char *k, const char *v)
{
	struct slice got;
	int r = kv_get(t, table, slice_str(k), &got);

	if (v == NULL) {
		assert_int_equal(r, -ENOENT);
		return;
	}
	assert_int_equal(r, 0);
	assert_int_equal(got.len, strlen(v));
	assert_memory_equal(got.data, v, got.len);
}

static void
a_commit_is_seen_by_later_transactions_only(void **state)
{
	struct engine *e = *state;
	struct kv_txn *before, *w, *after;

	before = begin(e, KV_READ);
	w = begin(e, KV_WRITE);
	put(w, 0, "k", "v");
	expect(w, 0, "k", "v");
	expect(w, 1, "k", NULL);
	assert_int_equal(kv_commit(w), 0);
	expect(before, 0, "k", NULL);
	kv_abort(before);
	after = begin(e, KV_READ);
	expect(after, 0, "k", "v");
	kv_abort(after);
}

static void
an_aborted_transaction_leaves_nothing(void **state)
{
	struct engine *e = *state;
	struct kv_txn *t = begin(e, KV_WRITE);
	uint64_t version = kv_version(e->kv);

	put(t, 0, "k", "v");
	kv_abort(t);
	t = begin(e, KV_READ);
	expect(t, 0, "k", NULL);
	kv_abort(t);
	assert_true(kv_version(e->kv) == version);
}

static void
insert_refuses_a_key_that_is_there_and_del_one_that_is_not(void **state)
{
	struct engine *e = *state;
	struct kv_txn *t = begin(e, KV_WRITE);

	assert_int_equal(kv_insert(t, 0, slice_str("k"), slice_str("1")), 0);
	assert_int_equal(kv_insert(t, 0, slice_str("k"), slice_str("2")), -EEXIST);
	expect(t, 0, "k", "1");
	put(t, 0, "k", "3");
	expect(t, 0, "k", "3");
	assert_int_equal(kv_del(t, 0, slice_str("k")), 0);
	assert_int_equal(kv_del(t, 0, slice_str("k")), -ENOENT);
	kv_abort(t);
}

static void
keys_of_a_wrong_size_are_refused(void **state)
{
	struct engine *e = *state;
	struct kv_txn *t = begin(e, KV_WRITE);
	char key[KV_KEY_MAX + 1];

	memset(key, 'x', sizeof key);
	assert_int_equal(kv_put(t, 0, slice_of(key, 0), slice_str("v")), -EINVAL);
	assert_int_equal(kv_put(t, 0, slice_of(key, sizeof key), slice_str("v")), -EINVAL);
	assert_int_equal(kv_put(t, 0, slice_of(key, KV_KEY_MAX), slice_str("")), 0);
	assert_int_equal(kv_commit(t), 0);
}

static void
collect(struct kv_txn *t, const char *from, const char *to, enum kv_direction dir, uint64_t limit,
	char *out)
{
	struct kv_range *g;
	struct slice k, v;
	int r;

	out[0] = '\0';
	assert_int_equal(kv_range_open(t, 0, slice_str(from), slice_str(to), dir, limit, &g), 0);
	while ((r = kv_range_next(g, &k, &v)) > 0) {
		strncat(out, k.data, k.len);
		strcat(out, " ");
	}
	assert_int_equal(r, 0);
	assert_int_equal(kv_range_next(g, &k, &v), 0);
	kv_range_close(g);
}

static void
ranges_walk_in_order_both_ways_within_their_limits(void **state)
{
	struct engine *e = *state;
	struct kv_txn *t = begin(e, KV_WRITE);
	char out[100];

	put(t, 0, "b", "");
	put(t, 0, "a", "");
	put(t, 0, "ab", "");
	put(t, 0, "c", "");
	put(t, 1, "aa", "");
	assert_int_equal(kv_commit(t), 0);
	t = begin(e, KV_READ);
	collect(t, "", "", KV_ASCENDING, 0, out);
	assert_string_equal(out, "a ab b c ");
	collect(t, "", "", KV_DESCENDING, 0, out);
	assert_string_equal(out, "c b ab a ");
	collect(t, "ab", "c", KV_ASCENDING, 0, out);
	assert_string_equal(out, "ab b ");
	collect(t, "ab", "c", KV_DESCENDING, 0, out);
	assert_string_equal(out, "b ab ");
	collect(t, "aa", "bb", KV_DESCENDING, 1, out);
	assert_string_equal(out, "b ");
	collect(t, "a", "", KV_ASCENDING, 2, out);
	assert_string_equal(out, "a ab ");
	collect(t, "d", "", KV_ASCENDING, 0, out);
	assert_string_equal(out, "");
	collect(t, "d", "e", KV_DESCENDING, 0, out);
	assert_string_equal(out, "");
	kv_abort(t);
}

static void
get_many_marks_what_is_missing(void **state)
{
	struct engine *e = *state;
	struct kv_txn *t = begin(e, KV_WRITE);
	struct slice keys[3] = { slice_str("a"), slice_str("x"), slice_str("b") }, values[3];

	put(t, 0, "a", "1");
	put(t, 0, "b", "2");
	assert_int_equal(kv_commit(t), 0);
	t = begin(e, KV_READ);
	assert_int_equal(kv_get_many(t, 0, 3, keys, values), 0);
	assert_memory_equal(values[0].data, "1", 1);
	assert_null(values[1].data);
	assert_memory_equal(values[2].data, "2", 1);
	kv_abort(t);
}

static int
count_up(void *ctx, struct kv_txn *t)
{
	struct slice v;
	unsigned n = 0;
	char text[16];

	(void)ctx;
	if (kv_get(t, 0, slice_str("n"), &v) == 0)
		n = (unsigned)strtoul(v.data, NULL, 10);
	snprintf(text, sizeof text, "%u", n + 1);
	return kv_put(t, 0, slice_str("n"), slice_of(text, strlen(text) + 1));
}

static void *
counter(void *ctx)
{
	int i;

	for (i = 0; i < 25; i++)
		if (kv_update(ctx, count_up, NULL) < 0)
			return ctx;
	return NULL;
}

static void
updates_of_several_threads_all_count(void **state)
{
	struct engine *e = *state;
	pthread_t threads[4];
	struct kv_txn *t;
	struct slice v;
	void *failed;
	int i;

	for (i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, counter, e->kv);
	for (i = 0; i < 4; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	t = begin(e, KV_READ);
	assert_int_equal(kv_get(t, 0, slice_str("n"), &v), 0);
	assert_string_equal(v.data, "100");
	kv_abort(t);
}

static int
fill(void *ctx, struct kv_txn *t)
{
	char key[16], value[4000];
	int i, r;

	memset(value, 'v', sizeof value);
	for (i = 0; i < *(int *)ctx; i++) {
		snprintf(key, sizeof key, "%d", i);
		r = kv_put(t, 0, slice_str(key), slice_of(value, sizeof value));
		if (r < 0)
			return r;
	}
	return 0;
}

static void
a_store_grows_past_the_size_it_was_opened_with(void **state)
{
	struct engine *e = *state;
	struct kv_txn *t;
	struct slice v;
	int n = 3000;

	kv_close(e->kv);
	assert_int_equal(e->open(e->dir, 1 << 20, &e->kv), 0);
	assert_int_equal(kv_update(e->kv, fill, &n), 0);
	t = begin(e, KV_READ);
	assert_int_equal(kv_get(t, 0, slice_str("2999"), &v), 0);
	kv_abort(t);
}

static void
what_was_committed_is_there_after_opening_again(void **state)
{
	struct engine *e = *state;
	struct kv_txn *t;

	t = begin(e, KV_WRITE);
	put(t, 0, "k", "v");
	assert_int_equal(kv_commit(t), 0);
	kv_close(e->kv);
	assert_int_equal(e->open(e->dir, 0, &e->kv), 0);
	t = begin(e, KV_READ);
	expect(t, 0, "k", "v");
	kv_abort(t);
}

static void
tables_that_a_store_lacks_are_made_when_it_is_opened_for_writing(void **state)
{
	struct engine *e = *state;
	struct kv_options more = { .tables = tables, .n_tables = 3, .read_only = true };
	struct kv_txn *t;

	t = begin(e, KV_WRITE);
	put(t, 0, "k", "v");
	assert_int_equal(kv_commit(t), 0);
	kv_close(e->kv);
	e->kv = NULL;
	assert_int_equal(kv_lmdb_open(e->dir, &more, &e->kv, NULL), -ENOENT);
	more.read_only = false;
	assert_int_equal(kv_lmdb_open(e->dir, &more, &e->kv, NULL), 0);
	t = begin(e, KV_WRITE);
	expect(t, 0, "k", "v");
	put(t, 2, "k", "new");
	assert_int_equal(kv_commit(t), 0);
	t = begin(e, KV_READ);
	expect(t, 2, "k", "new");
	kv_abort(t);
}

static void
the_fault_wrapper_fails_the_nth_write_and_nothing_stays(void **state)
{
	struct engine *e = *state;
	struct kv_txn *t;
	int n = 3;

	kv_fault_arm(e->kv, 2);
	assert_int_equal(kv_update(e->kv, fill, &n), -EIO);
	kv_fault_arm(e->kv, 4);
	assert_int_equal(kv_update(e->kv, fill, &n), -EIO);
	t = begin(e, KV_READ);
	expect(t, 0, "0", NULL);
	kv_abort(t);
	kv_fault_arm(e->kv, 0);
	assert_int_equal(kv_update(e->kv, fill, &n), 0);
}

int
main(void)
{
	static const struct suite_engine engines[] = {
		{ "lmdb", KEEPS, &lmdb },
		{ "mem", 0, &mem },
		{ "fault", FAILS, &fault },
	};
	static const struct suite_case cases[] = {
		SUITE_CASE(a_commit_is_seen_by_later_transactions_only, 0),
		SUITE_CASE(an_aborted_transaction_leaves_nothing, 0),
		SUITE_CASE(insert_refuses_a_key_that_is_there_and_del_one_that_is_not, 0),
		SUITE_CASE(keys_of_a_wrong_size_are_refused, 0),
		SUITE_CASE(ranges_walk_in_order_both_ways_within_their_limits, 0),
		SUITE_CASE(get_many_marks_what_is_missing, 0),
		SUITE_CASE(updates_of_several_threads_all_count, 0),
		SUITE_CASE(a_store_grows_past_the_size_it_was_opened_with, 0),
		SUITE_CASE(what_was_committed_is_there_after_opening_again, KEEPS),
		SUITE_CASE(tables_that_a_store_lacks_are_made_when_it_is_opened_for_writing, KEEPS),
		SUITE_CASE(the_fault_wrapper_fails_the_nth_write_and_nothing_stays, FAILS),
	};

	return suite_run("kv", engines, sizeof engines / sizeof *engines, cases, sizeof cases / sizeof *cases,
			 setup, teardown);
}
