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
#include "catalog/catalog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "catalog/attribute.h"
#include "catalog/codec.h"
#include "catalog/header.h"
#include "catalog/internal.h"
#include "dicom/collate.h"

/* Rows kept open at once; more are written out and opened again when needed. */
#define OPEN_MAX 128
/* Attributes of one row, encoded: the kept ones are bounded by attribute.c. */
#define ATTRIBUTES_MAX (256 << 10)
#define ROW_MAX (1 << 20)

struct open_partition {
	uint64_t id;
	struct partition_row row;
};

struct open_study {
	uint64_t id;
	struct open_partition *partition;
	struct study_row row;		/* its slices are of the buffers below */
	struct buf attributes, modalities;
	bool gone;
};

struct open_series {
	uint64_t id;
	struct open_study *study;
	struct series_row row;
	struct buf attributes;
	bool gone;
	bool base_known;
	uint64_t base_id;		/* 0: none yet; meaningful when known */
};

struct catalog_batch {
	struct kv_txn *txn;
	struct catalog_counters counters;
	bool reclaim_pending;		/* some removed file may still lie at its public path */
	struct open_partition partitions[8];
	size_t n_partitions;
	struct open_study *studies[OPEN_MAX];
	size_t n_studies;
	struct open_series *series[OPEN_MAX];
	size_t n_series;
	struct buf scratch, merged;
};

/* -- rows out ------------------------------------------------------------- */

static int
put_row(struct catalog_batch *b, enum table table, struct key k)
{
	int r = buf_error(&b->scratch);

	if (r == 0)
		r = kv_put(b->txn, table, key_slice(&k), buf_slice(&b->scratch));
	buf_reset(&b->scratch);
	return r;
}

static int
write_rows(struct catalog_batch *b)
{
	size_t i;
	int r = 0;

	buf_reset(&b->scratch);
	for (i = 0; i < b->n_series && r == 0; i++) {
		struct open_series *s = b->series[i];

		if (s->gone)
			continue;
		s->row.attributes = buf_slice(&s->attributes);
		series_row_put(&s->row, &b->scratch);
		r = put_row(b, T_SERIES, key_of_2(s->study->id, s->id));
	}
	for (i = 0; i < b->n_studies && r == 0; i++) {
		struct open_study *s = b->studies[i];

		if (s->gone)
			continue;
		s->row.attributes = buf_slice(&s->attributes);
		s->row.modalities = buf_slice(&s->modalities);
		study_row_put(&s->row, &b->scratch);
		r = put_row(b, T_STUDY, key_of_2(s->partition->id, s->id));
	}
	for (i = 0; i < b->n_partitions && r == 0; i++) {
		partition_row_put(&b->partitions[i].row, &b->scratch);
		r = put_row(b, T_PARTITION, key_of_1(b->partitions[i].id));
	}
	return r;
}

static void
drop_rows(struct catalog_batch *b)
{
	size_t i;

	for (i = 0; i < b->n_series; i++) {
		buf_fini(&b->series[i]->attributes);
		free(b->series[i]);
	}
	for (i = 0; i < b->n_studies; i++) {
		buf_fini(&b->studies[i]->attributes);
		buf_fini(&b->studies[i]->modalities);
		free(b->studies[i]);
	}
	b->n_series = b->n_studies = b->n_partitions = 0;
}

/* -- life ----------------------------------------------------------------- */

