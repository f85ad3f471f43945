/* GET /{v}/api.yaml: the dialect's resources as OpenAPI 3.0, made from the table of routes. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "web/handlers.h"
#include "web/reply.h"
#include "web/request.h"
#include "web/server.h"

#define TYPE "application/yaml; charset=utf-8"

static bool
has(const struct route *r, const struct dialect *d)
{
	return (r->dialects & d->bit) != 0;
}

/* A template whose rows stand further up has been written. */
static bool
is_written(enum route_id id, const struct dialect *d)
{
	enum route_id i;

	for (i = 0; i < id; i++)
		if (has(route_at(i), d) && strcmp(route_at(i)->template, route_at(id)->template) == 0)
			return true;
	return false;
}

static void
put_lower(struct buf *out, const char *name)
{
	for (; *name != '\0'; name++)
		buf_putc(out, (char)tolower((unsigned char)*name));
}

static void
put_parameter(struct buf *out, const char *name, size_t len)
{
	buf_printf(out, "      - name: %.*s\n        in: path\n        required: true\n        schema:\n"
		   "          type: string\n", (int)len, name);
}

/* The variables of the path, {partition} first where there is one. */
static void
put_parameters(struct buf *out, const char *template, bool partition)
{
	const char *p = template, *end;

	if (!partition && strchr(p, '{') == NULL)
		return;
	buf_puts(out, "    parameters:\n");
	if (partition)
		put_parameter(out, "partition", strlen("partition"));
	while ((p = strchr(p, '{')) != NULL && (end = strchr(p, '}')) != NULL) {
		put_parameter(out, p + 1, (size_t)(end - p) - 1);
		p = end;
	}
}

static void
put_method(struct buf *out, const struct route *r)
{
	buf_puts(out, "    ");
	put_lower(out, method_name(r->method));
	buf_puts(out, ":\n      operationId: ");
	put_lower(out, r->name);
	buf_puts(out, "\n      responses:\n        default:\n          description: see dicomlake-dicomweb(7)\n");
}

static void
put_paths(struct buf *out, const struct dialect *d, bool partitions)
{
	enum route_id id, same;

	for (id = 0; id < ROUTE_MAX; id++) {
		const struct route *r = route_at(id);
		bool partition = partitions && (r->dialects & DIALECT_SPANS) == 0;

		if (!has(r, d) || is_written(id, d))
			continue;
		buf_printf(out, "  %s/%s:\n", partition ? "/partitions/{partition}" : "", r->template);
		put_parameters(out, r->template, partition);
		for (same = id; same < ROUTE_MAX; same++)
			if (has(route_at(same), d) && strcmp(route_at(same)->template, r->template) == 0)
				put_method(out, route_at(same));
	}
}

int
api_handle(struct request *rq, struct err *err)
{
	struct buf out;
	int r;

	buf_init(&out, LIMIT_LIST);
	buf_printf(&out, "openapi: 3.0.3\ninfo:\n  title: dicomlake\n  version: %s\n"
		   "servers:\n  - url: %s/%s\npaths:\n", PACKAGE_VERSION, rq->base, rq->dialect->prefix);
	put_paths(&out, rq->dialect, store_partitions(rq->service->store));
	r = reply_buf(rq, 200, TYPE, &out);
	if (r < 0)
		err_set(err, r, "No memory");
	buf_fini(&out);
	return r;
}
