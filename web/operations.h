/* operations.h: where an operation is looked at. */
#ifndef WEB_OPERATIONS_H
#define WEB_OPERATIONS_H

#include "web/request.h"

/* Append {"id":...,"href":...}. */
void operation_put_reference(const struct request *rq, const char *id, struct buf *out);
/* The header Location. */
void operation_put_location(struct request *rq, const char *id);
/* An operation was begun: 202, with its place (contract 7.1). */
void operation_reply_begun(struct request *rq, const char *id);

#endif
