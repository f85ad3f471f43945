/* Layout of the buffer of a reply:
 *
 *	| head room (head, or a chunk's size) | body ... | line end of the chunk |
 *
 * The head is written right before the body, so that both leave in one write. */
#include "web/reply_head.h"

#include <civetweb.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "web/server.h"
#include "web/socket.h"
#include "web/status.h"

#define TEXT "text/plain; charset=utf-8"

/* ------------------------------------------------------------- lines ---- */

void
reply_header(struct request *rq, const char *name, const char *fmt, ...)
{
	va_list ap;

	buf_printf(&rq->reply.extra, "%s: ", name);
	va_start(ap, fmt);
	buf_vprintf(&rq->reply.extra, fmt, ap);
	va_end(ap);
	buf_puts(&rq->reply.extra, "\r\n");
}

void
reply_warning(struct request *rq, const char *text)
{
	/* base is "http://", the host, and maybe a path */
	const char *host = strstr(rq->base, "//") + 2;

	reply_header(rq, "Warning", "299 %.*s: \"%s\"", (int)strcspn(host, "/"), host, text);
}

/* -------------------------------------------------------------- body ---- */

static int
send_all(struct request *rq, const char *data, size_t len)
{
	struct reply *rp = &rq->reply;
	int n;

	if (rp->broken)
		return -EPIPE;
	/* Less than a socket takes at once needs no watching. */
	if (len > 65536)
		request_watch(rq, len);
	n = mg_write(rq->conn, data, len);
	if (len > 65536)
		request_unwatch(rq);
	if (n > 0)
		rp->sent += (uint64_t)n;
	if (n < 0 || (size_t)n != len) {
		rp->broken = true;
		return -EPIPE;
	}
	return 0;
}

/* Memory that was never written to costs nothing, so a crowd of slow readers is kept small
 * by what is put into their buffers. */
static size_t
chunk_room(struct request *rq)
{
	struct reply *rp = &rq->reply;

	if (rp->room == 0)
		rp->room = atomic_load(&rq->web->active) > LIMIT_CROWD ? LIMIT_CHUNK_IN_CROWD : LIMIT_CHUNK;
	return rp->room;
}

static int
need_chunk(struct request *rq, char **chunk)
{
	if (*chunk == NULL)
		*chunk = chunk_get(rq->web->chunks);
	if (*chunk != NULL)
		return 0;
	rq->reply.broken = true;
	return -ENOMEM;
}

/* Send len bytes of body that lie in a buffer of the layout above; last: and the end of the body.
 * The caller sends more bytes of the same chunk by other means: what ends that chunk goes out with
 * the next one, because each small packet costs as much as a large one. */
static int
send_chunk(struct request *rq, char *chunk, size_t len, uint64_t more, bool last)
{
	struct reply *rp = &rq->reply;
	char head[REPLY_HEAD_ROOM], size[32];
	char *body = chunk + REPLY_HEAD_ROOM, *from;
	size_t head_len = 0, size_len = 0;

	if (!rp->head_sent) {
		if (rp->length == REPLY_AUTO && last)
			rp->length = (int64_t)len;
		else if (rp->length < 0)
			rp->chunked = !request_is_old(rq);
		if (rp->length < 0 && !rp->chunked)
			mg_disable_connection_keep_alive(rq->conn);
		head_len = reply_write_head(rq, head);
		rp->head_sent = true;
	}
	if (rp->chunked) {
		const char *owed = rp->owes_line_end ? "\r\n" : "";

		if (len + more > 0)
			size_len = (size_t)snprintf(size, sizeof size, "%s%" PRIx64 "\r\n", owed, len + more);
		else
			size_len = (size_t)snprintf(size, sizeof size, "%s", owed);
		rp->owes_line_end = more > 0;
		if (len > 0 && more == 0) {
			memcpy(body + len, "\r\n", 2);
			len += 2;
		}
		if (last) {
			memcpy(body + len, "0\r\n\r\n", 5);
			len += 5;
		}
	}
	from = body - size_len - head_len;
	memcpy(from, head, head_len);
	memcpy(from + head_len, size, size_len);
	return send_all(rq, from, head_len + size_len + len);
}

static bool
is_text(const char *type)
{
	static const char *const types[] = { "application/dicom+json", "application/json", "application/yaml", "text/" };
	size_t i;

	for (i = 0; type != NULL && i < sizeof types / sizeof *types; i++)
		if (strncmp(type, types[i], strlen(types[i])) == 0)
			return true;
	return false;
}

enum coding
reply_coding(const struct request *rq)
{
	return request_is_old(rq) ? CODING_IDENTITY : accept_coding(request_header(rq, "Accept-Encoding"));
}

