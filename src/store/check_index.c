/* Check: the index against itself: what hangs on what, what is counted, what is found by what. */
#include "store/check_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/external.h"
#include "catalog/header.h"
#include "dicom/collate.h"
#include "dicom/indexed.h"

struct walk {
	struct check *check;
	struct kv_txn *txn;
	uint64_t nodes, names, orders, headers, sop_entries, series_entries;	/* expected entries */
	uint64_t extended_entries;	/* expected, of query tags */
	uint64_t external_entries;	/* expected, of external metadata */
	uint64_t originals;		/* expected */
	struct query_tags *tags;
};

static void
index_finding(struct walk *c, const char *what, const char *uid)
{
	char text[200];

	snprintf(text, sizeof text, "%s %s", what, uid);
	check_report(c->check, CHECK_INDEX, text, false);
}

static bool
has_key(struct walk *c, enum table table, const struct key *k)
{
	struct slice v;

	return kv_get(c->txn, table, key_slice(k), &v) == 0;
}

static bool
is_named(struct walk *c, uint64_t parent, const char *name, uint64_t id)
{
	uint64_t found = 0, above = 0;

	c->names++;
	c->nodes++;
	return catalog_find(c->txn, parent, name, &found) == 0 && found == id &&
	       catalog_parent(c->txn, id, &above) == 0 && above == parent;
}

static bool
is_indexed(struct walk *c, uint64_t partition, uint32_t tag, char kind, struct slice value, uint64_t id)
{
	struct key k;

	index_key_prefix(&k, partition, tag, kind);
	key_escaped(&k, value);
	key_end_value(&k);
	key_u64(&k, id);
	return has_key(c, T_ATTRIBUTE, &k);
}

static bool
attributes_indexed(struct walk *c, uint64_t partition, struct slice attributes, uint64_t id)
{
	struct attribute a;

	while (attributes_next(&attributes, &a))
		if (a.collated.len > 0 && !is_indexed(c, partition, a.tag, INDEX_VALUE, a.collated, id))
			return false;
	return true;
}

/* Values of query tags, likewise; those of tags that are gone or going mean nothing. */
static bool
extended_indexed(struct walk *c, uint64_t partition, enum level level, struct slice extended, uint64_t id)
{
	struct attribute a;

	while (attributes_next(&extended, &a)) {
		const struct query_tag *t = query_tags_find_number(c->tags, a.tag);

		if (t == NULL || t->status == QUERY_TAG_DELETING)
			continue;
		c->extended_entries++;
		if (t->level != level || !is_indexed(c, partition, t->tag, INDEX_VALUE, a.collated, id))
			return false;
	}
	return true;
}

struct external_walk {
	struct walk *walk;
	uint64_t partition, study;
	const char *uid;
};

static int
check_external(void *ctx, const struct external *e)
{
	struct external_walk *w = ctx;
	struct buf collated;
	int r;

	buf_init(&collated, COLLATE_MAX);
	r = external_collate(e->text, &collated);
	if (r == 0 && collated.len > 0) {
		w->walk->external_entries++;
		if (!is_indexed(w->walk, w->partition, e->tag, INDEX_EXTERNAL, buf_slice(&collated), w->study))
			index_finding(w->walk, "external metadata of study", w->uid);
	}
	buf_fini(&collated);
	return r;
}

static bool
is_ordered(struct walk *c, uint64_t partition, enum level level, uint64_t number)
{
	struct key k = key_of_1(partition);

	key_u8(&k, (uint8_t)level);
	key_u64(&k, number);
	c->orders++;
	return has_key(c, T_ORDER, &k);
}

/* What is kept beside an instance that was updated; its bytes. */
static uint64_t
check_original(struct walk *c, uint64_t series, uint64_t id, const struct instance_row *row, struct slice base,
	       struct buf *json)
{
	struct original o;

	if (!(row->flags & INSTANCE_UPDATED))
		return 0;
	c->originals++;
	buf_reset(json);
	if (original_get(c->txn, series, id, &o) < 0 || header_expand(o.header, base, json) < 0) {
		index_finding(c, "no original of instance", row->uid);
		return 0;
	}
	return o.row.size;
}

