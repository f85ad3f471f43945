/* A wrapper of kv.h that fails on request, for the fault tests. */
#include "kv/kv.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "kv/kv_ops.h"

struct fault {
	struct kv kv;
	struct kv *inner;
	atomic_ulong left;		/* 0: never */
};

struct fault_txn {
	struct kv_txn txn;
	struct kv_txn *inner;
	bool failed;			/* -EIO once is -EIO until the end */
};

struct fault_range {
	struct kv_range range;
	struct kv_range *inner;
};

static const struct kv_ops fault_ops;

int
kv_fault_open(struct kv *inner, struct kv **ret_kv)
{
	struct fault *f = calloc(1, sizeof *f);

	if (f == NULL)
		return -ENOMEM;
	f->kv.ops = &fault_ops;
	f->inner = inner;
	*ret_kv = &f->kv;
	return 0;
}

void
kv_fault_arm(struct kv *fault, unsigned long nth)
{
	((struct fault *)fault)->left = nth;
}

static bool
strikes(struct kv *kv)
{
	struct fault *f = (struct fault *)kv;

	return f->left > 0 && --f->left == 0;
}

static struct kv_txn *
inner_of(struct kv_txn *txn)
{
	return ((struct fault_txn *)txn)->inner;
}

static void
fault_close(struct kv *kv)
{
	kv_close(((struct fault *)kv)->inner);
	free(kv);
}

static int
fault_begin(struct kv *kv, enum kv_mode mode, struct kv_txn **ret_txn)
{
	struct fault_txn *t = calloc(1, sizeof *t);
	int r;

	if (t == NULL)
		return -ENOMEM;
	t->txn.kv = kv;
	r = kv_begin(((struct fault *)kv)->inner, mode, &t->inner);
	if (r < 0)
		free(t);
	else
		*ret_txn = &t->txn;
	return r;
}

static void
fault_abort(struct kv_txn *txn)
{
	kv_abort(inner_of(txn));
	free(txn);
}

static int
fault_commit(struct kv_txn *txn)
{
	int r;

	if (((struct fault_txn *)txn)->failed || strikes(txn->kv)) {
		fault_abort(txn);
		return -EIO;
	}
	r = kv_commit(inner_of(txn));
	free(txn);
	return r;
}

static int
fault_get(struct kv_txn *txn, unsigned table, struct slice key, struct slice *ret_value)
{
	return kv_get(inner_of(txn), table, key, ret_value);
}

static int
fault_put(struct kv_txn *txn, unsigned table, struct slice key, struct slice value, bool fresh)
{
	struct fault_txn *t = (struct fault_txn *)txn;

	if (t->failed || strikes(txn->kv)) {
		t->failed = true;
		return -EIO;
	}
	return fresh ? kv_insert(t->inner, table, key, value) : kv_put(t->inner, table, key, value);
}

static int
fault_del(struct kv_txn *txn, unsigned table, struct slice key)
{
	struct fault_txn *t = (struct fault_txn *)txn;

	if (t->failed || strikes(txn->kv)) {
		t->failed = true;
		return -EIO;
	}
	return kv_del(t->inner, table, key);
}

static int
fault_range_open(struct kv_txn *txn, unsigned table, struct slice from, struct slice to,
		 enum kv_direction direction, uint64_t limit, struct kv_range **ret_range)
{
	struct fault_range *g = calloc(1, sizeof *g);
	int r;

	if (g == NULL)
		return -ENOMEM;
	g->range.txn = txn;
	r = kv_range_open(inner_of(txn), table, from, to, direction, limit, &g->inner);
	if (r < 0)
		free(g);
	else
		*ret_range = &g->range;
	return r;
}

static int
fault_range_next(struct kv_range *range, struct slice *ret_key, struct slice *ret_value)
{
	return kv_range_next(((struct fault_range *)range)->inner, ret_key, ret_value);
}

static void
fault_range_close(struct kv_range *range)
{
	kv_range_close(((struct fault_range *)range)->inner);
	free(range);
}

static int
fault_status(struct kv *kv, struct kv_status *ret_status)
{
	return kv_get_status(((struct fault *)kv)->inner, ret_status);
}

static uint64_t
fault_version(struct kv *kv)
{
	return kv_version(((struct fault *)kv)->inner);
}

static const struct kv_ops fault_ops = {
	.close = fault_close,
	.begin = fault_begin,
	.commit = fault_commit,
	.abort = fault_abort,
	.get = fault_get,
	.put = fault_put,
	.del = fault_del,
	.range_open = fault_range_open,
	.range_next = fault_range_next,
	.range_close = fault_range_close,
	.status = fault_status,
	.version = fault_version,
};
