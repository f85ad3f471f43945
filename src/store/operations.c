/* Records of operations: looked at, and begun and ended. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/vec.h"
#include "store/export_internal.h"
#include "store/operations_internal.h"
#include "store/update_internal.h"

/* Paths of an import, or errors of an update. */
#define TEXT_MAX (16u << 20)
/* Contract 8: finished ones are kept thirty days. */
#define KEPT ((int64_t)30 * 24 * 3600 * 1000000000)

_Static_assert((int)STORE_OPERATION_REINDEX == OPERATION_REINDEX, "kinds");
_Static_assert((int)STORE_OPERATION_EXPORT == OPERATION_EXPORT, "kinds");
_Static_assert((int)STORE_OPERATION_IMPORT == OPERATION_IMPORT, "kinds");
_Static_assert((int)STORE_OPERATION_UPDATE == OPERATION_UPDATE, "kinds");
_Static_assert((int)STORE_OPERATION_TIER == OPERATION_TIER, "kinds");
_Static_assert((int)STORE_OPERATION_NOT_STARTED == OPERATION_NOT_STARTED &&
	       (int)STORE_OPERATION_FAILED == OPERATION_FAILED, "states");

const char *
operation_kind_name(enum operation_kind kind)
{
	switch (kind) {
	case STORE_OPERATION_REINDEX:
		return "reindex";
	case STORE_OPERATION_EXPORT:
		return "export";
	case STORE_OPERATION_IMPORT:
		return "import";
	case STORE_OPERATION_UPDATE:
		return "update";
	case STORE_OPERATION_TIER:
		return "tier";
	}
	return "unknown";
}

/* -- ids ------------------------------------------------------------------ */

void
operation_format(const unsigned char id[OPERATION_ID_LEN], char text[OPERATION_TEXT_MAX])
{
	int i;

	for (i = 0; i < OPERATION_ID_LEN; i++)
		snprintf(text + 2 * i, 3, "%02x", id[i]);
}

static int
hex_digit(char c)
{
	const char *digits = "0123456789abcdef", *at;

	if (c >= 'A' && c <= 'F')
		c += 'a' - 'A';
	at = c != '\0' ? strchr(digits, c) : NULL;
	return at != NULL ? (int)(at - digits) : -1;
}

/* 32 digits, or with dashes after 8, 12, 16 and 20 of them. */
int
operation_parse(const char *text, unsigned char id[OPERATION_ID_LEN])
{
	bool dashes = strlen(text) == 36;
	int i, high, low;

	if (!dashes && strlen(text) != 32)
		return -EINVAL;
	for (i = 0; i < OPERATION_ID_LEN; i++, text += 2) {
		if (dashes && (i == 4 || i == 6 || i == 8 || i == 10) && *text++ != '-')
			return -EINVAL;
		high = hex_digit(text[0]);
		low = high >= 0 ? hex_digit(text[1]) : -1;
		if (low < 0)
			return -EINVAL;
		id[i] = (unsigned char)(high << 4 | low);
	}
	return 0;
}

int
operation_new_id(unsigned char id[OPERATION_ID_LEN])
{
	return getrandom(id, OPERATION_ID_LEN, 0) == OPERATION_ID_LEN ? 0 : -EIO;
}

int
operation_purge(struct kv_txn *txn, int64_t now)
{
	unsigned char old[16][OPERATION_ID_LEN];
	struct operation_row row;
	struct kv_range *g;
	struct slice k, v;
	size_t n = 0, i;
	int r = kv_range_open(txn, T_OPERATION, slice_of(NULL, 0), slice_of(NULL, 0), KV_ASCENDING, 0, &g);

	if (r < 0)
		return r;
	while (n < sizeof old / sizeof *old && (r = kv_range_next(g, &k, &v)) > 0)
		if (k.len == OPERATION_ID_LEN && operation_decode(v, &row) == 0 && operation_is_finished(&row) &&
		    now - row.updated > KEPT)
			memcpy(old[n++], k.data, OPERATION_ID_LEN);
	kv_range_close(g);
	for (i = 0; i < n && r >= 0; i++)
		r = kv_del(txn, T_OPERATION, slice_of(old[i], OPERATION_ID_LEN));
	return r < 0 ? r : 0;
}

int
operation_begin(struct kv_txn *txn, const unsigned char id[OPERATION_ID_LEN], struct operation_row *row)
{
	int r;

	row->status = OPERATION_NOT_STARTED;
	row->created = row->updated = clock_now();
	r = operation_purge(txn, row->created);
	return r < 0 ? r : operation_put(txn, id, row);
}

/* -- values -------------------------------------------------------------- */

static struct key
value_key(const unsigned char id[OPERATION_ID_LEN], uint32_t number)
{
	struct key k;

	key_start(&k);
	key_raw(&k, id, OPERATION_ID_LEN);
	key_u32(&k, number);
	return k;
}

