/* internal.h: what the files of the catalog share, and nobody else. */
#ifndef CATALOG_INTERNAL_H
#define CATALOG_INTERNAL_H

#include "catalog/catalog.h"

int counters_put(struct kv_txn *txn, const struct catalog_counters *c);
int name_put(struct kv_txn *txn, uint64_t parent, const char *name, uint64_t id, enum level level);
int name_del(struct kv_txn *txn, uint64_t parent, const char *name, uint64_t id);
int partition_create(struct kv_txn *txn, struct catalog_counters *c, const char *name, int64_t now,
		     uint64_t *ret_id);

#endif
