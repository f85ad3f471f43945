/* Candidates of a search: checked on their rows, taken into the page, and where they come from. */
#include "store/search_gather.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

/* Candidates whose rows are looked at for terms that are not indexed, at a microsecond. */
#define LOOKS_MAX 500000

int
gather_check_study(struct gather *g, uint64_t study)
{
	int r;

	if (g->study_id != study) {
		if (g->scope.study != 0 && study != g->scope.study)
			return 0;
		r = catalog_study(g->txn, g->scope.partition, study, &g->study);
		if (r < 0)
			return r == -ENOENT ? 0 : r;
		g->study_id = study;
		g->study_ok = terms_match(&g->terms, LEVEL_STUDY, g->study.uid, g->study.attributes, g->study.modalities,
					   g->study.extended);
		if (g->study_ok) {
			r = terms_match_external(&g->terms, g->txn, study);
			if (r < 0)
				return r;
			g->study_ok = r > 0;
		}
	}
	return g->study_ok;
}

int
gather_check_series(struct gather *g, uint64_t study, uint64_t series)
{
	int r = gather_check_study(g, study);

	if (r <= 0)
		return r;
	if (g->series_id != series) {
		if (g->scope.series != 0 && series != g->scope.series)
			return 0;
		r = catalog_series(g->txn, study, series, &g->series);
		if (r < 0)
			return r == -ENOENT ? 0 : r;
		g->series_id = series;
		g->series_ok = terms_match(&g->terms, LEVEL_SERIES, g->series.uid, g->series.attributes, slice_of(NULL, 0),
					    g->series.extended);
	}
	return g->series_ok;
}

static bool
instance_matches(struct gather *g, const struct instance_row *row)
{
	return terms_match(&g->terms, LEVEL_INSTANCE, row->uid, row->attributes, slice_of(NULL, 0), row->extended);
}

int
gather_check_instance(struct gather *g, const struct hit *hit)
{
	struct instance_row row;
	int r;

	if (!terms_have(&g->terms, LEVEL_INSTANCE))
		return 1;
	r = catalog_instance(g->txn, hit->series, hit->instance, &row);
	return r < 0 ? r : instance_matches(g, &row);
}

int
gather_check(struct gather *g, const struct hit *hit)
{
	int r;

	if (g->level == LEVEL_STUDY)
		return gather_check_study(g, hit->study);
	r = gather_check_series(g, hit->study, hit->series);
	return r <= 0 || g->level == LEVEL_SERIES ? r : gather_check_instance(g, hit);
}

/* -- collecting ----------------------------------------------------------- */

int
hits_add(struct hits *h, const struct hit *hit)
{
	if (vec_room(&h->at, &h->cap, h->n, sizeof *h->at, 128) < 0)
		return -ENOMEM;
	h->at[h->n++] = *hit;
	return 0;
}

/* Terms that are not indexed.  1 the match fits them; 0 it does not, or enough was looked at (report->cut). */
static int
look_closer(struct gather *g, const struct hit *hit)
{
	int r;

	if (g->report->headers == (g->search->scan_max != 0 ? g->search->scan_max : SEARCH_SCAN_MAX) || g->looks++ == LOOKS_MAX) {
		g->report->cut = true;
		return 0;
	}
	r = match_load(&g->match, hit);
	if (r > 0)
		r = scan_match(&g->terms, &g->match);
	g->report->headers += g->match.header_loaded;
	return r;
}

bool
gather_is_past(const struct gather *g, uint64_t order)
{
	return g->search->before != 0 && order >= g->search->before;
}

int
gather_page(struct gather *g, const struct hit *hit)
{
	bool full;
	int r;

	g->matches++;
	if (g->skip > 0) {
		g->skip--;
		return 1;
	}
	if (g->want == 0)
		return 1;		/* counted only */
	r = hits_add(g->hits, hit);
	if (r < 0)
		return r;
	full = --g->want == 0 && !g->count;
	g->stopped |= full;
	return !full;
}

int
gather_take(struct gather *g, const struct hit *hit)
{
	int r;

	if (gather_is_past(g, hit->order))
		return 1;
	r = g->terms.n_scanned > 0 ? look_closer(g, hit) : 1;
	if (g->report->cut) {
		g->report->next = hit->order + 1;
		g->stopped = true;
		return 0;
	}
	return r > 0 ? gather_page(g, hit) : r < 0 ? r : 1;
}

