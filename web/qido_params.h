/* qido_params.h: the query string of a search, checked by the rules of contract 4.2, as a
 * struct search for the store.
 *
 * Errors: -EINVAL with a sentence that names the key (400); -E2BIG past a limit.
 * Threads: no state.
 */
#ifndef WEB_QIDO_PARAMS_H
#define WEB_QIDO_PARAMS_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "store/store.h"
#include "web/dialect.h"
#include "web/uri.h"

/* Attributes of all levels and LIMIT_INCLUDEFIELDS, and every term's and the path's. */
#define QIDO_TAGS_MAX (LIMIT_INCLUDEFIELDS + LIMIT_QUERY_PARAMS + 64)

struct qido_params {
	struct search search;		/* terms, tags, everything, limit, offset, level */
	struct search_term term[LIMIT_QUERY_PARAMS];
	struct search_order order[SEARCH_ORDER_MAX];
	uint32_t tag[QIDO_TAGS_MAX];
	uint32_t path[LIMIT_QUERY_PARAMS * 2];	/* sequences of terms */
	char text[LIMIT_QUERY];		/* both ends of ranges, lists */
	/* Terms by tags whose values some instances have wrong, as the client spelled them. */
	const char *erroneous[LIMIT_QUERY_PARAMS];
	size_t n_erroneous;
};

/* find_tag(ctx, ...) is store_search_tag, or a test's own.  search.terms and the like
 * point into *ret_params and into query, so neither may move. */
int qido_parse(const struct dialect *dialect, enum search_url url, const struct uri_query *query,
	       int (*find_tag)(void *ctx, uint32_t tag, struct search_tag *ret_tag), void *ctx,
	       struct qido_params *ret_params, struct err *err);

#endif
