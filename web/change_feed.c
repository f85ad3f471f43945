/* The change feed (contract 12), and a stream of it at /dicom-web. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "store/change_json.h"
#include "web/follow.h"
#include "web/handlers.h"
#include "web/params.h"
#include "web/range.h"
#include "web/reply.h"
#include "web/request.h"
#include "web/server.h"

#define GIVEN "The change feed is given"

/* Contract 12.1: the defaults of the window, in clock_ticks. */
#define TIME_FIRST (-621355968000000000)
#define TIME_LAST 2534023007999999999

struct page {
	struct request *rq;
	struct buf text;
};

static int
put_entry(void *ctx, const struct change_entry *entry)
{
	struct page *p = ctx;
	int r = 0;

	buf_reset(&p->text);
	if (reply_begun(p->rq))
		buf_putc(&p->text, ',');
	else if (reply_begin(p->rq, 200, REPLY_JSON, REPLY_AUTO) != 0)
		return 1;
	else
		buf_putc(&p->text, '[');
	change_put_json(entry, &p->text);
	r = buf_error(&p->text);
	return r < 0 ? r : reply_write(p->rq, p->text.data, p->text.len);
}

static int
parse_page(const struct request *rq, struct changes_query *q, struct err *err)
{
	const struct feed_rules *rules = &rq->dialect->feed;
	struct uri_query query;
	int r = uri_parse_query(rq->raw_query, &query, err);

	*q = (struct changes_query){
		.from = rules->from, .limit = rules->limit_default, .metadata = true,
		.since = TIME_FIRST, .until = TIME_LAST,
	};
	if (r == 0)
		r = param_number(&query, "offset", 0, INT64_MAX, &q->after, err);
	if (r == 0)
		r = param_number(&query, "limit", 1, rules->limit_max, &q->limit, err);
	if (r == 0)
		r = param_bool(&query, "includeMetadata", &q->metadata, err);
	if (r < 0 || rules->from != CHANGES_BY_TIME)
		return r;
	r = param_time(&query, "startTime", &q->since, err);
	if (r == 0)
		r = param_time(&query, "endTime", &q->until, err);
	if (r == 0 && q->until <= q->since)
		r = err_set(err, -EINVAL, "endTime must be later than startTime");
	return r;
}

int
change_feed_handle(struct request *rq, struct err *err)
{
	struct page p = { .rq = rq };
	struct changes_query q;
	int r;

	r = request_check_type(rq, "application/json", GIVEN, err);
	if (r == 0)
		r = parse_page(rq, &q, err);
	if (r < 0)
		return r;
	buf_init(&p.text, LIMIT_METADATA_MAX);
	r = store_changes(rq->service->store, &q, put_entry, &p, err);
	buf_fini(&p.text);
	if (r == 0 && !reply_begun(rq))
		reply_body(rq, 200, REPLY_JSON, "[]", 2);
	else if (r == 0 && (r = reply_write(rq, "]", 1)) == 0)
		r = reply_end(rq);
	return r < 0 ? r : 0;		/* 1: HEAD, put_entry has replied */
}

static int
put_latest(void *ctx, const struct change_entry *entry)
{
	struct page *p = ctx;

	change_put_json(entry, &p->text);
	return buf_error(&p->text);
}

int
change_feed_latest_handle(struct request *rq, struct err *err)
{
	struct changes_query q = { .from = CHANGES_LATEST, .limit = 1, .metadata = true };
	struct uri_query query;
	struct page p = { .rq = rq };
	int r;

	r = request_check_type(rq, "application/json", GIVEN, err);
	if (r == 0)
		r = uri_parse_query(rq->raw_query, &query, err);
	if (r == 0)
		r = param_bool(&query, "includeMetadata", &q.metadata, err);
	if (r < 0)
		return r;
	buf_init(&p.text, LIMIT_METADATA_MAX);
	r = store_changes(rq->service->store, &q, put_latest, &p, err);
	if (r == 0 && p.text.len == 0)
		reply_empty(rq, 204);
	else if (r == 0)
		reply_body(rq, 200, REPLY_JSON, p.text.data, p.text.len);
	buf_fini(&p.text);
	return r;
}

static int
take_sequence(void *ctx, const struct change_entry *entry)
{
	*(uint64_t *)ctx = entry->change.sequence;
	return 0;
}

/* Where the stream begins: after what the client saw last, or now. */
static int
parse_start(const struct request *rq, const struct uri_query *query, uint64_t *ret_after, struct err *err)
{
	const struct changes_query latest = { .from = CHANGES_LATEST, .limit = 1 };
	const char *last = request_header(rq, "Last-Event-ID");

	*ret_after = 0;
	if (last != NULL && *last != '\0') {
		if (range_parse_number(last, ret_after) < 0)
			return err_set(err, -EINVAL, "Last-Event-ID must be the number of a change");
		return 0;
	}
	if (uri_query_find(query, "offset") != NULL)
		return param_number(query, "offset", 0, INT64_MAX, ret_after, err);
	return store_changes(rq->service->store, &latest, take_sequence, ret_after, err);
}

int
change_feed_follow_handle(struct request *rq, struct err *err)
{
	struct uri_query query;
	bool metadata = false;
	uint64_t after;
	int fd, r;

	r = request_check_type(rq, "text/event-stream", GIVEN, err);
	if (r == 0)
		r = uri_parse_query(rq->raw_query, &query, err);
	if (r == 0)
		r = param_bool(&query, "includeMetadata", &metadata, err);
	if (r == 0)
		r = parse_start(rq, &query, &after, err);
	if (r == 0)
		r = follow_reserve(rq->service->follow, err);
	if (r < 0)
		return r;
	reply_header(rq, "Cache-Control", "no-store");
	fd = reply_detach(rq, 200, "text/event-stream");
	follow_add(rq->service->follow, fd, after, metadata);
	return 0;
}