int
hits_newest_first(const void *a, const void *b)
{
	const struct hit *x = a, *y = b;

	return x->order < y->order ? 1 : x->order > y->order ? -1 : 0;
}

void
hits_sort(struct hits *h)
{
	size_t i, n = 0;

	if (h->n > 0)
		qsort(h->at, h->n, sizeof *h->at, hits_newest_first);
	for (i = 0; i < h->n; i++)
		if (n == 0 || h->at[i].order != h->at[n - 1].order)
			h->at[n++] = h->at[i];
	h->n = n;
}

/* Runs of one series need its study once. */
static int
find_study(struct gather *g, struct hit *hit)
{
	if (hit->study != 0)
		return 0;
	if (g->series_id == hit->series && g->study_id != 0) {
		hit->study = g->study_id;
		return 0;
	}
	return catalog_parent(g->txn, hit->series, &hit->study);
}

int
gather_offer(struct gather *g, const struct hit *hit, void *ctx)
{
	struct hit whole = *hit;
	int r;

	(void)ctx;
	if (gather_is_past(g, hit->order))
		return 1;
	r = find_study(g, &whole);
	if (r == 0)
		r = gather_check(g, &whole);
	return r > 0 ? gather_take(g, &whole) : r < 0 ? r : 1;
}

int
gather_collect(struct gather *g, const struct hit *hit, void *ctx)
{
	struct hit whole = *hit;
	struct instance_row row;
	int r = find_study(g, &whole);

	if (r == 0 && hit->instance != 0 && hit->order == 0) {
		r = catalog_instance(g->txn, hit->series, hit->instance, &row);
		whole.order = row.watermark;
	}
	if (r == 0)
		r = hits_add(ctx, &whole);
	return r < 0 ? r : 1;
}

int
gather_take_sorted(struct gather *g, struct hits *h)
{
	size_t i;
	int r = 1;

	hits_sort(h);
	for (i = 0; i < h->n && r > 0; i++)
		r = gather_offer(g, &h->at[i], NULL);
	return r;
}

/* -- ranges of the index -------------------------------------------------- */

/* Adds to *count. */
static int
count_keys(struct gather *g, const struct key *from, const struct key *to, uint64_t bound, uint64_t *count)
{
	struct kv_range *range;
	struct slice k, v;
	int r = kv_range_open(g->txn, T_ATTRIBUTE, key_slice(from), key_slice(to), KV_ASCENDING, bound, &range);

	if (r < 0)
		return r;
	while ((r = kv_range_next(range, &k, &v)) > 0)
		++*count;
	kv_range_close(range);
	return r;
}

int
gather_count_term(struct gather *g, const struct term *t, uint64_t bound, uint64_t *ret_count)
{
	const char *p = t->words.data;
	struct key from, to;
	unsigned i;
	int r = 0;

	*ret_count = 0;
	if (t->given->match != SEARCH_LIST)
		return count_keys(g, &t->from, &t->to, bound, ret_count);
	if (t->given->tag == TAG_STUDY_INSTANCE_UID) {
		*ret_count = t->n_words;
		return 0;
	}
	for (i = 0; i < t->n_words && r == 0 && *ret_count < bound; i++, p += strlen(p) + 1) {
		term_value_range(t, g->scope.partition, p, &from, &to);
		r = count_keys(g, &from, &to, bound - *ret_count, ret_count);
	}
	return r;
}

int
gather_best_term(struct gather *g, enum level level, const struct term **ret_term, uint64_t *ret_count)
{
	uint64_t count, least = UINT64_MAX;
	size_t i;
	int r;

	*ret_term = NULL;
	for (i = 0; i < g->terms.n; i++) {
		const struct term *t = &g->terms.at[i];

		/* One study's UID has narrowed the scope. */
		if (t->level != level || (t->given->tag == TAG_STUDY_INSTANCE_UID && t->given->match == SEARCH_EXACT))
			continue;
		r = gather_count_term(g, t, least < GATHER_COUNT_BOUND ? least : GATHER_COUNT_BOUND, &count);
		if (r < 0)
			return r;
		/* Of two long ones, the one in order stops with the page. */
		if (count < least || (count == least && t->in_order && !(*ret_term)->in_order)) {
			*ret_term = t;
			least = count;
		}
	}
	*ret_count = least;
	return 0;
}

