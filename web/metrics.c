#include "web/metrics.h"

#include <inttypes.h>
#include <string.h>

#include "base/lru.h"
#include "store/receivers.h"
#include "store/store.h"
#include "web/handlers.h"
#include "web/reply.h"
#include "web/request.h"
#include "web/server.h"

/* Nanoseconds and the same in Prometheus' seconds. */
static const struct {
	int64_t ns;
	const char *le;
} bounds[METRICS_BUCKETS] = {
	{ 100000, "0.0001" },
	{ 300000, "0.0003" },
	{ 1000000, "0.001" },
	{ 3000000, "0.003" },
	{ 10000000, "0.01" },
	{ 30000000, "0.03" },
	{ 100000000, "0.1" },
	{ 300000000, "0.3" },
	{ 1000000000, "1" },
	{ 3000000000, "3" },
	{ 10000000000, "10" },
	{ INT64_MAX, "+Inf" },
};

#define ADD(counter, n) atomic_fetch_add_explicit(&(counter), (n), memory_order_relaxed)
#define GET(counter) ((uint64_t)atomic_load_explicit(&(counter), memory_order_relaxed))

void
metrics_count(struct metrics *m, enum route_id id, int status, int64_t ns,
	      uint64_t bytes_in, uint64_t bytes_out)
{
	unsigned class = status >= 100 && status < 600 ? (unsigned)status / 100 : 0, i = 0;

	while (ns > bounds[i].ns)
		i++;
	ADD(m->requests[id][class], 1);
	ADD(m->buckets[id][i], 1);
	ADD(m->nanoseconds[id], (uint64_t)ns);
	ADD(m->bytes_in, bytes_in);
	ADD(m->bytes_out, bytes_out);
}

static const char *
route_label(unsigned id)
{
	return id == ROUTE_MAX ? "none" : route_at((enum route_id)id)->name;
}

static void
write_requests(struct metrics *m, struct buf *out)
{
	unsigned id, k;

	buf_puts(out, "# HELP dicomlake_http_requests_total Requests answered, by route and class of status.\n"
		 "# TYPE dicomlake_http_requests_total counter\n");
	for (id = 0; id <= ROUTE_MAX; id++)
		for (k = 0; k < 6; k++)
			if (GET(m->requests[id][k]) > 0)
				buf_printf(out, "dicomlake_http_requests_total{route=\"%s\",status=\"%uxx\"} %" PRIu64 "\n",
					   route_label(id), k, GET(m->requests[id][k]));
	buf_puts(out, "# HELP dicomlake_http_request_seconds Time from the request's head to the end of its reply.\n"
		 "# TYPE dicomlake_http_request_seconds histogram\n");
	for (id = 0; id <= ROUTE_MAX; id++) {
		uint64_t sum = 0;

		for (k = 0; k < METRICS_BUCKETS; k++)
			sum += GET(m->buckets[id][k]);
		if (sum == 0)
			continue;
		for (sum = 0, k = 0; k < METRICS_BUCKETS; k++) {
			sum += GET(m->buckets[id][k]);
			buf_printf(out, "dicomlake_http_request_seconds_bucket{route=\"%s\",le=\"%s\"} %" PRIu64 "\n",
				   route_label(id), bounds[k].le, sum);
		}
		buf_printf(out, "dicomlake_http_request_seconds_sum{route=\"%s\"} %.9f\n"
			   "dicomlake_http_request_seconds_count{route=\"%s\"} %" PRIu64 "\n",
			   route_label(id), (double)GET(m->nanoseconds[id]) / 1e9, route_label(id), sum);
	}
	buf_printf(out, "# HELP dicomlake_http_received_bytes_total Bytes of request bodies.\n"
		   "# TYPE dicomlake_http_received_bytes_total counter\n"
		   "dicomlake_http_received_bytes_total %" PRIu64 "\n"
		   "# HELP dicomlake_http_sent_bytes_total Bytes of replies, heads included.\n"
		   "# TYPE dicomlake_http_sent_bytes_total counter\n"
		   "dicomlake_http_sent_bytes_total %" PRIu64 "\n",
		   GET(m->bytes_in), GET(m->bytes_out));
}

