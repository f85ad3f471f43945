/* Matches in the order of attributes.
 *
 * Few candidates are found newest first and sorted.  Of many, the index is walked along the first
 * attribute, when it has it at the level searched for: that stops with the page.  Matches
 * that are alike in the first attribute are then sorted by the others.
 *
 * Those without a value come last, ascending or descending.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/collate.h"
#include "dicom/indexed.h"
#include "dicom/json.h"
#include "store/search_gather.h"

/* -- what orders them ----------------------------------------------------- */

static bool
is_orderable(uint16_t vr)
{
	return vr != VR('S', 'Q') && vr != VR('U', 'I');	/* UIDs are indexed by their hashes */
}

/* By an attribute of the rows, the lowest level first.  -ENOENT. */
static int
place_kept(struct gather *g, struct order *o)
{
	const struct tag_entry *entry = tag_find(o->tag);
	int level;

	if (entry == NULL || !is_orderable(entry->vr))
		return -ENOENT;
	for (level = (int)g->level; level >= LEVEL_STUDY; level--)
		if (attribute_is_kept(o->tag, (enum level)level)) {
			o->level = (enum level)level;
			o->indexed = indexed_vr(o->tag) != 0;
			o->vr = o->indexed ? indexed_vr(o->tag) : entry->vr;
			return 0;
		}
	return -ENOENT;
}

/* By an extended query tag.  -ENOENT. */
static int
place_extended(struct gather *g, struct order *o)
{
	struct query_tag t;
	int r = query_tag_get(g->txn, o->tag, &t);

	if (r < 0)
		return r;
	if (t.status != QUERY_TAG_READY || t.level > g->level || !is_orderable(t.vr))
		return -ENOENT;
	o->level = t.level;
	o->number = t.number;
	o->vr = t.vr;
	o->indexed = true;
	return 0;
}

int
gather_set_orders(struct gather *g, struct err *err)
{
	const struct search *s = g->search;
	size_t i;
	int r;

	if (s->n_orders > SEARCH_ORDER_MAX)
		return err_set(err, -EINVAL, "results are ordered by %d attributes at most", SEARCH_ORDER_MAX);
	for (i = 0; i < s->n_orders; i++) {
		struct order *o = &g->orders[i];

		*o = (struct order){ .tag = s->orders[i].tag, .descending = s->orders[i].descending };
		r = place_kept(g, o);
		if (r == -ENOENT)
			r = place_extended(g, o);
		if (r == -ENOENT)
			return err_set_dicom(err, -EINVAL, 0, o->tag, "(%04X,%04X) cannot order these results",
					     TAG_GROUP(o->tag), TAG_ELEMENT(o->tag));
		if (r < 0)
			return err_set(err, r, "cannot read the index: %s", strerror(-r));
	}
	g->n_orders = s->n_orders;
	return 0;
}

/* -- values --------------------------------------------------------------- */

struct first_value {
	uint16_t vr;
	struct buf *out;
};

/* The first value alone, as the index has it; one that is none of its kind is no value. */
static int
collate_first(void *ctx, struct slice value)
{
	const struct first_value *f = ctx;
	size_t start = f->out->len;
	struct buf text;
	int r;

	buf_init(&text, 1 << 16);
	r = dicom_json_text(value, &text);
	if (r == 0 && text.len > 0 && collate_value(f->vr, text.data, text.len, f->out) < 0)
		f->out->len = start;
	buf_fini(&text);
	return 1;
}

/* Append the value of a match, whose study and series were looked at last: length:2 bytes. */
static int
put_value(struct gather *g, const struct order *o, const struct instance_row *instance, struct buf *out)
{
	const struct slice kept[] = { g->study.attributes, g->series.attributes, instance->attributes };
	const struct slice extended[] = { g->study.extended, g->series.extended, instance->extended };
	struct first_value first = { o->vr, out };
	struct attribute a = { 0 };
	size_t start = out->len;
	uint16_t len;

	buf_put(out, &(uint16_t){ 0 }, sizeof len);
	if (o->number != 0)
		attributes_get(extended[o->level - LEVEL_STUDY], o->number, &a);
	else if (!attributes_get(kept[o->level - LEVEL_STUDY], o->tag, &a))
		a = (struct attribute){ 0 };
	if (a.collated.len > 0)
		buf_put(out, a.collated.data, a.collated.len);
	else if (a.json.len > 0 && !o->indexed)
		dicom_json_values(a.json, collate_first, &first);
	if (buf_error(out) < 0)
		return buf_error(out);
	len = (uint16_t)(out->len - start - sizeof len);
	memcpy(out->data + start, &len, sizeof len);
	return 0;
}

static struct slice
next_value(const char **p)
{
	struct slice value;
	uint16_t len;

	memcpy(&len, *p, sizeof len);
	value = slice_of(*p + sizeof len, len);
	*p += sizeof len + len;
	return value;
}

/* -- sorting -------------------------------------------------------------- */

struct sorted {
	struct hit hit;
	size_t at;			/* of its values, in values */
};

struct sorter {
	const struct gather *g;
	const char *values;
};

