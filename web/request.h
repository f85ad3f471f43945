/* request.h: one request: what was asked, its body, and the state of its reply.
 *
 * Where there are several services, the first label of Host names one (store_label), as Azure's hosts do, and has that
 * one's paths only; with another Host the first segment of the path does.
 *
 * Threads: one at a time; it lives on the stack of the thread that serves it.
 */
#ifndef WEB_REQUEST_H
#define WEB_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/coding.h"
#include "base/err.h"
#include "store/store.h"
#include "web/accept.h"
#include "web/limits.h"
#include "web/route.h"
#include "web/uri.h"

struct mg_connection;
struct mg_request_info;
struct web;

struct reply {
	int status;			/* 0: not begun */
	bool chunked;
	bool head_sent;
	bool ended;
	bool broken;			/* the connection cannot be used any more, and is closed */
	bool owes_line_end;		/* of the chunk that was sent last */
	int64_t length;			/* of the body; or one of reply.h's */
	uint64_t sent;			/* bytes, head included */
	uint64_t body;			/* bytes of the body handed in so far */
	const char *type;
	struct buf extra;		/* further header lines */
	char *chunk;			/* REPLY_CHUNK_SIZE bytes of the pool; NULL: none yet */
	size_t fill;			/* bytes of body in it */
	size_t room;			/* of those it may hold; 0: not decided */
	struct encoder *encoder;	/* NULL: not begun */
	char *encoded;			/* as chunk is, of what it made */
	size_t encoded_fill;
	struct buf *copy;		/* all of that goes there as well, as far as it holds it; NULL: nowhere */
};

struct request {
	struct web *web;
	struct service *service;	/* whom it is for; NULL: all, or nobody: only where there are several */
	struct mg_connection *conn;
	const struct mg_request_info *info;
	enum method method;
	char id[LIMIT_REQUEST_ID + 1];	/* X-Request-ID */
	char base[LIMIT_HOST + STORE_LABEL_MAX + 16];	/* "http://host:port", and "/service" when the path named it */
	struct uri_path path;
	struct route_match match;
	const struct dialect *dialect;	/* NULL at the root */
	const char *partition;		/* NULL: the default one, which the URL does not name */
	char partition_name[STORE_NAME_MAX + 1];
	/* From the path, checked; "" when the route has none. */
	char study_uid[UID_TEXT_MAX], series_uid[UID_TEXT_MAX], sop_uid[UID_TEXT_MAX];
	const char *raw_query;		/* NULL: none */
	const char *cors;		/* what its Origin is told (cors.h); NULL: nothing */
	int64_t began;			/* clock_monotonic */
	bool gives_way;			/* the connection is to be closed for others' sake */

	/* Body. */
	int64_t body_length;		/* -1: chunked */
	uint64_t body_read;
	bool body_ended;
	bool body_lost;			/* the client left, or broke the framing */
	bool expects;			/* 100-continue, not answered yet */
	struct inflated *inflated;	/* what a gzip-encoded body needs; NULL: it comes as it is */
	bool unknown_coding;		/* Content-Encoding names another */
	int socket;			/* -1: not found */
	bool socket_sought;
	struct watch_slot *slot;
	bool slot_tried;

	struct reply reply;
};

/* Fill in *rq from civetweb's parse.  On failure *rq is good enough to reply with:
 * -EINVAL (400), -E2BIG (414), -EMSGSIZE (too many headers, 431), -ENOENT, -EOPNOTSUPP. */
int  request_init(struct request *rq, struct web *web, struct mg_connection *conn, struct err *err);
void request_fini(struct request *rq);

/* Does the client speak HTTP/1.0, which knows no chunks? */
bool request_is_old(const struct request *rq);
/* The first header of that name; NULL: none. */
const char *request_header(const struct request *rq, const char *name);
/* fn for every header whose name begins so, with the rest of its name, until it returns non-zero, which is returned. */
int request_each_header(const struct request *rq, const char *prefix,
			int (*fn)(void *ctx, const char *name, const char *value, struct err *err), void *ctx,
			struct err *err);
/* All Accept headers as one; false: none was sent. */
bool request_accept(const struct request *rq, struct accept *ret_accept);
/* Does the client take this type, the only one there is?  It does when it does not say.  Else
 * -ENOTSUP: "WHAT in TYPE only". */
int  request_check_type(const struct request *rq, const char *type, const char *what, struct err *err);
/* Does the client take application/dicom+json?  absent: the answer when it does not say. */
bool request_takes_json(const struct request *rq, bool absent);

/* Up to len bytes of the body, a gzip coding undone: the count, 0 at its end, -ECONNRESET the
 * client left or broke the framing, -EFBIG it is larger than max_request (said before anything is
 * read, if its length is known; encoded and decoded), -EBADMSG a damaged coding, -EPROTONOSUPPORT
 * another.  Answers Expect: 100-continue the first time. */
ssize_t request_read(struct request *rq, void *data, size_t len, struct err *err);
/* Nothing more will come from request_read. */
bool request_body_ended(const struct request *rq);
/* What is left of the body is read or the connection given up; after the reply. */
void request_finish_body(struct request *rq);
/* Will the connection be closed because of that? */
bool request_must_close(const struct request *rq);

/* Take the connection away from civetweb, which then closes nothing: the socket is the
 * caller's.  -errno. */
int  request_take_socket(struct request *rq);

/* The scope of the path. */
struct store_scope request_scope(const struct request *rq);
/* Append "http://host/v2/studies" and, as far as given, the rest. */
void request_put_url(const struct request *rq, const char *study_uid, const char *series_uid,
		     const char *sop_uid, struct buf *out);

/* The descriptor of the connection, for what civetweb does not do; -1: not found.  Borrowed. */
int  request_socket(struct request *rq);
/* Before a piece of len bytes goes in or out, and after (watch.h). */
void request_watch(struct request *rq, size_t len);
void request_unwatch(struct request *rq);

#endif
