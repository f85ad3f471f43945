/* external.h: values of a study that are in none of its files (contract 2.11).
 *
 * They belong to the study as long as it is there, and go with it.
 *
 * Key:    study:8 tag:4
 * Value:  VR:2 (its letters), the text in UTF-8
 *
 * Each has an entry in the attribute index (INDEX_EXTERNAL), too.
 */
#ifndef CATALOG_EXTERNAL_H
#define CATALOG_EXTERNAL_H

#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "kv/kv.h"

struct external {
	uint32_t tag;
	uint16_t vr;
	struct slice text;		/* lent from the transaction */
};

int  external_get(struct kv_txn *txn, uint64_t study, uint32_t tag, struct external *ret_external);
int  external_put(struct kv_txn *txn, uint64_t partition, uint64_t study, const struct external *external);
/* By rising tag; non-zero from fn stops and is returned. */
int  external_each(struct kv_txn *txn, uint64_t study,
		   int (*fn)(void *ctx, const struct external *external), void *ctx);
int  external_remove(struct kv_txn *txn, uint64_t partition, uint64_t study);
/* A text as the index has it, whatever its VR: "" when there is nothing to be found by. */
int  external_collate(struct slice text, struct buf *out);

#endif
