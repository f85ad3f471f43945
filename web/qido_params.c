#include "web/qido_params.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dicom/tag.h"
#include "store/search_value.h"
#include "web/range.h"

#define CASE_HINT "keywords are case-sensitive"
#define BIT(level) (1u << (level))

/* What is searched for, and whose attributes may be matched and come back: contract 4.1,
 * which PS3.18 10.6.1.2 agrees with. */
static const struct {
	enum store_level level;
	unsigned matched;
} urls[SEARCH_URLS] = {
	[SEARCH_ALL_STUDIES] = { STORE_STUDY, BIT(STORE_STUDY) },
	[SEARCH_ALL_SERIES] = { STORE_SERIES, BIT(STORE_STUDY) | BIT(STORE_SERIES) },
	[SEARCH_ALL_INSTANCES] = { STORE_INSTANCE, BIT(STORE_STUDY) | BIT(STORE_SERIES) | BIT(STORE_INSTANCE) },
	[SEARCH_STUDY_SERIES] = { STORE_SERIES, BIT(STORE_SERIES) },
	[SEARCH_STUDY_INSTANCES] = { STORE_INSTANCE, BIT(STORE_SERIES) | BIT(STORE_INSTANCE) },
	[SEARCH_SERIES_INSTANCES] = { STORE_INSTANCE, BIT(STORE_INSTANCE) },
};

struct parse {
	const struct dialect *dialect;
	enum search_url url;
	int (*find_tag)(void *ctx, uint32_t tag, struct search_tag *ret_tag);
	void *ctx;
	uint16_t vr[LIMIT_QUERY_PARAMS];	/* of the terms */
	struct qido_params *p;
	size_t n_terms, n_tags, n_path;
	char *room;				/* in p->text */
	bool fuzzy, everything, all;
};

static int
add_tag(struct parse *q, uint32_t tag, struct err *err)
{
	/* The rest of QIDO_TAGS_MAX is kept for the sets. */
	if (q->n_tags == LIMIT_INCLUDEFIELDS + LIMIT_QUERY_PARAMS)
		return err_set(err, -E2BIG, "More than %d attributes are asked for", LIMIT_INCLUDEFIELDS);
	q->p->tag[q->n_tags++] = tag;
	return 0;
}

static void
add_set(struct parse *q, const struct tag_set *set)
{
	size_t i;

	/* Room for the sets is part of QIDO_TAGS_MAX. */
	for (i = 0; i < set->count; i++)
		q->p->tag[q->n_tags++] = set->tags[i];
}

static bool
is_private(uint32_t tag)
{
	return (TAG_GROUP(tag) & 1) != 0;
}

/* -------------------------------------------------------- attributes ---- */

static int
parse_tag(const char *name, size_t len, uint32_t *ret_tag)
{
	uint32_t tag;

	if (tag_parse(name, len, &tag) < 0)
		return -EINVAL;
	if (!is_private(tag) && tag_find(tag) == NULL)
		return -EINVAL;
	*ret_tag = tag;
	return 0;
}

/* name is an attribute, or where the dialect allows it one of a sequence, with dots. */
static int
parse_path(struct parse *q, const char *name, struct search_term *term, struct err *err)
{
	const char *p = name, *dot;
	uint32_t tag;

	if (strchr(name, '.') != NULL && !q->dialect->wide_search)
		return err_set(err, -EINVAL, "\"%.80s\": sequences cannot be searched", name);
	term->path = q->p->path + q->n_path;
	for (;; p = dot + 1) {
		dot = strchr(p, '.');
		if (parse_tag(p, dot != NULL ? (size_t)(dot - p) : strlen(p), &tag) < 0)
			return err_set(err, -EINVAL, "\"%.80s\" is no parameter and no attribute (" CASE_HINT ")", name);
		if (dot == NULL)
			break;
		if (q->n_path == sizeof q->p->path / sizeof *q->p->path)
			return err_set(err, -E2BIG, "Too many sequences are named");
		q->p->path[q->n_path++] = tag;
		term->n_path++;
	}
	term->tag = tag;
	return 0;
}

static bool
is_same_attribute(const struct search_term *a, const struct search_term *b)
{
	return a->tag == b->tag && a->n_path == b->n_path &&
		(a->n_path == 0 || memcmp(a->path, b->path, a->n_path * sizeof *a->path) == 0);
}

static int
check_searchable(struct parse *q, const char *name, const struct search_term *term, uint16_t *ret_vr, struct err *err)
{
	const struct tag_entry *entry = tag_find(term->tag);
	struct search_tag found;
	bool known = term->n_path == 0 && q->find_tag(q->ctx, term->tag, &found) == 0;

	*ret_vr = known ? found.vr : entry != NULL ? entry->vr : VR('L', 'O');
	if (q->dialect->wide_search)
		return 0;
	if (!known || (urls[q->url].matched & BIT(found.level)) == 0)
		return err_set(err, -EINVAL, "\"%.80s\" cannot be searched at this resource (" CASE_HINT ")", name);
	if (found.disabled)
		return err_set(err, -EINVAL, "\"%.80s\" is disabled: some instances have values that could not be indexed, "
			       "see its errors", name);
	if (found.errors)
		q->p->erroneous[q->p->n_erroneous++] = name;
	return 0;
}

