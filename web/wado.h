/* wado.h: what the retrieve transactions share.
 *
 * Threads: as the request.
 */
#ifndef WEB_WADO_H
#define WEB_WADO_H

#include "store/pixels.h"
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

/* A multipart/related reply.  media is the type of its parts; each returns 0 or -errno but that
 * begin says 1 when nobody wants the body, and the reply is done. */
struct wado_parts {
	const char *media;
	char boundary[33];
	char type[160];			/* of the reply, until it ends */
	bool first;
};
int wado_parts_begin(struct request *rq, const char *media, struct wado_parts *ret_parts);
/* The head of the next part; its bytes follow by reply_write and the like. */
int wado_parts_next(struct request *rq, struct wado_parts *parts, const char *xfer_uid);
int wado_parts_end(struct request *rq, struct wado_parts *parts);

/* Pixel data that cannot be transcoded or rendered are a matter of what was asked
 * for, not of a bad request (contract 3.2, 3.6): 406. */
int wado_not_acceptable(int num);
/* Has a file of that size frames that are transcoded and rendered here?  0 or -ENOTSUP. */
int wado_check_size(uint64_t size, uint64_t max, struct err *err);

#endif
