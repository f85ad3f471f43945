/* Azure Blob: block blobs in a container, with a shared key, a SAS, a token, or nothing. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/base64.h"
#include "base/sha256.h"
#include "destination/private.h"
#include "destination/token.h"

#define API_VERSION "2021-12-02"
#define KEY_MAX 256
#define BLOCK_ID_LEN 6			/* digits: all of one blob have one length */

struct azure {
	struct azure_name name;
	unsigned char key[KEY_MAX];
	size_t key_len;			/* 0: no shared key */
};

static int
azure_open(struct destination *d, struct err *err)
{
	struct azure *a = calloc(1, sizeof *a);
	ssize_t n = 0;
	int r;

	if (a == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	r = azure_name_of(d->spec->uri, &a->name, err);
	if (r == 0 && d->spec->key != NULL) {
		n = base64_decode(d->spec->key, a->key, sizeof a->key);
		if (n <= 0)
			r = err_set(err, -EINVAL, "the key of the account %s is no base64", a->name.account);
	}
	if (r == 0 && d->spec->managed_identity && d->context.tokens == NULL)
		r = err_set(err, -EINVAL, "this machine has no managed identity");
	if (r < 0) {
		explicit_bzero(a, sizeof *a);
		free(a);
		return r;
	}
	a->key_len = (size_t)n;
	d->state = a;
	return 0;
}

static void
azure_close(struct destination *d)
{
	explicit_bzero(d->state, sizeof(struct azure));
	free(d->state);
}

/* -- one request ---------------------------------------------------------- */

struct call {
	struct destination *d;
	const char *object;
	const char *query;		/* "", or sorted and without what the SAS brings */
	const char *type;		/* of the body */
	const char *blob_type;		/* NULL: not of the whole blob */
	const void *data;
	int fd;
	uint64_t offset, len;
	unsigned tries;
};

static void
http_date(char text[40])
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	/* Names of days and months in English, whatever the locale. */
	snprintf(text, 40, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", &"SunMonTueWedThuFriSat"[tm.tm_wday * 3], tm.tm_mday,
		 &"JanFebMarAprMayJunJulAugSepOctNovDec"[tm.tm_mon * 3], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static int
sign(const struct call *c, const char *date, char text[BASE64_TEXT_MAX(HMAC_SHA256_LEN)])
{
	const struct azure *a = c->d->state;
	const char *path = a->name.base + strlen(a->name.origin);
	unsigned char code[HMAC_SHA256_LEN];
	struct buf all, headers, resource;
	int r;

	buf_init(&all, 8192);
	buf_init(&headers, 1024);
	buf_init(&resource, 2048);
	if (c->blob_type != NULL)
		buf_printf(&headers, "x-ms-blob-type:%s\n", c->blob_type);
	buf_printf(&headers, "x-ms-date:%s\nx-ms-version:" API_VERSION "\n", date);
	buf_printf(&resource, "%s/%s", path, c->object);
	azure_string_to_sign("PUT", c->len, c->type, headers.data, c->d->spec->account, resource.data, c->query, &all);
	r = buf_error(&all);
	if (r == 0)
		r = hmac_sha256(a->key, a->key_len, all.data, all.len, code);
	if (r == 0)
		base64_encode(code, sizeof code, text);
	buf_fini(&all);
	buf_fini(&headers);
	buf_fini(&resource);
	return r;
}

static int
prepare(void *ctx, struct http_headers *headers, struct err *err)
{
	const struct call *c = ctx;
	const struct azure *a = c->d->state;
	char date[40], code[BASE64_TEXT_MAX(HMAC_SHA256_LEN)];
	struct buf token;
	int r = 0;

	http_date(date);
	http_header_add(headers, "x-ms-date", "%s", date);
	http_header_add(headers, "x-ms-version", "%s", API_VERSION);
	if (c->blob_type != NULL)
		http_header_add(headers, "x-ms-blob-type", "%s", c->blob_type);
	if (c->d->spec->managed_identity) {
		buf_init(&token, 32768);
		r = tokens_get(c->d->context.tokens, c->tries, &token, err);
		if (r == 0)
			http_header_add(headers, "Authorization", "Bearer %s", token.data);
		if (token.data != NULL)
			explicit_bzero(token.data, token.len);
		buf_fini(&token);
	} else if (a->key_len > 0) {
		r = sign(c, date, code);
		if (r < 0)
			return err_set(err, r, "cannot sign a request: %s", strerror(-r));
		http_header_add(headers, "Authorization", "SharedKey %s:%s", c->d->spec->account, code);
	}
	return r;
}

/* What the service said, or could not be asked: with container and account. */
static int
tell(const struct call *c, const struct http_reply *reply, struct err *err)
{
	const struct azure *a = c->d->state;
	char code[100];
	int r = http_status_error(reply->status);

	if (!http_reply_header(reply, "x-ms-error-code", code, sizeof code))
		snprintf(code, sizeof code, "no reason given");
	if (strcmp(code, "ContainerNotFound") == 0)
		return err_set(err, -ENOENT, "there is no container %s in the account %s (%s)", a->name.container,
			       a->name.account, a->name.origin);
	return err_set(err, r, "the container %s of the account %s (%s) refuses: %.100s, status %d", a->name.container,
		       a->name.account, a->name.origin, code, reply->status);
}

static int
call(struct call *c, struct err *err)
{
	const struct azure *a = c->d->state;
	struct http_request rq = {
		.method = "PUT", .type = c->type, .data = c->data, .fd = c->fd, .offset = c->offset, .len = c->len,
		.prepare = prepare, .ctx = c, .tries = c->tries,
	};
	struct http_reply reply;
	struct buf url;
	bool renewed = false;
	int r;

	buf_init(&url, 8192);
	buf_printf(&url, "%s/%s", a->name.base, c->object);
	if (c->query[0] != '\0')
		buf_printf(&url, "?%s", c->query);
	if (c->d->spec->sas != NULL)
		buf_printf(&url, "%c%s", c->query[0] != '\0' ? '&' : '?', c->d->spec->sas);
	rq.url = url.data;
	r = buf_error(&url);
	if (r < 0)
		err_set(err, r, "the URI of the container is too long");
again:
	if (r == 0)
		r = http_send(c->d->context.http, &rq, &reply, err);
	if (r < 0 && r != -ESTALE && r != -ECANCELED)
		err_prefix(err, "container %s of the account %s", a->name.container, a->name.account);
	if (r == 0) {
		int status = reply.status;

		r = http_status_error(status) < 0 ? tell(c, &reply, err) : 0;
		http_reply_fini(&reply);
		if (status == 401 && c->d->spec->managed_identity && !renewed) {
			/* Revoked before its time. */
			tokens_drop(c->d->context.tokens);
			renewed = true;
			r = 0;
			goto again;
		}
	}
	if (url.data != NULL)
		explicit_bzero(url.data, url.len);
	buf_fini(&url);
	return r;
}

/* -- verbs ---------------------------------------------------------------- */

static int
azure_probe(struct destination *d, const char *object, struct err *err)
{
	struct call c = { .d = d, .object = object, .query = "", .type = "application/octet-stream", .blob_type = "BlockBlob",
			  .tries = PROBE_TRIES };

	return call(&c, err);
}

static void
put_block_id(size_t i, char text[BASE64_TEXT_MAX(BLOCK_ID_LEN)])
{
	char digits[BLOCK_ID_LEN + 1];

	snprintf(digits, sizeof digits, "%06u", (unsigned)(i % 1000000));
	base64_encode(digits, BLOCK_ID_LEN, text);
}

static int
put_block(struct parts *p, size_t i, uint64_t offset, uint64_t len, struct err *err)
{
	char id[BASE64_TEXT_MAX(BLOCK_ID_LEN)], query[64];
	struct call c = { .d = p->d, .object = p->object, .query = query, .type = "application/octet-stream",
			  .fd = p->fd, .offset = offset, .len = len };

	/* Six digits become eight characters without + / and =, which would need escapes. */
	put_block_id(i, id);
	snprintf(query, sizeof query, "blockid=%s&comp=block", id);
	return call(&c, err);
}

static int
put_blocks(struct destination *d, const char *object, int fd, uint64_t len, struct err *err)
{
	struct parts parts = { .d = d, .object = object, .fd = fd, .len = len, .put = put_block };
	struct call c = { .d = d, .object = object, .query = "comp=blocklist", .type = "application/xml" };
	char id[BASE64_TEXT_MAX(BLOCK_ID_LEN)];
	struct buf list;
	size_t i;
	int r;

	parts_cut(&parts);
	r = parts_put(&parts, err);
	if (r < 0)
		return r;
	buf_init(&list, PARTS_MAX * 64);
	buf_puts(&list, "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
	for (i = 0; i < parts.n; i++) {
		put_block_id(i, id);
		buf_printf(&list, "<Latest>%s</Latest>", id);
	}
	buf_puts(&list, "</BlockList>");
	r = buf_error(&list);
	c.data = list.data;
	c.len = list.len;
	r = r < 0 ? err_set(err, r, "out of memory") : call(&c, err);
	buf_fini(&list);
	return r;
}

static int
azure_put(struct destination *d, const char *object, const char *type, int fd, uint64_t len, struct err *err)
{
	struct call c = { .d = d, .object = object, .query = "", .type = type, .blob_type = "BlockBlob", .fd = fd, .len = len };

	return len > WHOLE_MAX ? put_blocks(d, object, fd, len, err) : call(&c, err);
}

const struct destination_ops destination_azure = {
	.open = azure_open,
	.close = azure_close,
	.probe = azure_probe,
	.put = azure_put,
};
