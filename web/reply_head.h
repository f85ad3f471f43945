/* reply_head.h: the head of a reply, for reply.c.
 *
 * Threads: as the request.
 */
#ifndef WEB_REPLY_HEAD_H
#define WEB_REPLY_HEAD_H

#include "web/reply.h"

/* Write what rq->reply says, with the empty line at its end.  Returns its length. */
size_t reply_write_head(const struct request *rq, char head[REPLY_HEAD_ROOM]);
/* Does a reply of that status have one? */
bool reply_has_body(int status);

#endif