static void
write_store(const struct store_status *s, struct buf *out)
{
	const struct {
		const char *name, *type, *help;
		uint64_t value;
	} rows[] = {
		{ "partitions", "gauge", "Partitions.", s->partitions },
		{ "studies", "gauge", "Studies stored.", s->studies },
		{ "series", "gauge", "Series stored.", s->series },
		{ "instances", "gauge", "Instances stored.", s->instances },
		{ "bytes", "gauge", "Bytes of the instances.", s->bytes },
		{ "pending", "gauge", "Instances accepted but not committed, removals not done.", s->pending },
		{ "sequence", "gauge", "Sequence of the latest change.", s->sequence },
		{ "index_map_bytes", "gauge", "Size of the index map.", s->map_size },
		{ "index_used_bytes", "gauge", "Bytes of it in use.", s->map_used },
		{ "index_readers", "gauge", "Reader slots in use.", s->readers },
		{ "index_readers_max", "gauge", "Reader slots there are.", s->readers_max },
		{ "commits_total", "counter", "Transactions of the committer.", s->commits },
		{ "committed_instances_total", "counter", "Instances in them.", s->committed },
		{ "refused_instances_total", "counter", "Instances refused.", s->refused },
	};
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++)
		buf_printf(out, "# HELP dicomlake_%s %s\n# TYPE dicomlake_%s %s\ndicomlake_%s %" PRIu64 "\n",
			   rows[i].name, rows[i].help, rows[i].name, rows[i].type, rows[i].name, rows[i].value);
}

static void
write_coded(struct lru *coded, struct buf *out)
{
	struct lru_counts c;

	lru_count(coded, &c);
	buf_printf(out, "# HELP dicomlake_http_coded_metadata_total Replies of metadata in a content coding: kept from before, "
		   "or coded anew.\n"
		   "# TYPE dicomlake_http_coded_metadata_total counter\n"
		   "dicomlake_http_coded_metadata_total{from=\"kept\"} %" PRIu64 "\n"
		   "dicomlake_http_coded_metadata_total{from=\"index\"} %" PRIu64 "\n"
		   "# HELP dicomlake_http_coded_metadata_bytes Bytes of such that are kept.\n"
		   "# TYPE dicomlake_http_coded_metadata_bytes gauge\n"
		   "dicomlake_http_coded_metadata_bytes %zu\n", c.found, c.missed, c.bytes);
}

static int
write_behind(void *ctx, const struct receiver *v)
{
	buf_printf(ctx, "dicomlake_event_receiver_behind{receiver=\"%s\"} %" PRIu64 "\n", v->name, v->behind);
	return 0;
}

static int
write_failing(void *ctx, const struct receiver *v)
{
	buf_printf(ctx, "dicomlake_event_receiver_failing{receiver=\"%s\"} %d\n", v->name, v->failing != 0);
	return 0;
}

static int
write_receivers(struct store *st, struct buf *out, struct err *err)
{
	int r;

	buf_puts(out, "# HELP dicomlake_event_receiver_behind Changes that a receiver of events was not told of yet.\n"
		 "# TYPE dicomlake_event_receiver_behind gauge\n");
	r = store_receivers(st, write_behind, out, err);
	if (r < 0)
		return r;
	buf_puts(out, "# HELP dicomlake_event_receiver_failing 1: it does not take events.\n"
		 "# TYPE dicomlake_event_receiver_failing gauge\n");
	return store_receivers(st, write_failing, out, err);
}

int
metrics_handle(struct request *rq, struct err *err)
{
	struct web *web = rq->web;
	struct store_status status;
	struct buf out;
	int r;

	buf_init(&out, LIMIT_METRICS);
	r = store_get_status(web->store, &status, err);
	if (r == 0)
		r = write_receivers(web->store, &out, err);
	if (r == 0) {
		write_store(&status, &out);
		buf_printf(&out, "# HELP dicomlake_http_active Requests under way.\n"
			   "# TYPE dicomlake_http_active gauge\ndicomlake_http_active %u\n",
			   (unsigned)web->active);
		buf_printf(&out, "# HELP dicomlake_http_connections Connections that hold a thread.\n"
			   "# TYPE dicomlake_http_connections gauge\ndicomlake_http_connections %u\n",
			   (unsigned)web->connections);
		write_coded(web->coded, &out);
		write_requests(&web->metrics, &out);
		if (web->options.metrics != NULL)
			web->options.metrics(web->options.metrics_ctx, &out);
		r = reply_buf(rq, 200, "text/plain; version=0.0.4; charset=utf-8", &out);
	}
	buf_fini(&out);
	return r;
}
