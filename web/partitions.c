/* GET /partitions (contract 1.4). */
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "web/handlers.h"
#include "web/reply.h"
#include "web/request.h"
#include "web/server.h"

struct list {
	struct buf out;
	unsigned key;		/* of the one before: in the order they were made, from 1 */
};

static int
put_partition(void *ctx, const struct store_node *node)
{
	struct list *l = ctx;
	char created[CLOCK_TEXT_MAX];

	clock_format(node->created, created);
	buf_printf(&l->out, "%s{\"partitionKey\":%u,\"partitionName\":\"%s\",\"createdDate\":\"%s\"}",
		   l->key > 0 ? "," : "", l->key + 1, node->name, created);
	l->key++;
	return buf_error(&l->out);
}

int
partitions_handle(struct request *rq, struct err *err)
{
	struct list l = { .key = 0 };
	int r;

	if (!store_partitions(rq->service->store))
		return err_set(err, -EINVAL, "Data partitions are not enabled in this service");
	r = request_check_type(rq, "application/json", "The list of partitions is given", err);
	if (r < 0)
		return r;
	buf_init(&l.out, LIMIT_LIST);
	buf_putc(&l.out, '[');
	r = store_list(rq->service->store, STORE_ROOT_ID, 0, put_partition, &l);
	buf_putc(&l.out, ']');
	if (r == 0)
		r = reply_buf(rq, 200, REPLY_JSON, &l.out);
	if (r < 0)
		err_set(err, r, "The index cannot be read: %s", strerror(-r));
	buf_fini(&l.out);
	return r;
}
