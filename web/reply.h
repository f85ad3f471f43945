/* reply.h: the one reply of a request.
 *
 * A body goes through one buffer; head and body leave in one write when they fit,
 * since every write is a packet.  A client that has gone away shows in
 * rq->reply.broken and in -EPIPE; nothing needs to be done about it.
 *
 * Threads: as the request.
 */
#ifndef WEB_REPLY_H
#define WEB_REPLY_H

#include "web/request.h"

enum {
	REPLY_AUTO = -1,	/* Content-Length when the body turns out small, else chunked */
	REPLY_CHUNKED = -2,	/* chunked, whatever its size */
	REPLY_CODED = -3,	/* as REPLY_AUTO, in reply_coding() however small; the caller has put Vary: for what has
				 * a tag of each coding */
};

/* Of what is no DICOM JSON. */
#define REPLY_JSON "application/json; charset=utf-8"

/* A header line, before reply_begin and the like. */
void reply_header(struct request *rq, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Warning: 299 (contract 0.4), likewise. */
void reply_warning(struct request *rq, const char *text);

/* Whole replies. */
void reply_empty(struct request *rq, int status);
void reply_body(struct request *rq, int status, const char *type, const void *data, size_t len);
/* What was written into a buffer, or what went wrong there: 0 or -errno. */
int  reply_buf(struct request *rq, int status, const char *type, const struct buf *body);
/* A sentence as plain text (contract 0.4). */
void reply_text(struct request *rq, int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* By the number's status; the sentence is err's unless the status hides details.  What is the
 * service's fault is logged.  A reply that was begun is broken off if it cannot be taken back. */
void reply_error(struct request *rq, const struct err *err, int num);

/* The content coding that the client takes a long text in. */
enum coding reply_coding(const struct request *rq);
/* The line that tells of the coding of a body that is ready. */
void reply_put_coding(struct request *rq, enum coding coding);

/* What the encoder makes of the body goes to copy as well, before reply_begin. */
void reply_copy_coded(struct request *rq, struct buf *copy);

/* A body in pieces; type must live until its end.  1: nobody wants the body (HEAD), the reply is done. */
int  reply_begin(struct request *rq, int status, const char *type, int64_t length);
int  reply_write(struct request *rq, const void *data, size_t len);
/* A part of a file, as a part of the body; -ESTALE when the file is shorter. */
int  reply_file(struct request *rq, const struct store_file *f, uint64_t off, uint64_t len);
int  reply_end(struct request *rq);
/* The rest cannot be given: break the connection off, so that the client sees it. */
void reply_abort(struct request *rq);
/* The head alone, of a body that somebody else sends until the connection is closed: its socket,
 * which is the caller's now, or -1 when nobody wants the body. */
int  reply_detach(struct request *rq, int status, const char *type);
bool reply_begun(const struct request *rq);

/* Bytes of a chunk of the pool: head room, body, and the chunk's line end. */
#define REPLY_HEAD_ROOM ((size_t)LIMIT_REPLY_HEAD + 64)
#define REPLY_CHUNK_SIZE (REPLY_HEAD_ROOM + LIMIT_CHUNK + 16)

#endif
