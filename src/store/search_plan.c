/* Which studies, series or instances match, newest first (contract 4.4, 4.8) or in the
 * order of an indexed attribute.
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

#include "dicom/collate.h"
#include "store/search_gather.h"

/* Series merged by watermark; with more, all instances are walked. */
#define MERGE_MAX 1024

/* -- studies -------------------------------------------------------------- */

static int
offer_study(struct gather *g, uint64_t study)
{
	struct hit hit = { .study = study, .order = study };
	int r = gather_is_past(g, study) ? 0 : gather_check_study(g, study);

	return r > 0 ? gather_take(g, &hit) : r < 0 ? r : 1;
}

static int
offer_study_id(struct gather *g, uint64_t id, uint64_t parent, void *ctx)
{
	(void)parent;
	(void)ctx;
	return offer_study(g, id);
}

static int
check_study_hit(struct gather *g, const struct hit *hit)
{
	return gather_check_study(g, hit->study);
}

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
	struct partition_row partition;
	const struct term *t;
	struct hits ids = { 0 };
	uint64_t count;
	size_t i;
	int r;

	if (g->scope.study != 0)
		return offer_study(g, g->scope.study);
	r = gather_best_term(g, LEVEL_STUDY, &t, &count);
	if (r < 0)
		return r;
	if (t != NULL && t->in_order)
		return gather_walk_term(g, t, KV_DESCENDING, offer_study_id, NULL);
	if (t != NULL) {
		r = catalog_partition(g->txn, g->scope.partition, &partition);
		if (r < 0)
			return r;
		if (worth_collecting(g, t, count, partition.studies)) {
			r = gather_walk_term(g, t, KV_ASCENDING, gather_collect_id, &ids);
			for (i = 0; i < ids.n; i++)
				ids.at[i].study = ids.at[i].series;
			if (r >= 0)
				r = gather_take_sorted(g, &ids, check_study_hit);
			free(ids.at);
			return r;
		}
	}
	return gather_walk_studies(g, offer_study);
}

/* -- series --------------------------------------------------------------- */

static int
offer_series(struct gather *g, uint64_t study, uint64_t series)
{
	struct hit hit = { .study = study, .series = series, .order = series };
	int r = gather_check_series(g, study, series);

	return r > 0 ? gather_take(g, &hit) : r < 0 ? r : 1;
}

static int
offer_series_id(struct gather *g, uint64_t id, uint64_t parent, void *ctx)
{
	(void)ctx;
	return offer_series(g, parent, id);
}

static int
check_series_hit(struct gather *g, const struct hit *hit)
{
	return gather_check_series(g, hit->study, hit->series);
}

static int
offer_ordered_series(struct gather *g, uint64_t parent, uint64_t id, uint64_t number)
{
	(void)number;
	return offer_series(g, parent, id);
}

static int
collect_series_of(struct gather *g, uint64_t id, uint64_t parent, void *ctx)
{
	(void)parent;
	return gather_walk_series_of(g, id, gather_collect_id, ctx) < 0 ? -EIO : 1;
}

/* All candidate series of the best term, unchecked and unsorted; 0 when there
 * are too many for that to pay (or no term), with ids empty. */
static int
candidate_series(struct gather *g, struct hits *ids)
{
	const struct term *of_study, *of_series;
	uint64_t n_study, n_series;
	int r;

	r = gather_best_term(g, LEVEL_STUDY, &of_study, &n_study);
	if (r == 0)
		r = gather_best_term(g, LEVEL_SERIES, &of_series, &n_series);
	if (r < 0)
		return r;
	if (of_series != NULL && n_series < GATHER_COUNT_BOUND && n_series <= n_study)
		r = gather_walk_term(g, of_series, KV_ASCENDING, gather_collect_id, ids);
	else if (of_study != NULL && n_study < GATHER_COUNT_BOUND)
		r = gather_walk_term(g, of_study, KV_ASCENDING, collect_series_of, ids);
	else
		return 0;
	return r < 0 ? r : 1;
}

static int
search_series(struct gather *g)
{
	const struct term *t;
	struct hits ids = { 0 };
	uint64_t count;
	int r;

	if (g->scope.study != 0)
		return gather_walk_series_of(g, g->scope.study, offer_series_id, NULL);
	r = candidate_series(g, &ids);
	if (r > 0)
		r = gather_take_sorted(g, &ids, check_series_hit);
	else if (r == 0) {
		r = gather_best_term(g, LEVEL_SERIES, &t, &count);
		if (r == 0 && t != NULL && t->in_order)
			r = gather_walk_term(g, t, KV_DESCENDING, offer_series_id, NULL);
		else if (r == 0)
			r = gather_walk_order(g, LEVEL_SERIES, offer_ordered_series);
	}
	free(ids.at);
	return r;
}

