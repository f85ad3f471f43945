/* GET /health/check (contract 15.6). */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "web/handlers.h"
#include "web/reply.h"
#include "web/request.h"
#include "web/server.h"

void
health_handle(struct request *rq)
{
	struct store_status status;
	struct err err = { 0 };
	bool healthy = store_get_status(rq->web->store, &status, &err) == 0;
	const char *word = healthy ? "Healthy" : "Unhealthy";
	json_t *root = json_pack("{s:s, s:[{s:s, s:s, s:s}]}",
				 "overallStatus", word, "details",
				 "name", "index", "status", word,
				 "description", healthy ? "The index answers" : err_text(&err));
	char *text = root == NULL ? NULL : json_dumps(root, JSON_COMPACT);

	if (text == NULL)
		reply_error(rq, NULL, -ENOMEM);
	else
		reply_body(rq, healthy ? 200 : 503, "application/json; charset=utf-8", text, strlen(text));
	free(text);
	json_decref(root);
}