/* What an entry of this level stands for. */
static struct hit
hit_of(enum level level, uint64_t parent, uint64_t id)
{
	switch (level) {
	case LEVEL_STUDY:
		return (struct hit){ .study = id, .order = id };
	case LEVEL_SERIES:
		return (struct hit){ .study = parent, .series = id, .order = id };
	default:
		return (struct hit){ .series = parent, .instance = id };	/* the order is in its row */
	}
}

int
gather_walk_keys(struct gather *g, enum level level, const struct key *from, const struct key *to,
		 enum kv_direction direction, gather_fn *fn, void *ctx)
{
	struct kv_range *range;
	struct slice k, v;
	struct hit hit;
	int r = kv_range_open(g->txn, T_ATTRIBUTE, key_slice(from), key_slice(to), direction, 0, &range);

	if (r < 0)
		return r;
	while ((r = kv_range_next(range, &k, &v)) > 0) {
		if (k.len < 8 || v.len != 8) {
			r = -EIO;
			break;
		}
		hit = hit_of(level, read_u64(v.data), read_u64((const char *)k.data + k.len - 8));
		r = fn(g, &hit, ctx);
		if (r <= 0)
			break;
	}
	kv_range_close(range);
	return r;
}

/* Studies are found by their UIDs in another table than what is indexed. */
static int
walk_study(struct gather *g, const char *uid, gather_fn *fn, void *ctx)
{
	struct hit hit;
	uint64_t id;
	int r = catalog_find(g->txn, g->scope.partition, uid, &id);

	if (r < 0)
		return r == -ENOENT ? 1 : r;
	hit = hit_of(LEVEL_STUDY, g->scope.partition, id);
	return fn(g, &hit, ctx);
}

int
gather_walk_term(struct gather *g, const struct term *t, enum kv_direction direction, gather_fn *fn, void *ctx)
{
	const char *p = t->words.data;
	struct key from, to;
	unsigned i;
	int r = 1;

	if (t->given->match != SEARCH_LIST)
		return gather_walk_keys(g, t->level, &t->from, &t->to, direction, fn, ctx);
	for (i = 0; i < t->n_words && r >= 0; i++, p += strlen(p) + 1) {
		if (t->given->tag == TAG_STUDY_INSTANCE_UID) {
			r = walk_study(g, p, fn, ctx);
			continue;
		}
		term_value_range(t, g->scope.partition, p, &from, &to);
		r = gather_walk_keys(g, t->level, &from, &to, direction, fn, ctx);
	}
	return r;
}

/* -- what there is, newest first -------------------------------------------- */

static int
walk_children(struct gather *g, enum table table, enum level level, uint64_t parent, gather_fn *fn, void *ctx)
{
	struct kv_range *range;
	struct slice k, v;
	struct hit hit;
	int r = catalog_children(g->txn, table, parent, 0, KV_DESCENDING, 0, &range);

	if (r < 0)
		return r;
	while ((r = kv_range_next(range, &k, &v)) > 0) {
		hit = hit_of(level, parent, read_u64((const char *)k.data + 8));
		r = fn(g, &hit, ctx);
		if (r <= 0)
			break;
	}
	kv_range_close(range);
	return r;
}

int
gather_walk_series_of(struct gather *g, uint64_t study, gather_fn *fn, void *ctx)
{
	return walk_children(g, T_SERIES, LEVEL_SERIES, study, fn, ctx);
}

int
gather_walk_all(struct gather *g, enum level level, gather_fn *fn, void *ctx)
{
	struct key from = key_of_1(g->scope.partition), to;
	struct kv_range *range;
	struct slice k, v;
	struct hit hit;
	int r;

	if (level == LEVEL_STUDY)
		return walk_children(g, T_STUDY, LEVEL_STUDY, g->scope.partition, fn, ctx);
	key_u8(&from, (uint8_t)level);
	to = from;
	key_after(&to);
	r = kv_range_open(g->txn, T_ORDER, key_slice(&from), key_slice(&to), KV_DESCENDING, 0, &range);
	if (r < 0)
		return r;
	while ((r = kv_range_next(range, &k, &v)) > 0) {
		if (v.len != 16) {
			r = -EIO;
			break;
		}
		hit = hit_of(level, read_u64(v.data), read_u64((const char *)v.data + 8));
		hit.order = read_u64((const char *)k.data + 9);
		r = fn(g, &hit, ctx);
		if (r <= 0)
			break;
	}
	kv_range_close(range);
	return r;
}