int
batch_begin(struct kv *kv, struct catalog_batch **ret_batch)
{
	struct catalog_batch *b = calloc(1, sizeof *b);
	struct kv_range *g;
	struct slice k, v;
	int r;

	if (b == NULL)
		return -ENOMEM;
	buf_init(&b->scratch, ROW_MAX);
	buf_init(&b->merged, ATTRIBUTES_MAX);
	r = kv_begin(kv, KV_WRITE, &b->txn);
	if (r == 0)
		r = catalog_get_counters(b->txn, &b->counters);
	if (r == 0)
		r = kv_range_open(b->txn, T_RECLAIM, slice_of(NULL, 0), slice_of(NULL, 0), KV_ASCENDING, 1, &g);
	if (r == 0) {
		r = kv_range_next(g, &k, &v);
		kv_range_close(g);
		b->reclaim_pending = r > 0;
	}
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
	int r = write_rows(b);

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

/* -- rows in -------------------------------------------------------------- */

static int
make_room(struct catalog_batch *b)
{
	int r;

	if (b->n_studies < OPEN_MAX && b->n_series < OPEN_MAX &&
	    b->n_partitions < sizeof b->partitions / sizeof *b->partitions)
		return 0;
	r = write_rows(b);
	drop_rows(b);
	return r;
}

static int
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

static struct open_study *
add_study(struct catalog_batch *b, struct open_partition *p, uint64_t id)
{
	struct open_study *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	s->id = id;
	s->partition = p;
	buf_init(&s->attributes, ATTRIBUTES_MAX);
	buf_init(&s->modalities, ATTRIBUTES_MAX);
	b->studies[b->n_studies++] = s;
	return s;
}

static int
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
	*ret = s;
	return 0;
}

static struct open_series *
add_series(struct catalog_batch *b, struct open_study *study, uint64_t id)
{
	struct open_series *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	s->id = id;
	s->study = study;
	buf_init(&s->attributes, ATTRIBUTES_MAX);
	b->series[b->n_series++] = s;
	return s;
}

static int
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
	*ret = s;
	return 0;
}

/* -- the attribute index -------------------------------------------------- */

struct index_change {
	struct catalog_batch *b;
	uint64_t partition;
	uint32_t tag;
	uint64_t id, parent;
	bool put;
};

static int
index_one(const struct index_change *c, char kind, struct slice value)
{
	struct key k, parent = key_of_1(c->parent);
	int r;

	index_key_prefix(&k, c->partition, c->tag, kind);
	key_escaped(&k, value);
	key_end_value(&k);
	key_u64(&k, c->id);
	if (c->put)
		return kv_put(c->b->txn, T_ATTRIBUTE, key_slice(&k), key_slice(&parent));
	r = kv_del(c->b->txn, T_ATTRIBUTE, key_slice(&k));
	return r == -ENOENT ? 0 : r;	/* a word that the name has twice */
}

static int
index_word(void *ctx, const char *word, size_t len)
{
	return index_one(ctx, INDEX_WORD, slice_of(word, len));
}

static int
index_value(const struct index_change *c, uint16_t vr, struct slice collated)
{
	int r;

	if (collated.len == 0)
		return 0;
	r = index_one(c, INDEX_VALUE, collated);
	if (r == 0 && vr == VR('P', 'N'))
		r = collate_words(collated.data, collated.len, index_word, (void *)(uintptr_t)c);
	return r;
}

/* Bring the index from the old attributes to the new; either may be empty. */
static int
index_attributes(struct index_change *c, enum level level, struct slice old, struct slice now)
{
	const struct attribute_def *def;
	struct attribute a, n;
	struct slice rest;
	int r = 0;

	for (rest = old; r == 0 && attributes_next(&rest, &a);) {
		def = attribute_find(a.tag, level);
		if (def == NULL || def->vr == 0 || def->vr == VR('U', 'I'))
			continue;
		if (attributes_get(now, a.tag, &n) && slice_compare(n.collated, a.collated) == 0)
			continue;
		c->tag = a.tag;
		c->put = false;
		r = index_value(c, def->vr, a.collated);
	}
	for (rest = now; r == 0 && attributes_next(&rest, &n);) {
		def = attribute_find(n.tag, level);
		if (def == NULL || def->vr == 0 || def->vr == VR('U', 'I'))
			continue;
		if (attributes_get(old, n.tag, &a) && slice_compare(n.collated, a.collated) == 0)
			continue;
		c->tag = n.tag;
		c->put = true;
		r = index_value(c, def->vr, n.collated);
	}
	return r;
}

static int
index_uid_entry(struct catalog_batch *b, uint64_t partition, uint32_t tag, const char *uid, uint64_t id,
		uint64_t parent, bool put)
{
	unsigned char hash[HASH_LEN];
	struct index_change c = { b, partition, tag, id, parent, put };

	return index_one(&c, INDEX_VALUE, index_uid(uid, hash));
}

/* -- modalities of a study ------------------------------------------------ */