int
operation_value_put(struct kv_txn *txn, const unsigned char id[OPERATION_ID_LEN], uint32_t number, const char *text)
{
	struct key k = value_key(id, number);

	return kv_put(txn, T_OPERATION_VALUE, key_slice(&k), slice_str(text));
}

int
operation_value_get(struct kv_txn *txn, const unsigned char id[OPERATION_ID_LEN], uint32_t number, struct slice *ret_text)
{
	struct key k = value_key(id, number);

	return kv_get(txn, T_OPERATION_VALUE, key_slice(&k), ret_text);
}

int
operation_values_drop(struct kv_txn *txn, const unsigned char id[OPERATION_ID_LEN], uint32_t before)
{
	struct key from = value_key(id, 0), to = value_key(id, before);
	uint64_t all = UINT64_MAX;

	return catalog_delete_range(txn, T_OPERATION_VALUE, key_slice(&from), key_slice(&to), &all);
}

/* -- reading -------------------------------------------------------------- */

struct list {
	struct found {
		unsigned char id[OPERATION_ID_LEN];
		int64_t created;
	} *at;
	size_t n, cap;
};

static int
oldest_first(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return x->created < y->created ? -1 : x->created > y->created ? 1 : memcmp(x->id, y->id, sizeof x->id);
}

static int
gather(struct kv_txn *txn, bool unfinished, unsigned types, struct list *list)
{
	struct operation_row row;
	struct kv_range *g;
	struct slice k, v;
	int r = kv_range_open(txn, T_OPERATION, slice_of(NULL, 0), slice_of(NULL, 0), KV_ASCENDING, 0, &g);

	if (r < 0)
		return r;
	while ((r = kv_range_next(g, &k, &v)) > 0) {
		r = k.len == OPERATION_ID_LEN ? operation_decode(v, &row) : -EIO;
		if (r < 0)
			break;
		if ((unfinished && operation_is_finished(&row)) || (types & 1u << row.type) == 0)
			continue;
		r = vec_room(&list->at, &list->cap, list->n, sizeof *list->at, 16);
		if (r < 0)
			break;
		memcpy(list->at[list->n].id, k.data, OPERATION_ID_LEN);
		list->at[list->n++].created = row.created;
	}
	kv_range_close(g);
	if (r == 0 && list->n > 0)
		qsort(list->at, list->n, sizeof *list->at, oldest_first);
	return r;
}

static unsigned
percent_of(const struct operation_row *row)
{
	if (row->status == OPERATION_SUCCEEDED)
		return 100;
	if (row->total == 0 || row->done >= row->total)
		return row->total == 0 ? 0 : 99;
	return (unsigned)(row->done * 100 / row->total);
}

static int
read_reindex(const struct operation_row *row, struct operation *op, uint32_t tags[QUERY_TAGS_MAX])
{
	struct reindex_input input;
	int r = reindex_input_get(row->input, &input);

	if (r < 0)
		return r;
	op->n_tags = input.n_tags;
	memcpy(tags, input.tags, sizeof input.tags);
	return 0;
}

static int
read_update(const struct operation_row *row, struct operation *op, struct buf *text)
{
	struct update_progress p;
	int r = update_progress_get(row->cursor, &p);

	if (r == 0)
		r = buf_put(text, p.errors.data, p.errors.len);
	op->studies_processed = p.next;
	op->studies_updated = p.updated;
	op->studies_failed = p.failed;
	op->instances_updated = p.instances;
	op->errors = text->len > 0 ? text->data : "";
	return r;
}

static int
read_export(const struct operation_row *row, struct operation *op)
{
	struct export_input input;
	struct export_cursor cursor;
	int r = export_input_get(row->input, &input);

	if (r == 0)
		r = export_cursor_get(row->cursor, &cursor);
	if (r < 0)
		return r;
	op->export = cursor.results;
	snprintf(op->destination, sizeof op->destination, "%.*s", (int)input.uri.len, (const char *)input.uri.data);
	return 0;
}

static int
read_tier(const struct operation_row *row, struct operation *op)
{
	struct tier_input input;
	struct tier_cursor cursor;
	int r = tier_input_get(row->input, &input);

	if (r == 0)
		r = tier_cursor_get(row->cursor, &cursor);
	if (r == 0)
		op->tier = (struct tier_results){ input.by_rules, input.to, cursor.moved, cursor.failed, cursor.bytes };
	return r;
}

/* What it is about, and what came of it. */
static int
read_input(const struct operation_row *row, struct operation *op, uint32_t tags[QUERY_TAGS_MAX], struct buf *text)
{
	int r = 0;

	switch (row->type) {
	case OPERATION_REINDEX:
		return read_reindex(row, op, tags);
	case OPERATION_EXPORT:
		return read_export(row, op);
	case OPERATION_UPDATE:
		return read_update(row, op, text);
	case OPERATION_TIER:
		return read_tier(row, op);
	case OPERATION_IMPORT:
		r = import_input_text(row->input, text);
		op->paths = text->data;
		break;
	}
	return r;
}

