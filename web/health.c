/* GET /health/check (contract 15.6). */
#include <inttypes.h>
#include <string.h>

#include "store/receivers.h"
#include "web/handlers.h"
#include "web/reply.h"
#include "web/request.h"
#include "web/server.h"

/* A receiver that is dead makes the service no worse. */
static int
put_receiver(void *ctx, const struct receiver *v)
{
	struct buf *out = ctx;
	struct buf text;

	buf_init(&text, 1024);
	buf_printf(&text, "%s is %" PRIu64 " changes behind%s%s", v->name, v->behind, v->failing != 0 ? ": " : "", v->why);
	buf_printf(out, ",{\"name\":\"events-%s\",\"status\":\"%s\",\"description\":", v->name,
		   v->failing != 0 ? "Degraded" : "Healthy");
	buf_put_json_string(out, text.data, text.len);
	buf_putc(out, '}');
	buf_fini(&text);
	return 0;
}

int
health_handle(struct request *rq, struct err *err)
{
	struct store_status status;
	struct err why = { 0 };
	bool healthy = store_get_status(rq->web->store, &status, err) == 0;
	bool degraded = store_health(rq->web->store, &why) < 0;
	const char *word = healthy ? "Healthy" : "Unhealthy";
	const char *what = healthy ? "The index answers" : err_text(err);
	const char *store = degraded ? err_text(&why) : "The store can be written, read and deleted";
	struct buf out;
	int r;

	buf_init(&out, LIMIT_METRICS);
	buf_printf(&out, "{\"overallStatus\":\"%s\",\"details\":[{\"name\":\"index\",\"status\":\"%s\","
		   "\"description\":", healthy && degraded ? "Degraded" : word, word);
	buf_put_json_string(&out, what, strlen(what));
	/* Contract 11.4. */
	buf_printf(&out, "},{\"name\":\"store\",\"status\":\"%s\",", degraded ? "Degraded" : "Healthy");
	if (degraded)
		buf_puts(&out, "\"reason\":\"ConnectedStoreDegraded\",");
	buf_puts(&out, "\"description\":");
	buf_put_json_string(&out, store, strlen(store));
	buf_putc(&out, '}');
	store_receivers(rq->web->store, put_receiver, &out, NULL);
	buf_puts(&out, "]}");
	r = reply_buf(rq, healthy ? 200 : 503, REPLY_JSON, &out);
	buf_fini(&out);
	return r;
}
