/* kv.h: an ordered key-value store with transactions.
 *
 * A store holds a fixed list of tables, each an ordered map from keys to
 * values.  Keys are 1 to KV_KEY_MAX bytes and order as memcmp does, a prefix
 * first; values are any bytes.  The contract is made so that the same catalog
 * can run on an engine on another machine:
 *
 *  - A transaction sees one snapshot, plus its own writes.
 *  - Writes are serialisable: there is one writer at a time, or a commit that lost a race fails
 *    with -EAGAIN.  So any call of a write transaction may return -EAGAIN: abort it and
 *    run it again from its start (kv_update does).
 *  - Numbers handed out inside a write transaction (kept as ordinary values) become visible in the
 *    order of commits, without gaps.
 *  - After kv_commit returns 0 the writes survive a power cut.  After it
 *    fails nothing was written, except -EINPROGRESS: the outcome is not known (the
 *    engine was lost while committing): look before trying again.
 *  - Slices handed out live until the transaction ends, and for a write transaction until its next write.
 *  - Read transactions are short: they hold back the reuse of space.
 *
 * Threads: struct kv from any; a transaction and what came from it are used by
 *          one thread.  A thread holds no read transaction while it begins a
 *          write transaction.
 * Errors:  -ENOENT no such key; -EEXIST; -EAGAIN run it again; -EROFS; -ENOSPC;
 *          -EINVAL a key of the wrong size; -EIO the rest.
 */
#ifndef KV_KV_H
#define KV_KV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

#define KV_KEY_MAX 511

struct kv;
struct kv_txn;
struct kv_range;

struct kv_options {
	/* Their names, in the order of their numbers; borrowed for ever.  Those that an
	 * existing store lacks are made, unless read_only. */
	const char *const *tables;
	unsigned n_tables;
	size_t map_size;		/* LMDB: initial size of the map; 0: the default */
	bool read_only;
	bool create;			/* make it when missing */
	bool ascending;			/* keys of a table come in their order, and none twice: they are packed tighter */
};

/* -ENOENT when missing and not to be created. */
int  kv_lmdb_open(const char *dir, const struct kv_options *options, struct kv **ret_kv, struct err *err);
/* In memory, for tests; forgotten when closed. */
int  kv_mem_open(const struct kv_options *options, struct kv **ret_kv, struct err *err);
/* A wrapper that fails the nth put or commit from now with -EIO (0: never); takes inner. */
int  kv_fault_open(struct kv *inner, struct kv **ret_kv);
void kv_fault_arm(struct kv *fault, unsigned long nth);

/* No transaction may be open.  NULL is fine. */
void kv_close(struct kv *kv);

enum kv_mode { KV_READ, KV_WRITE };

int  kv_begin(struct kv *kv, enum kv_mode mode, struct kv_txn **ret_txn);
int  kv_commit(struct kv_txn *txn);	/* consumed, whatever it returns */
void kv_abort(struct kv_txn *txn);	/* NULL is fine */

int  kv_get(struct kv_txn *txn, unsigned table, struct slice key, struct slice *ret_value);
/* One call for many keys; ret_values[i].data is NULL where there is none. */
int  kv_get_many(struct kv_txn *txn, unsigned table, size_t n, const struct slice *keys,
		 struct slice *ret_values);
int  kv_put(struct kv_txn *txn, unsigned table, struct slice key, struct slice value);
/* -EEXIST when the key is there. */
int  kv_insert(struct kv_txn *txn, unsigned table, struct slice key, struct slice value);
int  kv_del(struct kv_txn *txn, unsigned table, struct slice key);

/* Keys from <= key < to (to.len 0: to the end of the table), ascending or
 * descending, at most limit (0: all).  Keys may be deleted while a range is
 * open only by the same transaction and only those already passed. */
enum kv_direction { KV_ASCENDING, KV_DESCENDING };
int  kv_range_open(struct kv_txn *txn, unsigned table, struct slice from, struct slice to,
		   enum kv_direction direction, uint64_t limit, struct kv_range **ret_range);
/* 1: the next one; 0: no more; or -errno. */
int  kv_range_next(struct kv_range *range, struct slice *ret_key, struct slice *ret_value);
/* Before its transaction ends.  NULL is fine. */
void kv_range_close(struct kv_range *range);

/* Run fn in a write transaction and commit, again after -EAGAIN.  What fn
 * returns below 0 aborts. */
int  kv_update(struct kv *kv, int (*fn)(void *ctx, struct kv_txn *txn), void *ctx);

struct kv_status {
	uint64_t size, used;		/* bytes */
	unsigned readers, readers_max;
};
int  kv_get_status(struct kv *kv, struct kv_status *ret_status);
/* A number that grows with every commit of any process; cheap. */
uint64_t kv_version(struct kv *kv);

#endif
