/* stream.h: files whose bytes are made when they are read.
 *
 * Their sizes are known without keeping them: that of the feed and of the sums from numbers and
 * names, those of metadata by making them once.  Memory is a piece at a time, whatever the size.
 * Reading goes forward; going back begins anew, except in the feed, where any line is
 * found by its number.
 *
 * Threads: any; reads of one stream wait for each other.
 * Errors:  -ENOENT the instance, series or study is gone; those of the store.
 */
#ifndef FS_STREAM_H
#define FS_STREAM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "store/store.h"

enum stream_kind {
	STREAM_INSTANCE,		/* DICOM JSON of an instance, bulk hidden, and a newline */
	STREAM_SERIES,			/* an array of those of a series */
	STREAM_SUMS,			/* of a study: a line for sha256sum -c for each instance */
	STREAM_FEED,			/* the change feed: a line for each change */
	STREAM_ORIGINAL,		/* the bytes an instance was stored with first */
};

/* Every line of the feed has this length, filled with spaces before its newline: change N stands
 * at (N - 1) * STREAM_LINE.  The longest entry has 900 bytes. */
#define STREAM_LINE 1024

struct stream;				/* opaque */

/* id: of what it is about, in the store; of the feed 0. */
int  stream_open(struct store *st, enum stream_kind kind, uint64_t id, struct stream **ret_stream);
/* Up to len bytes at off; fewer do not mean its end, which is 0. */
ssize_t stream_read(struct stream *s, void *data, size_t len, uint64_t off);
/* The size it has now. */
int  stream_size(struct store *st, enum stream_kind kind, uint64_t id, uint64_t *ret_size);
void stream_close(struct stream *s);	/* NULL is fine */

#endif
