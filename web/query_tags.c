/* Extended query tags (contract 7). */
#include "web/query_tags.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "store/query_tags.h"
#include "web/handlers.h"
#include "web/json_input.h"
#include "web/operations.h"
#include "web/params.h"
#include "web/reply.h"
#include "web/server.h"

/* Contract 18. */
#define LIST_DEFAULT 100
#define LIST_MAX 200

static const char *const levels[] = {
	[STORE_STUDY] = "study", [STORE_SERIES] = "series", [STORE_INSTANCE] = "instance",
};
static const char *const states[] = {
	[STORE_TAG_ADDING] = "adding", [STORE_TAG_READY] = "ready", [STORE_TAG_DELETING] = "deleting",
};

void
query_tag_put_url(const struct request *rq, const char *path, struct buf *out)
{
	buf_printf(out, "%s/%s/extendedquerytags/%s", rq->base, rq->dialect->prefix, path);
}

static int
check_accept(const struct request *rq, struct err *err)
{
	return request_check_type(rq, "application/json", "Extended query tags are shown", err);
}

/* ----------------------------------------------------------- showing ---- */

static void
put_tag(const struct request *rq, const struct query_tag_info *tag, struct buf *out)
{
	buf_printf(out, "{\"status\":\"%s\",\"level\":\"%s\"", states[tag->state], levels[tag->level]);
	if (tag->errors > 0) {
		buf_printf(out, ",\"errors\":{\"count\":%" PRIu64 ",\"href\":\"", tag->errors);
		query_tag_put_url(rq, tag->path, out);
		buf_puts(out, "/errors\"}");
	}
	if (tag->operation[0] != '\0') {
		buf_puts(out, ",\"operation\":");
		operation_put_reference(rq, tag->operation, out);
	}
	buf_printf(out, ",\"queryStatus\":\"%s\",\"path\":\"%s\",\"vr\":\"%s\"",
		   tag->disabled ? "disabled" : "enabled", tag->path, tag->vr);
	if (tag->creator[0] != '\0') {
		buf_puts(out, ",\"privateCreator\":");
		buf_put_json_string(out, tag->creator, strlen(tag->creator));
	}
	buf_putc(out, '}');
}

static int
reply_tag(struct request *rq, const struct query_tag_info *tag)
{
	struct buf out;
	int r;

	buf_init(&out, LIMIT_LIST);
	put_tag(rq, tag, &out);
	r = reply_buf(rq, 200, REPLY_JSON, &out);
	buf_fini(&out);
	return r;
}

struct list {
	struct request *rq;
	struct buf out;
	uint64_t offset, limit, shown;
};

static int
list_init(struct list *l, struct request *rq, struct err *err)
{
	struct uri_query query;
	int r;

	*l = (struct list){ .rq = rq, .limit = LIST_DEFAULT };
	buf_init(&l->out, LIMIT_LIST);
	buf_putc(&l->out, '[');
	r = check_accept(rq, err);
	if (r == 0)
		r = uri_parse_query(rq->raw_query, &query, err);
	if (r == 0)
		r = param_number(&query, "limit", 1, LIST_MAX, &l->limit, err);
	if (r == 0)
		r = param_number(&query, "offset", 0, INT32_MAX, &l->offset, err);
	return r;
}

/* Takes what was listed; r is how that went. */
static int
list_end(struct list *l, int r)
{
	buf_putc(&l->out, ']');
	if (r >= 0)
		r = reply_buf(l->rq, 200, REPLY_JSON, &l->out);
	buf_fini(&l->out);
	return r;
}

static int
list_tag(void *ctx, const struct query_tag_info *tag)
{
	struct list *l = ctx;

	if (l->offset > 0) {
		l->offset--;
		return 0;
	}
	if (l->shown == l->limit)
		return 1;
	if (l->shown++ > 0)
		buf_putc(&l->out, ',');
	put_tag(l->rq, tag, &l->out);
	return 0;
}

int
query_tags_handle(struct request *rq, struct err *err)
{
	struct list l;
	int r = list_init(&l, rq, err);

	if (r == 0)
		r = store_query_tags(rq->service->store, list_tag, &l, err);
	return list_end(&l, r);
}

static const char *
path_of(const struct request *rq)
{
	return rq->match.vars.value[URI_TAG];
}

