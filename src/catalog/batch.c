/* A write transaction of the catalog.
 *
 * What must hold after every commit (tests/fault checks it):
 *  (1) An instance row, its header, its name, node, order and index entries, the counts above it
 *      and its feed entry come and go together.
 *  (2) Counts and bytes of a series, study and partition are the sums of what is below.
 *  (3) A series or study without instances does not exist.
 *  (4) max_watermark and latest_* name an instance that exists.
 *  (5) A removed or replaced row leaves a reclaim entry for the files it may have.
 *
 * Rows of studies and series are kept decoded while the batch is open and
 * written at its end, or when there are too many.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/batch_internal.h"

#define UPDATE_TRIES 100

/* -- rows out ------------------------------------------------------------- */

int
batch_put_scratch(struct catalog_batch *b, enum table table, struct key k)
{
	int r = buf_error(&b->scratch);

	if (r == 0)
		r = kv_put(b->txn, table, key_slice(&k), buf_slice(&b->scratch));
	buf_reset(&b->scratch);
	return r;
}

int
batch_write_rows(struct catalog_batch *b)
{
	size_t i;
	int r = 0;

	buf_reset(&b->scratch);
	for (i = 0; i < b->n_series && r == 0; i++) {
		struct open_series *s = b->series[i];

		if (s->gone)
			continue;
		s->row.attributes = buf_slice(&s->attributes);
		s->row.extended = buf_slice(&s->extended);
		series_row_put(&s->row, &b->scratch);
		r = batch_put_scratch(b, T_SERIES, key_of_2(s->study->id, s->id));
	}
	for (i = 0; i < b->n_studies && r == 0; i++) {
		struct open_study *s = b->studies[i];

		if (s->gone)
			continue;
		s->row.attributes = buf_slice(&s->attributes);
		s->row.extended = buf_slice(&s->extended);
		s->row.modalities = buf_slice(&s->modalities);
		study_row_put(&s->row, &b->scratch);
		r = batch_put_scratch(b, T_STUDY, key_of_2(s->partition->id, s->id));
	}
	for (i = 0; i < b->n_partitions && r == 0; i++) {
		partition_row_put(&b->partitions[i].row, &b->scratch);
		r = batch_put_scratch(b, T_PARTITION, key_of_1(b->partitions[i].id));
	}
	return r;
}

static void
drop_rows(struct catalog_batch *b)
{
	size_t i;

	for (i = 0; i < b->n_series; i++) {
		buf_fini(&b->series[i]->attributes);
		buf_fini(&b->series[i]->extended);
		free(b->series[i]);
	}
	for (i = 0; i < b->n_studies; i++) {
		buf_fini(&b->studies[i]->attributes);
		buf_fini(&b->studies[i]->extended);
		buf_fini(&b->studies[i]->modalities);
		free(b->studies[i]);
	}
	b->n_series = b->n_studies = b->n_partitions = 0;
}

/* -- life ----------------------------------------------------------------- */

static int
get_feed_time(struct catalog_batch *b)
{
	struct key k = key_of_1(b->counters.sequence);
	struct feed_entry e;
	struct slice v;
	int r = kv_get(b->txn, T_FEED, key_slice(&k), &v);

	b->feed_time = INT64_MIN;
	if (r == 0)
		r = feed_entry_get(v, &e);
	if (r == 0)
		b->feed_time = e.time;
	return r == -ENOENT ? 0 : r;
}

int
batch_begin(struct kv *kv, struct catalog_batch **ret_batch)
{
	struct catalog_batch *b = calloc(1, sizeof *b);
	uint64_t removals = 0;
	int r;

	if (b == NULL)
		return -ENOMEM;
	buf_init(&b->scratch, ROW_MAX);
	buf_init(&b->merged, ATTRIBUTES_MAX);
	r = kv_begin(kv, KV_WRITE, &b->txn);
	if (r == 0)
		r = catalog_get_counters(b->txn, &b->counters);
	if (r == 0)
		r = get_feed_time(b);
	if (r == 0)
		r = catalog_count(b->txn, T_RECLAIM, 1, &removals);
	b->reclaim_pending = removals > 0;
	if (r == 0)
		r = tags_begin(b);
	if (r < 0) {
		batch_abort(b);
		return r;
	}
	*ret_batch = b;
	return 0;
}

static void
batch_free(struct catalog_batch *b)
{
	drop_rows(b);
	tags_end(b);
	buf_fini(&b->scratch);
	buf_fini(&b->merged);
	free(b);
}

void
batch_abort(struct catalog_batch *b)
{
	if (b == NULL)
		return;
	kv_abort(b->txn);
	batch_free(b);
}

int
batch_commit(struct catalog_batch *b)
{
	int r = batch_write_rows(b);

	if (r == 0)
		r = tags_write(b);
	if (r == 0)
		r = counters_put(b->txn, &b->counters);
	if (r < 0) {
		batch_abort(b);
		return r;
	}
	r = kv_commit(b->txn);
	batch_free(b);
	return r;
}

