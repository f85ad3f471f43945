/* Operations (contract 8). */
#include "web/operations.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "destination/destination.h"
#include "dicom/tag.h"
#include "store/export.h"
#include "store/operations.h"
#include "web/handlers.h"
#include "web/query_tags.h"
#include "web/reply.h"
#include "web/server.h"

/* "http://host/v2/operations/ID" */
static void
put_url(const struct request *rq, const char *id, struct buf *out)
{
	buf_printf(out, "%s/%s/operations/%s", rq->base, rq->dialect->prefix, id);
}

void
operation_put_reference(const struct request *rq, const char *id, struct buf *out)
{
	buf_printf(out, "{\"id\":\"%s\",\"href\":\"", id);
	put_url(rq, id, out);
	buf_puts(out, "\"}");
}

static void
put_location(struct request *rq, const char *id)
{
	struct buf url;

	buf_init(&url, LIMIT_REPLY_HEAD);
	put_url(rq, id, &url);
	if (buf_error(&url) == 0)
		reply_header(rq, "Location", "%s", url.data);
	buf_fini(&url);
}

int
operation_reply_begun(struct request *rq, int r, const char *id)
{
	struct buf out;

	if (r == -EBUSY && id[0] != '\0')
		put_location(rq, id);
	if (r < 0)
		return r;
	ops_wake(rq->service->ops);
	put_location(rq, id);
	buf_init(&out, LIMIT_REPLY_HEAD);
	operation_put_reference(rq, id, &out);
	reply_body(rq, 202, REPLY_JSON, out.data, out.len);
	buf_fini(&out);
	return 0;
}

struct answer {
	struct request *rq;
	struct buf out;
	bool finished;
};

static const char *
state_name(const struct request *rq, enum operation_state state)
{
	switch (state) {
	case STORE_OPERATION_NOT_STARTED:
		return "notStarted";
	case STORE_OPERATION_RUNNING:
		return "running";
	case STORE_OPERATION_SUCCEEDED:
		return rq->dialect->succeeded;
	default:
		return "failed";
	}
}

static void
put_reindex(const struct request *rq, const struct operation *op, struct buf *out)
{
	char path[9];
	size_t i;

	buf_printf(out, ",\"percentComplete\":%u,\"resources\":[", op->percent);
	for (i = 0; i < op->n_tags; i++) {
		tag_format(op->tags[i], path);
		buf_puts(out, i > 0 ? ",\"" : "\"");
		query_tag_put_url(rq, path, out);
		buf_putc(out, '"');
	}
	buf_putc(out, ']');
}

/* Contract 6.4. */
static void
put_update(const struct operation *op, struct buf *out)
{
	const char *line = op->errors;

	buf_printf(out, ",\"percentComplete\":%u,\"results\":{\"studyProcessed\":%" PRIu64 ",\"studyUpdated\":%" PRIu64
		   ",\"studyFailed\":%" PRIu64 ",\"instanceUpdated\":%" PRIu64, op->percent, op->studies_processed,
		   op->studies_updated, op->studies_failed, op->instances_updated);
	if (*line != '\0')
		buf_puts(out, ",\"errors\":[");
	while (*line != '\0') {
		size_t len = strcspn(line, "\n");

		if (line != op->errors)
			buf_putc(out, ',');
		buf_put_json_string(out, line, len);
		line += len + (line[len] != '\0');
	}
	if (*op->errors != '\0')
		buf_putc(out, ']');
	buf_putc(out, '}');
}

/* Contract 9.4. */
static void
put_export(const struct operation *op, struct buf *out)
{
	char object[64];
	struct buf href;

	snprintf(object, sizeof object, EXPORT_LOG_FORMAT, op->id);
	buf_init(&href, LIMIT_REPLY_HEAD);
	destination_put_href(op->destination, object, &href);
	buf_printf(out, ",\"results\":{\"exported\":%" PRIu64 ",\"skipped\":%" PRIu64 ",\"errorHref\":", op->export.exported,
		   op->export.skipped);
	buf_put_json_string(out, href.data, href.len);
	buf_putc(out, '}');
	buf_fini(&href);
}

static int
put_operation(void *ctx, const struct operation *op)
{
	char created[CLOCK_TEXT_MAX], updated[CLOCK_TEXT_MAX];
	struct answer *a = ctx;

	clock_format(op->created, created);
	clock_format(op->updated, updated);
	buf_printf(&a->out, "{\"operationId\":\"%s\",\"type\":\"%s\",\"createdTime\":\"%s\","
		   "\"lastUpdatedTime\":\"%s\",\"status\":\"%s\"", op->id, operation_kind_name(op->kind), created, updated,
		   state_name(a->rq, op->state));
	if (op->kind == STORE_OPERATION_REINDEX)
		put_reindex(a->rq, op, &a->out);
	else if (op->kind == STORE_OPERATION_EXPORT)
		put_export(op, &a->out);
	else if (op->kind == STORE_OPERATION_UPDATE)
		put_update(op, &a->out);
	else if (op->kind == STORE_OPERATION_TIER)
		buf_printf(&a->out, ",\"percentComplete\":%u,\"results\":{\"instancesMoved\":%" PRIu64 ",\"instancesFailed\":%" PRIu64
			   ",\"bytesMoved\":%" PRIu64 "}", op->percent, op->tier.moved, op->tier.failed, op->tier.bytes);
	else if (op->kind == STORE_OPERATION_IMPORT)
		buf_printf(&a->out, ",\"percentComplete\":%u,\"resources\":[]", op->percent);
	buf_putc(&a->out, '}');
	a->finished = op->state == STORE_OPERATION_SUCCEEDED || op->state == STORE_OPERATION_FAILED;
	return buf_error(&a->out);
}

int
operation_handle(struct request *rq, struct err *err)
{
	const char *id = rq->match.vars.value[URI_OPERATION];
	struct answer a = { .rq = rq };
	int r = request_check_type(rq, "application/json", "Operations are shown", err);

	if (r < 0)
		return r;
	buf_init(&a.out, LIMIT_LIST);
	r = store_operation(rq->service->store, id, put_operation, &a, err);
	if (r == 0) {
		if (!a.finished)
			put_location(rq, id);
		r = reply_buf(rq, a.finished ? 200 : 202, REPLY_JSON, &a.out);
	}
	buf_fini(&a.out);
	return r;
}
