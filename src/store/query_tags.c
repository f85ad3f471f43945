/* Extended query tags: added, listed, switched, deleted (contract 7), and what is indexed for them. */
#include "store/query_tags.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "catalog/codec.h"
#include "dicom/indexed.h"
#include "store/operations_internal.h"
#include "store/query_tags_internal.h"

/* Entries deleted in one transaction. */
#define DELETE_ROUND 4096
/* Errors told in one transaction. */
#define PAGE 64

_Static_assert((int)STORE_TAG_ADDING == QUERY_TAG_ADDING && (int)STORE_TAG_READY == QUERY_TAG_READY &&
	       (int)STORE_TAG_DELETING == QUERY_TAG_DELETING, "states");

/* -- the operation's own -------------------------------------------------- */

/* end:8 n:2 tag:4 ... */
int
reindex_input_put(const struct reindex_input *in, struct buf *out)
{
	size_t i;

	put_u64(out, in->end);
	put_u16(out, (uint16_t)in->n_tags);
	for (i = 0; i < in->n_tags; i++)
		put_u32(out, in->tags[i]);
	return buf_error(out);
}

int
reindex_input_get(struct slice value, struct reindex_input *in)
{
	struct reader r;
	size_t i;

	*in = (struct reindex_input){ 0 };
	reader_init(&r, value);
	in->end = get_u64(&r);
	in->n_tags = get_u16(&r);
	if (in->n_tags > QUERY_TAGS_MAX)
		return -EIO;
	for (i = 0; i < in->n_tags; i++)
		in->tags[i] = get_u32(&r);
	return r.bad ? -EIO : 0;
}

/* -- adding --------------------------------------------------------------- */

struct addition {
	struct query_tag tags[QUERY_TAGS_MAX];
	const struct query_tag_spec *specs;
	size_t n;
	unsigned char operation[OPERATION_ID_LEN];
	struct err *err;
};

static int
begin_operation(struct addition *a, struct kv_txn *txn)
{
	struct operation_row row = { .type = OPERATION_REINDEX };
	struct reindex_input input = { .n_tags = a->n };
	struct catalog_counters c;
	struct partition_row sums;
	uint64_t partitions;
	struct buf in;
	size_t i;
	int r = catalog_get_counters(txn, &c);

	if (r == 0)
		r = catalog_total(txn, &sums, &partitions);
	if (r < 0)
		return r;
	row.total = sums.instances;
	input.end = c.next_watermark;
	for (i = 0; i < a->n; i++)
		input.tags[i] = a->tags[i].tag;
	buf_init(&in, 4096);
	r = reindex_input_put(&input, &in);
	row.input = buf_slice(&in);
	if (r == 0)
		r = operation_begin(txn, a->operation, &row);
	buf_fini(&in);
	return r;
}

static int
add(void *ctx, struct kv_txn *txn)
{
	struct addition *a = ctx;
	unsigned char running[OPERATION_ID_LEN];
	char text[OPERATION_TEXT_MAX];
	struct query_tag there;
	int64_t now = clock_now();
	uint64_t count;
	size_t i;
	int r = operation_find_unfinished(txn, 1u << OPERATION_REINDEX, running);

	if (r == 0) {
		memcpy(a->operation, running, sizeof running);
		operation_format(running, text);
		return err_set(a->err, -EBUSY, "the operation %s indexes other tags still", text);
	}
	r = r == -ENOENT ? 0 : r;
	for (i = 0; i < a->n && r == 0; i++) {
		r = query_tag_get(txn, a->tags[i].tag, &there);
		if (r == 0)
			return err_set(a->err, -EEXIST, there.status == QUERY_TAG_DELETING ?
				       "%.80s is being deleted still" : "%.80s is an extended query tag already",
				       a->specs[i].path);
		r = r == -ENOENT ? 0 : r;
	}
	if (r == 0)
		r = catalog_count(txn, T_TAG, 0, &count);
	if (r == 0 && count + a->n > QUERY_TAGS_MAX)
		return err_set(a->err, -EINVAL, "there may be %d extended query tags at most", QUERY_TAGS_MAX);
	for (i = 0; i < a->n && r == 0; i++) {
		struct query_tag *t = &a->tags[i];

		t->status = QUERY_TAG_ADDING;
		t->created = now;
		memcpy(t->operation, a->operation, sizeof t->operation);
		r = query_tag_take_number(txn, &t->number);
		if (r == 0)
			r = query_tag_put(txn, t);
	}
	return r < 0 ? r : begin_operation(a, txn);
}

