/* A bulk value that metadata named by BulkDataURI: bytes of the instance's file at
 * ?offset=&length=, which the URI carries. */
#include <errno.h>

#include "web/handlers.h"
#include "web/range.h"
#include "web/request.h"
#include "web/wado.h"

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

int
wado_bulkdata_handle(struct request *rq, struct err *err)
{
	struct store_file *f = NULL;
	uint64_t offset, len, size;
	int r;

	r = request_check_type(rq, "application/octet-stream", "Bulk data is given", err);
	if (r < 0)
		return r;
	r = parse_span(rq, &offset, &len, err);
	if (r == 0)
		r = wado_open_instance(rq, &f, err);
	if (r < 0)
		return r;
	size = store_file_info(f)->size;
	if (offset > size || len > size - offset)
		r = err_set(err, -ENOENT, "The instance has no value at that offset and length");
	else
		r = wado_send_file(rq, f, offset, len, "application/octet-stream", err);
	store_file_close(f);
	return r;
}
