/* S3: objects below a prefix of a bucket, which is named in the path. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "destination/private.h"

struct s3 {
	char bucket[64], prefix[256];
	char base[1024];		/* "https://host/bucket" and "/prefix" */
	char sigv4[96];
	char *user;			/* "id:secret"; NULL: requests are not signed */
};

static int
s3_open(struct destination *d, struct err *err)
{
	const struct destination_spec *spec = d->spec;
	const char *region = spec->region != NULL ? spec->region : "us-east-1";
	char endpoint[512];
	struct s3 *s = calloc(1, sizeof *s);
	int r;

	if (s == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	r = s3_name_of(spec->uri, s->bucket, s->prefix, err);
	if (r == 0 && strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(region))
		r = err_set(err, -EINVAL, "'%.40s' is no region", region);
	if (spec->endpoint != NULL)
		snprintf(endpoint, sizeof endpoint, "%s", spec->endpoint);
	else
		snprintf(endpoint, sizeof endpoint, "https://s3.%s.amazonaws.com", region);
	while (endpoint[0] != '\0' && endpoint[strlen(endpoint) - 1] == '/')
		endpoint[strlen(endpoint) - 1] = '\0';
	snprintf(s->base, sizeof s->base, "%s/%s%s%s", endpoint, s->bucket, s->prefix[0] != '\0' ? "/" : "", s->prefix);
	snprintf(s->sigv4, sizeof s->sigv4, "aws:amz:%.40s:s3", region);
	if (r == 0 && spec->account != NULL && spec->key != NULL && asprintf(&s->user, "%s:%s", spec->account, spec->key) < 0) {
		s->user = NULL;
		r = err_set(err, -ENOMEM, "out of memory");
	}
	if (r < 0) {
		free(s);
		return r;
	}
	d->state = s;
	return 0;
}

static void
s3_close(struct destination *d)
{
	struct s3 *s = d->state;

	if (s->user != NULL)
		explicit_bzero(s->user, strlen(s->user));
	free(s->user);
	free(s);
}

/* -- one request ---------------------------------------------------------- */

struct call {
	struct destination *d;
	const char *method;
	const char *object;
	const char *query;		/* "", or sorted, every name with its '=', as it is signed */
	const char *type;
	const void *data;
	int fd;
	uint64_t offset, len;
	unsigned tries;
};

static int
prepare(void *ctx, struct http_headers *headers, struct err *err)
{
	const struct call *c = ctx;

	(void)err;
	/* A body that is read as it is sent is not hashed before; TLS keeps it whole. */
	http_header_add(headers, "x-amz-content-sha256", "UNSIGNED-PAYLOAD");
	if (c->d->spec->session != NULL)
		http_header_add(headers, "x-amz-security-token", "%s", c->d->spec->session);
	return 0;
}

static int
tell(const struct call *c, const struct http_reply *reply, struct err *err)
{
	const struct s3 *s = c->d->state;
	int r = http_status_error(reply->status);
	char code[100];

	if (reply->body.data == NULL || xml_text(reply->body.data, "Code", code, sizeof code) < 0)
		snprintf(code, sizeof code, "no reason given");
	if (strcmp(code, "NoSuchBucket") == 0)
		return err_set(err, -ENOENT, "there is no bucket %s", s->bucket);
	/* What a multipart upload ended with though it was answered by 200. */
	return err_set(err, r == 0 ? -EAGAIN : r, "the bucket %s refuses: %.100s, status %d", s->bucket, code, reply->status);
}

static int
call(struct call *c, struct http_reply *ret_reply, struct err *err)
{
	const struct s3 *s = c->d->state;
	struct http_request rq = {
		.method = c->method, .type = c->type, .data = c->data, .fd = c->fd, .offset = c->offset, .len = c->len,
		.prepare = prepare, .ctx = c, .tries = c->tries, .sigv4 = s->user != NULL ? s->sigv4 : NULL, .sigv4_user = s->user,
	};
	struct buf url;
	int r;

	buf_init(&url, 8192);
	buf_printf(&url, "%s/%s%s%s", s->base, c->object, c->query[0] != '\0' ? "?" : "", c->query);
	rq.url = url.data;
	r = buf_error(&url);
	if (r == 0)
		r = http_send(c->d->context.http, &rq, ret_reply, err);
	buf_fini(&url);
	if (r < 0) {
		if (r != -ESTALE && r != -ECANCELED)
			err_prefix(err, "bucket %s", s->bucket);
		return r;
	}
	if (http_status_error(ret_reply->status) < 0) {
		r = tell(c, ret_reply, err);
		http_reply_fini(ret_reply);
	}
	return r;
}

static int
call_plainly(struct call *c, struct err *err)
{
	struct http_reply reply;
	int r = call(c, &reply, err);

	if (r == 0)
		http_reply_fini(&reply);
	return r;
}

/* -- verbs ---------------------------------------------------------------- */

static int
s3_probe(struct destination *d, const char *object, struct err *err)
{
	struct call c = { .d = d, .method = "PUT", .object = object, .query = "", .type = "application/octet-stream",
			  .tries = PROBE_TRIES };

	return call_plainly(&c, err);
}

#define ETAG_MAX 80

struct multipart {
	char upload[1024];		/* escaped */
	char (*etags)[ETAG_MAX];
};

static int
put_one(struct parts *p, size_t i, uint64_t offset, uint64_t len, struct err *err)
{
	struct multipart *m = p->state;
	char query[1200];
	struct call c = { .d = p->d, .method = "PUT", .object = p->object, .query = query, .type = "application/octet-stream",
			  .fd = p->fd, .offset = offset, .len = len };
	struct http_reply reply;
	int r;

	snprintf(query, sizeof query, "partNumber=%zu&uploadId=%s", i + 1, m->upload);
	r = call(&c, &reply, err);
	if (r < 0)
		return r;
	if (!http_reply_header(&reply, "ETag", m->etags[i], ETAG_MAX) || strpbrk(m->etags[i], "<&") != NULL)
		r = err_set(err, -EAGAIN, "a part was answered without ETag");
	http_reply_fini(&reply);
	return r;
}

/* The reply to ?uploads names the upload; escaped as it is signed (RFC 3986). */
static int
begin_multipart(struct destination *d, const char *object, const char *type, struct multipart *m, struct err *err)
{
	struct call c = { .d = d, .method = "POST", .object = object, .query = "uploads=", .type = type };
	struct http_reply reply;
	char id[300];
	size_t i, n = 0;
	int r = call(&c, &reply, err);

	if (r < 0)
		return r;
	if (reply.body.data == NULL || xml_text(reply.body.data, "UploadId", id, sizeof id) < 0)
		r = err_set(err, -EAGAIN, "an upload in parts was not begun");
	http_reply_fini(&reply);
	for (i = 0; r == 0 && id[i] != '\0'; i++) {
		char ch = id[i];
		bool plain = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
			     strchr("-._~", ch) != NULL;

		n += (size_t)snprintf(m->upload + n, sizeof m->upload - n, plain ? "%c" : "%%%02X", (unsigned char)ch);
	}
	return r;
}

static int
end_multipart(struct parts *p, struct err *err)
{
	struct multipart *m = p->state;
	char query[1200];
	struct call c = { .d = p->d, .method = "POST", .object = p->object, .query = query, .type = "application/xml" };
	struct http_reply reply;
	struct buf list;
	size_t i;
	int r;

	snprintf(query, sizeof query, "uploadId=%s", m->upload);
	buf_init(&list, PARTS_MAX * (ETAG_MAX + 80));
	buf_puts(&list, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (i = 0; i < p->n; i++)
		buf_printf(&list, "<Part><PartNumber>%zu</PartNumber><ETag>%s</ETag></Part>", i + 1, m->etags[i]);
	buf_puts(&list, "</CompleteMultipartUpload>");
	c.data = list.data;
	c.len = list.len;
	r = buf_error(&list);
	r = r < 0 ? err_set(err, r, "out of memory") : call(&c, &reply, err);
	buf_fini(&list);
	if (r < 0)
		return r;
	if (reply.body.data == NULL || strstr(reply.body.data, "<CompleteMultipartUploadResult") == NULL)
		r = tell(&c, &reply, err);
	http_reply_fini(&reply);
	return r;
}

static void
abort_multipart(struct parts *p)
{
	struct multipart *m = p->state;
	char query[1200];
	struct call c = { .d = p->d, .method = "DELETE", .object = p->object, .query = query, .tries = 1 };

	snprintf(query, sizeof query, "uploadId=%s", m->upload);
	call_plainly(&c, NULL);
}

static int
put_in_parts(struct destination *d, const char *object, const char *type, int fd, uint64_t len, struct err *err)
{
	struct multipart *m = calloc(1, sizeof *m);
	struct parts parts = { .d = d, .object = object, .fd = fd, .len = len, .put = put_one, .state = m };
	int r;

	parts_cut(&parts);
	if (m == NULL || (m->etags = calloc(parts.n, sizeof *m->etags)) == NULL) {
		free(m);
		return err_set(err, -ENOMEM, "out of memory");
	}
	r = begin_multipart(d, object, type, m, err);
	if (r == 0) {
		r = parts_put(&parts, err);
		if (r == 0)
			r = end_multipart(&parts, err);
		if (r < 0)
			abort_multipart(&parts);
	}
	free(m->etags);
	free(m);
	return r;
}

static int
s3_put(struct destination *d, const char *object, const char *type, int fd, uint64_t len, struct err *err)
{
	struct call c = { .d = d, .method = "PUT", .object = object, .query = "", .type = type, .fd = fd, .len = len };

	return len > WHOLE_MAX ? put_in_parts(d, object, type, fd, len, err) : call_plainly(&c, err);
}

const struct destination_ops destination_s3 = {
	.open = s3_open,
	.close = s3_close,
	.probe = s3_probe,
	.put = s3_put,
};
