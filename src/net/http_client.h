/* http_client.h: requests to servers of others, over HTTP and TLS.
 *
 * The one place that knows libcurl.  A client keeps its connections for the next requests.  A
 * request whose server is busy, fails or breaks off is sent again: 408, 429, 5xx (but 501 and 505) and
 * connections that fail, after a wait that doubles and varies, or as long as Retry-After says.
 * A certificate is checked against the authorities of the system, or of one file.
 *
 * Threads: a client from any; a request and its reply by one.
 * Errors:  -EAGAIN the server cannot be reached, or gave no whole reply, in spite of that; -EINVAL a URL
 *          that is none; -EPROTO its certificate is not to be trusted; -EMSGSIZE its reply passes the
 *          limit; -ESTALE the file of a body is shorter than was said; -ECANCELED the client was told to
 *          stop; -ENOMEM.  A sentence names the host and never the query.
 */
#ifndef NET_HTTP_CLIENT_H
#define NET_HTTP_CLIENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct http_client;

struct http_client_options {
	const char *ca_file;		/* PEM; NULL: the system's */
	unsigned connect_ms;		/* until a connection stands; 0: 10 s */
	unsigned stall_ms;		/* with hardly a byte in or out; 0: 30 s */
	unsigned tries;			/* of one request; 0: 5 */
	unsigned wait_ms;		/* before the second, twice that before the third; 0: 500 */
	const atomic_bool *stop;	/* set: requests end soon; NULL: they do not */
};

/* options may be NULL.  ca_file is copied; stop outlives the client. */
int  http_client_new(const struct http_client_options *options, struct http_client **ret_client, struct err *err);
/* When no request is under way.  NULL is fine. */
void http_client_free(struct http_client *client);

/* Header lines of a request.  Room for a bearer token. */
struct http_headers {
	struct buf lines;		/* "Name: value", each with a NUL */
};
void http_header_add(struct http_headers *headers, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

struct http_request {
	const char *method;		/* "GET", "PUT" ... */
	const char *url;
	const char *type;		/* of the body; NULL: none is said */
	/* The body: len bytes of memory, or of a file from an offset on, which is read as it is sent.  Neither: none. */
	const void *data;
	int fd;				/* when data is NULL and len is not 0 */
	uint64_t offset, len;
	/* Adds headers, before each try: what is signed with the time grows old.  NULL: none. */
	int (*prepare)(void *ctx, struct http_headers *headers, struct err *err);
	void *ctx;
	/* "aws:amz:region:service" and "id:secret": signed for AWS (SigV4).  NULL: not. */
	const char *sigv4, *sigv4_user;
	size_t reply_max;		/* bytes of the reply's body; 0: 64 KiB */
	/* Takes the reply's body in pieces, when the status is 2xx, instead of reply.body; below 0 ends it
	 * with that error.  There is no other try once it was called. */
	int (*write)(void *ctx, const void *data, size_t len);
	unsigned tries;			/* 0: the client's */
};

struct http_reply {
	int status;
	struct buf body;
	struct buf head;		/* private */
};

/* 0: there is a reply, whatever its status.  *ret_reply is the caller's then. */
int  http_send(struct http_client *client, const struct http_request *request, struct http_reply *ret_reply, struct err *err);
void http_reply_fini(struct http_reply *reply);		/* a zeroed one is fine */
/* A header of the reply, in text; false: it has none. */
bool http_reply_header(const struct http_reply *reply, const char *name, char *text, size_t size);
/* How long Retry-After asks to wait, s; -1: it does not say. */
int64_t http_reply_retry_after(const struct http_reply *reply);
/* How long to wait, ms, before what was tried so often (1 or more) is tried again: first_ms, twice as long each time, up to
 * most_ms, of which a random half; or longer, as Retry-After asks (s, up to asked_most; -1: it does not). */
int64_t http_wait(int64_t first_ms, int64_t most_ms, unsigned tried, int64_t asked, int64_t asked_most);
/* What a status means: 0 for 2xx, -EACCES, -ENOENT, -EEXIST, -EAGAIN, else -EIO. */
int  http_status_error(int status);

#endif
