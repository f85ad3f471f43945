/* uri.h: request targets: paths, their templates, and query strings.
 *
 * All of it is foreign text.  Errors: -EINVAL malformed (a bad escape, a NUL,
 * an escaped slash, text that is not UTF-8); -E2BIG past a limit of limits.h.
 * Threads: no state.
 */
#ifndef WEB_URI_H
#define WEB_URI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "web/limits.h"

/* Undo percent encoding; with plus, '+' is a space.  out (size bytes) gets a
 * NUL at its end. */
int uri_decode(const char *text, size_t len, bool plus, char *out, size_t size);

struct uri_path {
	unsigned count;
	const char *segment[LIMIT_SEGMENTS];	/* decoded, into text */
	char text[LIMIT_PATH];
};

/* Split at '/', then decode.  One slash at the end does not count; an empty
 * segment elsewhere stays an (unmatchable) empty one. */
int uri_split(const char *path, struct uri_path *ret_path);

enum uri_var {
	URI_STUDY, URI_SERIES, URI_INSTANCE, URI_FRAMES, URI_TAG, URI_OPERATION, URI_REST, URI_VARS
};

struct uri_vars {
	const char *value[URI_VARS];		/* NULL: not in the template */
	unsigned rest;				/* URI_REST: its first segment */
};

/* Template segments are words, compared without regard to case, or {study},
 * {series}, {instance}, {frames}, {tag}, {operation}, or at the end {rest}: one or more segments. */
bool uri_match(const char *template, const struct uri_path *path, unsigned first,
	       struct uri_vars *ret_vars);

struct uri_query {
	unsigned count;
	struct { const char *name, *value; } param[LIMIT_QUERY_PARAMS];
	char text[LIMIT_QUERY];
};

/* raw may be NULL or empty.  A name without '=' has the value "". */
int uri_parse_query(const char *raw, struct uri_query *ret_query, struct err *err);
/* The first parameter of that name, compared without regard to case; NULL: none. */
const char *uri_query_find(const struct uri_query *query, const char *name);

#endif