void
reply_put_coding(struct request *rq, enum coding coding)
{
	if (coding != CODING_IDENTITY)
		reply_header(rq, "Content-Encoding", "%s", coding_name(coding));
}

void
reply_copy_coded(struct request *rq, struct buf *copy)
{
	rq->reply.copy = copy;
}

static void
put_vary(struct request *rq)
{
	buf_puts(&rq->reply.extra, "Vary: Accept-Encoding\r\n");
}

/* When the first piece goes out: shall the body be compressed? */
static int
choose_coding(struct request *rq, bool last)
{
	struct reply *rp = &rq->reply;
	enum coding coding = reply_coding(rq);
	int r;

	if (rp->length == REPLY_CODED) {
		rp->length = REPLY_AUTO;	/* the head has its lines since the beginning */
	} else if (rp->length == REPLY_AUTO && is_text(rp->type)) {
		if (last && rp->fill < LIMIT_COMPRESS_MIN)
			coding = CODING_IDENTITY;
		put_vary(rq);
		reply_put_coding(rq, coding);
	} else {
		return 0;
	}
	r = coding == CODING_IDENTITY ? 0 : encoder_new(coding, &rp->encoder);
	if (r < 0)
		rp->broken = true;
	return r;
}

static int
send_encoded(struct request *rq, bool last)
{
	struct reply *rp = &rq->reply;
	const void *data = rp->chunk + REPLY_HEAD_ROOM;
	size_t len = rp->fill, made;
	int r, more = need_chunk(rq, &rp->encoded);

	if (more < 0)
		return more;
	do {
		more = encoder_write(rp->encoder, &data, &len, last, rp->encoded + REPLY_HEAD_ROOM + rp->encoded_fill,
				     chunk_room(rq) - rp->encoded_fill, &made);
		if (more < 0) {
			rp->broken = true;
			return more;
		}
		if (rp->copy != NULL)
			buf_put(rp->copy, rp->encoded + REPLY_HEAD_ROOM + rp->encoded_fill, made);
		rp->encoded_fill += made;
		if (!(last && more == 0) && rp->encoded_fill < (more ? chunk_room(rq) : LIMIT_COMPRESS_PIECE))
			continue;
		r = send_chunk(rq, rp->encoded, rp->encoded_fill, 0, last && more == 0);
		if (r < 0)
			return r;
		rp->encoded_fill = 0;
	} while (more > 0);
	return 0;
}

/* Send what is in the buffer; more, last: as above. */
static int
flush_chunk(struct request *rq, uint64_t more, bool last)
{
	struct reply *rp = &rq->reply;
	int r = need_chunk(rq, &rp->chunk);

	if (r == 0 && !rp->head_sent && rp->encoder == NULL)
		r = choose_coding(rq, last);
	if (r == 0)
		r = rp->encoder != NULL ? send_encoded(rq, last) : send_chunk(rq, rp->chunk, rp->fill, more, last);
	rp->fill = 0;
	return r;
}

static int
send_head(struct request *rq)
{
	char head[REPLY_HEAD_ROOM];

	rq->reply.head_sent = rq->reply.ended = true;
	return send_all(rq, head, reply_write_head(rq, head));
}

int
reply_detach(struct request *rq, int status, const char *type)
{
	int fd;

	rq->gives_way = true;		/* the end of the body is that of the connection */
	if (reply_begin(rq, status, type, REPLY_AUTO) != 0)
		return -1;
	if (send_head(rq) < 0)
		return -1;
	fd = request_take_socket(rq);
	return fd < 0 ? -1 : fd;
}

bool
reply_begun(const struct request *rq)
{
	return rq->reply.status != 0;
}

int
reply_begin(struct request *rq, int status, const char *type, int64_t length)
{
	struct reply *rp = &rq->reply;

	rp->status = status;
	rp->type = type;
	rp->length = length;
	if (length == REPLY_CODED)
		reply_put_coding(rq, reply_coding(rq));
	if (rq->method != METHOD_HEAD && reply_has_body(status))
		return 0;
	if (length == REPLY_AUTO && is_text(type))
		put_vary(rq);
	/* Only the head: with its length if known, without any if not. */
	send_head(rq);
	return 1;
}

/* Room to write into directly; grow then counts what was. */
static int
get_room(struct request *rq, char **ret_room, size_t *ret_len)
{
	struct reply *rp = &rq->reply;
	int r = need_chunk(rq, &rp->chunk);

	if (r < 0)
		return r;
	if (rp->fill == chunk_room(rq)) {
		r = flush_chunk(rq, 0, false);
		if (r < 0)
			return r;
	}
	*ret_room = rp->chunk + REPLY_HEAD_ROOM + rp->fill;
	*ret_len = chunk_room(rq) - rp->fill;
	return rp->broken ? -EPIPE : 0;
}

