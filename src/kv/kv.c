/* The contract's own part: argument checks and what every engine shares. */
#include "kv/kv.h"

#include <errno.h>

#include "kv/kv_ops.h"

/* More than this many lost races in a row is no race any more. */
#define UPDATE_TRIES 100

void
kv_close(struct kv *kv)
{
	if (kv != NULL)
		kv->ops->close(kv);
}

int
kv_begin(struct kv *kv, enum kv_mode mode, struct kv_txn **ret_txn)
{
	return kv->ops->begin(kv, mode, ret_txn);
}

int
kv_commit(struct kv_txn *txn)
{
	return txn->kv->ops->commit(txn);
}

void
kv_abort(struct kv_txn *txn)
{
	if (txn != NULL)
		txn->kv->ops->abort(txn);
}

int
kv_get(struct kv_txn *txn, unsigned table, struct slice key, struct slice *ret_value)
{
	if (key.len == 0 || key.len > KV_KEY_MAX)
		return -EINVAL;
	return txn->kv->ops->get(txn, table, key, ret_value);
}

int
kv_get_many(struct kv_txn *txn, unsigned table, size_t n, const struct slice *keys,
	    struct slice *ret_values)
{
	size_t i;
	int r;

	for (i = 0; i < n; i++) {
		r = kv_get(txn, table, keys[i], &ret_values[i]);
		if (r == -ENOENT)
			ret_values[i] = slice_of(NULL, 0);
		else if (r < 0)
			return r;
	}
	return 0;
}

int
kv_put(struct kv_txn *txn, unsigned table, struct slice key, struct slice value)
{
	if (key.len == 0 || key.len > KV_KEY_MAX)
		return -EINVAL;
	return txn->kv->ops->put(txn, table, key, value, false);
}

int
kv_insert(struct kv_txn *txn, unsigned table, struct slice key, struct slice value)
{
	if (key.len == 0 || key.len > KV_KEY_MAX)
		return -EINVAL;
	return txn->kv->ops->put(txn, table, key, value, true);
}

int
kv_del(struct kv_txn *txn, unsigned table, struct slice key)
{
	if (key.len == 0 || key.len > KV_KEY_MAX)
		return -EINVAL;
	return txn->kv->ops->del(txn, table, key);
}

int
kv_range_open(struct kv_txn *txn, unsigned table, struct slice from, struct slice to,
	      enum kv_direction direction, uint64_t limit, struct kv_range **ret_range)
{
	if (from.len > KV_KEY_MAX || to.len > KV_KEY_MAX)
		return -EINVAL;
	return txn->kv->ops->range_open(txn, table, from, to, direction, limit, ret_range);
}

int
kv_range_next(struct kv_range *range, struct slice *ret_key, struct slice *ret_value)
{
	return range->txn->kv->ops->range_next(range, ret_key, ret_value);
}

void
kv_range_close(struct kv_range *range)
{
	if (range != NULL)
		range->txn->kv->ops->range_close(range);
}

int
kv_update(struct kv *kv, int (*fn)(void *ctx, struct kv_txn *txn), void *ctx)
{
	struct kv_txn *txn;
	int tries, r;

	for (tries = 0; tries < UPDATE_TRIES; tries++) {
		r = kv_begin(kv, KV_WRITE, &txn);
		if (r == -EAGAIN)
			continue;
		if (r < 0)
			return r;
		r = fn(ctx, txn);
		if (r < 0)
			kv_abort(txn);
		else {
			int c = kv_commit(txn);

			if (c < 0)
				r = c;
		}
		if (r != -EAGAIN)
			return r;
	}
	return -EIO;
}

int
kv_get_status(struct kv *kv, struct kv_status *ret_status)
{
	return kv->ops->status(kv, ret_status);
}

uint64_t
kv_version(struct kv *kv)
{
	return kv->ops->version(kv);
}
