/* A bulk value that metadata named by BulkDataURI: bytes of the instance's file at
 * ?offset=&length=, which the URI carries. */
#include <errno.h>
#include <inttypes.h>

#include "web/handlers.h"
#include "web/range.h"
#include "web/reply.h"
#include "web/request.h"
#include "web/server.h"

static int
parse_span(const struct request *rq, uint64_t *ret_offset, uint64_t *ret_len, struct err *err)
{
	struct uri_query query;
	const char *offset, *len;
	int r = uri_parse_query(rq->raw_query, &query, err);

	if (r < 0)
		return r;
	offset = uri_query_find(&query, "offset");
	len = uri_query_find(&query, "length");
	if (offset == NULL || len == NULL || range_parse_number(offset, ret_offset) < 0 ||
	    range_parse_number(len, ret_len) < 0)
		return err_set(err, -EINVAL, "offset and length are needed, as BulkDataURI gives them");
	return 0;
}

static int
open_instance(struct request *rq, struct store_file **ret_file, struct err *err)
{
	struct store_scope scope = request_scope(rq);
	struct store_scan *scan = NULL;
	struct scope_totals totals;
	struct instance_info info;
	int r = store_scan_open(rq->web->store, &scope, &scan, &totals, err);

	if (r < 0)
		return r;
	r = store_scan_next(scan, &info, err);
	if (r == 0)
		r = err_set(err, -ENOENT, "It has just been deleted");
	if (r > 0)
		r = store_open_file(rq->web->store, info.id, ret_file, err);
	store_scan_close(scan);
	return r;
}

static void
send_span(struct request *rq, const struct store_file *f, uint64_t offset, uint64_t len)
{
	uint64_t first = 0, n = len;
	int r = rq->method == METHOD_GET ? range_parse(request_header(rq, "Range"), len, &first, &n) : -ENOENT;

	if (r == -ERANGE) {
		reply_header(rq, "Content-Range", "bytes */%" PRIu64, len);
		reply_text(rq, 416, "The value has %" PRIu64 " bytes", len);
		return;
	}
	if (r == 0)
		reply_header(rq, "Content-Range", "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first, first + n - 1, len);
	reply_header(rq, "Accept-Ranges", "bytes");
	if (reply_begin(rq, r == 0 ? 206 : 200, "application/octet-stream", (int64_t)n) != 0)
		return;
	if (reply_file(rq, f, offset + first, n) < 0)
		reply_abort(rq);
	else
		reply_end(rq);
}

void
wado_bulkdata_handle(struct request *rq)
{
	struct store_file *f = NULL;
	struct err err = { 0 };
	struct accept accept;
	uint64_t offset, len, size;
	int r;

	if (request_accept(rq, &accept) && !accept_allows(&accept, "application/octet-stream")) {
		reply_text(rq, 406, "Bulk data is given as application/octet-stream only");
		return;
	}
	r = parse_span(rq, &offset, &len, &err);
	if (r == 0)
		r = open_instance(rq, &f, &err);
	if (r == 0) {
		size = store_file_info(f)->size;
		if (offset > size || len > size - offset)
			r = err_set(&err, -ENOENT, "The instance has no value at that offset and length");
	}
	if (r < 0)
		reply_error(rq, &err, r);
	else
		send_span(rq, f, offset, len);
	store_file_close(f);
}
