/* kv_ops.h: what an engine behind kv.h implements.  Every member is needed.
 *
 * Each engine's struct kv, kv_txn and kv_range begin with the ones here.
 */
#ifndef KV_KV_OPS_H
#define KV_KV_OPS_H

#include "kv/kv.h"

struct kv_ops {
	void (*close)(struct kv *kv);
	int  (*begin)(struct kv *kv, enum kv_mode mode, struct kv_txn **ret_txn);
	int  (*commit)(struct kv_txn *txn);
	void (*abort)(struct kv_txn *txn);
	int  (*get)(struct kv_txn *txn, unsigned table, struct slice key, struct slice *ret_value);
	int  (*put)(struct kv_txn *txn, unsigned table, struct slice key, struct slice value, bool fresh);
	int  (*del)(struct kv_txn *txn, unsigned table, struct slice key);
	int  (*range_open)(struct kv_txn *txn, unsigned table, struct slice from, struct slice to,
			   enum kv_direction direction, uint64_t limit, struct kv_range **ret_range);
	int  (*range_next)(struct kv_range *range, struct slice *ret_key, struct slice *ret_value);
	void (*range_close)(struct kv_range *range);
	int  (*status)(struct kv *kv, struct kv_status *ret_status);
	uint64_t (*version)(struct kv *kv);
};

struct kv {
	const struct kv_ops *ops;
};
struct kv_txn {
	struct kv *kv;
};
struct kv_range {
	struct kv_txn *txn;
};

#endif