static int
by_values(const void *a, const void *b, void *ctx)
{
	const struct sorted *x = a, *y = b;
	const struct sorter *s = ctx;
	const char *p = s->values + x->at, *q = s->values + y->at;
	bool empty = false;		/* the first value */
	size_t i;

	for (i = 0; i < s->g->n_orders; i++) {
		struct slice v = next_value(&p), w = next_value(&q);
		int c;

		if (i == 0)
			empty = v.len == 0;
		if ((v.len == 0) != (w.len == 0))
			return v.len == 0 ? 1 : -1;
		c = slice_compare(v, w);
		if (c != 0)
			return s->g->orders[i].descending ? -c : c;
	}
	/* As the index has them. */
	return hits_newest_first(&x->hit, &y->hit) * (empty || s->g->orders[0].descending ? 1 : -1);
}

/* Matches put in order and taken. */
static int
take_in_order(struct gather *g, const struct hits *found, int (*take)(struct gather *g, const struct hit *hit))
{
	struct sorted *list = calloc(found->n + 1, sizeof *list);
	struct sorter s = { .g = g };
	struct instance_row instance = { 0 };
	struct buf values;
	size_t i, j;
	int r = list == NULL ? -ENOMEM : 1;

	buf_init(&values, (found->n + 1) * SEARCH_ORDER_MAX * (COLLATE_MAX + 2));
	for (i = 0; i < found->n && r >= 0; i++) {
		const struct hit *h = &found->at[i];

		list[i] = (struct sorted){ *h, values.len };
		r = g->level >= LEVEL_SERIES ? gather_check_series(g, h->study, h->series) : gather_check_study(g, h->study);
		if (r >= 0 && g->level == LEVEL_INSTANCE)
			r = catalog_instance(g->txn, h->series, h->instance, &instance);
		for (j = 0; j < g->n_orders && r >= 0; j++)
			r = put_value(g, &g->orders[j], &instance, &values);
	}
	s.values = values.data;
	if (r >= 0 && found->n > 0)
		qsort_r(list, found->n, sizeof *list, by_values, &s);
	for (i = 0, r = r < 0 ? r : 1; i < found->n && r > 0; i++)
		r = take(g, &list[i].hit);
	buf_fini(&values);
	free(list);
	return r;
}

/* All that match, sorted. */
static int
sort_all(struct gather *g)
{
	struct hits found = { 0 }, *hits = g->hits;
	uint64_t skip = g->skip, want = g->want;
	int r;

	g->hits = &found;
	g->skip = 0;
	g->want = search_hits_max + 1;
	g->count = false;
	r = gather_newest(g);
	if (r >= 0 && found.n > search_hits_max)
		r = -E2BIG;
	g->hits = hits;
	g->skip = skip;
	g->want = want;
	g->count = g->search->count;
	g->matches = 0;
	if (r >= 0)
		r = take_in_order(g, &found, gather_page);
	free(found.at);
	return r;
}

/* -- along the index ------------------------------------------------------ */

struct group {
	struct hits alike;
	struct buf value;		/* the first attribute's */
	bool without;			/* those that have none */
};

static int
flush(struct gather *g, struct group *group)
{
	int r = take_in_order(g, &group->alike, gather_take);

	group->alike.n = 0;
	return r;
}

static int
add_to_group(struct gather *g, const struct hit *hit, void *ctx)
{
	static const struct instance_row none;	/* the level is above */
	struct group *group = ctx;
	struct buf value;
	int r = gather_check(g, hit);

	if (r <= 0)
		return r < 0 ? r : 1;
	buf_init(&value, COLLATE_MAX + 2);
	r = put_value(g, &g->orders[0], &none, &value);
	if (r == 0)
		r = (value.len == sizeof(uint16_t)) == group->without;
	if (r > 0 && g->n_orders == 1)
		r = gather_take(g, hit);
	else if (r > 0) {
		if (slice_compare(buf_slice(&value), buf_slice(&group->value)) != 0) {
			r = flush(g, group);
			buf_reset(&group->value);
			buf_put(&group->value, value.data, value.len);
		}
		if (r > 0)
			r = group->alike.n == search_hits_max ? -E2BIG : hits_add(&group->alike, hit) < 0 ? -ENOMEM : 1;
	} else if (r == 0)
		r = 1;
	buf_fini(&value);
	return r;
}

static int
walk_index(struct gather *g)
{
	struct group group = { 0 };
	struct key from, to;
	int r;

	buf_init(&group.value, COLLATE_MAX + 2);
	index_key_prefix(&from, g->scope.partition, g->orders[0].tag, INDEX_VALUE);
	to = from;
	key_after(&to);
	r = gather_walk_keys(g, g->level, &from, &to, g->orders[0].descending ? KV_DESCENDING : KV_ASCENDING,
			     add_to_group, &group);
	if (r >= 0 && !g->stopped)
		r = flush(g, &group);
	group.without = true;
	if (r >= 0 && !g->stopped)
		r = gather_walk_all(g, g->level, add_to_group, &group);
	if (r >= 0 && !g->stopped)
		r = flush(g, &group);
	buf_fini(&group.value);
	free(group.alike.at);
	return r;
}

int
gather_ordered(struct gather *g)
{
	const struct order *first = &g->orders[0];
	bool narrow = true;
	int r = 0;

	if (first->indexed && first->level == g->level && g->level != LEVEL_INSTANCE)
		r = gather_is_narrow(g, &narrow);
	if (r < 0)
		return r;
	return narrow ? sort_all(g) : walk_index(g);
}
