/* Places of the receivers of events, and who may tell them.
 *
 * Who tells a receiver holds the lock (base/byte_lock.h) in "events.lock" that its name hashes to.
 */
#include "store/receivers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/byte_lock.h"
#include "base/clock.h"
#include "base/vec.h"
#include "catalog/receiver.h"
#include "store/internal.h"

/* Names in the index; a configuration has a few. */
#define RECEIVERS_MAX 1024

_Static_assert(sizeof ((struct receiver *)0)->why == RECEIVER_WHY_MAX, "why");

static void
of_row(const char *name, size_t len, const struct receiver_row *row, struct receiver *v)
{
	*v = (struct receiver){ .sequence = row->sequence, .updated = row->updated, .failing = row->failing };
	snprintf(v->name, sizeof v->name, "%.*s", (int)len, name);
	memcpy(v->validated, row->validated, HASH_LEN);
	memcpy(v->why, row->why, sizeof v->why);
}

static int
put(struct kv_txn *txn, const char *name, const struct receiver_row *row)
{
	struct buf b;
	int r;

	buf_init(&b, 512);
	receiver_row_put(row, &b);
	r = buf_error(&b);
	if (r == 0)
		r = kv_put(txn, T_RECEIVER, slice_str(name), buf_slice(&b));
	buf_fini(&b);
	return r;
}

/* -- locks ---------------------------------------------------------------- */

static uint64_t
lock_of(const char *name)
{
	unsigned char hash[HASH_LEN];

	hash_bytes(name, strlen(name), hash);
	return read_u64(hash);
}

static bool
is_locked(struct store *st, const char *name)
{
	return byte_lock_is_held(st->dir, "events.lock", lock_of(name));
}

int
store_receiver_lock(struct store *st, const char *name, int *ret_lock, struct err *err)
{
	int r = byte_lock_take(st->dir, "events.lock", lock_of(name), ret_lock);

	if (r == -EBUSY)
		return err_set(err, r, "another process sends events to %s", name);
	return r < 0 ? err_set(err, r, "cannot lock events.lock for %s: %s", name, strerror(-r)) : 0;
}

/* -- one ------------------------------------------------------------------ */

struct beginning {
	const char *name;
	bool first;
	struct receiver_row row;
};

static int
begin(void *ctx, struct kv_txn *txn)
{
	struct beginning *b = ctx;
	struct catalog_counters c;
	struct slice v;
	int r = kv_get(txn, T_RECEIVER, slice_str(b->name), &v);

	if (r == 0)
		return receiver_row_get(v, &b->row);
	if (r == -ENOENT)
		r = catalog_get_counters(txn, &c);
	if (r < 0)
		return r;
	b->row = (struct receiver_row){ .sequence = b->first ? 0 : c.sequence, .updated = clock_now() };
	return put(txn, b->name, &b->row);
}

int
store_receiver_begin(struct store *st, const char *name, bool first, struct receiver *ret_receiver, struct err *err)
{
	struct beginning b = { .name = name, .first = first };
	int r = kv_update(st->kv, begin, &b);

	if (r < 0)
		return err_set(err, r, "cannot write the index: %s", strerror(-r));
	of_row(name, strlen(name), &b.row, ret_receiver);
	return 0;
}

static int
keep(void *ctx, struct kv_txn *txn)
{
	const struct receiver *v = ctx;
	struct receiver_row row = { .sequence = v->sequence, .updated = v->updated, .failing = v->failing };

	memcpy(row.validated, v->validated, HASH_LEN);
	memcpy(row.why, v->why, sizeof row.why);
	return put(txn, v->name, &row);
}

int
store_receiver_keep(struct store *st, const struct receiver *v, struct err *err)
{
	struct receiver copy = *v;
	int r = kv_update(st->kv, keep, &copy);

	return r < 0 ? err_set(err, r, "cannot write the index: %s", strerror(-r)) : 0;
}

static int
forget(void *ctx, struct kv_txn *txn)
{
	return kv_del(txn, T_RECEIVER, slice_str(ctx));
}

int
store_receiver_forget(struct store *st, const char *name, struct err *err)
{
	char copy[STORE_NAME_MAX + 1];
	int lock, r = store_receiver_lock(st, name, &lock, err);

	if (r < 0)
		return r;
	snprintf(copy, sizeof copy, "%s", name);
	r = kv_update(st->kv, forget, copy);
	close(lock);
	if (r == -ENOENT)
		return err_set(err, r, "no receiver of this name was ever told of anything");
	return r < 0 ? err_set(err, r, "cannot write the index: %s", strerror(-r)) : 0;
}

/* -- all ------------------------------------------------------------------ */

struct list {
	struct receiver *at;
	size_t n, cap;
};

static int
gather(struct kv_txn *txn, struct list *list, uint64_t *ret_sequence)
{
	struct catalog_counters c;
	struct receiver_row row;
	struct kv_range *g;
	struct slice k, v;
	int r = catalog_get_counters(txn, &c);

	*ret_sequence = c.sequence;
	if (r == 0)
		r = kv_range_open(txn, T_RECEIVER, slice_of(NULL, 0), slice_of(NULL, 0), KV_ASCENDING, RECEIVERS_MAX, &g);
	if (r < 0)
		return r;
	while ((r = kv_range_next(g, &k, &v)) > 0) {
		r = receiver_row_get(v, &row);
		if (r == 0)
			r = vec_room(&list->at, &list->cap, list->n, sizeof *list->at, 16);
		if (r < 0)
			break;
		of_row(k.data, k.len, &row, &list->at[list->n++]);
	}
	kv_range_close(g);
	return r;
}

int
store_receivers(struct store *st, int (*fn)(void *ctx, const struct receiver *receiver), void *ctx, struct err *err)
{
	struct list list = { .at = NULL };
	struct kv_txn *txn;
	uint64_t sequence;
	bool told = false;
	size_t i;
	int r = kv_begin(st->kv, KV_READ, &txn);

	if (r == 0) {
		r = gather(txn, &list, &sequence);
		kv_abort(txn);
	}
	for (i = 0; i < list.n && r == 0; i++) {
		struct receiver *v = &list.at[i];

		v->behind = sequence > v->sequence ? sequence - v->sequence : 0;
		v->served = is_locked(st, v->name);
		told = (r = fn(ctx, v)) != 0;
	}
	free(list.at);
	return r < 0 && !told ? err_set(err, r, "cannot read the index: %s", strerror(-r)) : r;
}
