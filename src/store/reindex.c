/* Indexing, for tags that were added, the instances that were there before.
 *
 * What must hold (tests/fault/reindex checks it):
 *  (1) An instance stored after the tags were added is indexed by its own commit; one stored before
 *      has a watermark below `end` and is come to here.  Neither is missed, whatever runs beside.
 *  (2) Instances are come to by descending watermark, one partition after the other, and a
 *      value that is there stays.  So the latest value stands for a study or series (contract 7.4).
 *  (3) The cursor moves in the transaction of the entries it stands for: a step is done or not,
 *      and doing it twice would change nothing.
 */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "catalog/codec.h"
#include "catalog/header.h"
#include "store/operations_internal.h"
#include "store/query_tags.h"

/* Instances of one transaction, at most. */
#define STEP_MAX 1024

struct reindex {
	struct catalog_batch *batch;
	unsigned max;			/* instances of this step */
	unsigned char id[OPERATION_ID_LEN];
	struct operation_row row;
	struct reindex_input input;
	uint64_t partition;		/* the cursor: those of it below this watermark are left */
	uint64_t watermark;
	struct series_base base;
	int64_t now;
};

static int
read_cursor(struct reindex *w)
{
	struct reader r;

	reader_init(&r, w->row.cursor);
	w->partition = 0;
	w->watermark = w->input.end;
	if (w->row.cursor.len == 0)
		return 0;
	w->partition = get_u64(&r);
	w->watermark = get_u64(&r);
	return r.bad ? -EIO : 0;
}

/* Instances at the cursor, newest first.  Returns how many. */
static int
collect(struct reindex *w, struct catalog_path *paths, uint64_t *watermarks, unsigned max)
{
	struct key from = key_of_1(w->partition), to;
	struct kv_range *g;
	struct slice k, v;
	int n = 0, r;

	key_u8(&from, LEVEL_INSTANCE);
	to = from;
	key_u64(&to, w->watermark);
	r = kv_range_open(batch_txn(w->batch), T_ORDER, key_slice(&from), key_slice(&to), KV_DESCENDING, max, &g);
	if (r < 0)
		return r;
	while ((r = kv_range_next(g, &k, &v)) > 0) {
		if (v.len != 16) {
			r = -EIO;
			break;
		}
		watermarks[n] = read_u64((const char *)k.data + 9);
		paths[n++] = (struct catalog_path){ .partition = w->partition, .series = read_u64(v.data),
						    .instance = read_u64((const char *)v.data + 8) };
	}
	kv_range_close(g);
	return r < 0 ? r : n;
}

/* 1: the cursor is at the beginning of the next partition; 0: there is none. */
static int
next_partition(struct reindex *w)
{
	struct partition_row row;
	int r = catalog_next_partition(batch_txn(w->batch), w->partition, &w->partition, &row);

	if (r > 0)
		w->watermark = w->input.end;
	return r;
}

/* Up to max instances.  1: there may be more; 0: that was all. */
static int
index_some(struct reindex *w, unsigned max)
{
	struct catalog_path paths[STEP_MAX];
	uint64_t watermarks[STEP_MAX];
	int n, i, r = 0;

	while (max > 0) {
		n = w->partition != 0 ? collect(w, paths, watermarks, max) : 0;
		if (n < 0)
			return n;
		for (i = 0; i < n && r == 0; i++) {
			r = catalog_parent(batch_txn(w->batch), paths[i].series, &paths[i].study);
			if (r == 0)
				r = batch_index_tags(w->batch, w->id, &paths[i], &w->base, w->now);
			w->watermark = watermarks[i];
			w->row.done++;
		}
		if (r < 0)
			return r;
		max -= (unsigned)n;
		if (max > 0 && (r = next_partition(w)) <= 0)
			return r;
		r = 0;
	}
	return 1;
}

static bool
is_ours(const struct reindex *w, const struct query_tag *t)
{
	return t->status == QUERY_TAG_ADDING && memcmp(t->operation, w->id, sizeof w->id) == 0;
}

/* false: all its tags were deleted meanwhile. */
static bool
has_tags(const struct reindex *w, const struct query_tags *tags)
{
	size_t i;

	for (i = 0; tags != NULL && i < tags->n; i++)
		if (is_ours(w, &tags->at[i]))
			return true;
	return false;
}

static void
finish(struct reindex *w)
{
	struct query_tags *tags = batch_tags(w->batch);
	size_t i;

	w->row.status = OPERATION_SUCCEEDED;
	for (i = 0; tags != NULL && i < tags->n; i++)
		if (is_ours(w, &tags->at[i])) {
			tags->at[i].status = QUERY_TAG_READY;
			memset(tags->at[i].operation, 0, sizeof tags->at[i].operation);
			batch_tags_changed(w->batch);
		}
}

static int
put_row(struct reindex *w)
{
	struct buf cursor, input;
	struct key k = key_of_2(w->partition, w->watermark);
	int r;

	/* Its slices went with the writes. */
	buf_init(&input, 4096);
	buf_init(&cursor, 64);
	buf_put(&cursor, k.bytes, k.len);
	r = reindex_input_put(&w->input, &input);
	if (r == 0)
		r = buf_error(&cursor);
	w->row.input = buf_slice(&input);
	w->row.cursor = buf_slice(&cursor);
	w->row.updated = w->now;
	if (r == 0)
		r = operation_put(batch_txn(w->batch), w->id, &w->row);
	buf_fini(&input);
	buf_fini(&cursor);
	return r;
}

/* 1: more to do, 0: finished; -EALREADY: it was. */
static int
run_step(void *ctx, struct catalog_batch *batch)
{
	struct reindex *w = ctx;
	int r = operation_get(batch_txn(batch), w->id, &w->row), more = 0;

	w->batch = batch;
	w->base.series = 0;
	if (r == 0)
		r = reindex_input_get(w->row.input, &w->input);
	if (r == 0)
		r = read_cursor(w);
	if (r == 0 && operation_is_finished(&w->row))
		r = -EALREADY;
	if (r < 0)
		return r;
	w->row.status = OPERATION_RUNNING;
	if (has_tags(w, batch_tags(w->batch)))
		more = index_some(w, w->max);
	if (more == 0)
		finish(w);
	r = more < 0 ? more : put_row(w);
	if (r < 0)
		return r;
	step(STEP_REINDEXING);
	return more;
}

int
store_reindex_step(struct store *st, const char *operation, unsigned limit, struct err *err)
{
	struct reindex w = { .now = clock_now(), .max = limit == 0 || limit > STEP_MAX ? STEP_MAX : limit };
	int r = operation_parse(operation, w.id);

	if (r < 0)
		return err_set(err, r, "the id of an operation has 32 hexadecimal digits");
	buf_init(&w.base.json, HEADER_MAX);
	r = batch_update(st->kv, run_step, &w);
	if (r == -EALREADY)
		r = 0;
	buf_fini(&w.base.json);
	if (r >= 0)
		step(STEP_REINDEXED);
	return r < 0 ? err_set(err, r, "cannot index: %s", strerror(-r)) : r;
}
