/* feed.h: the change feed: one entry for each instance created, replaced or deleted.
 *
 * Sequence numbers are taken inside the write transaction: a reader sees no
 * gap, now or later.  Times never go back: after the clock was set back, entries
 * have the time of the one before them.
 */
#ifndef CATALOG_FEED_H
#define CATALOG_FEED_H

#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "dicom/uid.h"

enum feed_action { FEED_CREATE = 1, FEED_UPDATE = 2, FEED_DELETE = 3 };

enum {					/* what came or went with the instance */
	FEED_STUDY = 1,
	FEED_SERIES = 2,
	FEED_MOVED = 4,			/* an update: it had other UIDs before, and what was there is gone by an entry of its own */
};

struct feed_entry {
	int64_t time;			/* ns */
	uint8_t action;
	uint8_t with;
	uint64_t watermark;		/* of the version stored or removed */
	uint64_t partition, study, series, instance;
	char study_uid[UID_TEXT_MAX];
	char series_uid[UID_TEXT_MAX];
	char sop_uid[UID_TEXT_MAX];
};

void feed_entry_put(const struct feed_entry *e, struct buf *out);
int  feed_entry_get(struct slice value, struct feed_entry *ret_entry);	/* 0 or -EIO */

#endif
