/* operation.h: records of long work, kept so that whoever serves the store next goes on with it
 * (contract 8).
 *
 * What is asked (input) and how far it is (cursor) are of the kind of operation; both are
 * written in the transaction of the work they tell of.
 */
#ifndef CATALOG_OPERATION_H
#define CATALOG_OPERATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "catalog/query_tag.h"
#include "kv/kv.h"

#define OPERATION_WHY_MAX 200

enum operation_type {
	OPERATION_REINDEX = 1,
	OPERATION_EXPORT = 2,
	OPERATION_UPDATE = 3,
	OPERATION_IMPORT = 4,
	OPERATION_TIER = 5,
};
enum operation_status {
	OPERATION_NOT_STARTED = 1, OPERATION_RUNNING, OPERATION_SUCCEEDED, OPERATION_FAILED
};

struct operation_row {
	uint8_t type, status;
	int64_t created, updated;		/* ns */
	uint64_t done, total;			/* instances */
	char why[OPERATION_WHY_MAX];		/* it failed; or "" */
	struct slice input, cursor;
};

/* A row lends its slices from the transaction. */
int  operation_get(struct kv_txn *txn, const unsigned char id[OPERATION_ID_LEN], struct operation_row *ret_row);
int  operation_decode(struct slice value, struct operation_row *ret_row);
int  operation_put(struct kv_txn *txn, const unsigned char id[OPERATION_ID_LEN], const struct operation_row *row);
bool operation_is_finished(const struct operation_row *row);

#endif