static void
grow(struct request *rq, size_t len)
{
	rq->reply.fill += len;
	rq->reply.body += len;
}

int
reply_write(struct request *rq, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		char *room;
		size_t n;
		int r = get_room(rq, &room, &n);

		if (r < 0)
			return r;
		if (n > len)
			n = len;
		memcpy(room, p, n);
		grow(rq, n);
		p += n;
		len -= n;
	}
	return 0;
}

/* A piece of body that civetweb never sees.  -ENOTSUP: it must be copied. */
static int
send_file(struct request *rq, const struct store_file *f, uint64_t off, uint64_t len)
{
	struct reply *rp = &rq->reply;
	int fd = request_socket(rq), r = 0;
	uint64_t n;

	if (fd < 0 || is_text(rp->type))
		return -ENOTSUP;
	if (rp->fill > 0 || !rp->head_sent || rp->chunked)
		r = flush_chunk(rq, len, false);
	for (; r == 0 && len > 0; off += n, len -= n) {
		n = len < LIMIT_SEND_FILE_PIECE ? len : LIMIT_SEND_FILE_PIECE;
		request_watch(rq, (size_t)n);
		r = socket_send_file(fd, store_file_fd(f), off, n, LIMIT_IDLE_MS);
		request_unwatch(rq);
		rp->sent += n;
		rp->body += n;
	}
	if (r < 0)
		rp->broken = true;
	return r < 0 && r != -ESTALE ? -EPIPE : r;
}

int
reply_file(struct request *rq, const struct store_file *f, uint64_t off, uint64_t len)
{
	int r = len >= LIMIT_SEND_FILE ? send_file(rq, f, off, len) : -ENOTSUP;

	if (r != -ENOTSUP)
		return r;
	while (len > 0) {
		char *room;
		ssize_t got;
		size_t n;

		r = get_room(rq, &room, &n);
		if (r < 0)
			return r;
		got = store_file_pread(f, room, n < len ? n : (size_t)len, off);
		if (got <= 0)
			return got < 0 ? (int)got : -ESTALE;
		grow(rq, (size_t)got);
		off += (uint64_t)got;
		len -= (uint64_t)got;
	}
	return 0;
}

int
reply_end(struct request *rq)
{
	struct reply *rp = &rq->reply;

	if (rp->ended)
		return rp->broken ? -EPIPE : 0;
	/* A promise of more bytes than came can only be broken by closing. */
	if (rp->length >= 0 && rp->body != (uint64_t)rp->length) {
		reply_abort(rq);
		return -EPIPE;
	}
	rp->ended = true;
	return flush_chunk(rq, 0, true);
}

void
reply_abort(struct request *rq)
{
	rq->reply.ended = true;
	rq->reply.broken = true;
}

/* ------------------------------------------------------------- whole ---- */

void
reply_empty(struct request *rq, int status)
{
	if (reply_begin(rq, status, reply_has_body(status) ? TEXT : NULL, 0) == 0)
		reply_end(rq);
}

void
reply_body(struct request *rq, int status, const char *type, const void *data, size_t len)
{
	/* Without a length it is compressed when that pays. */
	if (reply_begin(rq, status, type, rq->method != METHOD_HEAD && len >= LIMIT_COMPRESS_MIN && is_text(type) ?
			REPLY_AUTO : (int64_t)len) != 0)
		return;
	if (reply_write(rq, data, len) == 0)
		reply_end(rq);
}

int
reply_buf(struct request *rq, int status, const char *type, const struct buf *body)
{
	int r = buf_error(body);

	if (r == 0)
		reply_body(rq, status, type, body->data, body->len);
	return r;
}

void
reply_text(struct request *rq, int status, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof text - 1, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof text - 2)
		n = (int)sizeof text - 2;
	text[n++] = '\n';
	reply_body(rq, status, TEXT, text, (size_t)n);
}

void
reply_error(struct request *rq, const struct err *err, int num)
{
	int status = status_of(num);

	if (status >= 500 && !rq->reply.broken)
		log_error("request door=web id=%s failed: %s", rq->id,
			  err->text[0] != '\0' ? err->text : strerror(-num));
	if (rq->reply.head_sent || rq->reply.broken) {
		reply_abort(rq);
		return;
	}
	if (reply_begun(rq)) {
		/* What was begun lies in the buffer still. */
		rq->reply.fill = rq->reply.encoded_fill = 0;
		rq->reply.body = 0;
		encoder_free(rq->reply.encoder);
		rq->reply.encoder = NULL;
		buf_reset(&rq->reply.extra);
	}
	if (status == 500)
		reply_text(rq, status, "The service failed to answer; its log tells more under request %s", rq->id);
	else if (err->text[0] == '\0')
		reply_text(rq, status, "%s", status_phrase(status));
	else
		reply_text(rq, status, "%s", err->text);
}
