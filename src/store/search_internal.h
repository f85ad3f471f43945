/* search_internal.h: what planning a search and showing its matches share. */
#ifndef STORE_SEARCH_INTERNAL_H
#define STORE_SEARCH_INTERNAL_H

#include "store/internal.h"

/* A match: ids down to the level searched for. */
struct hit {
	uint64_t study, series, instance;
	uint64_t order;			/* newest is highest: id, or watermark of an instance */
};

struct hits {
	struct hit *at;
	size_t n, cap;
};

/* Append to *ret_hits (zeroed by the caller, freed with free(at)) the matches
 * of a search, newest first: those from offset, at most limit. */
int search_plan(struct store *st, struct kv_txn *txn, const struct search *s, struct hits *ret_hits,
		struct err *err);

#endif
