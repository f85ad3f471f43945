/* wado.h: what the retrieve transactions share.
 *
 * Threads: as the request.
 */
#ifndef WEB_WADO_H
#define WEB_WADO_H

#include "store/pixels.h"
#include "web/etag.h"
#include "web/request.h"

/* Asks for the version that was stored first, whatever it was updated to (contract 3.7). */
#define WADO_ORIGINAL "msdicom-request-original"
bool wado_wants_original(const struct request *rq);
/* What the path names, in the version that is asked for. */
struct store_scope wado_scope(const struct request *rq);
/* The file of the next instance of a scan; -ENOENT at its end. */
int wado_open_next(struct request *rq, struct store_scan *scan, struct store_file **ret_file, struct err *err);
/* The file of the path's instance. */
int wado_open_instance(struct request *rq, struct store_file **ret_file, struct err *err);

/* Does the client have what this tag stands for?  Then it has been told so (304).  Else the tag
 * is to go with the reply. */
bool wado_has_current(struct request *rq, const struct etag *tag);
/* ETag and Vary. */
void wado_put_etag(struct request *rq, const struct etag *tag);
/* The tag of what is made of an instance's file: of the file, the program, and all that was asked for. */
void wado_make_etag(const struct instance_info *info, struct etag *ret_tag, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Begin the reply with size bytes that Accept chose: all of them or the range of them that was
 * asked for; ret_span is what to send.  1: nobody wants the body, the reply is done; -ERANGE. */
struct wado_span {
	uint64_t first, len;
};
int wado_begin(struct request *rq, const struct etag *tag, const char *type, uint64_t size,
	       struct wado_span *ret_span, struct err *err);
/* Reply so with what is in memory. */
int wado_send_data(struct request *rq, const struct etag *tag, const char *type, const struct buf *data,
		   struct err *err);
/* Reply so with a part of a file, or with 304.  The tag is the file's hash, so a URL must always
 * name the same part. */
int wado_send_file(struct request *rq, const struct store_file *f, uint64_t offset, uint64_t size,
		   const char *type, struct err *err);

/* A value of web->coded. */
void wado_free_coded(void *body);

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
