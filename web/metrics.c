#include "web/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
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

/* What is told of: one service or several, whose names then stand in the labels. */
struct scrape {
	struct web *web;
	const struct service *services;
	size_t n;
	bool named, all;
	struct buf *out;
};

#define LABEL_MAX (STORE_LABEL_MAX + 16)

/* The label before others ("service=...,"), or alone ("{service=...}"). */
static const char *
service_label(const struct scrape *sc, const struct service *s, bool alone, char text[LABEL_MAX])
{
	text[0] = '\0';
	if (sc->named && s != NULL)
		snprintf(text, LABEL_MAX, alone ? "{service=\"%s\"}" : "service=\"%s\",", store_label(s->store));
	return text;
}

/* fn for each service, and for what was for none. */
static void
each_metrics(const struct scrape *sc, void (*fn)(const struct scrape *sc, const char *label, const char *alone,
						 const struct metrics *m))
{
	char label[LABEL_MAX], alone[LABEL_MAX];
	size_t i;

	for (i = 0; i < sc->n; i++)
		fn(sc, service_label(sc, &sc->services[i], false, label),
		   service_label(sc, &sc->services[i], true, alone), &sc->services[i].metrics);
	if (sc->all)
		fn(sc, "", "", &sc->web->metrics);
}

static void
write_counts(const struct scrape *sc, const char *label, const char *alone, const struct metrics *m)
{
	unsigned id, k;

	(void)alone;
	for (id = 0; id <= ROUTE_MAX; id++)
		for (k = 0; k < 6; k++)
			if (GET(m->requests[id][k]) > 0)
				buf_printf(sc->out, "dicomlake_http_requests_total{%sroute=\"%s\",status=\"%uxx\"} %" PRIu64 "\n",
					   label, route_label(id), k, GET(m->requests[id][k]));
}

static void
write_times(const struct scrape *sc, const char *label, const char *alone, const struct metrics *m)
{
	unsigned id, k;

	(void)alone;
	for (id = 0; id <= ROUTE_MAX; id++) {
		uint64_t sum = 0;

		for (k = 0; k < METRICS_BUCKETS; k++)
			sum += GET(m->buckets[id][k]);
		if (sum == 0)
			continue;
		for (sum = 0, k = 0; k < METRICS_BUCKETS; k++) {
			sum += GET(m->buckets[id][k]);
			buf_printf(sc->out, "dicomlake_http_request_seconds_bucket{%sroute=\"%s\",le=\"%s\"} %" PRIu64 "\n",
				   label, route_label(id), bounds[k].le, sum);
		}
		buf_printf(sc->out, "dicomlake_http_request_seconds_sum{%sroute=\"%s\"} %.9f\n"
			   "dicomlake_http_request_seconds_count{%sroute=\"%s\"} %" PRIu64 "\n",
			   label, route_label(id), (double)GET(m->nanoseconds[id]) / 1e9, label, route_label(id), sum);
	}
}

static void
write_received(const struct scrape *sc, const char *label, const char *alone, const struct metrics *m)
{
	(void)label;
	buf_printf(sc->out, "dicomlake_http_received_bytes_total%s %" PRIu64 "\n", alone, GET(m->bytes_in));
}

static void
write_sent(const struct scrape *sc, const char *label, const char *alone, const struct metrics *m)
{
	(void)label;
	buf_printf(sc->out, "dicomlake_http_sent_bytes_total%s %" PRIu64 "\n", alone, GET(m->bytes_out));
}

static void
write_requests(const struct scrape *sc)
{
	struct buf *out = sc->out;

	buf_puts(out, "# HELP dicomlake_http_requests_total Requests answered, by route and class of status.\n"
		 "# TYPE dicomlake_http_requests_total counter\n");
	each_metrics(sc, write_counts);
	buf_puts(out, "# HELP dicomlake_http_request_seconds Time from the request's head to the end of its reply.\n"
		 "# TYPE dicomlake_http_request_seconds histogram\n");
	each_metrics(sc, write_times);
	buf_puts(out, "# HELP dicomlake_http_received_bytes_total Bytes of request bodies.\n"
		 "# TYPE dicomlake_http_received_bytes_total counter\n");
	each_metrics(sc, write_received);
	buf_puts(out, "# HELP dicomlake_http_sent_bytes_total Bytes of replies, heads included.\n"
		 "# TYPE dicomlake_http_sent_bytes_total counter\n");
	each_metrics(sc, write_sent);
}

static const struct {
	const char *name, *type, *help;
	size_t at;			/* in struct store_status */
	bool is_unsigned;		/* not 64 bits */
} rows[] = {
#define ROW(field) offsetof(struct store_status, field), sizeof ((struct store_status *)0)->field == sizeof (unsigned)
	{ "partitions", "gauge", "Partitions.", ROW(partitions) },
	{ "studies", "gauge", "Studies stored.", ROW(studies) },
	{ "series", "gauge", "Series stored.", ROW(series) },
	{ "instances", "gauge", "Instances stored.", ROW(instances) },
	{ "bytes", "gauge", "Bytes of the instances.", ROW(bytes) },
	{ "pending", "gauge", "Instances accepted but not committed, removals not done.", ROW(pending) },
	{ "sequence", "gauge", "Sequence of the latest change.", ROW(sequence) },
	{ "index_map_bytes", "gauge", "Size of the index map.", ROW(map_size) },
	{ "index_used_bytes", "gauge", "Bytes of it in use.", ROW(map_used) },
	{ "index_readers", "gauge", "Reader slots in use.", ROW(readers) },
	{ "index_readers_max", "gauge", "Reader slots there are.", ROW(readers_max) },
	{ "commits_total", "counter", "Transactions of the committer.", ROW(commits) },
	{ "committed_instances_total", "counter", "Instances in them.", ROW(committed) },
	{ "refused_instances_total", "counter", "Instances refused.", ROW(refused) },
#undef ROW
};

