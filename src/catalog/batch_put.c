/* Storing an instance: its row and everything that hangs on it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "catalog/batch_internal.h"
#include "catalog/codec.h"
#include "catalog/header.h"

/* Newer attributes over old, into b->merged.  1: they differ from the old, 0: not. */
static int
merge(struct catalog_batch *b, const struct buf *old, struct slice newer)
{
	int r;

	buf_reset(&b->merged);
	attributes_merge(buf_slice(old), newer, &b->merged);
	r = buf_error(&b->merged);
	return r < 0 ? r : slice_compare(buf_slice(&b->merged), buf_slice(old)) != 0;
}

static int
merge_study(struct catalog_batch *b, struct open_study *s, struct slice newer)
{
	int r = merge(b, &s->attributes, newer);

	if (r <= 0)
		return r;
	r = index_study(b, s, buf_slice(&s->attributes), buf_slice(&b->merged));
	buf_reset(&s->attributes);
	buf_put(&s->attributes, b->merged.data, b->merged.len);
	return r;
}

static int
merge_series(struct catalog_batch *b, struct open_series *s, struct slice newer)
{
	int r = merge(b, &s->attributes, newer);

	if (r <= 0)
		return r;
	r = index_series(b, s, buf_slice(&s->attributes), buf_slice(&b->merged));
	buf_reset(&s->attributes);
	buf_put(&s->attributes, b->merged.data, b->merged.len);
	return r;
}

/* The latest that is not empty stands for the series, as of any attribute. */
static int
set_modality(struct catalog_batch *b, struct open_series *s, const char *modality)
{
	int r;

	if (modality[0] == '\0' || strcmp(modality, s->row.modality) == 0)
		return 0;
	r = count_modality(b, s->study, s->row.modality, -1);
	if (r == 0)
		r = count_modality(b, s->study, modality, 1);
	snprintf(s->row.modality, sizeof s->row.modality, "%s", modality);
	return r;
}

/* The study and series of an entry, opened or made. */
static int
open_path(struct catalog_batch *b, const struct catalog_entry *e, struct open_series **ret_series, uint8_t *ret_new)
{
	struct open_partition *p = NULL;
	struct open_study *study = NULL;
	struct open_series *series = NULL;
	struct key k, v;
	uint64_t id;
	int r;

	*ret_new = 0;
	r = batch_make_room(b);
	if (r < 0)
		return r;
	r = catalog_find(b->txn, 0, e->partition, &id);
	if (r == -ENOENT)
		r = partition_create(b->txn, &b->counters, e->partition, e->now, &id);
	if (r == 0)
		r = open_partition(b, id, &p);
	if (r < 0)
		return r;

	r = catalog_find(b->txn, p->id, e->study_uid, &id);
	if (r == 0)
		r = open_study(b, p, id, &study);
	else if (r == -ENOENT) {
		id = b->counters.next_id++;
		r = name_put(b->txn, p->id, e->study_uid, id, LEVEL_STUDY);
		study = r < 0 ? NULL : add_study(b, p, id);
		if (study == NULL)
			return r < 0 ? r : -ENOMEM;
		study->row.created = e->now;
		strcpy(study->row.uid, e->study_uid);
		p->row.studies++;
		*ret_new |= FEED_STUDY;
	}
	if (r < 0)
		return r;

	r = catalog_find(b->txn, study->id, e->series_uid, &id);
	if (r == 0)
		r = open_series(b, study, id, &series);
	else if (r == -ENOENT) {
		id = b->counters.next_id++;
		r = name_put(b->txn, study->id, e->series_uid, id, LEVEL_SERIES);
		series = r < 0 ? NULL : add_series(b, study, id);
		if (series == NULL)
			return r < 0 ? r : -ENOMEM;
		series->row.created = e->now;
		strcpy(series->row.uid, e->series_uid);
		study->row.series++;
		p->row.series++;
		series->base_known = true;
		*ret_new |= FEED_SERIES;
		r = index_uid_entry(b, p->id, TAG_SERIES_INSTANCE_UID, e->series_uid, id, study->id, true);
		if (r == 0) {
			k = key_of_1(p->id);
			key_u8(&k, LEVEL_SERIES);
			key_u64(&k, id);
			v = key_of_2(study->id, id);
			r = kv_put(b->txn, T_ORDER, key_slice(&k), key_slice(&v));
		}
	}
	*ret_series = series;
	return r;
}

struct key
order_key(uint64_t partition, uint64_t watermark)
{
	struct key k = key_of_1(partition);

	key_u8(&k, LEVEL_INSTANCE);
	key_u64(&k, watermark);
	return k;
}

