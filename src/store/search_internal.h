/* search_internal.h: what planning a search and showing its matches share. */
#ifndef STORE_SEARCH_INTERNAL_H
#define STORE_SEARCH_INTERNAL_H

#include "store/internal.h"

/* -- terms (search_term.c) -- */

#define SEARCH_TERMS_MAX 64

struct term {
	const struct search_term *given;
	enum level level;
	uint16_t vr;
	uint32_t number;		/* of an extended query tag; 0: it can always be searched */
	struct buf low, high;		/* collated; low alone when exact */
	struct buf words;		/* collated query words, NUL after each */
	unsigned n_words;
	struct key from, to;		/* its range of the index */
	bool in_order;			/* of ids */
};

struct terms {
	size_t n;
	struct term at[SEARCH_TERMS_MAX];
};

/* Compile what is asked for a search at this level; ranges are those of the
 * partition's index.  -EINVAL.  terms_fini even after a failure. */
int  terms_compile(struct terms *t, const struct search *s, struct kv_txn *txn, uint64_t partition, struct err *err);
void terms_fini(struct terms *t);
/* NULL when the tag is not asked for. */
const struct term *terms_find(const struct terms *t, uint32_t tag);
/* Does a row of this level fit all terms of its level? */
bool terms_match(const struct terms *t, enum level level, const char *uid, struct slice attributes,
		 struct slice modalities, struct slice extended);
/* Is there a term of this level? */
bool terms_have(const struct terms *t, enum level level);

/* -- matches (search_plan.c) -- */

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
