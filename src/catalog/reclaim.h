/* reclaim.h: files that no row names any more and that still must be removed.
 *
 * Written in the transaction that removes or replaces the row, done and
 * deleted afterwards (store/reclaim.c), or by the next process after a kill.
 */
#ifndef CATALOG_RECLAIM_H
#define CATALOG_RECLAIM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "catalog/row.h"

enum {					/* flags, beside those of the row */
	RECLAIM_TIERS = 64,		/* only what lies in tiers that its name does not lead to */
	RECLAIM_ORIGINAL = 128,		/* it is an original (original.h) */
};

struct reclaim_entry {
	uint64_t stage;
	uint8_t flags;			/* INSTANCE_* of the row that was, RECLAIM_* */
	uint8_t stage_only;		/* 1: replaced; the public path belongs to the new version */
	uint64_t partition;
	uint64_t size;			/* of the file that the row named; 0: not told */
	int64_t mtime;
	char study_uid[UID_TEXT_MAX];
	char series_uid[UID_TEXT_MAX];
	char sop_uid[UID_TEXT_MAX];
};

void reclaim_entry_put(const struct reclaim_entry *e, struct buf *out);
int  reclaim_entry_get(struct slice value, struct reclaim_entry *ret_entry);	/* 0 or -EIO */

#endif