/* -- instances ------------------------------------------------------------ */

/* Instances of one series, newest first: by id, unless some were replaced. */
struct source {
	uint64_t study, series;
	struct kv_range *range;
	struct hits all;
	size_t next;
	struct hit head;
	bool ended;
};

static int
read_head(struct source *s, struct slice k, struct slice v, struct hit *hit)
{
	struct instance_row row;
	int r = instance_row_get(v, &row);

	*hit = (struct hit){ s->study, s->series, read_u64((const char *)k.data + 8), row.watermark };
	return r;
}

static int
source_next(struct source *s)
{
	struct slice k, v;
	int r;

	if (s->range == NULL) {
		s->ended = s->next == s->all.n;
		if (!s->ended)
			s->head = s->all.at[s->next++];
		return 0;
	}
	r = kv_range_next(s->range, &k, &v);
	s->ended = r == 0;
	return r > 0 ? read_head(s, k, v, &s->head) : r;
}

static int
source_open(struct gather *g, struct source *s, bool replaced)
{
	struct slice k, v;
	struct hit hit;
	int r;

	r = catalog_children(g->txn, T_INSTANCE, s->series, 0, KV_DESCENDING, 0, &s->range);
	if (r == 0 && replaced) {
		while ((r = kv_range_next(s->range, &k, &v)) > 0) {
			r = read_head(s, k, v, &hit);
			if (r == 0)
				r = hits_add(&s->all, &hit);
			if (r < 0)
				break;
		}
		kv_range_close(s->range);
		s->range = NULL;
		if (s->all.n > 0)
			qsort(s->all.at, s->all.n, sizeof *s->all.at, hits_newest_first);
	}
	return r < 0 ? r : source_next(s);
}

static void
source_close(struct source *s)
{
	kv_range_close(s->range);
	free(s->all.at);
}

/* Instances of these series that fit, merged newest first. */
static int
merge_series(struct gather *g, const struct hits *ids)
{
	struct source *sources = calloc(ids->n + 1, sizeof *sources);
	size_t n = 0, i, best;
	int r = 1;

	if (sources == NULL)
		return -ENOMEM;
	for (i = 0; i < ids->n && r >= 0; i++) {
		r = gather_check_series(g, ids->at[i].study, ids->at[i].series);
		if (r <= 0)
			continue;
		sources[n].study = ids->at[i].study;
		sources[n].series = ids->at[i].series;
		r = source_open(g, &sources[n++], g->series.replaced);
	}
	while (r >= 0) {
		best = n;
		for (i = 0; i < n; i++)
			if (!sources[i].ended && (best == n || sources[i].head.order > sources[best].head.order))
				best = i;
		if (best == n)
			break;
		r = gather_check_instance(g, &sources[best].head);
		r = r > 0 ? gather_take(g, &sources[best].head) : r < 0 ? r : 1;
		if (r <= 0)
			break;
		r = source_next(&sources[best]);
	}
	for (i = 0; i < n; i++)
		source_close(&sources[i]);
	free(sources);
	return r;
}

static int
offer_ordered_instance(struct gather *g, uint64_t parent, uint64_t id, uint64_t number)
{
	struct hit hit = { .series = parent, .instance = id, .order = number };
	int r;

	/* Runs of one series need its study once. */
	if (g->series_id == parent && g->study_id != 0)
		hit.study = g->study_id;
	else {
		r = catalog_parent(g->txn, parent, &hit.study);
		if (r < 0)
			return r;
	}
	r = gather_check_series(g, hit.study, parent);
	if (r > 0)
		r = gather_check_instance(g, &hit);
	return r > 0 ? gather_take(g, &hit) : r < 0 ? r : 1;
}

static int
collect_instance(struct gather *g, uint64_t id, uint64_t parent, void *ctx)
{
	struct hit hit = { .series = parent, .instance = id };
	struct instance_row row;
	int r;

	r = catalog_parent(g->txn, parent, &hit.study);
	if (r == 0)
		r = gather_check_series(g, hit.study, parent);
	if (r <= 0)
		return r < 0 ? r : 1;
	r = catalog_instance(g->txn, parent, id, &row);
	if (r < 0)
		return r;
	if (!gather_instance_matches(g, &row))
		return 1;
	hit.order = row.watermark;
	r = hits_add(ctx, &hit);
	return r < 0 ? r : 1;
}