/* Every original under a staged name is that of an instance. */
static int
check_staged(struct walk *c)
{
	struct catalog_path p;
	struct original o;
	struct kv_range *g;
	struct slice k, v;
	enum level level;
	int r = kv_range_open(c->txn, T_STAGED, slice_of(NULL, 0), slice_of(NULL, 0), KV_ASCENDING, 0, &g);

	if (r < 0)
		return r;
	while ((r = kv_range_next(g, &k, &v)) > 0)
		if (v.len != 8 || catalog_path(c->txn, read_u64(v.data), &p, &level) < 0 ||
		    original_get(c->txn, p.series, p.instance, &o) < 0 || o.row.stage != read_u64(k.data))
			index_finding(c, "a staged original of what is gone", "");
	kv_range_close(g);
	return r;
}

static int
check_instances(struct walk *c, uint64_t partition, uint64_t series, const struct series_row *row)
{
	uint64_t instances = 0, bytes = 0, kept = 0, max = 0, latest = 0, id, base_id;
	unsigned char hash[HASH_LEN];
	struct instance_row i;
	struct kv_range *g = NULL;
	struct slice k, v;
	struct buf base, json;
	int r;

	buf_init(&base, HEADER_MAX);
	buf_init(&json, HEADER_MAX);
	r = catalog_base(c->txn, series, &base, &base_id);
	if (r < 0 || base_id == 0)
		index_finding(c, "no base header of series", row->uid);
	else
		c->headers++;
	r = catalog_children(c->txn, T_INSTANCE, series, 0, KV_ASCENDING, 0, &g);
	while (r >= 0 && (r = kv_range_next(g, &k, &v)) > 0) {
		id = read_u64((const char *)k.data + 8);
		if (instance_row_get(v, &i) < 0) {
			index_finding(c, "broken instance row in series", row->uid);
			continue;
		}
		instances++;
		bytes += i.size;
		if (i.watermark > max) {
			max = i.watermark;
			latest = id;
		}
		buf_reset(&json);
		c->headers++;
		if (catalog_header(c->txn, series, id, buf_slice(&base), &json) < 0)
			index_finding(c, "no header of instance", i.uid);
		kept += check_original(c, series, id, &i, buf_slice(&base), &json);
		if (!is_named(c, series, i.uid, id))
			index_finding(c, "name of instance", i.uid);
		if (!is_ordered(c, partition, LEVEL_INSTANCE, i.watermark))
			index_finding(c, "order of instance", i.uid);
		c->sop_entries++;
		if (!is_indexed(c, partition, TAG_SOP_INSTANCE_UID, INDEX_VALUE, index_uid(i.uid, hash), id))
			index_finding(c, "SOP Instance UID is not indexed:", i.uid);
		if (!extended_indexed(c, partition, LEVEL_INSTANCE, i.extended, id))
			index_finding(c, "query tags of instance", i.uid);
	}
	kv_range_close(g);
	if (r == 0 && (instances != row->instances || bytes != row->bytes || kept != row->kept))
		index_finding(c, "counts of series", row->uid);
	if (r == 0 && (max != row->max_watermark || latest != row->latest_instance))
		index_finding(c, "latest instance of series", row->uid);
	if (r == 0 && instances == 0)
		index_finding(c, "empty series", row->uid);
	buf_fini(&base);
	buf_fini(&json);
	return r;
}

static int
check_study(struct walk *c, uint64_t partition, uint64_t study, const struct study_row *row,
	    struct partition_row *sums)
{
	uint64_t series = 0, instances = 0, bytes = 0, kept = 0, max = 0, id;
	unsigned char hash[HASH_LEN];
	struct series_row s;
	struct kv_range *g = NULL;
	struct slice k, v;
	int r;

