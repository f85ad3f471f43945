/* The instances of several series as one list, newest first. */
#include <errno.h>
#include <stdlib.h>

#include "store/search_gather.h"

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

int
gather_merge(struct gather *g, const struct hits *ids)
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