int
query_tag_handle(struct request *rq, struct err *err)
{
	struct query_tag_info tag;
	int r = check_accept(rq, err);

	if (r == 0)
		r = store_query_tag(rq->service->store, path_of(rq), &tag, err);
	return r < 0 ? r : reply_tag(rq, &tag);
}

static int
list_error(void *ctx, const struct query_tag_error *error)
{
	char created[CLOCK_TEXT_MAX];
	struct list *l = ctx;

	clock_format(error->time, created);
	buf_printf(&l->out, "%s{\"partitionName\":\"%s\",\"studyInstanceUid\":\"%s\",\"seriesInstanceUid\":\"%s\","
		   "\"sopInstanceUid\":\"%s\",\"createdTime\":\"%s\",\"errorMessage\":", l->shown++ > 0 ? "," : "",
		   error->partition, error->study_uid, error->series_uid, error->sop_uid, created);
	buf_put_json_string(&l->out, error->why, strlen(error->why));
	buf_putc(&l->out, '}');
	return 0;
}

int
query_tag_errors_handle(struct request *rq, struct err *err)
{
	struct list l;
	int r = list_init(&l, rq, err);

	if (r == 0)
		r = store_query_tag_errors(rq->service->store, path_of(rq), l.offset, l.limit, list_error, &l, err);
	return list_end(&l, r);
}

/* ---------------------------------------------------------- changing ---- */

static int
read_spec(json_t *entry, struct query_tag_spec *spec, struct err *err)
{
	int r;

	if (!json_is_object(entry))
		return err_set(err, -EINVAL, "An extended query tag is an object");
	r = json_member_text(entry, "path", &spec->path, err);
	if (r == 0)
		r = json_member_text(entry, "level", &spec->level, err);
	if (r == 0)
		r = json_member_text(entry, "vr", &spec->vr, err);
	if (r == 0)
		r = json_member_text(entry, "privateCreator", &spec->creator, err);
	return r;
}

static int
add(struct request *rq, json_t *body, struct err *err)
{
	char operation[OPERATION_TEXT_MAX] = "";
	struct query_tag_spec *specs;
	size_t i, n = json_array_size(body);
	int r = 0;

	if (!json_is_array(body))
		return err_set(err, -EINVAL, "The body must be an array of extended query tags");
	specs = calloc(n + 1, sizeof *specs);
	if (specs == NULL)
		return err_set(err, -ENOMEM, "No memory");
	for (i = 0; i < n && r == 0; i++)
		r = read_spec(json_array_get(body, i), &specs[i], err);
	if (r == 0)
		r = store_add_query_tags(rq->service->store, specs, n, operation, err);
	free(specs);
	return operation_reply_begun(rq, r, operation);
}

int
query_tags_add_handle(struct request *rq, struct err *err)
{
	json_t *body = NULL;
	int r = check_accept(rq, err);

	if (r == 0)
		r = json_read_body(rq, &body, err);
	if (r == 0)
		r = add(rq, body, err);
	json_decref(body);
	return r;
}

/* {"queryStatus":"Enabled"} and nothing else. */
static int
read_status(json_t *body, bool *ret_enable, struct err *err)
{
	const char *status = NULL;
	int r;

	if (!json_is_object(body) || json_object_size(body) != 1)
		return err_set(err, -EINVAL, "The body must be an object with the member queryStatus alone");
	r = json_member_text(body, "queryStatus", &status, err);
	if (r < 0)
		return r;
	if (status == NULL || (strcasecmp(status, "enabled") != 0 && strcasecmp(status, "disabled") != 0))
		return err_set(err, -EINVAL, "queryStatus must be Enabled or Disabled");
	*ret_enable = strcasecmp(status, "enabled") == 0;
	return 0;
}

int
query_tag_change_handle(struct request *rq, struct err *err)
{
	struct query_tag_info tag;
	json_t *body = NULL;
	bool enable = false;
	int r = check_accept(rq, err);

	if (r == 0)
		r = json_read_body(rq, &body, err);
	if (r == 0)
		r = read_status(body, &enable, err);
	json_decref(body);
	if (r == 0)
		r = store_enable_query_tag(rq->service->store, path_of(rq), enable, &tag, err);
	return r < 0 ? r : reply_tag(rq, &tag);
}

int
query_tag_delete_handle(struct request *rq, struct err *err)
{
	int r = store_delete_query_tag(rq->service->store, path_of(rq), err);

	if (r == 0)
		reply_empty(rq, 204);
	return r;
}
