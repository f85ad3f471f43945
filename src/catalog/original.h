/* original.h: the version of an instance that was stored first, kept beside the latest (contract 6.3).
 *
 * An instance that was updated has the flag INSTANCE_UPDATED, and one entry here: its row as it was, under the UIDs
 * it had then, and its header.  Rows and searches are of the latest; this is only for who asks for it.
 *
 * Key:    series:8 instance:8
 * Value:  layout:1 study UID, series UID (short), row (long), header (long; header.h, with the series' base)
 *
 * Its file lies in BLOB_ORIGINALS below the latest's directory.  Until it is there it has a staged name of its own,
 * which is the row's stage, and an entry of the table "staged":
 *
 * Key:    staging number:8
 * Value:  instance:8
 */
#ifndef CATALOG_ORIGINAL_H
#define CATALOG_ORIGINAL_H

#include "base/buf.h"
#include "base/slice.h"
#include "catalog/row.h"
#include "kv/kv.h"

struct original {
	char study_uid[UID_TEXT_MAX], series_uid[UID_TEXT_MAX];
	struct instance_row row;	/* lends its slices, like header, from the transaction */
	struct slice header;
};

/* -ENOENT: it has none. */
int  original_get(struct kv_txn *txn, uint64_t series, uint64_t instance, struct original *ret_original);
/* The slices may be of anything but this transaction. */
int  original_put(struct kv_txn *txn, uint64_t series, uint64_t instance, const struct original *original);
int  original_del(struct kv_txn *txn, uint64_t series, uint64_t instance);

/* The instance whose original has this stage.  -ENOENT. */
int  staged_get(struct kv_txn *txn, uint64_t stage, uint64_t *ret_instance);
int  staged_put(struct kv_txn *txn, uint64_t stage, uint64_t instance);
int  staged_del(struct kv_txn *txn, uint64_t stage);	/* one that is not there is gone, too */

#endif
