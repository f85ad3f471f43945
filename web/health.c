/* GET /health/check (contract 15.6): of a service, or of all together. */
#include <inttypes.h>
#include <string.h>

#include "store/receivers.h"
#include "web/handlers.h"
#include "web/reply.h"
#include "web/request.h"
#include "web/server.h"

enum health { HEALTHY, DEGRADED, UNHEALTHY };

static const char *const words[] = {
	[HEALTHY] = "Healthy", [DEGRADED] = "Degraded", [UNHEALTHY] = "Unhealthy",
};

struct details {
	struct buf *out;
	const char *service;		/* NULL: there is one only */
};

/* Up to the status; the name is ours, or a receiver's. */
static void
begin_detail(const struct details *d, const char *prefix, const char *name, enum health health)
{
	buf_printf(d->out, "%s{\"name\":\"%s%s\",", d->out->len > 0 ? "," : "", prefix, name);
	if (d->service != NULL)
		buf_printf(d->out, "\"service\":\"%s\",", d->service);
	buf_printf(d->out, "\"status\":\"%s\",", words[health]);
}

static void
end_detail(const struct details *d, const char *text, size_t len)
{
	buf_puts(d->out, "\"description\":");
	buf_put_json_string(d->out, text, len);
	buf_putc(d->out, '}');
}

/* A receiver that is dead makes the service no worse. */
static int
put_receiver(void *ctx, const struct receiver *v)
{
	const struct details *d = ctx;
	struct buf text;

	buf_init(&text, 1024);
	buf_printf(&text, "%s is %" PRIu64 " changes behind%s%s", v->name, v->behind, v->failing != 0 ? ": " : "", v->why);
	begin_detail(d, "events-", v->name, v->failing != 0 ? DEGRADED : HEALTHY);
	end_detail(d, text.data, text.len);
	buf_fini(&text);
	return 0;
}

static enum health
put_service(const struct details *d, struct store *st)
{
	struct store_status status;
	struct err index = { 0 }, why = { 0 };
	bool healthy = store_get_status(st, &status, &index) == 0;
	bool degraded = store_health(st, &why) < 0;
	const char *what = healthy ? "The index answers" : err_text(&index);
	const char *store = degraded ? err_text(&why) : "The store can be written, read and deleted";
	struct details receivers = *d;

	begin_detail(d, "", "index", healthy ? HEALTHY : UNHEALTHY);
	end_detail(d, what, strlen(what));
	/* Contract 11.4. */
	begin_detail(d, "", "store", degraded ? DEGRADED : HEALTHY);
	if (degraded)
		buf_puts(d->out, "\"reason\":\"ConnectedStoreDegraded\",");
	end_detail(d, store, strlen(store));
	store_receivers(st, put_receiver, &receivers, NULL);
	return !healthy ? UNHEALTHY : degraded ? DEGRADED : HEALTHY;
}

int
health_handle(struct request *rq, struct err *err)
{
	const struct service *services = rq->service != NULL ? rq->service : rq->web->services;
	size_t n = rq->service != NULL ? 1 : rq->web->n, i;
	enum health worst = HEALTHY, one;
	struct buf out, text;
	struct details d = { .out = &text };
	int r;

	(void)err;
	buf_init(&text, n * LIMIT_METRICS);
	for (i = 0; i < n; i++) {
		d.service = rq->web->n > 1 ? store_label(services[i].store) : NULL;
		one = put_service(&d, services[i].store);
		if (one > worst)
			worst = one;
	}
	buf_init(&out, n * LIMIT_METRICS + 1024);
	buf_printf(&out, "{\"overallStatus\":\"%s\",\"details\":[", words[worst]);
	buf_put(&out, text.data, text.len);
	buf_puts(&out, "]}");
	r = buf_error(&text);
	if (r == 0)
		r = reply_buf(rq, worst == UNHEALTHY ? 503 : 200, REPLY_JSON, &out);
	buf_fini(&text);
	buf_fini(&out);
	return r;
}
