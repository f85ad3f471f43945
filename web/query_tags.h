/* query_tags.h: where an extended query tag is looked at. */
#ifndef WEB_QUERY_TAGS_H
#define WEB_QUERY_TAGS_H

#include "web/request.h"

/* Append "http://host/v2/extendedquerytags/PATH". */
void query_tag_put_url(const struct request *rq, const char *path, struct buf *out);

#endif