static int
put_header(struct catalog_batch *b, struct open_series *s, uint64_t instance, const struct catalog_entry *e,
	   bool *ret_base_was_other)
{
	struct key k = key_of_2(s->id, 0);
	struct slice v, header = e->header;
	struct buf base;
	int r = 0;

	buf_init(&base, HEADER_MAX);
	if (!s->base_known) {
		r = kv_get(b->txn, T_HEADER, key_slice(&k), &v);
		if (r < 0 && r != -ENOENT)
			return r;
		s->base_id = r == 0 && v.len >= 8 ? read_u64(v.data) : 0;
		s->base_known = true;
		r = 0;
	}
	buf_reset(&b->scratch);
	if (s->base_id == 0) {
		/* The first of its series: what it brought becomes the base. */
		put_u64(&b->scratch, header_base_id(e->json));
		if (e->base_id == 0)
			buf_put(&b->scratch, header.data, header.len);
		else
			header_compress(e->json, slice_of(NULL, 0), &b->scratch);
		r = batch_put_scratch(b, T_HEADER, k);
		if (r == 0) {
			s->base_id = header_base_id(e->json);
			r = header_compress(e->json, e->json, &b->scratch);	/* "the same" */
		}
	} else if (e->base_id == s->base_id || e->base_id == 0)
		r = buf_put(&b->scratch, header.data, header.len);
	else {
		/* Made against a base that is none: its series went, or was begun by another. */
		uint64_t id;

		*ret_base_was_other = true;
		r = catalog_base(b->txn, s->id, &base, &id);
		if (r == 0)
			r = header_compress(e->json, buf_slice(&base), &b->scratch);
	}
	if (r == 0)
		r = batch_put_scratch(b, T_HEADER, key_of_2(s->id, instance));
	buf_fini(&base);
	return r;
}

int
put_feed(struct catalog_batch *b, struct feed_entry *e, uint64_t *ret_sequence)
{
	/* feed.h: never back */
	if (e->time < b->feed_time)
		e->time = b->feed_time;
	b->feed_time = e->time;
	*ret_sequence = ++b->counters.sequence;
	buf_reset(&b->scratch);
	feed_entry_put(e, &b->scratch);
	return batch_put_scratch(b, T_FEED, key_of_1(*ret_sequence));
}

int
put_reclaim(struct catalog_batch *b, const struct open_series *s, const struct instance_row *row, bool stage_only)
{
	struct reclaim_entry e = {
		.stage = row->stage, .flags = row->flags, .stage_only = stage_only,
		.partition = s->study->partition->id, .size = row->size, .mtime = row->mtime,
	};

	strcpy(e.study_uid, s->study->row.uid);
	strcpy(e.series_uid, s->row.uid);
	strcpy(e.sop_uid, row->uid);
	b->reclaim_pending = true;
	buf_reset(&b->scratch);
	reclaim_entry_put(&e, &b->scratch);
	return batch_put_scratch(b, T_RECLAIM, key_of_1(row->watermark));
}

static int
put_journal(struct catalog_batch *b, uint64_t watermark, uint64_t instance, struct slice bytes)
{
	buf_reset(&b->scratch);
	put_u64(&b->scratch, instance);
	buf_put(&b->scratch, bytes.data, bytes.len);
	return batch_put_scratch(b, T_JOURNAL, key_of_1(watermark));
}

void
feed_entry_init(struct feed_entry *f, const struct open_series *s, uint64_t instance,
		const struct instance_row *row, uint8_t action, int64_t now)
{
	*f = (struct feed_entry){
		.time = now, .action = action, .watermark = row->watermark,
		.partition = s->study->partition->id, .study = s->study->id, .series = s->id,
		.instance = instance,
	};
	strcpy(f->study_uid, s->study->row.uid);
	strcpy(f->series_uid, s->row.uid);
	strcpy(f->sop_uid, row->uid);
}

/* Times of directories are those of a file system: of what is in them, not of what is in that. */
void
batch_touch(struct open_series *s, uint8_t with, int64_t now)
{
	s->row.mtime = now;
	if (with & FEED_SERIES)
		s->study->row.mtime = now;
	if (with & FEED_STUDY)
		s->study->partition->row.mtime = now;
}

static bool
same_bytes(const struct instance_row *a, const struct instance_row *b)
{
	return a->size == b->size && memcmp(a->hash, b->hash, HASH_LEN) == 0;
}