static int
parse_specs(struct addition *a, struct err *err)
{
	size_t i, j;
	int r;

	if (a->n == 0)
		return err_set(err, -EINVAL, "no extended query tag is given");
	if (a->n > QUERY_TAGS_MAX)
		return err_set(err, -EINVAL, "there may be %d extended query tags at most", QUERY_TAGS_MAX);
	for (i = 0; i < a->n; i++) {
		r = query_tag_parse(&a->specs[i], &a->tags[i], err);
		if (r < 0)
			return r;
		for (j = 0; j < i; j++)
			if (a->tags[j].tag == a->tags[i].tag)
				return err_set(err, -EINVAL, "%.80s is given twice", a->specs[i].path);
	}
	return 0;
}

int
store_add_query_tags(struct store *st, const struct query_tag_spec *specs, size_t n,
		     char ret_operation[OPERATION_TEXT_MAX], struct err *err)
{
	struct addition *a = calloc(1, sizeof *a);
	struct err own = { 0 };
	int r;

	if (a == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	a->specs = specs;
	a->n = n;
	a->err = &own;
	r = st->read_only ? err_set(&own, -EROFS, "the store is open for reading only") : parse_specs(a, &own);
	if (r == 0)
		r = operation_new_id(a->operation);
	if (r == 0)
		r = kv_update(st->kv, add, a);
	if (r == 0 || r == -EBUSY)
		operation_format(a->operation, ret_operation);
	if (r < 0 && own.num != r)
		err_set(&own, r, "cannot add extended query tags: %s", strerror(-r));
	if (r < 0 && err != NULL)
		*err = own;
	free(a);
	return r;
}

/* -- reading -------------------------------------------------------------- */

static void
to_info(const struct query_tag *t, struct query_tag_info *info)
{
	*info = (struct query_tag_info){
		.tag = t->tag, .level = (enum store_level)t->level, .state = (enum query_tag_state)t->status,
		.disabled = t->disabled, .errors = t->errors,
	};
	tag_format(t->tag, info->path);
	info->vr[0] = (char)(t->vr >> 8);
	info->vr[1] = (char)(t->vr & 0xFF);
	strcpy(info->creator, t->creator);
	if (t->status == QUERY_TAG_ADDING)
		operation_format(t->operation, info->operation);
}

static int
load(struct store *st, struct query_tags **ret_tags, struct err *err)
{
	struct query_tags *tags = malloc(sizeof *tags);
	struct kv_txn *txn;
	int r = tags == NULL ? -ENOMEM : kv_begin(st->kv, KV_READ, &txn);

	if (r == 0) {
		r = query_tags_load(txn, tags);
		kv_abort(txn);
	}
	if (r < 0) {
		free(tags);
		return err_set(err, r, "cannot read the index: %s", strerror(-r));
	}
	*ret_tags = tags;
	return 0;
}

int
store_query_tags(struct store *st, int (*fn)(void *ctx, const struct query_tag_info *tag), void *ctx, struct err *err)
{
	struct query_tag_info info;
	struct query_tags *tags;
	size_t i;
	int r = load(st, &tags, err);

	if (r < 0)
		return r;
	for (i = 0; i < tags->n && r == 0; i++) {
		to_info(&tags->at[i], &info);
		r = fn(ctx, &info);
	}
	free(tags);
	return r;
}

static int
no_such(struct err *err, const char *path)
{
	return err_set(err, -ENOENT, "%.80s is no extended query tag", path);
}

static int
find(struct store *st, const char *path, struct query_tag *ret_tag, struct err *err)
{
	struct kv_txn *txn;
	uint32_t tag;
	int r = query_tag_parse_path(path, &tag, err);

	if (r < 0)
		return r;
	r = kv_begin(st->kv, KV_READ, &txn);
	if (r == 0) {
		r = query_tag_get(txn, tag, ret_tag);
		kv_abort(txn);
	}
	if (r == -ENOENT)
		return no_such(err, path);
	return r < 0 ? err_set(err, r, "cannot read the index: %s", strerror(-r)) : 0;
}

int
store_query_tag(struct store *st, const char *path, struct query_tag_info *ret_tag, struct err *err)
{
	struct query_tag t;
	int r = find(st, path, &t, err);

	if (r == 0)
		to_info(&t, ret_tag);
	return r;
}

/* Copied out of the transaction. */
struct error_page {
	struct error_row {
		uint64_t instance;
		struct tag_error error;
		struct catalog_rows rows;
	} at[PAGE];
	size_t n;
};

static int
read_errors(struct store *st, uint32_t number, uint64_t after, uint64_t skip, struct error_page *page)
{
	struct kv_range *g;
	struct kv_txn *txn;
	struct key from, to;
	struct slice k, v;
	size_t i;
	int r = kv_begin(st->kv, KV_READ, &txn);

	page->n = 0;
	if (r < 0)
		return r;
	key_start(&from);
	key_u32(&from, number);
	to = from;
	key_after(&to);
	key_u64(&from, after + 1);
	r = kv_range_open(txn, T_TAG_ERROR, key_slice(&from), key_slice(&to), KV_ASCENDING, 0, &g);
	if (r == 0) {
		while (page->n < PAGE && (r = kv_range_next(g, &k, &v)) > 0) {
			if (skip > 0) {
				skip--;
				continue;
			}
			r = tag_error_get(v, &page->at[page->n].error);
			if (r < 0)
				break;
			page->at[page->n++].instance = read_u64((const char *)k.data + 4);
		}
		kv_range_close(g);
	}
	for (i = 0; i < page->n && r >= 0; i++) {
		const struct tag_error *e = &page->at[i].error;
		struct catalog_path p = { e->partition, e->study, e->series, page->at[i].instance };

		r = catalog_rows(txn, &p, &page->at[i].rows);
	}
	kv_abort(txn);
	return r < 0 ? r : 0;
}

int
store_query_tag_errors(struct store *st, const char *path, uint64_t offset, uint64_t limit,
		       int (*fn)(void *ctx, const struct query_tag_error *error), void *ctx, struct err *err)
{
	struct error_page *page;
	struct query_tag t;
	uint64_t after = 0, left = limit != 0 ? limit : UINT64_MAX;
	size_t i;
	int r = find(st, path, &t, err), told = 0;

	if (r < 0)
		return r;
	page = malloc(sizeof *page);
	if (page == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	do {
		r = read_errors(st, t.number, after, offset, page);
		offset = 0;
		for (i = 0; i < page->n && r == 0 && told == 0 && left > 0; i++, left--) {
			const struct error_row *row = &page->at[i];
			struct query_tag_error e = {
				.partition = row->rows.partition.name, .study_uid = row->rows.study.uid,
				.series_uid = row->rows.series.uid, .sop_uid = row->rows.instance.uid,
				.time = row->error.time, .why = row->error.why,
			};

			told = fn(ctx, &e);
			after = row->instance;
		}
	} while (r == 0 && told == 0 && left > 0 && page->n == PAGE);
	free(page);
	return r < 0 ? err_set(err, r, "cannot read the index: %s", strerror(-r)) : told;
}

/* -- changing ------------------------------------------------------------- */

struct change_tag {
	uint32_t tag;
	bool enable;
	struct query_tag result;
};

static int
enable(void *ctx, struct kv_txn *txn)
{
	struct change_tag *c = ctx;
	int r = query_tag_get(txn, c->tag, &c->result);

	if (r < 0)
		return r;
	c->result.disabled = !c->enable;
	return query_tag_put(txn, &c->result);
}

int
store_enable_query_tag(struct store *st, const char *path, bool on, struct query_tag_info *ret_tag, struct err *err)
{
	struct change_tag c = { .enable = on };
	int r = query_tag_parse_path(path, &c.tag, err);

	if (r < 0)
		return r;
	r = kv_update(st->kv, enable, &c);
	if (r == -ENOENT)
		return no_such(err, path);
	if (r < 0)
		return err_set(err, r, "cannot write the index: %s", strerror(-r));
	to_info(&c.result, ret_tag);
	return 0;
}

/* -- deleting ------------------------------------------------------------- */

static int
begin_delete(void *ctx, struct kv_txn *txn)
{
	struct change_tag *c = ctx;
	int r = query_tag_get(txn, c->tag, &c->result);

	if (r < 0)
		return r;
	c->result.status = QUERY_TAG_DELETING;
	return query_tag_put(txn, &c->result);
}

struct removal {
	const struct query_tag *tag;
	bool more;
};

static int
delete_some(void *ctx, struct kv_txn *txn)
{
	struct removal *d = ctx;
	struct query_tag now;
	int r = query_tag_get(txn, d->tag->tag, &now);

	d->more = false;
	/* Another process may have finished it, and somebody added it again. */
	if (r < 0 || now.number != d->tag->number)
		return r == -ENOENT ? 0 : r;
	r = query_tag_remove_some(txn, &now, DELETE_ROUND);
	d->more = r > 0;
	return r < 0 ? r : 0;
}

static int
finish_delete(struct store *st, const struct query_tag *t)
{
	struct removal d = { .tag = t, .more = true };
	int r = 0;

	while (r == 0 && d.more) {
		r = kv_update(st->kv, delete_some, &d);
		step(STEP_TAG_DELETING);
	}
	return r;
}

int
store_delete_query_tag(struct store *st, const char *path, struct err *err)
{
	struct change_tag c = { 0 };
	int r = query_tag_parse_path(path, &c.tag, err);

	if (r < 0)
		return r;
	r = kv_update(st->kv, begin_delete, &c);
	if (r == -ENOENT)
		return no_such(err, path);
	if (r == 0)
		r = finish_delete(st, &c.result);
	return r < 0 ? err_set(err, r, "cannot write the index: %s", strerror(-r)) : 0;
}

bool
store_has_deleted_tags(struct store *st)
{
	struct query_tags *tags;
	bool any = false;
	size_t i;

	if (load(st, &tags, NULL) < 0)
		return false;
	for (i = 0; i < tags->n; i++)
		any |= tags->at[i].status == QUERY_TAG_DELETING;
	free(tags);
	return any;
}

int
store_finish_deleted_tags(struct store *st)
{
	struct query_tags *tags;
	size_t i;
	int r = load(st, &tags, NULL);

	if (r < 0)
		return r;
	for (i = 0; i < tags->n && r == 0; i++)
		if (tags->at[i].status == QUERY_TAG_DELETING)
			r = finish_delete(st, &tags->at[i]);
	free(tags);
	return r;
}

/* -- searching ------------------------------------------------------------ */

int
store_search_tag(struct store *st, uint32_t tag, struct search_tag *ret)
{
	struct kv_txn *txn;
	struct query_tag t;
	enum level level;
	int r = attribute_level(tag, &level);

	*ret = (struct search_tag){ .vr = indexed_vr(tag) };
	if (r == 0) {
		ret->level = (enum store_level)level;
		return 0;
	}
	r = kv_begin(st->kv, KV_READ, &txn);
	if (r < 0)
		return r;
	r = query_tag_get(txn, tag, &t);
	kv_abort(txn);
	if (r == 0 && t.status != QUERY_TAG_READY)
		r = -ENOENT;
	if (r == 0)
		*ret = (struct search_tag){ .level = (enum store_level)t.level, .vr = t.vr, .disabled = t.disabled,
			.errors = t.errors > 0 };
	return r;
}

/* -- storing -------------------------------------------------------------- */

int
query_tags_check(struct kv_txn *txn, struct slice json, struct err *err)
{
	struct query_tags *tags = NULL;
	struct query_value *values = NULL;
	uint64_t n;
	size_t i;
	int r = catalog_count(txn, T_TAG, 1, &n);

	if (r < 0 || n == 0)
		return r;
	tags = calloc(1, sizeof *tags);
	values = calloc(QUERY_TAGS_MAX, sizeof *values);
	r = tags == NULL || values == NULL ? -ENOMEM : query_tags_load(txn, tags);
	if (r == 0) {
		r = query_values_read(tags, NULL, NULL, json, values);
		for (i = 0; i < tags->n && r == 0; i++)
			if (values[i].why != NULL)
				r = err_set_dicom(err, -EINVAL, REASON_INVALID, tags->at[i].tag, "(%04X,%04X) : %s",
						  TAG_GROUP(tags->at[i].tag), TAG_ELEMENT(tags->at[i].tag), values[i].why);
		query_values_fini(tags, values);
	}
	free(values);
	free(tags);
	return r;
}