	if (!is_named(c, partition, row->uid, study))
		index_finding(c, "name of study", row->uid);
	if (!extended_indexed(c, partition, LEVEL_STUDY, row->extended, study))
		index_finding(c, "query tags of study", row->uid);
	if (!attributes_indexed(c, partition, row->attributes, study))
		index_finding(c, "attribute index of study", row->uid);
	r = external_each(c->txn, study, check_external,
			  &(struct external_walk){ c, partition, study, row->uid });
	if (r < 0)
		return r;
	r = catalog_children(c->txn, T_SERIES, study, 0, KV_ASCENDING, 0, &g);
	while (r >= 0 && (r = kv_range_next(g, &k, &v)) > 0) {
		id = read_u64((const char *)k.data + 8);
		if (series_row_get(v, &s) < 0) {
			index_finding(c, "broken series row in study", row->uid);
			continue;
		}
		series++;
		instances += s.instances;
		bytes += s.bytes;
		kept += s.kept;
		if (s.max_watermark > max)
			max = s.max_watermark;
		if (!is_named(c, study, s.uid, id))
			index_finding(c, "name of series", s.uid);
		if (!is_ordered(c, partition, LEVEL_SERIES, id))
			index_finding(c, "order of series", s.uid);
		c->series_entries++;
		if (!attributes_indexed(c, partition, s.attributes, id) ||
		    !is_indexed(c, partition, TAG_SERIES_INSTANCE_UID, INDEX_VALUE, index_uid(s.uid, hash), id))
			index_finding(c, "attribute index of series", s.uid);
		if (!extended_indexed(c, partition, LEVEL_SERIES, s.extended, id))
			index_finding(c, "query tags of series", s.uid);
		r = check_instances(c, partition, id, &s);
		if (r < 0)
			break;
	}
	kv_range_close(g);
	if (r == 0 && (series != row->series || instances != row->instances || bytes != row->bytes || kept != row->kept ||
		       max != row->max_watermark || series == 0))
		index_finding(c, "counts of study", row->uid);
	sums->studies++;
	sums->series += series;
	sums->instances += instances;
	sums->bytes += bytes;
	sums->kept += kept;
	return r;
}

/* An entry of the index by a query tag: 1 it is one of a value, 0 of a word or of a tag that is going. */
static uint64_t
count_extended(struct walk *c, struct slice key)
{
	const unsigned char *p = key.data;
	uint32_t tag = key.len > 13 ? read_u32(p + 8) : 0;
	const struct query_tag *t;

	if (indexed_vr(tag) != 0 || (key.len > 13 && p[12] == INDEX_EXTERNAL))
		return 0;
	t = query_tags_find(c->tags, tag);
	if (t == NULL)
		index_finding(c, "attribute index of a query tag that is gone", "");
	return t != NULL && t->status != QUERY_TAG_DELETING && p[12] == INDEX_VALUE;
}

/* Errors of query tags stand for instances, and are counted. */
static int
check_tag_errors(struct walk *c)
{
	uint64_t counts[QUERY_TAGS_MAX] = { 0 };
	struct kv_range *g;
	struct slice k, v;
	uint64_t parent;
	size_t i;
	int r = kv_range_open(c->txn, T_TAG_ERROR, slice_of(NULL, 0), slice_of(NULL, 0), KV_ASCENDING, 0, &g);

	if (r < 0)
		return r;
	while ((r = kv_range_next(g, &k, &v)) > 0) {
		const struct query_tag *t = k.len == 12 ? query_tags_find_number(c->tags, read_u32(k.data)) : NULL;

		if (t == NULL || catalog_parent(c->txn, read_u64((const char *)k.data + 4), &parent) < 0)
			index_finding(c, "an error of a query tag names something that is gone", "");
		else
			counts[t - c->tags->at]++;
	}
	kv_range_close(g);
	for (i = 0; i < c->tags->n && r == 0; i++)
		if (c->tags->at[i].status != QUERY_TAG_DELETING && counts[i] != c->tags->at[i].errors)
			index_finding(c, "number of errors of a query tag", "");
	return r;
}

/* Every entry of the attribute index stands for a row that is there. */
static int
check_index_entries(struct walk *c)
{
	struct kv_range *g;
	struct slice k, v;
	uint64_t parent, above, extended = 0, external = 0;
	int r = kv_range_open(c->txn, T_ATTRIBUTE, slice_of(NULL, 0), slice_of(NULL, 0), KV_ASCENDING, 0, &g);

	if (r < 0)
		return r;
	while ((r = kv_range_next(g, &k, &v)) > 0) {
		parent = v.len == 8 ? read_u64(v.data) : 0;
		if (k.len < 8 || catalog_parent(c->txn, read_u64((const char *)k.data + k.len - 8), &above) < 0 ||
		    above != parent)
			index_finding(c, "attribute index names something that is gone", "");
		extended += count_extended(c, k);
		external += k.len > 13 && ((const char *)k.data)[12] == INDEX_EXTERNAL;
	}
	kv_range_close(g);
	if (r == 0 && extended != c->extended_entries)
		index_finding(c, "attribute index of query tags has values that no row has", "");
	if (r == 0 && external != c->external_entries)
		index_finding(c, "attribute index of external metadata has values that no study has", "");
	return r;
}

