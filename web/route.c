#include "web/route.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "web/handlers.h"

static const struct route routes[ROUTE_MAX] = {
#define ROUTE(name_, method_, dialects_, action_, template_, handler_) \
	[ROUTE_##name_] = { #name_, METHOD_##method_, dialects_, ACTION_##action_, template_, handler_ },
#include "web/routes.tbl"
#undef ROUTE
};

static const char *const method_names[] = {
	[METHOD_GET] = "GET",
	[METHOD_HEAD] = "HEAD",
	[METHOD_POST] = "POST",
	[METHOD_PUT] = "PUT",
	[METHOD_PATCH] = "PATCH",
	[METHOD_DELETE] = "DELETE",
	[METHOD_OPTIONS] = "OPTIONS",
};

enum method
method_parse(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof method_names / sizeof *method_names; i++)
		if (strcmp(method_names[i], name) == 0)
			return (enum method)i;
	return METHOD_OTHER;
}

const char *
method_name(enum method method)
{
	return method_names[method];
}

const struct route *
route_at(enum route_id id)
{
	return &routes[id];
}

enum route_id
route_id_of(const struct route *route)
{
	return (enum route_id)(route - routes);
}

static void
allow_method(char allow[ROUTE_ALLOW_MAX], enum method method)
{
	size_t len = strlen(allow);
	const char *name = method_names[method];

	if (strstr(allow, name) != NULL)
		return;			/* none is a part of another */
	/* Room for all of the names. */
	if (len > 0) {
		strcpy(allow + len, ", ");
		len += 2;
	}
	strcpy(allow + len, name);
	if (method == METHOD_GET)
		allow_method(allow, METHOD_HEAD);
}

/* Contract 1.2. */
static int
check_partition(const char *name, bool partitions, struct err *err)
{
	if (!partitions)
		return err_set(err, -EINVAL, "Data partitions are not enabled in this service");
	if (!store_name_is_valid(name))
		return err_set(err, -EINVAL, "The name of a partition has 1 to %d letters, digits, '_', '.' and '-'",
			       STORE_NAME_MAX);
	return 0;
}

int
route_find(const struct uri_path *path, enum method method, bool partitions, struct route_match *ret_match,
	   struct err *err)
{
	enum method wanted = method == METHOD_HEAD ? METHOD_GET : method;
	struct route_match m = { 0 };
	bool lacks_partition = false;
	unsigned first = 0, i;
	int error;

	if (path->count > 0)
		m.dialect = dialect_find(path->segment[0]);
	if (m.dialect != NULL)
		first = 1;
	if (m.dialect != NULL && path->count > first + 1 && strcasecmp(path->segment[first], "partitions") == 0) {
		m.partition = path->segment[first + 1];
		error = check_partition(m.partition, partitions, err);
		if (error < 0)
			return error;
		first += 2;
	}
	for (i = 0; i < ROUTE_MAX; i++) {
		const struct route *r = &routes[i];
		struct uri_vars vars;

		if (m.dialect == NULL ? r->dialects != 0 : (r->dialects & m.dialect->bit) == 0)
			continue;
		if (m.partition != NULL && (r->dialects & DIALECT_SPANS) != 0)
			continue;
		if (!uri_match(r->template, path, first, &vars))
			continue;
		lacks_partition |= partitions && m.partition == NULL && r->dialects != 0 &&
			(r->dialects & DIALECT_SPANS) == 0;
		allow_method(m.allow, r->method);
		if (r->method == wanted) {
			m.route = r;
			m.vars = vars;
		}
	}
	if (m.allow[0] == '\0')
		return err_set(err, -ENOENT, "No such resource");
	if (lacks_partition)
		return err_set(err, -EINVAL, "The URL must name a data partition: /%s/partitions/{name}/...",
			       m.dialect->prefix);
	allow_method(m.allow, METHOD_OPTIONS);
	*ret_match = m;
	if (m.route == NULL && method != METHOD_OPTIONS)
		return err_set(err, -EOPNOTSUPP, "The resource does not have that method; it has %s", m.allow);
	return 0;
}
