/* route.h: which handler a method and a path mean.
 *
 * Threads: no state.
 */
#ifndef WEB_ROUTE_H
#define WEB_ROUTE_H

#include "base/err.h"
#include "web/dialect.h"
#include "web/uri.h"

struct request;

enum method {
	METHOD_GET, METHOD_HEAD, METHOD_POST, METHOD_PUT, METHOD_PATCH, METHOD_DELETE, METHOD_OPTIONS, METHOD_OTHER
};

enum method method_parse(const char *name);
const char *method_name(enum method method);		/* not METHOD_OTHER */

/* What a caller must be allowed to do (contract 15.2). */
enum action { ACTION_NONE, ACTION_READ, ACTION_WRITE, ACTION_DELETE, ACTION_MANAGE_TAGS, ACTION_EXPORT };

enum route_id {
#define ROUTE(name, method, dialects, action, template, handler) ROUTE_##name,
#include "web/routes.tbl"
#undef ROUTE
	ROUTE_MAX
};

struct route {
	const char *name;
	enum method method;
	unsigned dialects;
	enum action action;
	const char *template;
	int (*handler)(struct request *rq, struct err *err);		/* handlers.h */
};

const struct route *route_at(enum route_id id);
enum route_id route_id_of(const struct route *route);

#define ROUTE_ALLOW_MAX 64

struct route_match {
	const struct route *route;	/* NULL: none for this method */
	const struct dialect *dialect;	/* NULL at the root */
	const char *partition;		/* as the path spells it; NULL: not in the path */
	struct uri_vars vars;
	char allow[ROUTE_ALLOW_MAX];	/* methods the path has, for Allow */
};

/* 0: route is set, or method is OPTIONS; -ENOENT: no such path (404); -EOPNOTSUPP: not with
 * this method (405, allow is set); -EINVAL: a partition while partitions are off, none or a bad name
 * while they are on. */
int route_find(const struct uri_path *path, enum method method, bool partitions, struct route_match *ret_match,
	       struct err *err);

#endif
