/* wado.h: what the retrieve transactions share.
 *
 * Threads: as the request.
 */
#ifndef WEB_WADO_H
#define WEB_WADO_H

#include "web/request.h"

/* The file of the next instance of a scan; -ENOENT at its end. */
int wado_open_next(struct request *rq, struct store_scan *scan, struct store_file **ret_file, struct err *err);
/* The file of the path's instance. */
int wado_open_instance(struct request *rq, struct store_file **ret_file, struct err *err);
/* Reply with a span of a file: all of it or the range that was asked for (206, -ERANGE), or
 * 304 when the client has it.  The tag is the file's hash, so a URL must always name the
 * same span. */
int wado_send_file(struct request *rq, const struct store_file *f, uint64_t offset, uint64_t size,
		   const char *type, struct err *err);

#endif
