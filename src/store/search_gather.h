/* search_gather.h: what every plan of a search is made of: candidates, the rows they are checked
 * on, and the matches taken of them. */
#ifndef STORE_SEARCH_GATHER_H
#define STORE_SEARCH_GATHER_H

#include "store/search_internal.h"

/* Index entries are counted up to here to compare sources. */
#define GATHER_COUNT_BOUND 4096

/* An attribute that matches are ordered by (search_order.c). */
struct order {
	uint32_t tag;
	uint16_t vr;
	enum level level;		/* whose rows have it */
	uint32_t number;		/* of an extended query tag; 0 */
	bool indexed, descending;
};

struct gather {
	struct kv_txn *txn;
	const struct search *search;
	enum level level;
	struct terms terms;
	struct order orders[SEARCH_ORDER_MAX];
	size_t n_orders;
	struct catalog_path scope;
	uint64_t skip, want;		/* matches still to pass over, to take */
	bool count;			/* go on when the page is full */
	uint64_t matches;		/* seen so far, those passed over too */
	bool stopped;			/* there may be more of them */
	struct hits *hits;
	struct search_report *report;
	struct match match;		/* the one that is looked at closer */
	uint64_t looks;
	/* The rows looked at last: candidates come in runs. */
	uint64_t study_id, series_id;
	bool study_ok, series_ok;
	struct study_row study;
	struct series_row series;
};

/* What is done with a candidate: 1 go on; 0 or less end the walk. */
typedef int gather_fn(struct gather *g, const struct hit *hit, void *ctx);

/* Each check: 1 when it fits all terms of its level and above, 0 when not. */
int  gather_check_study(struct gather *g, uint64_t study);
int  gather_check_series(struct gather *g, uint64_t study, uint64_t series);
/* Of the level searched for. */
int  gather_check(struct gather *g, const struct hit *hit);
/* Of an instance whose series fits. */
int  gather_check_instance(struct gather *g, const struct hit *hit);

int  hits_add(struct hits *h, const struct hit *hit);
int  hits_newest_first(const void *a, const void *b);		/* for qsort */
void hits_sort(struct hits *h);					/* newest first, each once */

/* Is it before what the search begins with? */
bool gather_is_past(const struct gather *g, uint64_t order);
/* A match, in order, that has still to be looked at for terms that are not indexed.  1: go on;
 * 0: the page is full, or enough was looked at. */
int  gather_take(struct gather *g, const struct hit *hit);
/* Likewise, but it was looked at. */
int  gather_page(struct gather *g, const struct hit *hit);
/* Candidates of the level searched for, of any order and some perhaps twice: sorted, checked, taken. */
int  gather_take_sorted(struct gather *g, struct hits *h);
/* Fns of walks: take what fits; and put what comes into the struct hits that ctx is. */
gather_fn gather_offer, gather_collect;

/* Entries of a term's range of the index, counted up to bound. */
int  gather_count_term(struct gather *g, const struct term *t, uint64_t bound, uint64_t *ret_count);
/* The term of this level with the fewest entries; NULL when there is none. */
int  gather_best_term(struct gather *g, enum level level, const struct term **ret_term, uint64_t *ret_count);

/* Walks: fn is called until it returns 0 or less, which is returned, with the ids that the source
 * has: of an instance that is not that of its study. */
/* An attribute's range of the index, of entries of this level. */
int  gather_walk_keys(struct gather *g, enum level level, const struct key *from, const struct key *to,
		      enum kv_direction direction, gather_fn *fn, void *ctx);
/* What a term has, which for a list may come twice. */
int  gather_walk_term(struct gather *g, const struct term *t, enum kv_direction direction, gather_fn *fn, void *ctx);
int  gather_walk_series_of(struct gather *g, uint64_t study, gather_fn *fn, void *ctx);
/* Everything of a level, newest first. */
int  gather_walk_all(struct gather *g, enum level level, gather_fn *fn, void *ctx);

/* Find what matches, newest first (search_plan.c). */
int  gather_newest(struct gather *g);
/* Are there so few candidates that looking at all of them is better than an order of the index? */
int  gather_is_narrow(struct gather *g, bool *ret_narrow);

/* -- in the order of attributes (search_order.c) -- */

/* What may order these results.  -EINVAL. */
int  gather_set_orders(struct gather *g, struct err *err);
/* Find what matches in that order.  -E2BIG: too many to be sorted. */
int  gather_ordered(struct gather *g);

/* -- instances of several series, newest first (search_merge.c) -- */

/* Those that fit, of these series; not more than GATHER_MERGE_MAX. */
#define GATHER_MERGE_MAX 1024
int  gather_merge(struct gather *g, const struct hits *series);

#endif
