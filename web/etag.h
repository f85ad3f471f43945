/* etag.h: entity tags, as If-None-Match and If-Range hold them (RFC 9110 8.8.3, 13.1; contract 3.5).
 *
 * Threads: no state.
 */
#ifndef WEB_ETAG_H
#define WEB_ETAG_H

#include <stdbool.h>

struct etag {
	bool weak;			/* another reply of this tag says the same in other bytes */
	bool bare;			/* written without quotes, and not with a 304 (contract 3.5) */
	const char *vary;		/* the header that chose what it stands for */
	char text[128];			/* without quotes */
};

/* Does a list of tags hold this one?  Those of the list may be bare, quoted or weak, and compare
 * without regard to case; "*" is any.  NULL: no list. */
bool etag_in_list(const char *list, const struct etag *tag);
/* Is this one tag, quoted, byte for byte this one, and neither of them weak? */
bool etag_is_same(const char *one, const struct etag *tag);

#endif