/* Add n (1 or -1) to the number of series with this modality. */
static int
count_modality(struct catalog_batch *b, struct open_study *s, struct slice modality, int n)
{
	struct index_change c = { b, s->partition->id, TAG_MODALITIES_IN_STUDY, s->id, s->partition->id, false };
	struct buf out, collated;
	struct reader in;
	uint32_t count, before = 0, after;
	struct slice text;
	int r = 0;

	if (modality.len == 0)
		return 0;
	buf_init(&out, ATTRIBUTES_MAX);
	reader_init(&in, buf_slice(&s->modalities));
	while (s->modalities.len > 0 && in.p < in.end && !in.bad) {
		count = get_u32(&in);
		text = get_short(&in);
		if (slice_compare(text, modality) == 0) {
			before = count;
			continue;
		}
		put_u32(&out, count);
		put_short(&out, text);
	}
	after = n > 0 ? before + 1 : before > 0 ? before - 1 : 0;
	if (after > 0) {
		put_u32(&out, after);
		put_short(&out, modality);
	}
	r = buf_error(&out);
	if (r == 0 && (before == 0) != (after == 0)) {
		buf_init(&collated, COLLATE_MAX);
		r = collate_value(VR('C', 'S'), modality.data, modality.len, &collated);
		c.put = after > 0;
		if (r == 0)
			r = index_one(&c, INDEX_VALUE, buf_slice(&collated));
		buf_fini(&collated);
	}
	buf_fini(&s->modalities);
	s->modalities = out;
	return r;
}

/* The Modality a series row shows now, as plain text: out of its JSON, which has one short form. */
static struct slice
series_modality(struct slice attributes)
{
	static const char head[] = "{\"vr\":\"CS\",\"Value\":[\"";
	struct attribute a;
	const char *p, *end;

	if (!attributes_get(attributes, TAG_MODALITY, &a) || a.json.len <= sizeof head ||
	    memcmp(a.json.data, head, sizeof head - 1) != 0)
		return slice_of(NULL, 0);
	p = (const char *)a.json.data + sizeof head - 1;
	end = memchr(p, '"', a.json.len - (sizeof head - 1));
	return slice_of(p, end == NULL ? 0 : (size_t)(end - p));
}

/* -- put ------------------------------------------------------------------ */

static int
merge_study(struct catalog_batch *b, struct open_study *s, struct slice newer)
{
	struct index_change c = { b, s->partition->id, 0, s->id, s->partition->id, false };
	int r;

	buf_reset(&b->merged);
	attributes_merge(buf_slice(&s->attributes), newer, &b->merged);
	r = buf_error(&b->merged);
	if (r < 0 || slice_compare(buf_slice(&b->merged), buf_slice(&s->attributes)) == 0)
		return r;
	r = index_attributes(&c, LEVEL_STUDY, buf_slice(&s->attributes), buf_slice(&b->merged));
	buf_reset(&s->attributes);
	buf_put(&s->attributes, b->merged.data, b->merged.len);
	return r;
}

