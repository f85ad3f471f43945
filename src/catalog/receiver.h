/* receiver.h: how far each receiver of events is in the feed.
 *
 * Rows are keyed by the name of the receiver.
 */
#ifndef CATALOG_RECEIVER_H
#define CATALOG_RECEIVER_H

#include <stdint.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/slice.h"

#define RECEIVER_WHY_MAX 200

struct receiver_row {
	uint64_t sequence;			/* of the last change it was told of, or is not to be told of */
	int64_t updated;			/* ns */
	int64_t failing;			/* ns, since when it does not take them; 0: it does */
	unsigned char validated[HASH_LEN];	/* of the address that has agreed to be told; zeros: none */
	char why[RECEIVER_WHY_MAX];		/* it fails; or "" */
};

void receiver_row_put(const struct receiver_row *row, struct buf *out);
int  receiver_row_get(struct slice value, struct receiver_row *ret_row);	/* 0 or -EIO */

#endif