/* Copied, so that no transaction is held while fn runs. */
static int
read_one(struct store *st, const unsigned char id[OPERATION_ID_LEN], struct operation *op, uint32_t tags[QUERY_TAGS_MAX],
	 struct buf *text)
{
	struct operation_row row;
	struct kv_txn *txn;
	int r = kv_begin(st->kv, KV_READ, &txn);

	if (r < 0)
		return r;
	r = operation_get(txn, id, &row);
	if (r == 0) {
		*op = (struct operation){
			.kind = (enum operation_kind)row.type, .state = (enum operation_state)row.status,
			.created = row.created, .updated = row.updated, .done = row.done, .total = row.total,
			.percent = percent_of(&row), .tags = tags,
		};
		operation_format(id, op->id);
		strcpy(op->why, row.why);
		op->errors = "";
		buf_reset(text);
		r = read_input(&row, op, tags, text);
	}
	kv_abort(txn);
	if (r == 0 && op->kind == STORE_OPERATION_IMPORT && op->state == STORE_OPERATION_RUNNING)
		op->interrupted = !import_is_worked_on(st, id);
	return r;
}

int
store_operation(struct store *st, const char *id, int (*fn)(void *ctx, const struct operation *op), void *ctx,
		struct err *err)
{
	unsigned char bytes[OPERATION_ID_LEN];
	uint32_t tags[QUERY_TAGS_MAX];
	struct operation op;
	struct buf text;
	int r;

	if (operation_parse(id, bytes) < 0)
		return err_set(err, -EINVAL, "the id of an operation has 32 hexadecimal digits");
	buf_init(&text, TEXT_MAX);
	r = read_one(st, bytes, &op, tags, &text);
	if (r == -ENOENT)
		err_set(err, r, "no such operation");
	else if (r < 0)
		err_set(err, r, "cannot read the index: %s", strerror(-r));
	else if (fn != NULL)
		r = fn(ctx, &op);
	buf_fini(&text);
	return r;
}

int
store_operations(struct store *st, int (*fn)(void *ctx, const struct operation *op), void *ctx, struct err *err)
{
	uint32_t tags[QUERY_TAGS_MAX];
	struct list list = { 0 };
	struct operation op;
	struct kv_txn *txn;
	bool told = false;
	struct buf text;
	size_t i;
	int r = kv_begin(st->kv, KV_READ, &txn);

	buf_init(&text, TEXT_MAX);
	if (r == 0) {
		r = gather(txn, false, OPERATION_ANY, &list);
		kv_abort(txn);
	}
	for (i = 0; i < list.n && r == 0; i++) {
		r = read_one(st, list.at[i].id, &op, tags, &text);
		if (r == 0)
			told = (r = fn(ctx, &op)) != 0;
		else if (r == -ENOENT)
			r = 0;
	}
	buf_fini(&text);
	free(list.at);
	return r < 0 && !told ? err_set(err, r, "cannot read the index: %s", strerror(-r)) : r;
}

int
operation_find_unfinished(struct kv_txn *txn, unsigned types, unsigned char id[OPERATION_ID_LEN])
{
	struct list list = { 0 };
	int r = gather(txn, true, types, &list);

	if (r == 0 && list.n == 0)
		r = -ENOENT;
	if (r == 0)
		memcpy(id, list.at[0].id, OPERATION_ID_LEN);
	free(list.at);
	return r;
}

int
store_next_operation(struct store *st, unsigned kinds, char ret_id[OPERATION_TEXT_MAX], enum operation_kind *ret_kind)
{
	unsigned char id[OPERATION_ID_LEN];
	struct operation_row row;
	struct kv_txn *txn;
	int r = kv_begin(st->kv, KV_READ, &txn);

	if (r < 0)
		return r;
	r = operation_find_unfinished(txn, kinds, id);
	if (r == 0)
		r = operation_get(txn, id, &row);
	if (r == 0) {
		operation_format(id, ret_id);
		*ret_kind = (enum operation_kind)row.type;
	}
	kv_abort(txn);
	return r;
}

/* -- ending --------------------------------------------------------------- */

struct failure {
	unsigned char id[OPERATION_ID_LEN];
	const char *why;
};

static int
fail(void *ctx, struct kv_txn *txn)
{
	const struct failure *f = ctx;
	struct operation_row row;
	int r = operation_get(txn, f->id, &row);

	if (r < 0)
		return r;
	row.status = OPERATION_FAILED;
	row.updated = clock_now();
	snprintf(row.why, sizeof row.why, "%s", f->why);
	r = operation_put(txn, f->id, &row);
	return r < 0 ? r : operation_values_drop(txn, f->id, UINT32_MAX);
}

int
store_fail_operation(struct store *st, const char *id, const char *why)
{
	struct failure f = { .why = why };
	int r = operation_parse(id, f.id);

	return r < 0 ? r : kv_update(st->kv, fail, &f);
}
