/* GET /health/check (contract 15.6). */
#include <string.h>

#include "web/handlers.h"
#include "web/reply.h"
#include "web/request.h"
#include "web/server.h"

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

	buf_init(&out, LIMIT_REPLY_HEAD);
	buf_printf(&out, "{\"overallStatus\":\"%s\",\"details\":[{\"name\":\"index\",\"status\":\"%s\","
		   "\"description\":", healthy && degraded ? "Degraded" : word, word);
	buf_put_json_string(&out, what, strlen(what));
	/* Contract 11.4. */
	buf_printf(&out, "},{\"name\":\"store\",\"status\":\"%s\",", degraded ? "Degraded" : "Healthy");
	if (degraded)
		buf_puts(&out, "\"reason\":\"ConnectedStoreDegraded\",");
	buf_puts(&out, "\"description\":");
	buf_put_json_string(&out, store, strlen(store));
	buf_puts(&out, "}]}");
	r = reply_buf(rq, healthy ? 200 : 503, REPLY_JSON, &out);
	buf_fini(&out);
	return r;
}
