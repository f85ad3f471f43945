#include "web/wado.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/hash.h"
#include "web/etag.h"
#include "web/range.h"
#include "web/reply.h"
#include "web/server.h"

int
wado_open_next(struct request *rq, struct store_scan *scan, struct store_file **ret_file, struct err *err)
{
	struct instance_info info;
	int r = store_scan_next(scan, &info, err);

	if (r == 0)
		return err_set(err, -ENOENT, "It has just been deleted");
	return r < 0 ? r : store_open_file(rq->web->store, info.id, ret_file, err);
}

int
wado_open_instance(struct request *rq, struct store_file **ret_file, struct err *err)
{
	struct store_scope scope = request_scope(rq);
	struct store_scan *scan = NULL;
	struct scope_totals totals;
	int r = store_scan_open(rq->web->store, &scope, &scan, &totals, err);

	if (r == 0)
		r = wado_open_next(rq, scan, ret_file, err);
	store_scan_close(scan);
	return r;
}

int
wado_send_file(struct request *rq, const struct store_file *f, uint64_t offset, uint64_t size,
	       const char *type, struct err *err)
{
	const char *if_range = request_header(rq, "If-Range");
	uint64_t first = 0, len = size;
	char tag[2 * HASH_LEN + 1];
	int r = -ENOENT, status = 200;

	hash_format(store_file_info(f)->hash, tag);
	if (etag_in_list(request_header(rq, "If-None-Match"), tag)) {
		reply_header(rq, "ETag", "\"%s\"", tag);
		reply_empty(rq, 304);
		return 0;
	}
	if (rq->method == METHOD_GET && (if_range == NULL || etag_in_list(if_range, tag)))
		r = range_parse(request_header(rq, "Range"), size, &first, &len);
	if (r == -ERANGE) {
		reply_header(rq, "Content-Range", "bytes */%" PRIu64, size);
		return err_set(err, r, "There are %" PRIu64 " bytes", size);
	}
	if (r == 0) {
		status = 206;
		reply_header(rq, "Content-Range", "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
			     first, first + len - 1, size);
	}
	reply_header(rq, "ETag", "\"%s\"", tag);
	reply_header(rq, "Accept-Ranges", "bytes");
	if (reply_begin(rq, status, type, (int64_t)len) != 0)
		return 0;
	r = reply_file(rq, f, offset + first, len);
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
