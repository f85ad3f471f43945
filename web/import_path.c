#include "web/import_path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "web/reply.h"

/* What we say when a client does not say which one it speaks. */
#define BLOB_VERSION "2021-12-02"

int
import_path(const struct request *rq, char path[STORE_IMPORT_PATH_MAX + 1], struct err *err)
{
	size_t len = 0, n;
	unsigned i;

	for (i = rq->match.vars.rest; i < rq->path.count; i++) {
		n = strlen(rq->path.segment[i]);
		if (len + n + 1 > STORE_IMPORT_PATH_MAX)
			return err_set(err, -EINVAL, "A name has %d bytes at most", STORE_IMPORT_PATH_MAX);
		if (len > 0)
			path[len++] = '/';
		memcpy(path + len, rq->path.segment[i], n);
		len += n;
	}
	path[len] = '\0';
	if (!store_import_path_is_valid(path))
		return err_set(err, -EINVAL, "A name has components of 1 to %d bytes, and none of them is . or ..",
			       STORE_IMPORT_NAME_MAX);
	return 0;
}

static bool
is_plain(const char *text)
{
	size_t len = strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-");

	return len > 0 && len <= 128 && text[len] == '\0';
}

void
import_put_headers(struct request *rq)
{
	const char *version = request_header(rq, "x-ms-version"), *id = request_header(rq, "x-ms-client-request-id");

	reply_header(rq, "x-ms-request-id", "%s", rq->id);
	reply_header(rq, "x-ms-version", "%s", version != NULL && is_plain(version) ? version : BLOB_VERSION);
	if (id != NULL && is_plain(id))
		reply_header(rq, "x-ms-client-request-id", "%s", id);
}

/* Messages are ours and hold nothing that XML would mind, but for what err quotes. */
static void
put_xml_text(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++)
		if (*text == '<' || *text == '>' || *text == '&' || (unsigned char)*text < ' ')
			buf_putc(out, '?');
		else
			buf_putc(out, *text);
}

void
import_reply_error(struct request *rq, int status, const char *code, const char *message)
{
	struct buf out;

	import_put_headers(rq);
	reply_header(rq, "x-ms-error-code", "%s", code);
	buf_init(&out, LIMIT_REPLY_HEAD);
	buf_printf(&out, "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>%s</Code><Message>", code);
	put_xml_text(&out, message);
	buf_puts(&out, "</Message></Error>");
	if (reply_buf(rq, status, "application/xml", &out) < 0)
		reply_empty(rq, status);
	buf_fini(&out);
}
