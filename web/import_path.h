/* import_path.h: names in the import area, from the path of a request.
 *
 * Threads: as the request.
 */
#ifndef WEB_IMPORT_PATH_H
#define WEB_IMPORT_PATH_H

#include "store/import.h"
#include "web/request.h"

/* What {rest} stands for, one path again.  -EINVAL: it can be no file's. */
int import_path(const struct request *rq, char path[STORE_IMPORT_PATH_MAX + 1], struct err *err);

/* The headers that every reply of Azure's Blob service has. */
void import_put_headers(struct request *rq);
/* An error in its words (x-ms-error-code, and XML). */
void import_reply_error(struct request *rq, int status, const char *code, const char *message);

#endif
