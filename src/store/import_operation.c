/* Records of imports.
 *
 *  (1) A mark is written after the commit of what it stands for.
 *  (2) The totals are written with the marks that they count.
 *  (3) Marks of an operation that has ended, or is no more, are nobody's: whoever begins or ends an
 *      import removes them, a bounded number in one transaction.
 *  (4) Whoever works on an import holds a lock (base/byte_lock.h), which the kernel lets go when the process ends in
 *      whatever way.
 */
#include "store/import_operation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/byte_lock.h"
#include "base/clock.h"
#include "catalog/codec.h"
#include "store/operations_internal.h"

#define LAYOUT 1
#define INPUT_MAX (8u << 20)
/* Of many paths, those that people are told. */
#define PATHS_TOLD 3
/* Marks removed in one transaction. */
#define SWEEP_MAX 8192
/* One that nobody went on with for so long is given up, ns. */
#define GIVEN_UP ((int64_t)30 * 24 * 3600 * 1000000000)
/* Finished imports whose records are kept. */
#define FINISHED_KEPT 100

struct import_operation {
	struct store *st;
	unsigned char id[OPERATION_ID_LEN];
	char text[OPERATION_TEXT_MAX];
	bool resumed;
	int lock;			/* the file of (4) */
};

/* -- who works on it ------------------------------------------------------ */

#define LOCK_FILE "import/lock"

bool
import_is_worked_on(struct store *st, const unsigned char id[OPERATION_ID_LEN])
{
	return byte_lock_is_held(st->dir, LOCK_FILE, read_u64(id));
}

/* -- the record ----------------------------------------------------------- */

static int
put_input(const struct import_request *request, struct buf *out)
{
	size_t i;

	put_u8(out, LAYOUT);
	put_u32(out, request->how);
	put_short(out, slice_str(request->partition != NULL ? request->partition : ""));
	put_u32(out, (uint32_t)request->n_paths);
	for (i = 0; i < request->n_paths; i++)
		put_long(out, slice_str(request->paths[i]));
	return buf_error(out);
}

int
import_input_text(struct slice input, struct buf *out)
{
	struct reader r;
	uint32_t i, n;
	struct slice path;

	reader_init(&r, input);
	if (get_u8(&r) != LAYOUT)
		return -EIO;
	get_u32(&r);
	get_short(&r);
	n = get_u32(&r);
	for (i = 0; i < n && !r.bad; i++) {
		if (i == PATHS_TOLD && n > PATHS_TOLD + 1) {
			buf_printf(out, " and %u more", (unsigned)(n - i));
			break;
		}
		path = get_long(&r);
		if (i > 0)
			buf_putc(out, ' ');
		buf_put(out, path.data, path.len);
	}
	return r.bad ? -EIO : buf_error(out);
}

static int
put_totals(const struct import_totals *t, struct buf *out)
{
	put_u64(out, t->stored);
	put_u64(out, t->replaced);
	put_u64(out, t->unchanged);
	put_u64(out, t->refused);
	put_u64(out, t->skipped);
	put_u64(out, t->bytes);
	put_u64(out, t->copied);
	return buf_error(out);
}

static void
get_totals(struct slice cursor, struct import_totals *t)
{
	struct reader r;

	reader_init(&r, cursor);
	*t = (struct import_totals){ 0 };
	t->stored = get_u64(&r);
	t->replaced = get_u64(&r);
	t->unchanged = get_u64(&r);
	t->refused = get_u64(&r);
	t->skipped = get_u64(&r);
	t->bytes = get_u64(&r);
	t->copied = get_u64(&r);
}

/* The record with totals in the place of its own; its slices are lent from the transaction, so
 * they are copied first. */
static int
put_row(struct kv_txn *txn, const unsigned char id[OPERATION_ID_LEN], struct operation_row *row,
	const struct import_totals *totals)
{
	struct buf input, cursor;
	int r;

	buf_init(&input, INPUT_MAX);
	buf_init(&cursor, 256);
	buf_put(&input, row->input.data, row->input.len);
	if (totals != NULL)
		put_totals(totals, &cursor);
	else
		buf_put(&cursor, row->cursor.data, row->cursor.len);
	r = buf_error(&input) < 0 ? buf_error(&input) : buf_error(&cursor);
	row->input = buf_slice(&input);
	row->cursor = buf_slice(&cursor);
	row->updated = clock_now();
	if (r == 0)
		r = operation_put(txn, id, row);
	buf_fini(&input);
	buf_fini(&cursor);
	return r;
}

/* -- marks ---------------------------------------------------------------- */