static int
search_instances(struct gather *g)
{
	const struct term *source = terms_find(&g->terms, TAG_SOP_INSTANCE_UID);
	struct hits ids = { 0 };
	struct hit one = { .study = g->scope.study, .series = g->scope.series, .order = g->scope.series };
	uint64_t count;
	int r;

	/* One series is looked through faster than what all of them have in common. */
	if (source == NULL && g->scope.series == 0) {
		r = gather_best_term(g, LEVEL_INSTANCE, &source, &count);
		if (r < 0)
			return r;
		if (count >= GATHER_COUNT_BOUND)
			source = NULL;
	}
	if (source != NULL) {
		r = gather_walk_term(g, source, KV_ASCENDING, collect_instance, &ids);
		if (r >= 0)
			r = gather_take_sorted(g, &ids, NULL);
	} else {
		if (g->scope.series != 0)
			r = hits_add(&ids, &one) < 0 ? -ENOMEM : 1;
		else if (g->scope.study != 0)
			r = gather_walk_series_of(g, g->scope.study, gather_collect_id, &ids) < 0 ? -EIO : 1;
		else
			r = candidate_series(g, &ids);
		if (r > 0)
			hits_drop_duplicates(&ids);
		if (r > 0 && ids.n <= MERGE_MAX)
			r = merge_series(g, &ids);
		else if (r >= 0)
			r = gather_walk_order(g, LEVEL_INSTANCE, offer_ordered_instance);
	}
	free(ids.at);
	return r;
}

/* -- ordered by an attribute ---------------------------------------------- */

/* Few candidates, of any order: sorted by the attribute's value. */
struct ordered {
	struct hit hit;
	size_t at, len;			/* of its collated value, in values; 0: it has none */
};

struct sorter {
	const char *values;
	bool descending;
};

static int
by_value(const void *a, const void *b, void *ctx)
{
	const struct ordered *x = a, *y = b;
	const struct sorter *s = ctx;
	int c;

	if ((x->len == 0) != (y->len == 0))
		return x->len == 0 ? 1 : -1;
	c = slice_compare(slice_of(s->values + x->at, x->len), slice_of(s->values + y->at, y->len));
	if (c == 0)			/* as the index has them */
		c = hits_newest_first(&x->hit, &y->hit) * (x->len == 0 ? 1 : -1);
	return s->descending && x->len > 0 ? -c : c;
}

static struct slice
value_ordered_by(const struct gather *g)
{
	struct attribute a;

	if (!attributes_get(g->level == LEVEL_STUDY ? g->study.attributes : g->series.attributes, g->search->order_by, &a))
		return slice_of(NULL, 0);
	return a.collated;
}

static int
check_hit(struct gather *g, const struct hit *hit)
{
	return g->level == LEVEL_STUDY ? gather_check_study(g, hit->study) : gather_check_series(g, hit->study, hit->series);
}

static int
take_ordered(struct gather *g, const struct hits *ids)
{
	struct ordered *list = calloc(ids->n + 1, sizeof *list);
	struct sorter s = { .descending = g->search->descending };
	struct buf values;
	struct slice value;
	size_t i, n = 0;
	int r = 1;

	if (list == NULL)
		return -ENOMEM;
	buf_init(&values, (ids->n + 1) * COLLATE_MAX);
	for (i = 0; i < ids->n && r >= 0; i++) {
		if (i > 0 && ids->at[i].order == ids->at[i - 1].order)
			continue;
		r = check_hit(g, &ids->at[i]);
		if (r <= 0)
			continue;
		value = value_ordered_by(g);
		list[n++] = (struct ordered){ ids->at[i], values.len, value.len };
		r = buf_put(&values, value.data, value.len);
	}
	s.values = values.len > 0 ? values.data : "";
	if (n > 0)
		qsort_r(list, n, sizeof *list, by_value, &s);
	for (i = 0, r = r < 0 ? r : 1; i < n && r > 0; i++)
		r = gather_take(g, &list[i].hit);
	buf_fini(&values);
	free(list);
	return r;
}

static int
offer_indexed(struct gather *g, uint64_t id, uint64_t parent, void *ctx)
{
	struct hit hit = { .study = id, .order = id };
	int r;

	(void)ctx;
	if (g->level == LEVEL_SERIES) {
		hit.study = parent;
		hit.series = id;
	}
	r = check_hit(g, &hit);
	return r > 0 ? gather_take(g, &hit) : r < 0 ? r : 1;
}

