/* Removing an instance, and its series and study with the last one. */
#include <errno.h>
#include <string.h>

#include "catalog/batch_internal.h"
#include "catalog/external.h"

/* After its latest instance went: who is it now? */
static int
series_check_latest(struct catalog_batch *b, struct open_series *s)
{
	struct instance_row row;
	struct kv_range *g;
	struct slice k, v;
	int r;

	s->row.max_watermark = 0;
	s->row.latest_instance = 0;
	/* Ids follow watermarks unless something was replaced: then look at all. */
	r = catalog_children(b->txn, T_INSTANCE, s->id, 0, KV_DESCENDING, s->row.replaced ? 0 : 1, &g);
	if (r < 0)
		return r;
	while ((r = kv_range_next(g, &k, &v)) > 0) {
		r = instance_row_get(v, &row);
		if (r < 0)
			break;
		if (row.watermark > s->row.max_watermark) {
			s->row.max_watermark = row.watermark;
			s->row.latest_instance = read_u64((const char *)k.data + 8);
		}
	}
	kv_range_close(g);
	return r;
}

static int
study_check_latest(struct catalog_batch *b, struct open_study *study)
{
	struct series_row row;
	struct kv_range *g;
	struct slice k, v;
	size_t i;
	int r;

	study->row.max_watermark = 0;
	/* Rows of open series are newer than the table. */
	r = batch_write_rows(b);
	if (r < 0)
		return r;
	r = catalog_children(b->txn, T_SERIES, study->id, 0, KV_ASCENDING, 0, &g);
	if (r < 0)
		return r;
	while ((r = kv_range_next(g, &k, &v)) > 0) {
		r = series_row_get(v, &row);
		if (r < 0)
			break;
		for (i = 0; i < b->n_series; i++)
			if (b->series[i]->gone && b->series[i]->id == read_u64((const char *)k.data + 8))
				break;
		if (i == b->n_series && row.max_watermark > study->row.max_watermark) {
			study->row.max_watermark = row.max_watermark;
			study->row.latest_series = read_u64((const char *)k.data + 8);
			study->row.latest_instance = row.latest_instance;
		}
	}
	kv_range_close(g);
	return r;
}

static int
remove_series(struct catalog_batch *b, struct open_series *s)
{
	struct open_study *study = s->study;
	struct open_partition *p = study->partition;
	struct key k;
	int r;

	s->gone = true;
	study->row.series--;
	p->row.series--;
	r = index_series(b, s, buf_slice(&s->attributes), slice_of(NULL, 0));
	if (r == 0)
		r = index_extended(b, p->id, s->id, study->id, buf_slice(&s->extended), slice_of(NULL, 0));
	if (r == 0)
		r = count_modality(b, study, s->row.modality, -1);
	if (r == 0)
		r = index_uid_entry(b, p->id, TAG_SERIES_INSTANCE_UID, s->row.uid, s->id, study->id, false);
	if (r == 0)
		r = name_del(b->txn, study->id, s->row.uid, s->id);
	if (r == 0) {
		k = key_of_1(p->id);
		key_u8(&k, LEVEL_SERIES);
		key_u64(&k, s->id);
		r = kv_del(b->txn, T_ORDER, key_slice(&k));
	}
	if (r == 0) {
		k = key_of_2(s->id, 0);
		r = kv_del(b->txn, T_HEADER, key_slice(&k));
	}
	if (r == 0) {
		k = key_of_2(study->id, s->id);
		r = kv_del(b->txn, T_SERIES, key_slice(&k));
	}
	return r == -ENOENT ? 0 : r;	/* its row may not have been written yet */
}

static int
remove_study(struct catalog_batch *b, struct open_study *study)
{
	struct open_partition *p = study->partition;
	struct key k;
	int r;

	study->gone = true;
	p->row.studies--;
	r = index_study(b, study, buf_slice(&study->attributes), slice_of(NULL, 0));
	if (r == 0)
		r = index_extended(b, p->id, study->id, p->id, buf_slice(&study->extended), slice_of(NULL, 0));
	if (r == 0)
		r = name_del(b->txn, p->id, study->row.uid, study->id);
	if (r == 0) {
		k = key_of_2(p->id, study->id);
		r = kv_del(b->txn, T_STUDY, key_slice(&k));
	}
	if (r == 0 || r == -ENOENT)
		r = external_remove(b->txn, p->id, study->id);
	return r == -ENOENT ? 0 : r;
}

int
batch_remove(struct catalog_batch *b, const struct catalog_path *path, int64_t now, uint64_t *ret_sequence)
{
	struct open_partition *p;
	struct open_study *study;
	struct open_series *s;
	struct instance_row row;
	struct feed_entry f;
	struct key k;
	int r = batch_open_instance(b, path, &s, &row);

	if (r < 0)
		return r;
	study = s->study;
	p = study->partition;
	feed_entry_init(&f, s, path->instance, &row, FEED_DELETE, now);
	buf_reset(&b->extended_old);
	r = buf_put(&b->extended_old, row.extended.data, row.extended.len);
	if (r < 0)
		return r;
	p->row.instances--;
	p->row.bytes -= row.size;
	study->row.instances--;
	study->row.bytes -= row.size;
	s->row.instances--;
	s->row.bytes -= row.size;
	count_tier(s, &row, false);
	r = put_reclaim(b, s, &row, false);
	if (r == 0 && (row.flags & INSTANCE_UPDATED))
		r = drop_original(b, s, path->instance, f.sop_uid);
	if (r == 0)
		r = name_del(b->txn, s->id, f.sop_uid, path->instance);
	if (r == 0)
		r = index_uid_entry(b, p->id, TAG_SOP_INSTANCE_UID, f.sop_uid, path->instance, s->id, false);
	if (r == 0)
		r = index_extended(b, p->id, path->instance, s->id, buf_slice(&b->extended_old), slice_of(NULL, 0));
	if (r == 0)
		r = tags_remove_errors(b, path->instance);
	if (r == 0) {
		k = order_key(p->id, f.watermark);
		r = kv_del(b->txn, T_ORDER, key_slice(&k));
	}
	if (r == 0) {
		k = key_of_2(s->id, path->instance);
		r = kv_del(b->txn, T_HEADER, key_slice(&k));
	}
	if (r == 0)
		r = kv_del(b->txn, T_INSTANCE, key_slice(&k));
	if (r == 0 && s->row.instances == 0) {
		f.with |= FEED_SERIES;
		r = remove_series(b, s);
	} else if (r == 0 && s->row.latest_instance == path->instance)
		r = series_check_latest(b, s);
	if (r == 0 && study->row.series == 0) {
		f.with |= FEED_STUDY;
		r = remove_study(b, study);
	} else if (r == 0 && study->row.latest_instance == path->instance)
		r = study_check_latest(b, study);
	batch_touch(s, f.with, now);
	if (r == 0)
		r = put_feed(b, &f, ret_sequence);
	return r == -ENOENT ? -EIO : r;
}
