/* external.h: external metadata in headers (contract 2.11).
 *
 *   msdicom-meta-{VR}-{TagPath}: value	of a store request: a value of the studies it stores into
 *   msdicom-request-meta: true		of a retrieve of metadata, or a search: they are among the attributes
 *
 * Threads: as the request.
 */
#ifndef WEB_EXTERNAL_H
#define WEB_EXTERNAL_H

#include "store/external.h"
#include "web/request.h"

#define EXTERNAL_WANTED "msdicom-request-meta"

/* civetweb takes no more headers than that. */
#define EXTERNAL_HEADERS_MAX 64

struct external_headers {
	struct external_value values[EXTERNAL_HEADERS_MAX];	/* texts are the request's */
	size_t n;
};

/* Where the dialect knows them; else there are none.  -EINVAL: one is bad. */
int  external_headers_read(const struct request *rq, struct external_headers *ret_headers, struct err *err);
bool external_wanted(const struct request *rq);

#endif