static int
parse_term(struct parse *q, const char *name, const char *value, struct err *err)
{
	struct search_term *term = &q->p->term[q->n_terms];
	uint16_t vr = 0;
	size_t i;
	int r;

	*term = (struct search_term){ .match = SEARCH_EXACT, .value = value };
	r = parse_path(q, name, term, err);
	if (r == 0)
		r = check_searchable(q, name, term, &vr, err);
	if (r < 0)
		return r;
	for (i = 0; i < q->n_terms; i++)
		if (is_same_attribute(&q->p->term[i], term))
			return err_set(err, -EINVAL, "\"%.80s\" is given twice; each attribute may be given once", name);
	if (value[strspn(value, " \t")] == '\0' && !q->dialect->wide_search)
		return err_set(err, -EINVAL, "\"%.80s\" has no value", name);
	q->vr[q->n_terms] = vr;
	/* What LIMIT_QUERY holds has room for copies of its values, too: they are shorter with their names. */
	r = q->dialect->wide_search ? search_parse_value(vr, name, value, term, &q->room, err)
				    : search_parse_range(vr, name, value, term, &q->room, err);
	if (r < 0)
		return r;
	r = add_tag(q, term->n_path > 0 ? term->path[0] : term->tag, err);
	q->n_terms += term->value != NULL || term->match == SEARCH_RANGE;
	return r;
}

/* fuzzymatching may stand after the names it is about. */
static int
make_fuzzy(struct parse *q, struct err *err)
{
	size_t i;

	for (i = 0; i < q->n_terms; i++) {
		struct search_term *term = &q->p->term[i];

		/* Who writes wildcards means them. */
		if (q->vr[i] != VR('P', 'N') || term->match == SEARCH_WILD)
			continue;
		if (strchr(term->value, '"') != NULL)
			return err_set(err, -EINVAL, "(%04x,%04x): the character \" cannot be searched for",
				       TAG_GROUP(term->tag), TAG_ELEMENT(term->tag));
		term->match = q->dialect->wide_search ? SEARCH_ANY_WORDS : SEARCH_WORDS;
	}
	return 0;
}

/* The next of a list with commas, without the blanks around it.  false: that was all; *value is NULL at the end. */
static bool
next_field(const char **value, struct slice *ret_field)
{
	const char *p = *value, *end, *stop;

	if (p == NULL)
		return false;
	stop = end = p + strcspn(p, ",");
	while (p < end && *p == ' ')
		p++;
	while (end > p && end[-1] == ' ')
		end--;
	*ret_field = slice_of(p, (size_t)(end - p));
	*value = *stop == ',' ? stop + 1 : NULL;
	return true;
}

static int
no_attribute(const char *param, struct slice field, struct err *err)
{
	return err_set(err, -EINVAL, "%s: \"%.*s\" is no attribute (" CASE_HINT ")", param,
		       (int)(field.len > 80 ? 80 : field.len), (const char *)field.data);
}