static int
merge_series(struct catalog_batch *b, struct open_series *s, struct slice newer)
{
	struct index_change c = { b, s->study->partition->id, 0, s->id, s->study->id, false };
	struct slice old_modality, modality;
	int r;

	buf_reset(&b->merged);
	attributes_merge(buf_slice(&s->attributes), newer, &b->merged);
	r = buf_error(&b->merged);
	if (r < 0 || slice_compare(buf_slice(&b->merged), buf_slice(&s->attributes)) == 0)
		return r;
	r = index_attributes(&c, LEVEL_SERIES, buf_slice(&s->attributes), buf_slice(&b->merged));
	old_modality = series_modality(buf_slice(&s->attributes));
	modality = series_modality(buf_slice(&b->merged));
	if (r == 0 && slice_compare(old_modality, modality) != 0) {
		r = count_modality(b, s->study, old_modality, -1);
		if (r == 0)
			r = count_modality(b, s->study, modality, 1);
	}
	buf_reset(&s->attributes);
	buf_put(&s->attributes, b->merged.data, b->merged.len);
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
	r = make_room(b);
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

static struct key
order_key(uint64_t partition, uint64_t watermark)
{
	struct key k = key_of_1(partition);

	key_u8(&k, LEVEL_INSTANCE);
	key_u64(&k, watermark);
	return k;
}

static int
put_header(struct catalog_batch *b, struct open_series *s, uint64_t instance, uint64_t watermark,
	   const struct catalog_entry *e)
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
		put_u64(&b->scratch, watermark);
		if (e->base_id == 0)
			buf_put(&b->scratch, header.data, header.len);
		else
			header_compress(e->json, slice_of(NULL, 0), &b->scratch);
		r = put_row(b, T_HEADER, k);
		if (r == 0) {
			s->base_id = watermark;
			r = header_compress(e->json, e->json, &b->scratch);	/* "the same" */
		}
	} else if (e->base_id == s->base_id || e->base_id == 0)
		r = buf_put(&b->scratch, header.data, header.len);
	else {
		/* Made against a base that went meanwhile with its series. */
		uint64_t id;

		r = catalog_base(b->txn, s->id, &base, &id);
		if (r == 0)
			r = header_compress(e->json, buf_slice(&base), &b->scratch);
	}
	if (r == 0)
		r = put_row(b, T_HEADER, key_of_2(s->id, instance));
	buf_fini(&base);
	return r;
}

static int
put_feed(struct catalog_batch *b, const struct feed_entry *e, uint64_t *ret_sequence)
{
	*ret_sequence = ++b->counters.sequence;
	buf_reset(&b->scratch);
	feed_entry_put(e, &b->scratch);
	return put_row(b, T_FEED, key_of_1(*ret_sequence));
}

static int
put_reclaim(struct catalog_batch *b, const struct open_series *s, const struct instance_row *row, bool stage_only)
{
	struct reclaim_entry e = {
		.stage = row->stage, .flags = row->flags, .stage_only = stage_only,
		.partition = s->study->partition->id,
	};

	strcpy(e.study_uid, s->study->row.uid);
	strcpy(e.series_uid, s->row.uid);
	strcpy(e.sop_uid, row->uid);
	b->reclaim_pending = true;
	buf_reset(&b->scratch);
	reclaim_entry_put(&e, &b->scratch);
	return put_row(b, T_RECLAIM, key_of_1(row->watermark));
}

static void
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
	if (there) {
		r = catalog_instance(b->txn, s->id, id, &old);
		if (r < 0)
			return r == -ENOENT ? -EIO : r;
		*res = (struct catalog_put_result){ .outcome = BATCH_UNCHANGED, .watermark = old.watermark,
			.path = { p->id, study->id, s->id, id } };
		if (e->same == BATCH_SAME_REFUSE)
			return -EEXIST;
		if (same_bytes(&old, &row))
			return 0;
		if (e->same == BATCH_SAME_KEEP)
			return -EEXIST;
		row.created = old.created;
		row.flags |= INSTANCE_REPLACED;
		s->row.replaced = 1;
		p->row.bytes -= old.size;
		study->row.bytes -= old.size;
		s->row.bytes -= old.size;
		k = order_key(p->id, old.watermark);
		r = kv_del(b->txn, T_ORDER, key_slice(&k));
		if (r == 0)
			r = put_reclaim(b, s, &old, true);
	} else {
		id = b->counters.next_id++;
		row.created = e->now;
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
	s->row.max_watermark = study->row.max_watermark = row.watermark;
	s->row.latest_instance = study->row.latest_instance = id;
	study->row.latest_series = s->id;
	s->row.mtime = study->row.mtime = p->row.mtime = e->now;

	k = order_key(p->id, row.watermark);
	v = key_of_2(s->id, id);
	r = kv_put(b->txn, T_ORDER, key_slice(&k), key_slice(&v));
	if (r == 0)
		r = put_header(b, s, id, row.watermark, e);
	if (r == 0) {
		buf_reset(&b->scratch);
		instance_row_put(&row, &b->scratch);
		r = put_row(b, T_INSTANCE, key_of_2(s->id, id));
	}
	if (r == 0)
		r = merge_study(b, study, e->study_attributes);
	if (r == 0)
		r = merge_series(b, s, e->series_attributes);
	*res = (struct catalog_put_result){ .outcome = there ? BATCH_REPLACED : BATCH_CREATED,
		.watermark = row.watermark, .path = { p->id, study->id, s->id, id } };
	if (r == 0) {
		feed_entry_init(&f, s, id, &row, there ? FEED_UPDATE : FEED_CREATE, e->now);
		f.with = with;
		r = put_feed(b, &f, &res->sequence);
	}
	return r;
}