static struct key
mark_key(const unsigned char id[OPERATION_ID_LEN], const struct import_mark *mark)
{
	struct key k;

	key_start(&k);
	key_raw(&k, id, OPERATION_ID_LEN);
	key_u64(&k, mark->device);
	key_u64(&k, mark->inode);
	key_u64(&k, mark->entry);
	return k;
}

static int
put_mark(struct kv_txn *txn, const unsigned char id[OPERATION_ID_LEN], const struct import_mark *mark)
{
	struct key k = mark_key(id, mark), v;

	key_start(&v);
	key_u64(&v, mark->size);
	key_u64(&v, (uint64_t)mark->mtime);
	key_u64(&v, (uint64_t)mark->ctime);
	return kv_put(txn, T_IMPORTED, key_slice(&k), key_slice(&v));
}

bool
import_operation_has(struct import_operation *op, const struct import_mark *mark)
{
	struct key k = mark_key(op->id, mark);
	bool has = false;
	struct kv_txn *txn;
	struct slice v;

	if (!op->resumed || kv_begin(op->st->kv, KV_READ, &txn) < 0)
		return false;
	if (kv_get(txn, T_IMPORTED, key_slice(&k), &v) == 0 && v.len == 24) {
		const char *p = v.data;

		has = read_u64(p) == mark->size && (int64_t)read_u64(p + 8) == mark->mtime &&
			(int64_t)read_u64(p + 16) == mark->ctime;
	}
	kv_abort(txn);
	return has;
}

/* (3).  Of the first operation that has ended, up to SWEEP_MAX: 1 when there may be more. */
static int
sweep_some(void *ctx, struct kv_txn *txn)
{
	struct key from, to;
	struct kv_range *g;
	struct slice k, v;
	int r;

	(void)ctx;
	key_start(&from);
	for (;;) {
		struct operation_row row;
		uint64_t some = SWEEP_MAX;

		r = kv_range_open(txn, T_IMPORTED, key_slice(&from), slice_of(NULL, 0), KV_ASCENDING, 1, &g);
		if (r < 0)
			return r;
		r = kv_range_next(g, &k, &v);
		if (r > 0 && k.len < OPERATION_ID_LEN)
			r = -EIO;
		if (r > 0) {
			key_start(&from);
			key_raw(&from, k.data, OPERATION_ID_LEN);
		}
		kv_range_close(g);
		if (r <= 0)
			return r;
		to = from;
		key_after(&to);
		r = operation_get(txn, from.bytes, &row);
		if (r == -ENOENT || (r == 0 && operation_is_finished(&row))) {
			r = catalog_delete_range(txn, T_IMPORTED, key_slice(&from), key_slice(&to), &some);
			return r < 0 ? r : 1;
		}
		if (r < 0)
			return r;
		if (to.len == 0)
			return 0;
		from = to;
	}
}

static int
sweep(struct store *st)
{
	int r;

	while ((r = kv_update(st->kv, sweep_some, NULL)) > 0)
		;
	return r;
}

/* -- beginning ------------------------------------------------------------ */

struct beginning {
	struct import_operation *op;
	struct slice input;
	struct import_totals totals;
	bool resumed;
};

static int
give_up(struct kv_txn *txn, const unsigned char id[OPERATION_ID_LEN], struct operation_row *row)
{
	row->status = OPERATION_FAILED;
	strcpy(row->why, "it was interrupted, and not asked for again within thirty days");
	return put_row(txn, id, row, NULL);
}

/* The unfinished import of the same input.  -ENOENT.  All records are looked at, so those of finished imports, which
 * may be many, are kept few. */
static int
find_same(struct beginning *b, struct kv_txn *txn)
{
	unsigned char old[OPERATION_ID_LEN], oldest[OPERATION_ID_LEN];
	int64_t oldest_end = INT64_MAX;
	struct operation_row row;
	bool same = false, has_old = false;
	size_t finished = 0;
	struct kv_range *g;
	struct slice k, v;
	int r = kv_range_open(txn, T_OPERATION, slice_of(NULL, 0), slice_of(NULL, 0), KV_ASCENDING, 0, &g);

	if (r < 0)
		return r;
	while (!same && (r = kv_range_next(g, &k, &v)) > 0) {
		if (k.len != OPERATION_ID_LEN || operation_decode(v, &row) < 0 || row.type != OPERATION_IMPORT)
			continue;
		if (operation_is_finished(&row)) {
			finished++;
			if (row.updated < oldest_end) {
				oldest_end = row.updated;
				memcpy(oldest, k.data, OPERATION_ID_LEN);
			}
			continue;
		}
		if (slice_compare(row.input, b->input) == 0) {
			same = true;
			memcpy(b->op->id, k.data, OPERATION_ID_LEN);
			get_totals(row.cursor, &b->totals);
		} else if (clock_now() - row.updated > GIVEN_UP) {
			has_old = true;
			memcpy(old, k.data, OPERATION_ID_LEN);
		}
	}
	kv_range_close(g);
	if (r >= 0 && finished > FINISHED_KEPT)
		r = kv_del(txn, T_OPERATION, slice_of(oldest, OPERATION_ID_LEN));
	if (r >= 0 && has_old && operation_get(txn, old, &row) == 0 && !import_is_worked_on(b->op->st, old))
		r = give_up(txn, old, &row);
	return r < 0 ? r : same ? 0 : -ENOENT;
}

