/* The version of an instance that was stored first, kept in step with its row (original.h). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "catalog/batch_internal.h"
#include "catalog/header.h"

static void
count_kept(struct open_series *s, uint64_t bytes, bool more)
{
	if (!more)
		bytes = -bytes;
	s->row.kept += bytes;
	s->study->row.kept += bytes;
	s->study->partition->row.kept += bytes;
}

static int
put_original(struct catalog_batch *b, struct open_series *s, uint64_t instance, struct original *o)
{
	uint64_t size = o->row.size, stage = o->row.stage;
	int r;

	/* Its staged name is that of a file nobody has accepted, and its place is its own. */
	o->row.flags = 0;
	/* Nothing is searched by them. */
	o->row.attributes = o->row.extended = slice_of("", 0);
	r = original_put(b->txn, s->id, instance, o);
	if (r == 0 && stage != 0)
		r = staged_put(b->txn, stage, instance);
	if (r == 0)
		count_kept(s, size, true);
	return r;
}

int
keep_original(struct catalog_batch *b, struct open_series *s, uint64_t instance, const struct instance_row *row,
	      uint64_t stage)
{
	struct original o = { .row = *row };
	struct key k = key_of_2(s->id, instance);
	int r = kv_get(b->txn, T_HEADER, key_slice(&k), &o.header);

	if (r < 0)
		return r;
	strcpy(o.study_uid, s->study->row.uid);
	strcpy(o.series_uid, s->row.uid);
	o.row.stage = stage;
	return put_original(b, s, instance, &o);
}

int
put_moved(struct catalog_batch *b, struct open_series *s, uint64_t instance, const struct original *original)
{
	struct original o = *original;
	struct buf header;
	int r;

	/* Made without a base: that of its series is another. */
	buf_init(&header, HEADER_MAX + 64);
	r = header_compress(original->header, slice_of(NULL, 0), &header);
	o.header = buf_slice(&header);
	if (r == 0)
		r = put_original(b, s, instance, &o);
	buf_fini(&header);
	return r;
}

int
drop_original(struct catalog_batch *b, struct open_series *s, uint64_t instance, const char *sop_uid)
{
	struct instance_row row;
	struct original o;
	int r = original_get(b->txn, s->id, instance, &o);

	if (r < 0)
		return r == -ENOENT ? -EIO : r;
	row = o.row;
	row.attributes = row.extended = slice_of("", 0);
	/* It lies where its latest version is, and its watermark may be the key of another file of that instance. */
	snprintf(row.uid, sizeof row.uid, "%s", sop_uid);
	row.watermark = b->counters.next_watermark++;
	row.flags = RECLAIM_ORIGINAL;
	r = put_reclaim(b, s, &row, false);
	if (r == 0)
		r = original_del(b->txn, s->id, instance);
	if (r == 0)
		r = staged_del(b->txn, row.stage);
	if (r == 0)
		count_kept(s, row.size, false);
	return r;
}

static int
put_flag(struct catalog_batch *b, struct open_series *s, uint64_t instance, bool updated)
{
	struct instance_row row;
	int r = catalog_instance(b->txn, s->id, instance, &row);

	if (r < 0)
		return r;
	row.flags = (uint8_t)(updated ? row.flags | INSTANCE_UPDATED : row.flags & ~INSTANCE_UPDATED);
	return batch_put_instance(b, s, instance, &row);
}

int
batch_set_original(struct catalog_batch *b, const struct catalog_path *path, const struct original *original)
{
	struct open_series *s;
	struct original o;
	int r = batch_open_path(b, path, &s);

	if (r < 0)
		return r;
	r = original_get(b->txn, s->id, path->instance, &o);
	if (r == 0) {
		count_kept(s, o.row.size, false);
		r = original_del(b->txn, s->id, path->instance);
		if (r == 0)
			r = staged_del(b->txn, o.row.stage);
	}
	if (r == 0 || r == -ENOENT)
		r = put_flag(b, s, path->instance, original != NULL);
	if (r < 0 || original == NULL)
		return r;
	o = *original;
	o.row.watermark = b->counters.next_watermark++;
	return put_moved(b, s, path->instance, &o);
}
