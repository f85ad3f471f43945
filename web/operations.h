/* operations.h: where an operation is looked at. */
#ifndef WEB_OPERATIONS_H
#define WEB_OPERATIONS_H

#include "web/request.h"

/* Append {"id":...,"href":...}. */
void operation_put_reference(const struct request *rq, const char *id, struct buf *out);
/* An operation was to begin, and r is what came of it.  0: it is worked on from now, and the client is told its
 * place with 202 (contract 7.1); -EBUSY: the header Location is that of the one that excludes it, where id is
 * not "".  Returns r. */
int  operation_reply_begun(struct request *rq, int r, const char *id);

#endif
