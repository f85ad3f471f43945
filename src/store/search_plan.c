/* Which studies, series or instances match, newest first (contract 4.4, 4.8).
 *
 * A search is driven by one source of candidates and checked on rows for the
 * rest.  Sources, best first: a UID; the term whose index range is shortest
 * (counted up to a bound); everything, newest first.  A range of one value is
 * in the order of ids, so walking it backwards stops with the page; a range of
 * several values, or of words, is collected and sorted, unless it is a good
 * part of everything, when walking everything finds a page sooner.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/search_gather.h"

/* -- studies -------------------------------------------------------------- */

/* Is sorting so many better than walking all of total for a page? */
static bool
worth_collecting(struct gather *g, const struct term *t, uint64_t count, uint64_t total)
{
	if (count < GATHER_COUNT_BOUND)
		return true;
	if (gather_count_term(g, t, total / 16 + 1, &count) < 0)
		return false;
	return count <= total / 16;
}

static int
search_studies(struct gather *g)
{
	struct hit one = { .study = g->scope.study, .order = g->scope.study };
	struct partition_row partition;
	const struct term *t;
	struct hits found = { 0 };
	uint64_t count;
	int r;

	if (g->scope.study != 0)
		return gather_offer(g, &one, NULL);
	r = gather_best_term(g, LEVEL_STUDY, &t, &count);
	if (r < 0)
		return r;
	if (t != NULL && t->in_order)
		return gather_walk_term(g, t, KV_DESCENDING, gather_offer, NULL);
	if (t != NULL) {
		r = catalog_partition(g->txn, g->scope.partition, &partition);
		if (r < 0)
			return r;
		if (worth_collecting(g, t, count, partition.studies)) {
			r = gather_walk_term(g, t, KV_ASCENDING, gather_collect, &found);
			if (r >= 0)
				r = gather_take_sorted(g, &found);
			free(found.at);
			return r;
		}
	}
	return gather_walk_all(g, LEVEL_STUDY, gather_offer, NULL);
}

/* -- series --------------------------------------------------------------- */

static int
collect_series_of(struct gather *g, const struct hit *hit, void *ctx)
{
	int r = gather_walk_series_of(g, hit->study, gather_collect, ctx);

	return r < 0 ? r : 1;
}

/* The term by which few series are found, of series or of their studies; NULL: there is none. */
static int
narrow_term(struct gather *g, const struct term **ret_term)
{
	const struct term *of_study, *of_series;
	uint64_t n_study, n_series;
	int r = gather_best_term(g, LEVEL_STUDY, &of_study, &n_study);

	if (r == 0)
		r = gather_best_term(g, LEVEL_SERIES, &of_series, &n_series);
	*ret_term = NULL;
	if (r == 0 && of_series != NULL && n_series < GATHER_COUNT_BOUND && n_series <= n_study)
		*ret_term = of_series;
	else if (r == 0 && of_study != NULL && n_study < GATHER_COUNT_BOUND)
		*ret_term = of_study;
	return r;
}

static int
collect_series(struct gather *g, const struct term *t, struct hits *series)
{
	return gather_walk_term(g, t, KV_ASCENDING, t->level == LEVEL_STUDY ? collect_series_of : gather_collect, series);
}

static int
search_series(struct gather *g)
{
	const struct term *t;
	struct hits found = { 0 };
	uint64_t count;
	int r;

	if (g->scope.study != 0)
		return gather_walk_series_of(g, g->scope.study, gather_offer, NULL);
	r = narrow_term(g, &t);
	if (r == 0 && t != NULL) {
		r = collect_series(g, t, &found);
		if (r >= 0)
			r = gather_take_sorted(g, &found);
		free(found.at);
		return r;
	}
	if (r == 0)
		r = gather_best_term(g, LEVEL_SERIES, &t, &count);
	if (r < 0)
		return r;
	if (t != NULL && t->in_order)
		return gather_walk_term(g, t, KV_DESCENDING, gather_offer, NULL);
	return gather_walk_all(g, LEVEL_SERIES, gather_offer, NULL);
}

/* -- instances ------------------------------------------------------------ */

/* Those of a few series. */
static int
search_in_series(struct gather *g)
{
	struct hit one = { .study = g->scope.study, .series = g->scope.series, .order = g->scope.series };
	const struct term *t = NULL;
	struct hits series = { 0 };
	int r;

	if (g->scope.series != 0)
		r = hits_add(&series, &one);
	else if (g->scope.study != 0)
		r = gather_walk_series_of(g, g->scope.study, gather_collect, &series);
	else {
		r = narrow_term(g, &t);
		if (r == 0 && t == NULL)
			return gather_walk_all(g, LEVEL_INSTANCE, gather_offer, NULL);
		if (r == 0)
			r = collect_series(g, t, &series);
	}
	if (r >= 0) {
		hits_sort(&series);
		r = series.n <= GATHER_MERGE_MAX ? gather_merge(g, &series)
						 : gather_walk_all(g, LEVEL_INSTANCE, gather_offer, NULL);
	}
	free(series.at);
	return r;
}