/* -- remove --------------------------------------------------------------- */

/* After its latest instance went: who is it now? */
static int
series_check_latest(struct catalog_batch *b, struct open_series *s)
{
	struct key from = key_of_2(s->id, 0), to = key_of_1(s->id);
	struct instance_row row;
	struct kv_range *g;
	struct slice k, v;
	int r;

	if (!key_after(&to))
		key_start(&to);
	s->row.max_watermark = 0;
	s->row.latest_instance = 0;
	/* Ids follow watermarks unless something was replaced: then look at all. */
	r = kv_range_open(b->txn, T_INSTANCE, key_slice(&from), key_slice(&to), KV_DESCENDING,
			  s->row.replaced ? 0 : 1, &g);
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
	struct key from = key_of_2(study->id, 0), to = key_of_1(study->id);
	struct series_row row;
	struct kv_range *g;
	struct slice k, v;
	size_t i;
	int r;

	if (!key_after(&to))
		key_start(&to);
	study->row.max_watermark = 0;
	/* Rows of open series are newer than the table. */
	r = write_rows(b);
	if (r < 0)
		return r;
	r = kv_range_open(b->txn, T_SERIES, key_slice(&from), key_slice(&to), KV_ASCENDING, 0, &g);
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
	struct index_change c = { b, p->id, 0, s->id, study->id, false };
	struct key k;
	int r;

	s->gone = true;
	study->row.series--;
	p->row.series--;
	r = index_attributes(&c, LEVEL_SERIES, buf_slice(&s->attributes), slice_of(NULL, 0));
	if (r == 0)
		r = count_modality(b, study, series_modality(buf_slice(&s->attributes)), -1);
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
	struct index_change c = { b, p->id, 0, study->id, p->id, false };
	struct key k;
	int r;

	study->gone = true;
	p->row.studies--;
	r = index_attributes(&c, LEVEL_STUDY, buf_slice(&study->attributes), slice_of(NULL, 0));
	if (r == 0)
		r = name_del(b->txn, p->id, study->row.uid, study->id);
	if (r == 0) {
		k = key_of_2(p->id, study->id);
		r = kv_del(b->txn, T_STUDY, key_slice(&k));
	}
	return r == -ENOENT ? 0 : r;
}

int
batch_remove(struct catalog_batch *b, const struct catalog_path *path, int64_t now, uint64_t *ret_sequence)
{
	struct open_partition *p = NULL;
	struct open_study *study = NULL;
	struct open_series *s = NULL;
	struct instance_row row;
	struct feed_entry f;
	struct key k;
	int r;

	r = make_room(b);
	if (r == 0)
		r = open_partition(b, path->partition, &p);
	if (r == 0)
		r = open_study(b, p, path->study, &study);
	if (r == 0)
		r = open_series(b, study, path->series, &s);
	if (r == 0)
		r = catalog_instance(b->txn, s->id, path->instance, &row);
	if (r < 0)
		return r;
	feed_entry_init(&f, s, path->instance, &row, FEED_DELETE, now);
	p->row.instances--;
	p->row.bytes -= row.size;
	study->row.instances--;
	study->row.bytes -= row.size;
	s->row.instances--;
	s->row.bytes -= row.size;
	s->row.mtime = study->row.mtime = p->row.mtime = now;
	r = put_reclaim(b, s, &row, false);
	if (r == 0)
		r = name_del(b->txn, s->id, f.sop_uid, path->instance);
	if (r == 0)
		r = index_uid_entry(b, p->id, TAG_SOP_INSTANCE_UID, f.sop_uid, path->instance, s->id, false);
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
	if (r == 0)
		r = put_feed(b, &f, ret_sequence);
	return r == -ENOENT ? -EIO : r;
}