struct kv_txn *
batch_txn(struct catalog_batch *b)
{
	return b->txn;
}

int
batch_update(struct kv *kv, int (*fn)(void *ctx, struct catalog_batch *b), void *ctx)
{
	struct catalog_batch *b;
	int tries, r, c;

	for (tries = 0; tries < UPDATE_TRIES; tries++) {
		r = batch_begin(kv, &b);
		if (r == 0) {
			r = fn(ctx, b);
			if (r < 0)
				batch_abort(b);
			else if ((c = batch_commit(b)) < 0)
				r = c;
		}
		if (r != -EAGAIN)
			return r;
	}
	return -EAGAIN;
}

/* -- rows in -------------------------------------------------------------- */

int
batch_make_room(struct catalog_batch *b)
{
	int r;

	if (b->n_studies < OPEN_MAX && b->n_series < OPEN_MAX &&
	    b->n_partitions < sizeof b->partitions / sizeof *b->partitions)
		return 0;
	r = batch_write_rows(b);
	drop_rows(b);
	return r;
}

int
open_partition(struct catalog_batch *b, uint64_t id, struct open_partition **ret)
{
	struct open_partition *p;
	size_t i;
	int r;

	for (i = 0; i < b->n_partitions; i++)
		if (b->partitions[i].id == id) {
			*ret = &b->partitions[i];
			return 0;
		}
	p = &b->partitions[b->n_partitions];
	p->id = id;
	r = catalog_partition(b->txn, id, &p->row);
	if (r < 0)
		return r;
	b->n_partitions++;
	*ret = p;
	return 0;
}

struct open_study *
add_study(struct catalog_batch *b, struct open_partition *p, uint64_t id)
{
	struct open_study *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	s->id = id;
	s->partition = p;
	buf_init(&s->attributes, ATTRIBUTES_MAX);
	buf_init(&s->modalities, ATTRIBUTES_MAX);
	buf_init(&s->extended, ATTRIBUTES_MAX);
	b->studies[b->n_studies++] = s;
	return s;
}

int
open_study(struct catalog_batch *b, struct open_partition *p, uint64_t id, struct open_study **ret)
{
	struct open_study *s;
	struct study_row row;
	size_t i;
	int r;

	for (i = b->n_studies; i-- > 0;)
		if (b->studies[i]->id == id && !b->studies[i]->gone) {
			*ret = b->studies[i];
			return 0;
		}
	r = catalog_study(b->txn, p->id, id, &row);
	if (r < 0)
		return r;
	s = add_study(b, p, id);
	if (s == NULL)
		return -ENOMEM;
	s->row = row;
	buf_put(&s->attributes, row.attributes.data, row.attributes.len);
	buf_put(&s->modalities, row.modalities.data, row.modalities.len);
	buf_put(&s->extended, row.extended.data, row.extended.len);
	*ret = s;
	return 0;
}

struct open_series *
add_series(struct catalog_batch *b, struct open_study *study, uint64_t id)
{
	struct open_series *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	s->id = id;
	s->study = study;
	buf_init(&s->attributes, ATTRIBUTES_MAX);
	buf_init(&s->extended, ATTRIBUTES_MAX);
	b->series[b->n_series++] = s;
	return s;
}

int
open_series(struct catalog_batch *b, struct open_study *study, uint64_t id, struct open_series **ret)
{
	struct open_series *s;
	struct series_row row;
	size_t i;
	int r;

	for (i = b->n_series; i-- > 0;)
		if (b->series[i]->id == id && !b->series[i]->gone) {
			*ret = b->series[i];
			return 0;
		}
	r = catalog_series(b->txn, study->id, id, &row);
	if (r < 0)
		return r;
	s = add_series(b, study, id);
	if (s == NULL)
		return -ENOMEM;
	s->row = row;
	buf_put(&s->attributes, row.attributes.data, row.attributes.len);
	buf_put(&s->extended, row.extended.data, row.extended.len);
	*ret = s;
	return 0;
}

int
batch_open_path(struct catalog_batch *b, const struct catalog_path *path, struct open_series **ret)
{
	struct open_partition *p = NULL;
	struct open_study *study = NULL;
	int r = batch_make_room(b);

	if (r == 0)
		r = open_partition(b, path->partition, &p);
	if (r == 0)
		r = open_study(b, p, path->study, &study);
	return r < 0 ? r : open_series(b, study, path->series, ret);
}

int
batch_open_instance(struct catalog_batch *b, const struct catalog_path *path, struct open_series **ret,
		    struct instance_row *row)
{
	struct open_series *s;
	int r = batch_open_path(b, path, &s);

	if (r == 0)
		r = catalog_instance(b->txn, s->id, path->instance, row);
	if (r == 0)
		*ret = s;
	return r;
}

int
batch_put_instance(struct catalog_batch *b, const struct open_series *s, uint64_t instance,
		   const struct instance_row *row)
{
	buf_reset(&b->scratch);
	instance_row_put(row, &b->scratch);
	return batch_put_scratch(b, T_INSTANCE, key_of_2(s->id, instance));
}