int
batch_put(struct catalog_batch *b, const struct catalog_entry *e, struct catalog_put_result *res)
{
	struct open_series *s;
	struct open_study *study;
	struct open_partition *p;
	struct instance_row row = *e->row, old;
	struct feed_entry f;
	struct key k, v;
	uint64_t id = 0;
	uint8_t with;
	bool there = false;
	int r;

	r = open_path(b, e, &s, &with);
	if (r < 0)
		return r;
	study = s->study;
	p = study->partition;

	if (!(with & FEED_SERIES)) {
		r = catalog_find(b->txn, s->id, row.uid, &id);
		if (r < 0 && r != -ENOENT)
			return r;
		there = r == 0;
	}
	buf_reset(&b->extended_old);
	if (there) {
		r = catalog_instance(b->txn, s->id, id, &old);
		if (r == 0)
			r = buf_put(&b->extended_old, old.extended.data, old.extended.len);
		if (r == 0 && e->update && !(old.flags & INSTANCE_UPDATED) && e->same == BATCH_SAME_REPLACE)
			r = keep_original(b, s, id, &old, e->original_stage);
		if (r < 0)
			return r == -ENOENT ? -EIO : r;
		*res = (struct catalog_put_result){ .outcome = BATCH_UNCHANGED, .watermark = old.watermark,
			.path = { p->id, study->id, s->id, id } };
		if (e->same == BATCH_SAME_REFUSE)
			return -EEXIST;
		if (!e->update && same_bytes(&old, &row))
			return 0;
		if (e->same == BATCH_SAME_KEEP)
			return -EEXIST;
		row.created = old.created;
		row.flags |= INSTANCE_REPLACED;
		if (e->update || (e->in_place && (old.flags & INSTANCE_UPDATED)))
			row.flags |= INSTANCE_UPDATED;
		else if (old.flags & INSTANCE_UPDATED) {
			/* Contract 2.10: what PUT brings is a life of its own. */
			r = drop_original(b, s, id, row.uid);
			if (r < 0)
				return r;
		}
		s->row.replaced = 1;
		p->row.bytes -= old.size;
		study->row.bytes -= old.size;
		s->row.bytes -= old.size;
		count_tier(s, &old, false);
		k = order_key(p->id, old.watermark);
		r = kv_del(b->txn, T_ORDER, key_slice(&k));
		if (r == 0)
			r = put_reclaim(b, s, &old, true);
		if (r == 0)
			r = tags_remove_errors(b, id);
	} else {
		id = b->counters.next_id++;
		row.created = e->moved != NULL ? row.created : e->now;
		if (e->moved != NULL)
			row.flags |= INSTANCE_REPLACED | INSTANCE_UPDATED;
		if (b->reclaim_pending)
			row.flags |= INSTANCE_REPLACED;
		r = name_put(b->txn, s->id, row.uid, id, LEVEL_INSTANCE);
		if (r == 0)
			r = index_uid_entry(b, p->id, TAG_SOP_INSTANCE_UID, row.uid, id, s->id, true);
		s->row.instances++;
		study->row.instances++;
		p->row.instances++;
	}
	if (r < 0)
		return r;

	row.watermark = b->counters.next_watermark++;
	p->row.bytes += row.size;
	study->row.bytes += row.size;
	s->row.bytes += row.size;
	count_tier(s, &row, true);
	s->row.max_watermark = study->row.max_watermark = row.watermark;
	s->row.latest_instance = study->row.latest_instance = id;
	study->row.latest_series = s->id;
	batch_touch(s, with, e->now);

	*res = (struct catalog_put_result){ .outcome = there ? BATCH_REPLACED : BATCH_CREATED,
		.watermark = row.watermark, .path = { p->id, study->id, s->id, id } };
	k = order_key(p->id, row.watermark);
	v = key_of_2(s->id, id);
	r = kv_put(b->txn, T_ORDER, key_slice(&k), key_slice(&v));
	if (r == 0)
		r = put_header(b, s, id, e, &res->base_was_other);
	if (r == 0 && e->moved != NULL)
		r = put_moved(b, s, id, e->moved);
	if (r == 0)
		r = tags_read(b, e->json);
	if (r == 0)
		r = tags_put_level(b, LEVEL_INSTANCE, &b->extended);
	if (r == 0)
		r = index_extended(b, p->id, id, s->id, buf_slice(&b->extended_old), buf_slice(&b->extended));
	if (r == 0) {
		row.extended = buf_slice(&b->extended);
		r = batch_put_instance(b, s, id, &row);
	}
	if (r == 0 && e->bytes.len > 0)
		r = put_journal(b, row.watermark, id, e->bytes);
	if (r == 0)
		r = merge_study(b, study, e->study_attributes);
	if (r == 0)
		r = merge_series(b, s, e->series_attributes);
	if (r == 0)
		r = set_modality(b, s, e->modality);
	if (r == 0)
		r = tags_merge_study(b, study);
	if (r >= 0)
		r = tags_merge_series(b, s);
	tags_forget(b);
	if (r >= 0) {
		feed_entry_init(&f, s, id, &row, there || e->moved != NULL ? FEED_UPDATE : FEED_CREATE, e->now);
		f.with = (uint8_t)(with | (e->moved != NULL ? FEED_MOVED : 0));
		r = put_feed(b, &f, &res->sequence);
	}
	return r;
}