static uint64_t
row_value(const struct store_status *s, size_t row)
{
	const char *at = (const char *)s + rows[row].at;

	return rows[row].is_unsigned ? *(const unsigned *)at : *(const uint64_t *)at;
}

/* By metric, as the format demands. */
static void
write_stores(const struct scrape *sc, const struct store_status *status)
{
	char label[LABEL_MAX];
	size_t i, j;

	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		buf_printf(sc->out, "# HELP dicomlake_%s %s\n# TYPE dicomlake_%s %s\n", rows[i].name, rows[i].help,
			   rows[i].name, rows[i].type);
		for (j = 0; j < sc->n; j++)
			buf_printf(sc->out, "dicomlake_%s%s %" PRIu64 "\n", rows[i].name,
				   service_label(sc, &sc->services[j], true, label), row_value(&status[j], i));
	}
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

struct receivers_out {
	struct buf *out;
	const char *label;
};

static int
write_behind(void *ctx, const struct receiver *v)
{
	const struct receivers_out *o = ctx;

	buf_printf(o->out, "dicomlake_event_receiver_behind{%sreceiver=\"%s\"} %" PRIu64 "\n", o->label, v->name, v->behind);
	return 0;
}

static int
write_failing(void *ctx, const struct receiver *v)
{
	const struct receivers_out *o = ctx;

	buf_printf(o->out, "dicomlake_event_receiver_failing{%sreceiver=\"%s\"} %d\n", o->label, v->name, v->failing != 0);
	return 0;
}

static int
each_receiver(const struct scrape *sc, int (*fn)(void *ctx, const struct receiver *v), struct err *err)
{
	struct receivers_out o = { .out = sc->out };
	char label[LABEL_MAX];
	size_t i;
	int r = 0;

	for (i = 0; i < sc->n && r >= 0; i++) {
		o.label = service_label(sc, &sc->services[i], false, label);
		r = store_receivers(sc->services[i].store, fn, &o, err);
	}
	return r;
}

static int
write_receivers(const struct scrape *sc, struct err *err)
{
	int r;

	buf_puts(sc->out, "# HELP dicomlake_event_receiver_behind Changes that a receiver of events was not told of yet.\n"
		 "# TYPE dicomlake_event_receiver_behind gauge\n");
	r = each_receiver(sc, write_behind, err);
	if (r < 0)
		return r;
	buf_puts(sc->out, "# HELP dicomlake_event_receiver_failing 1: it does not take events.\n"
		 "# TYPE dicomlake_event_receiver_failing gauge\n");
	return each_receiver(sc, write_failing, err);
}

static int
read_statuses(const struct scrape *sc, struct store_status **ret_status, struct err *err)
{
	struct store_status *status = calloc(sc->n, sizeof *status);
	size_t i;
	int r = 0;

	if (status == NULL)
		return err_set(err, -ENOMEM, "No memory");
	for (i = 0; i < sc->n && r == 0; i++)
		r = store_get_status(sc->services[i].store, &status[i], err);
	if (r < 0) {
		free(status);
		return r;
	}
	*ret_status = status;
	return 0;
}

int
metrics_handle(struct request *rq, struct err *err)
{
	struct web *web = rq->web;
	struct buf out;
	struct scrape sc = {
		.web = web, .services = rq->service != NULL ? rq->service : web->services,
		.n = rq->service != NULL ? 1 : web->n, .named = web->n > 1, .all = rq->service == NULL, .out = &out,
	};
	struct store_status *status = NULL;
	int r;

	buf_init(&out, sc.n * LIMIT_METRICS);
	r = read_statuses(&sc, &status, err);
	if (r == 0)
		r = write_receivers(&sc, err);
	if (r == 0) {
		write_stores(&sc, status);
		buf_printf(&out, "# HELP dicomlake_http_active Requests under way.\n"
			   "# TYPE dicomlake_http_active gauge\ndicomlake_http_active %u\n",
			   (unsigned)web->active);
		buf_printf(&out, "# HELP dicomlake_http_connections Connections that hold a thread.\n"
			   "# TYPE dicomlake_http_connections gauge\ndicomlake_http_connections %u\n",
			   (unsigned)web->connections);
		write_coded(web->coded, &out);
		write_requests(&sc);
		if (web->options.metrics != NULL)
			web->options.metrics(web->options.metrics_ctx, rq->service != NULL ? rq->service->store : NULL, &out);
		r = reply_buf(rq, 200, "text/plain; version=0.0.4; charset=utf-8", &out);
	}
	free(status);
	buf_fini(&out);
	return r;
}