static int
parse_includefield(struct parse *q, const char *value, struct err *err)
{
	struct slice field;
	int r;

	while (next_field(&value, &field)) {
		const char *dot;
		uint32_t tag;

		if (field.len == 3 && strncasecmp(field.data, "all", 3) == 0) {
			q->all = true;
			continue;
		}
		/* Sequences come whole. */
		dot = q->dialect->wide_search ? memchr(field.data, '.', field.len) : NULL;
		if (dot != NULL)
			field.len = (size_t)(dot - (const char *)field.data);
		if (parse_tag(field.data, field.len, &tag) < 0)
			return no_attribute("includefield", field, err);
		r = add_tag(q, tag, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int
parse_limit(struct parse *q, const char *value, struct err *err)
{
	uint64_t max = q->dialect->limit_max, n;

	if (range_parse_number(value, &n) < 0 || n < 1 || (max != 0 && n > max)) {
		if (max == 0)
			return err_set(err, -EINVAL, "limit must be a number from 1 on");
		return err_set(err, -EINVAL, "limit must be a number from 1 to %llu", (unsigned long long)max);
	}
	q->p->search.limit = n;
	return 0;
}

/* orderby=StudyDate, orderby=PatientName,-StudyDate */
static int
parse_order(struct parse *q, const char *value, struct err *err)
{
	struct search *s = &q->p->search;
	struct search_order *o;
	struct slice field;

	s->orders = q->p->order;
	while (next_field(&value, &field)) {
		if (s->n_orders == SEARCH_ORDER_MAX)
			return err_set(err, -EINVAL, "orderby: at most %d attributes", SEARCH_ORDER_MAX);
		o = &q->p->order[s->n_orders++];
		o->descending = field.len > 0 && *(const char *)field.data == '-';
		if (o->descending)
			field = slice_of((const char *)field.data + 1, field.len - 1);
		if (parse_tag(field.data, field.len, &o->tag) < 0)
			return no_attribute("orderby", field, err);
	}
	return 0;
}

static int
parse_bool(const char *name, const char *value, bool *ret_value, struct err *err)
{
	*ret_value = strcasecmp(value, "true") == 0;
	if (!*ret_value && strcasecmp(value, "false") != 0)
		return err_set(err, -EINVAL, "%s must be true or false", name);
	return 0;
}

static int
parse_param(struct parse *q, const char *name, const char *value, struct err *err)
{
	if (strcasecmp(name, "limit") == 0)
		return parse_limit(q, value, err);
	if (strcasecmp(name, "offset") == 0) {
		if (range_parse_number(value, &q->p->search.offset) < 0)
			return err_set(err, -EINVAL, "offset must be a number from 0 on");
		return 0;
	}
	if (strcasecmp(name, "fuzzymatching") == 0)
		return parse_bool("fuzzymatching", value, &q->fuzzy, err);
	if (strcasecmp(name, "includefield") == 0)
		return parse_includefield(q, value, err);
	if (q->dialect->wide_search && strcasecmp(name, "orderby") == 0)
		return parse_order(q, value, err);
	if (q->dialect->wide_search && strcasecmp(name, "count") == 0)
		return parse_bool("count", value, &q->p->search.count, err);
	return parse_term(q, name, value, err);
}

/* ----------------------------------------------------------- results ---- */

static int
compare_tags(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Computed attributes the dialect does not give at this URL. */
static bool
is_withheld(const struct parse *q, uint32_t tag)
{
	const struct computed_tag *c;

	for (c = q->dialect->computed; c->tag != 0; c++)
		if (c->tag == tag)
			return (c->urls & 1u << q->url) == 0;
	return false;
}

static void
sort_tags(struct parse *q)
{
	uint32_t *tags = q->p->tag;
	size_t i, n = 0;

	qsort(tags, q->n_tags, sizeof *tags, compare_tags);
	for (i = 0; i < q->n_tags; i++)
		if ((n == 0 || tags[n - 1] != tags[i]) && !is_withheld(q, tags[i]))
			tags[n++] = tags[i];
	q->n_tags = n;
}

int
qido_parse(const struct dialect *dialect, enum search_url url, const struct uri_query *query,
	   int (*find_tag)(void *ctx, uint32_t tag, struct search_tag *ret_tag), void *ctx,
	   struct qido_params *ret_params, struct err *err)
{
	struct parse q = { .dialect = dialect, .url = url, .find_tag = find_tag, .ctx = ctx, .p = ret_params,
			   .room = ret_params->text };
	enum store_level level;
	unsigned i, k;
	int r;

	ret_params->n_erroneous = 0;
	ret_params->search = (struct search){ .level = urls[url].level, .limit = dialect->limit_default,
						   .scan = dialect->wide_search,
						   .latest = dialect->latest_represents };
	for (i = 0; i < query->count; i++) {
		const char *name = query->param[i].name;

		/* includefield may be repeated; the others may not. */
		for (k = 0; k < i; k++)
			if (strcasecmp(query->param[k].name, name) == 0 &&
			    strcasecmp(name, "includefield") != 0)
				return err_set(err, -EINVAL, "\"%.80s\" is given twice", name);
		r = parse_param(&q, name, query->param[i].value, err);
		if (r < 0)
			return r;
	}
	if (q.fuzzy) {
		r = make_fuzzy(&q, err);
		if (r < 0)
			return r;
	}
	for (level = STORE_STUDY; level <= STORE_INSTANCE; level++) {
		i = level - STORE_STUDY;
		if ((urls[url].matched & BIT(level)) == 0)
			continue;
		add_set(&q, q.all && dialect->all[i].count > 0 ? &dialect->all[i] : &dialect->defaults[i]);
		if (q.all && dialect->all[i].count == 0)
			q.everything = true;
	}
	if (url >= SEARCH_STUDY_SERIES)
		add_set(&q, &(struct tag_set){ (const uint32_t[]){ TAG_STUDY_INSTANCE_UID }, 1 });
	if (url == SEARCH_SERIES_INSTANCES)
		add_set(&q, &(struct tag_set){ (const uint32_t[]){ TAG_SERIES_INSTANCE_UID }, 1 });
	sort_tags(&q);
	ret_params->search.terms = ret_params->term;
	ret_params->search.n_terms = q.n_terms;
	ret_params->search.tags = ret_params->tag;
	ret_params->search.n_tags = q.n_tags;
	ret_params->search.everything = q.everything;
	return 0;
}
