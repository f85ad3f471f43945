/* Extended query tags, kept in step with the rows of studies, series and instances. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/batch_internal.h"
#include "catalog/header.h"

int
tags_begin(struct catalog_batch *b)
{
	uint64_t n;
	int r = catalog_count(b->txn, T_TAG, 1, &n);

	buf_init(&b->extended, ATTRIBUTES_MAX);
	buf_init(&b->extended_merged, ATTRIBUTES_MAX);
	buf_init(&b->extended_old, ATTRIBUTES_MAX);
	if (r < 0 || n == 0)
		return r;
	b->tags = calloc(1, sizeof *b->tags);
	b->values = calloc(QUERY_TAGS_MAX, sizeof *b->values);
	return b->tags == NULL || b->values == NULL ? -ENOMEM : query_tags_load(b->txn, b->tags);
}

int
tags_write(struct catalog_batch *b)
{
	size_t i;
	int r = 0;

	for (i = 0; b->tags != NULL && b->tags_changed && i < b->tags->n && r == 0; i++)
		r = query_tag_put(b->txn, &b->tags->at[i]);
	b->tags_changed = false;
	return r;
}

void
tags_end(struct catalog_batch *b)
{
	buf_fini(&b->extended);
	buf_fini(&b->extended_merged);
	buf_fini(&b->extended_old);
	free(b->tags);
	free(b->values);
}

struct query_tags *
batch_tags(struct catalog_batch *b)
{
	return b->tags;
}

void
batch_tags_changed(struct catalog_batch *b)
{
	b->tags_changed = true;
}

/* -- values --------------------------------------------------------------- */

int
tags_read(struct catalog_batch *b, struct slice json)
{
	if (b->tags == NULL)
		return 0;
	tags_forget(b);
	return query_values_read(b->tags, NULL, NULL, json, b->values);
}

void
tags_forget(struct catalog_batch *b)
{
	if (b->tags == NULL)
		return;
	query_values_fini(b->tags, b->values);
	memset(b->values, 0, QUERY_TAGS_MAX * sizeof *b->values);
}

int
tags_put_level(struct catalog_batch *b, enum level level, struct buf *out)
{
	buf_reset(out);
	return b->tags != NULL ? query_values_put(b->tags, b->values, level, out) : 0;
}

/* Values of tags that are there still. */
static int
put_live(struct catalog_batch *b, struct slice extended, struct buf *out)
{
	struct attribute a;

	while (attributes_next(&extended, &a)) {
		const struct query_tag *t = query_tags_find_number(b->tags, a.tag);

		if (t != NULL && t->status != QUERY_TAG_DELETING)
			attribute_put(a.tag, a.collated, a.json, out);
	}
	return buf_error(out);
}

/* What a level has, as `kept`, with the values read over it; with `fill`, under it.  1: *kept is
 * other than before, and so is the index. */
static int
merge_level(struct catalog_batch *b, enum level level, struct buf *kept, uint64_t partition, uint64_t id,
	    uint64_t parent, bool fill)
{
	struct slice now, read;
	int r;

	r = tags_put_level(b, level, &b->extended);
	if (r < 0 || b->extended.len == 0)
		return r;
	buf_reset(&b->extended_old);
	r = put_live(b, buf_slice(kept), &b->extended_old);
	if (r < 0)
		return r;
	read = buf_slice(&b->extended);
	now = buf_slice(&b->extended_old);
	buf_reset(&b->extended_merged);
	if (fill)
		attributes_merge(read, now, &b->extended_merged);
	else
		attributes_merge(now, read, &b->extended_merged);
	r = buf_error(&b->extended_merged);
	if (r < 0 || slice_compare(buf_slice(&b->extended_merged), buf_slice(kept)) == 0)
		return r;
	r = index_extended(b, partition, id, parent, now, buf_slice(&b->extended_merged));
	buf_reset(kept);
	if (r == 0)
		r = buf_put(kept, b->extended_merged.data, b->extended_merged.len);
	return r < 0 ? r : 1;
}

int
tags_merge_study(struct catalog_batch *b, struct open_study *s)
{
	return b->tags == NULL ? 0 :
		merge_level(b, LEVEL_STUDY, &s->extended, s->partition->id, s->id, s->partition->id, false);
}

int
tags_merge_series(struct catalog_batch *b, struct open_series *s)
{
	return b->tags == NULL ? 0 :
		merge_level(b, LEVEL_SERIES, &s->extended, s->study->partition->id, s->id, s->study->id, false);
}

/* -- errors --------------------------------------------------------------- */

int
tags_remove_errors(struct catalog_batch *b, uint64_t instance)
{
	size_t i;
	int r;

	for (i = 0; b->tags != NULL && i < b->tags->n; i++) {
		struct query_tag *t = &b->tags->at[i];

		if (t->errors == 0)
			continue;
		r = tag_error_del(b->txn, t->number, instance);
		if (r < 0 && r != -ENOENT)
			return r;
		if (r == 0) {
			t->errors--;
			b->tags_changed = true;
		}
	}
	return 0;
}