static int
begin_record(void *ctx, struct kv_txn *txn)
{
	struct beginning *b = ctx;
	struct operation_row row = { .type = OPERATION_IMPORT, .status = OPERATION_RUNNING };
	int r = operation_purge(txn, clock_now());

	if (r == 0)
		r = find_same(b, txn);
	b->resumed = r == 0;
	if (r != -ENOENT)
		return r;
	r = operation_new_id(b->op->id);
	row.created = row.updated = clock_now();
	row.input = b->input;
	return r < 0 ? r : operation_put(txn, b->op->id, &row);
}

int
import_operation_begin(struct store *st, const struct import_request *request, struct import_operation **ret_op,
		       struct import_totals *ret_totals, bool *ret_resumed, struct err *err)
{
	struct import_operation *op = calloc(1, sizeof *op);
	struct beginning b = { .op = op };
	struct buf input;
	int r;

	if (op == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	op->st = st;
	op->lock = -1;
	buf_init(&input, INPUT_MAX);
	r = put_input(request, &input);
	b.input = buf_slice(&input);
	if (r == 0)
		r = kv_update(st->kv, begin_record, &b);
	buf_fini(&input);
	if (r < 0) {
		err_set(err, r, "cannot begin an import: %s", strerror(-r));
		goto fail;
	}
	operation_format(op->id, op->text);
	op->resumed = b.resumed;
	r = byte_lock_take(st->dir, LOCK_FILE, read_u64(op->id), &op->lock);
	if (r == -EBUSY) {
		err_set(err, r, "another process is at this very import");
		goto fail;
	}
	if (r == 0)
		r = sweep(st);
	if (r < 0) {
		err_set(err, r, "cannot begin an import: %s", strerror(-r));
		goto fail;
	}
	*ret_totals = b.totals;
	*ret_resumed = b.resumed;
	*ret_op = op;
	return 0;
fail:
	import_operation_close(op);
	return r;
}

const char *
import_operation_id(const struct import_operation *op)
{
	return op->text;
}

/* -- going on ------------------------------------------------------------- */

struct note {
	const struct import_operation *op;
	const struct import_mark *marks;
	size_t n;
	const struct import_totals *totals;
	uint64_t found;
	bool finish;
};

static uint64_t
files_of(const struct import_totals *t)
{
	return t->stored + t->replaced + t->unchanged + t->refused + t->skipped;
}

static int
write_note(void *ctx, struct kv_txn *txn)
{
	const struct note *note = ctx;
	struct operation_row row;
	size_t i;
	int r = operation_get(txn, note->op->id, &row);

	if (r == 0 && note->finish)
		row.status = OPERATION_SUCCEEDED;
	if (r == 0 && note->totals != NULL) {
		row.done = files_of(note->totals);
		row.total = note->found > row.done ? note->found : row.done;
	}
	if (r == 0)
		r = put_row(txn, note->op->id, &row, note->totals);
	for (i = 0; i < note->n && r == 0; i++)
		r = put_mark(txn, note->op->id, &note->marks[i]);
	return r;
}

int
import_operation_note(struct import_operation *op, const struct import_mark *marks, size_t n,
		      const struct import_totals *totals, uint64_t found, struct err *err)
{
	struct note note = { op, marks, n, totals, found, false };
	int r = kv_update(op->st->kv, write_note, &note);

	return r < 0 ? err_set(err, r, "cannot note how far the import is: %s", strerror(-r)) : 0;
}

int
import_operation_finish(struct import_operation *op, const struct import_totals *totals, struct err *err)
{
	struct note note = { .op = op, .totals = totals, .finish = true };
	int r = kv_update(op->st->kv, write_note, &note);

	if (r == 0)
		r = sweep(op->st);
	return r < 0 ? err_set(err, r, "cannot end the import: %s", strerror(-r)) : 0;
}

void
import_operation_close(struct import_operation *op)
{
	if (op == NULL)
		return;
	if (op->lock >= 0)
		close(op->lock);
	free(op);
}
