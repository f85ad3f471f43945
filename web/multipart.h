/* multipart.h: the multipart reader (RFC 2046 5.1, RFC 2387), by pulling events out of a
 * window of the body that the caller moves along.
 *
 *   for (;;) {
 *           r = multipart_next(&mp, data, len, last, &ev);   see below
 *           data += ev.used; len -= ev.used;
 *           MULTIPART_MORE: move what is left to the front, read on
 *   }
 *
 * Nothing is copied: part heads and data are slices of the window, valid until
 * it is changed.  The window must hold LIMIT_PART_HEAD bytes or more, or a
 * part head might never fit.
 *
 * Threads: one at a time per reader.
 */
#ifndef WEB_MULTIPART_H
#define WEB_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "web/limits.h"

enum multipart_kind {
	MULTIPART_MORE,		/* the window holds no event; more bytes are needed */
	MULTIPART_PART,		/* a part begins; type is its Content-Type, data NULL when absent */
	MULTIPART_DATA,		/* some bytes of it */
	MULTIPART_PART_END,
	MULTIPART_END,		/* the closing delimiter, or the end of the body */
};

struct multipart_event {
	enum multipart_kind kind;
	size_t used;		/* bytes of the window done with */
	struct slice data;
	struct slice type;
	bool cut;		/* MULTIPART_END: the body ended inside a part; that part got no PART_END */
};

struct multipart {
	int state;				/* private */
	char delimiter[4 + LIMIT_BOUNDARY];	/* CRLF -- boundary */
	size_t delimiter_len;
};

/* -EINVAL: not a boundary of RFC 2046. */
int multipart_init(struct multipart *mp, const char *boundary);
/* last: the body ends with this window.  0; -EBADMSG the structure is broken;
 * -EFBIG a part head is longer than LIMIT_PART_HEAD. */
int multipart_next(struct multipart *mp, const char *data, size_t len, bool last,
		   struct multipart_event *ret_event);

#endif
