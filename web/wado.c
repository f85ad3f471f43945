#include "web/wado.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/hash.h"
#include "web/etag.h"
#include "web/range.h"
#include "web/reply.h"
#include "web/server.h"

/* Contract 3.7. */
bool
wado_wants_original(const struct request *rq)
{
	const char *value = request_header(rq, WADO_ORIGINAL);

	return value != NULL && strcasecmp(value, "true") == 0;
}

struct store_scope
wado_scope(const struct request *rq)
{
	struct store_scope scope = request_scope(rq);

	scope.original = wado_wants_original(rq);
	return scope;
}

int
wado_open_next(struct request *rq, struct store_scan *scan, struct store_file **ret_file, struct err *err)
{
	struct instance_info info;
	int r = store_scan_next(scan, &info, err);

	if (r == 0)
		return err_set(err, -ENOENT, "It has just been deleted");
	return r < 0 ? r : store_open_version(rq->service->store, &info, ret_file, err);
}

int
wado_open_instance(struct request *rq, struct store_file **ret_file, struct err *err)
{
	struct store_scope scope = rq->dialect->original_pixels ? wado_scope(rq) : request_scope(rq);
	struct store_scan *scan = NULL;
	struct scope_totals totals;
	int r = store_scan_open(rq->service->store, &scope, &scan, &totals, err);

	if (r == 0)
		r = wado_open_next(rq, scan, ret_file, err);
	store_scan_close(scan);
	return r;
}

/* -------------------------------------------------------- conditions ---- */

static void
put_etag(struct request *rq, const struct etag *tag, int status)
{
	if (!tag->bare || status != 304)
		reply_header(rq, "ETag", tag->bare ? "%s%s" : "%s\"%s\"", tag->weak ? "W/" : "", tag->text);
	reply_header(rq, "Vary", "%s", tag->vary);
}

void
wado_put_etag(struct request *rq, const struct etag *tag)
{
	put_etag(rq, tag, 200);
}

bool
wado_has_current(struct request *rq, const struct etag *tag)
{
	if (!etag_in_list(request_header(rq, "If-None-Match"), tag))
		return false;
	put_etag(rq, tag, 304);
	reply_empty(rq, 304);
	return true;
}

void
wado_make_etag(const struct instance_info *info, struct etag *ret_tag, const char *fmt, ...)
{
	unsigned char hash[HASH_LEN];
	struct buf asked;
	va_list ap;

	*ret_tag = (struct etag){ .vary = "Accept, " WADO_ORIGINAL };
	buf_init(&asked, LIMIT_ASKED);
	/* another version may encode otherwise */
	buf_puts(&asked, PACKAGE_VERSION " ");
	buf_put(&asked, info->hash, HASH_LEN);
	va_start(ap, fmt);
	buf_vprintf(&asked, fmt, ap);
	va_end(ap);
	hash_bytes(asked.data, asked.len, hash);
	hash_format(hash, ret_tag->text);
	buf_fini(&asked);
}

int
wado_begin(struct request *rq, const struct etag *tag, const char *type, uint64_t size,
	   struct wado_span *ret_span, struct err *err)
{
	const char *if_range = request_header(rq, "If-Range");
	struct wado_span span = { 0, size };
	int r = -ENOENT;

	if (rq->method == METHOD_GET && (if_range == NULL || etag_is_same(if_range, tag)))
		r = range_parse(request_header(rq, "Range"), size, &span.first, &span.len);
	if (r == -ERANGE) {
		reply_header(rq, "Content-Range", "bytes */%" PRIu64, size);
		return err_set(err, r, "There are %" PRIu64 " bytes", size);
	}
	if (r == 0)
		reply_header(rq, "Content-Range", "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
			     span.first, span.first + span.len - 1, size);
	wado_put_etag(rq, tag);
	reply_header(rq, "Accept-Ranges", "bytes");
	*ret_span = span;
	return reply_begin(rq, r == 0 ? 206 : 200, type, (int64_t)span.len);
}

int
wado_send_file(struct request *rq, const struct store_file *f, uint64_t offset, uint64_t size,
	       const char *type, struct err *err)
{
	struct etag tag = { .vary = "Accept, " WADO_ORIGINAL };
	struct wado_span span;
	int r;

	hash_format(store_file_info(f)->hash, tag.text);
	if (wado_has_current(rq, &tag))
		return 0;
	r = wado_begin(rq, &tag, type, size, &span, err);
	if (r != 0)
		return r > 0 ? 0 : r;
	r = reply_file(rq, f, offset + span.first, span.len);
	return r < 0 ? r : reply_end(rq);
}

int
wado_send_data(struct request *rq, const struct etag *tag, const char *type, const struct buf *data,
	       struct err *err)
{
	struct wado_span span;
	int r = wado_begin(rq, tag, type, data->len, &span, err);

	if (r != 0)
		return r > 0 ? 0 : r;
	r = reply_write(rq, data->data + span.first, (size_t)span.len);
	return r < 0 ? r : reply_end(rq);
}

/* ------------------------------------------------------------- parts ---- */

static void
make_boundary(char boundary[33])
{
	unsigned char noise[16];

	if (getrandom(noise, sizeof noise, 0) != sizeof noise)
		memset(noise, 0, sizeof noise);		/* never: the pool is ready since boot */
	hash_format(noise, boundary);
}

int
wado_parts_begin(struct request *rq, const char *media, struct wado_parts *ret_parts)
{
	char *type = ret_parts->type;
	size_t size = sizeof ret_parts->type;

	*ret_parts = (struct wado_parts){ .media = media, .first = true };
	make_boundary(ret_parts->boundary);
	if (rq->dialect->multipart_type)
		snprintf(type, size, "multipart/related; type=\"%s\"; boundary=%s", media, ret_parts->boundary);
	else
		snprintf(type, size, "multipart/related; boundary=%s", ret_parts->boundary);
	return reply_begin(rq, 200, type, REPLY_CHUNKED);
}

int
wado_parts_next(struct request *rq, struct wado_parts *parts, const char *xfer_uid)
{
	char head[256];
	int n = snprintf(head, sizeof head, "%s--%s\r\nContent-Type: %s; transfer-syntax=%s\r\n\r\n",
			 parts->first ? "" : "\r\n", parts->boundary, parts->media, xfer_uid);

	parts->first = false;
	return reply_write(rq, head, (size_t)n);
}

int
wado_parts_end(struct request *rq, struct wado_parts *parts)
{
	char tail[64];
	int n = snprintf(tail, sizeof tail, "\r\n--%s--\r\n", parts->boundary);
	int r = reply_write(rq, tail, (size_t)n);

	return r < 0 ? r : reply_end(rq);
}

/* ------------------------------------------------------------ pixels ---- */

int
wado_not_acceptable(int num)
{
	return num == -EBADMSG || num == -EFBIG ? -ENOTSUP : num;
}

int
wado_check_size(uint64_t size, uint64_t max, struct err *err)
{
	if (max == 0 || size <= max)
		return 0;
	return err_set(err, -ENOTSUP, "Instances of more than %" PRIu64 " bytes are neither transcoded nor rendered: "
		       "ask for transfer-syntax=*", max);
}
