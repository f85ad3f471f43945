/* search_gather.h: what every plan of a search is made of: candidates, the rows they are checked
 * on, and the matches taken of them. */
#ifndef STORE_SEARCH_GATHER_H
#define STORE_SEARCH_GATHER_H

#include "store/search_internal.h"

/* Index entries are counted up to here to compare sources. */
#define GATHER_COUNT_BOUND 4096

struct gather {
	struct kv_txn *txn;
	const struct search *search;
	enum level level;
	struct terms terms;
	struct catalog_path scope;
	uint64_t skip, want;		/* matches still to pass over, to take */
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

/* Each check: 1 when it fits all terms of its level and above, 0 when not. */
int  gather_check_study(struct gather *g, uint64_t study);
int  gather_check_series(struct gather *g, uint64_t study, uint64_t series);
int  gather_check_instance(struct gather *g, const struct hit *hit);
bool gather_instance_matches(struct gather *g, const struct instance_row *row);

int  hits_add(struct hits *h, const struct hit *hit);
int  hits_newest_first(const void *a, const void *b);		/* for qsort */
int  hits_drop_duplicates(struct hits *h);			/* sorts; 0 */

/* Is it before what the search begins with? */
bool gather_is_past(const struct gather *g, uint64_t order);
/* A match, in order.  1: go on; 0: the page is full, or enough was looked at. */
int  gather_take(struct gather *g, const struct hit *hit);
/* Candidates in any order: sorted, duplicates dropped, taken until the page is full.  They
 * are checked by `check`. */
int  gather_take_sorted(struct gather *g, struct hits *h, int (*check)(struct gather *g, const struct hit *hit));

/* Entries of a term's range of the index, counted up to bound. */
int  gather_count_term(struct gather *g, const struct term *t, uint64_t bound, uint64_t *ret_count);
/* The term of this level with the fewest entries; NULL when there is none. */
int  gather_best_term(struct gather *g, enum level level, const struct term **ret_term, uint64_t *ret_count);

/* Walks: fn is called until it returns 0 or less, which is returned. */
int  gather_walk_keys(struct gather *g, const struct key *from, const struct key *to, enum kv_direction direction,
		      int (*fn)(struct gather *g, uint64_t id, uint64_t parent, void *ctx), void *ctx);
/* What a term has, which for a list may come twice. */
int  gather_walk_term(struct gather *g, const struct term *t, enum kv_direction direction,
		      int (*fn)(struct gather *g, uint64_t id, uint64_t parent, void *ctx), void *ctx);
int  gather_walk_studies(struct gather *g, int (*fn)(struct gather *g, uint64_t study));
int  gather_walk_series_of(struct gather *g, uint64_t study,
			   int (*fn)(struct gather *g, uint64_t id, uint64_t parent, void *ctx), void *ctx);
/* Everything of a level, newest first. */
int  gather_walk_order(struct gather *g, enum level level,
		       int (*fn)(struct gather *g, uint64_t parent, uint64_t id, uint64_t number));
/* A fn of the walks: ctx is a struct hits. */
int  gather_collect_id(struct gather *g, uint64_t id, uint64_t parent, void *ctx);

#endif
