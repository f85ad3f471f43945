/* The status line and headers that every reply has. */
#include "web/reply_head.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "web/cors.h"
#include "web/server.h"
#include "web/status.h"

/* RFC 9110 5.6.7; made once a second and thread. */
static const char *
date_now(void)
{
	static _Thread_local time_t made;
	static _Thread_local char text[40];
	time_t now = time(NULL);
	struct tm tm;

	if (now != made) {
		gmtime_r(&now, &tm);
		strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &tm);
		made = now;
	}
	return text;
}

/* What civetweb will do, told to the client. */
static const char *
connection_line(const struct request *rq)
{
	const char *asked = request_header(rq, "Connection");

	if (rq->web->stopping || rq->gives_way || request_must_close(rq) ||
	    (asked != NULL && strcasecmp(asked, "keep-alive") != 0))
		return "Connection: close\r\n";
	/* There the end of a body of unknown length is that of the connection. */
	if (request_is_old(rq))
		return asked == NULL || rq->reply.length < 0 ? "Connection: close\r\n" : "Connection: keep-alive\r\n";
	return "";
}

/* Written by hand: every reply has a head, and printf would be a tenth of the time of
 * a small one. */
struct head {
	char *at, *end;
};

static void
put(struct head *h, const char *s, size_t len)
{
	if (len > (size_t)(h->end - h->at))
		len = (size_t)(h->end - h->at);
	memcpy(h->at, s, len);
	h->at += len;
}

static void
put_line(struct head *h, const char *name, const char *value)
{
	put(h, name, strlen(name));
	put(h, value, strlen(value));
	put(h, "\r\n", 2);
}

static void
put_number(struct head *h, uint64_t n)
{
	char digits[24], *p = digits + sizeof digits;

	do
		*--p = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	put(h, p, (size_t)(digits + sizeof digits - p));
}

/* That suffices: only the type is not of our own making and length, and the further lines have
 * their ceiling. */
size_t
reply_write_head(const struct request *rq, char head[REPLY_HEAD_ROOM])
{
	const struct reply *rp = &rq->reply;
	struct head h = { head, head + REPLY_HEAD_ROOM };
	const char *connection = connection_line(rq);

	put(&h, "HTTP/1.1 ", 9);
	put_number(&h, (uint64_t)rp->status);
	put_line(&h, " ", status_phrase(rp->status));
	put_line(&h, "Date: ", date_now());
	if (rp->type != NULL)
		put_line(&h, "Content-Type: ", rp->type);
	if (rp->chunked) {
		put_line(&h, "Transfer-Encoding: ", "chunked");
	} else if (reply_has_body(rp->status) && rp->length >= 0) {
		put(&h, "Content-Length: ", 16);
		put_number(&h, (uint64_t)rp->length);
		put(&h, "\r\n", 2);
	}
	put(&h, connection, strlen(connection));
	put_line(&h, "X-Request-ID: ", rq->id);
	put_line(&h, "X-Content-Type-Options: ", "nosniff");
	if (rq->dialect != NULL && rq->dialect->versions != NULL)
		put_line(&h, "api-supported-versions: ", rq->dialect->versions);
	if (rq->cors != NULL) {
		put_line(&h, "Access-Control-Allow-Origin: ", rq->cors);
		put_line(&h, "Access-Control-Expose-Headers: ", CORS_EXPOSED);
	}
	if (rq->web->cors_origins != NULL && strcmp(rq->web->cors_origins, "*") != 0)
		put_line(&h, "Vary: ", "Origin");
	if (rp->extra.len > 0)
		put(&h, rp->extra.data, rp->extra.len);
	put(&h, "\r\n", 2);
	return (size_t)(h.at - head);
}

bool
reply_has_body(int status)
{
	return status >= 200 && status != 204 && status != 304;
}