static int
add_error(struct catalog_batch *b, struct query_tag *t, const struct catalog_path *path, const char *why, int64_t now)
{
	struct tag_error e = { .time = now, .partition = path->partition, .study = path->study, .series = path->series };
	int r;

	snprintf(e.why, sizeof e.why, "%s", why);
	r = tag_error_put(b->txn, t->number, path->instance, &e);
	if (r < 0)
		return r == -EEXIST ? 0 : r;
	/* Contract 7.3: the first error makes a tag unsearchable until somebody insists. */
	if (t->errors++ == 0)
		t->disabled = true;
	b->tags_changed = true;
	return 0;
}

/* -- instances that were there before the tag ----------------------------- */

static bool
is_of_operation(const struct query_tag *t, const void *operation)
{
	return t->status == QUERY_TAG_ADDING && memcmp(t->operation, operation, OPERATION_ID_LEN) == 0;
}

static int
index_instance(struct catalog_batch *b, struct open_series *s, const struct catalog_path *path,
	       struct instance_row *row, struct buf *extended)
{
	int r;

	buf_reset(extended);
	r = buf_put(extended, row->extended.data, row->extended.len);
	if (r == 0)
		r = merge_level(b, LEVEL_INSTANCE, extended, path->partition, path->instance, s->id, true);
	if (r <= 0)
		return r;
	/* The slices of the row went with the write above. */
	r = catalog_instance(b->txn, s->id, path->instance, row);
	if (r < 0)
		return r;
	row->extended = buf_slice(extended);
	return batch_put_instance(b, s, path->instance, row);
}

static int
index_read(struct catalog_batch *b, const struct catalog_path *path, int64_t now)
{
	struct open_partition *p;
	struct open_study *study;
	struct open_series *s;
	struct instance_row row;
	struct buf extended;
	size_t i;
	int r;

	r = batch_open_path(b, path, &s);
	if (r < 0)
		return r;
	study = s->study;
	p = study->partition;
	for (i = 0; i < b->tags->n && r == 0; i++)
		if (b->values[i].why != NULL)
			r = add_error(b, &b->tags->at[i], path, b->values[i].why, now);
	/* From the newest on, so what is there already is newer. */
	if (r == 0)
		r = merge_level(b, LEVEL_STUDY, &study->extended, p->id, study->id, p->id, true);
	if (r >= 0)
		r = merge_level(b, LEVEL_SERIES, &s->extended, p->id, s->id, study->id, true);
	if (r >= 0)
		r = catalog_instance(b->txn, s->id, path->instance, &row);
	if (r < 0)
		return r;
	buf_init(&extended, ATTRIBUTES_MAX);
	r = index_instance(b, s, path, &row, &extended);
	buf_fini(&extended);
	return r;
}

int
batch_index_tags(struct catalog_batch *b, const unsigned char operation[OPERATION_ID_LEN],
		 const struct catalog_path *path, struct series_base *base, int64_t now)
{
	struct buf json;
	int r;

	if (b->tags == NULL)
		return 0;
	buf_init(&json, HEADER_MAX);
	r = catalog_read_header(b->txn, base, path->series, path->instance, &json);
	if (r == 0) {
		tags_forget(b);
		r = query_values_read(b->tags, is_of_operation, operation, buf_slice(&json), b->values);
	}
	if (r == 0)
		r = index_read(b, path, now);
	tags_forget(b);
	buf_fini(&json);
	return r < 0 ? r : 0;
}

/* -- tags that go --------------------------------------------------------- */

static int
delete_prefix(struct kv_txn *txn, enum table table, const struct key *prefix, uint64_t *max)
{
	struct key to = *prefix;

	key_after(&to);
	return catalog_delete_range(txn, table, key_slice(prefix), key_slice(&to), max);
}

/* What external metadata have under its path stays. */
static int
delete_entries(struct kv_txn *txn, const struct query_tag *t, uint64_t *max)
{
	static const char kinds[] = { INDEX_VALUE, INDEX_WORD };
	struct partition_row row;
	uint64_t partition = 0;
	struct key prefix;
	size_t i;
	int r = 0;

	while (*max > 0 && (r = catalog_next_partition(txn, partition, &partition, &row)) > 0) {
		for (i = 0; i < sizeof kinds && r >= 0 && *max > 0; i++) {
			index_key_prefix(&prefix, partition, t->tag, kinds[i]);
			r = delete_prefix(txn, T_ATTRIBUTE, &prefix, max);
		}
		if (r < 0)
			break;
	}
	return r < 0 ? r : 0;
}

int
query_tag_remove_some(struct kv_txn *txn, const struct query_tag *t, uint64_t max)
{
	struct key errors, row;
	int r;

	r = delete_entries(txn, t, &max);
	key_start(&errors);
	key_u32(&errors, t->number);
	if (r == 0 && max > 0)
		r = delete_prefix(txn, T_TAG_ERROR, &errors, &max);
	if (r < 0 || max == 0)
		return r < 0 ? r : 1;
	key_start(&row);
	key_u32(&row, t->tag);
	return kv_del(txn, T_TAG, key_slice(&row));
}