/* Sequence numbers without gaps, and a counter that fits. */
static int
check_feed(struct walk *c)
{
	struct catalog_counters counters;
	struct kv_range *g;
	struct slice k, v;
	uint64_t expected = 1;
	int r = catalog_get_counters(c->txn, &counters);

	if (r == 0)
		r = kv_range_open(c->txn, T_FEED, slice_of(NULL, 0), slice_of(NULL, 0), KV_ASCENDING, 0, &g);
	if (r < 0)
		return r;
	while ((r = kv_range_next(g, &k, &v)) > 0)
		if (read_u64(k.data) != expected++)
			break;
	kv_range_close(g);
	if (r >= 0 && (r > 0 || expected != counters.sequence + 1))
		index_finding(c, "the change feed has a gap", "");
	return r < 0 ? r : 0;
}

static int
walk_index(struct walk *c)
{
	struct partition_row row, sums;
	struct study_row study;
	struct kv_range *g, *studies;
	struct slice k, v;
	uint64_t id, n;
	int r;

	r = query_tags_load(c->txn, c->tags);
	if (r == 0)
		r = kv_range_open(c->txn, T_PARTITION, slice_of(NULL, 0), slice_of(NULL, 0), KV_ASCENDING, 0, &g);
	if (r < 0)
		return r;
	while ((r = kv_range_next(g, &k, &v)) > 0 && (r = partition_row_get(v, &row)) == 0) {
		id = read_u64(k.data);
		sums = (struct partition_row){ 0 };
		if (!is_named(c, 0, row.name, id))
			index_finding(c, "name of partition", row.name);
		r = catalog_children(c->txn, T_STUDY, id, 0, KV_ASCENDING, 0, &studies);
		if (r < 0)
			break;
		while ((r = kv_range_next(studies, &k, &v)) > 0) {
			if (study_row_get(v, &study) < 0) {
				index_finding(c, "broken study row in partition", row.name);
				continue;
			}
			r = check_study(c, id, read_u64((const char *)k.data + 8), &study, &sums);
			if (r < 0)
				break;
		}
		kv_range_close(studies);
		if (r < 0)
			break;
		if (sums.studies != row.studies || sums.series != row.series || sums.instances != row.instances ||
		    sums.bytes != row.bytes || sums.kept != row.kept)
			index_finding(c, "counts of partition", row.name);
	}
	kv_range_close(g);
	if (r == 0)
		r = check_feed(c);
	if (r == 0)
		r = check_index_entries(c);
	if (r == 0)
		r = check_tag_errors(c);
	if (r == 0)
		r = check_staged(c);
	if (r == 0 && (r = catalog_count(c->txn, T_ORIGINAL, 0, &n)) == 0 && n != c->originals)
		index_finding(c, "originals of what is gone", "");
	if (r == 0 && (r = catalog_count(c->txn, T_NAME, 0, &n)) == 0 && n != c->names)
		index_finding(c, "names of what is gone", "");
	if (r == 0 && (r = catalog_count(c->txn, T_NODE, 0, &n)) == 0 && n != c->nodes)
		index_finding(c, "nodes of what is gone", "");
	if (r == 0 && (r = catalog_count(c->txn, T_ORDER, 0, &n)) == 0 && n != c->orders)
		index_finding(c, "order of what is gone", "");
	if (r == 0 && (r = catalog_count(c->txn, T_HEADER, 0, &n)) == 0 && n != c->headers)
		index_finding(c, "headers of what is gone", "");
	return r;
}

int
check_index(struct check *check)
{
	struct walk w = { .check = check, .tags = malloc(sizeof *w.tags) };
	int r = w.tags == NULL ? -ENOMEM : kv_begin(check->st->kv, KV_READ, &w.txn);

	if (r == 0) {
		r = walk_index(&w);
		kv_abort(w.txn);
	}
	free(w.tags);
	return r;
}
