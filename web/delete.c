/* DELETE of a study, series or instance (contract 5). */
#include "web/handlers.h"
#include "web/reply.h"
#include "web/request.h"
#include "web/server.h"

int
delete_handle(struct request *rq, struct err *err)
{
	struct store_scope scope = request_scope(rq);
	uint64_t instances;
	int r = store_delete(rq->service->store, &scope, &instances, err);

	if (r == 0)
		reply_empty(rq, 204);
	return r;
}