static int
offer_study_without(struct gather *g, uint64_t study)
{
	int r = gather_check_study(g, study);

	return r > 0 && value_ordered_by(g).len == 0 ? offer_study(g, study) : r < 0 ? r : 1;
}

static int
offer_series_without(struct gather *g, uint64_t parent, uint64_t id, uint64_t number)
{
	int r = gather_check_series(g, parent, id);

	(void)number;
	return r > 0 && value_ordered_by(g).len == 0 ? offer_series(g, parent, id) : r < 0 ? r : 1;
}

/* Along the index of the attribute, then what has no value. */
static int
walk_ordered(struct gather *g)
{
	struct key from, to;
	int r;

	index_key_prefix(&from, g->scope.partition, g->search->order_by, INDEX_VALUE);
	to = from;
	key_after(&to);
	r = gather_walk_keys(g, &from, &to, g->search->descending ? KV_DESCENDING : KV_ASCENDING, offer_indexed, NULL);
	if (r < 0 || g->stopped)
		return r;
	return g->level == LEVEL_STUDY ? gather_walk_studies(g, offer_study_without)
				       : gather_walk_order(g, LEVEL_SERIES, offer_series_without);
}

static int
search_ordered(struct gather *g)
{
	struct hit one = { .study = g->scope.study, .order = g->scope.study };
	struct hits ids = { 0 };
	const struct term *t;
	uint64_t count;
	size_t i;
	int r;

	if (g->level == LEVEL_STUDY && g->scope.study != 0) {
		r = hits_add(&ids, &one) < 0 ? -ENOMEM : 1;
	} else if (g->level == LEVEL_STUDY) {
		r = gather_best_term(g, LEVEL_STUDY, &t, &count);
		if (r == 0 && t != NULL && count < GATHER_COUNT_BOUND)
			r = gather_walk_term(g, t, KV_ASCENDING, gather_collect_id, &ids) < 0 ? -EIO : 1;
		for (i = 0; i < ids.n; i++)
			ids.at[i].study = ids.at[i].series;
	} else if (g->scope.study != 0) {
		r = gather_walk_series_of(g, g->scope.study, gather_collect_id, &ids) < 0 ? -EIO : 1;
	} else {
		r = candidate_series(g, &ids);
	}
	if (r > 0) {
		hits_drop_duplicates(&ids);
		r = take_ordered(g, &ids);
	} else if (r == 0) {
		r = walk_ordered(g);
	}
	free(ids.at);
	return r;
}

/* -- the plan ------------------------------------------------------------- */

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
	if (g->search->order_by != 0)
		r = search_ordered(g);
	else if (g->level == LEVEL_STUDY)
		r = search_studies(g);
	else if (g->level == LEVEL_SERIES)
		r = search_series(g);
	else
		r = search_instances(g);
	return r < 0 ? r : set_total(g);
}

int
search_plan(struct store *st, struct kv_txn *txn, const struct search *s, struct hits *ret_hits,
	    struct search_report *ret_report, struct err *err)
{
	struct store_scope scope = { s->partition, s->study_uid, s->series_uid, NULL };
	struct gather *g = calloc(1, sizeof *g);
	int r;

	(void)st;
	if (g == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	g->txn = txn;
	g->search = s;
	g->level = (enum level)s->level;
	g->skip = s->offset;
	g->want = s->limit != 0 ? s->limit : UINT64_MAX;
	g->hits = ret_hits;
	g->report = ret_report;
	*ret_report = (struct search_report){ 0 };
	match_init(&g->match, g->level);
	r = scope_resolve(txn, &scope, &g->scope, NULL);
	if (r == 0) {
		match_begin(&g->match, txn, g->scope.partition);
		r = terms_compile(&g->terms, s, txn, g->scope.partition, err);
		if (r == 0 && s->order_by != 0 && !search_orders_by(s->order_by, s->level))
			r = err_set_dicom(err, -EINVAL, 0, s->order_by, "(%04x,%04x) cannot order these results",
					  s->order_by >> 16, s->order_by & 0xFFFF);
		if (r == 0) {
			r = gather(g);
			if (r < 0)
				err_set(err, r, "cannot read the index: %s", strerror(-r));
		}
	} else if (r == -ENOENT)
		r = terms_compile(&g->terms, s, txn, g->scope.partition, err);	/* what is asked must make sense all the same */
	terms_fini(&g->terms);
	match_fini(&g->match);
	free(g);
	return r < 0 ? r : 0;
}