static int
search_instances(struct gather *g)
{
	const struct term *t = terms_find(&g->terms, TAG_SOP_INSTANCE_UID);
	struct hits found = { 0 };
	uint64_t count;
	int r;

	/* One series is looked through faster than what all of them have in common. */
	if (t == NULL && g->scope.series == 0) {
		r = gather_best_term(g, LEVEL_INSTANCE, &t, &count);
		if (r < 0)
			return r;
		if (count >= GATHER_COUNT_BOUND)
			t = NULL;
	}
	if (t == NULL)
		return search_in_series(g);
	r = gather_walk_term(g, t, KV_ASCENDING, gather_collect, &found);
	if (r >= 0)
		r = gather_take_sorted(g, &found);
	free(found.at);
	return r;
}

/* -- the plan ------------------------------------------------------------- */

int
gather_newest(struct gather *g)
{
	if (g->level == LEVEL_STUDY)
		return search_studies(g);
	return g->level == LEVEL_SERIES ? search_series(g) : search_instances(g);
}

int
gather_is_narrow(struct gather *g, bool *ret_narrow)
{
	const struct term *t;
	uint64_t count;
	enum level level;
	int r = 0;

	*ret_narrow = g->scope.study != 0;
	for (level = LEVEL_STUDY; level <= g->level && r == 0 && !*ret_narrow; level++) {
		r = gather_best_term(g, level, &t, &count);
		*ret_narrow = r == 0 && t != NULL && count < GATHER_COUNT_BOUND;
	}
	return r;
}

/* A StudyInstanceUID or SeriesInstanceUID term narrows the scope.  0: nothing can match. */
static int
narrow(struct gather *g)
{
	const struct term *t;
	uint64_t id;
	int r;

	t = terms_find(&g->terms, TAG_STUDY_INSTANCE_UID);
	if (t != NULL && t->given->match == SEARCH_EXACT) {
		r = catalog_find(g->txn, g->scope.partition, t->given->value, &id);
		if (r < 0)
			return r == -ENOENT ? 0 : r;
		if (g->scope.study != 0 && g->scope.study != id)
			return 0;
		g->scope.study = id;
	}
	t = terms_find(&g->terms, TAG_SERIES_INSTANCE_UID);
	if (t != NULL && g->scope.study != 0 && t->given->match == SEARCH_EXACT) {
		r = catalog_find(g->txn, g->scope.study, t->given->value, &id);
		if (r < 0)
			return r == -ENOENT ? 0 : r;
		if (g->scope.series != 0 && g->scope.series != id)
			return 0;
		g->scope.series = id;
	}
	return 1;
}

/* Matches of a search that asks for all there are. */
static int
count_all(struct gather *g, uint64_t *ret_count)
{
	struct partition_row row;
	int r = catalog_partition(g->txn, g->scope.partition, &row);

	if (r == 0)
		*ret_count = g->level == LEVEL_STUDY ? row.studies : g->level == LEVEL_SERIES ? row.series : row.instances;
	return r;
}

static int
set_total(struct gather *g)
{
	g->report->total = UINT64_MAX;
	if (!g->stopped)
		g->report->total = g->matches;
	else if (g->terms.n == 0 && g->scope.study == 0)
		return count_all(g, &g->report->total);
	return 0;
}

static int
gather(struct gather *g)
{
	int r = narrow(g);

	if (r <= 0)
		return r;
	r = g->n_orders > 0 ? gather_ordered(g) : gather_newest(g);
	return r < 0 ? r : set_total(g);
}

int
search_plan(struct kv_txn *txn, const struct search *s, struct hits *ret_hits, struct search_report *ret_report,
	    struct err *err)
{
	struct store_scope scope = { .partition = s->partition, .study_uid = s->study_uid,
				     .series_uid = s->series_uid };
	struct gather *g = calloc(1, sizeof *g);
	int found, r;

	if (g == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	g->txn = txn;
	g->search = s;
	g->level = (enum level)s->level;
	g->skip = s->offset;
	g->want = s->limit != 0 ? s->limit : UINT64_MAX;
	g->count = s->count;
	g->hits = ret_hits;
	g->report = ret_report;
	*ret_report = (struct search_report){ 0 };
	match_init(&g->match, g->level, s->external);
	found = scope_resolve(txn, &scope, &g->scope, NULL);
	match_begin(&g->match, txn, g->scope.partition);
	/* What is asked must make sense where there is nothing as well. */
	r = found == 0 || found == -ENOENT ? terms_compile(&g->terms, s, txn, g->scope.partition, err) : found;
	if (r == 0)
		r = gather_set_orders(g, err);
	if (r == 0 && found == 0) {
		r = gather(g);
		if (r == -E2BIG)
			err_set(err, r = -EINVAL, "too many match to be put in this order: ask for less");
		else if (r < 0)
			err_set(err, r, "cannot read the index: %s", strerror(-r));
	}
	terms_fini(&g->terms);
	match_fini(&g->match);
	free(g);
	return r < 0 ? r : 0;
}
