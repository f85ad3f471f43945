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
	bool healthy = store_get_status(rq->web->store, &status, err) == 0;
	const char *word = healthy ? "Healthy" : "Unhealthy";
	const char *what = healthy ? "The index answers" : err_text(err);
	struct buf out;
	int r;

	buf_init(&out, LIMIT_REPLY_HEAD);
	buf_printf(&out, "{\"overallStatus\":\"%s\",\"details\":[{\"name\":\"index\",\"status\":\"%s\","
		   "\"description\":", word, word);
	buf_put_json_string(&out, what, strlen(what));
	buf_puts(&out, "}]}");
	r = reply_buf(rq, healthy ? 200 : 503, REPLY_JSON, &out);
	buf_fini(&out);
	return r;
}
