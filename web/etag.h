/* etag.h: entity tags, as If-None-Match and If-Range hold them (RFC 9110 13.1, contract 3.5).
 *
 * Threads: no state.
 */
#ifndef WEB_ETAG_H
#define WEB_ETAG_H

#include <stdbool.h>

/* Does a list of tags hold this one?  tag has no quotes; those of the list may be bare,
 * quoted or weak, and compare without regard to case; "*" is any. */
bool etag_in_list(const char *list, const char *tag);

#endif
