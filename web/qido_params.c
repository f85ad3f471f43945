#include "web/qido_params.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dicom/date.h"
#include "dicom/tag.h"
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
	size_t n_terms, n_tags, used;
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

/* ------------------------------------------------------------ values ---- */

struct value_rule {
	uint16_t vr;
	bool (*check)(const char *s, size_t len);
	const char *format;
};

static const struct value_rule range_rules[] = {
	{ VR('D', 'A'), date_is_valid, "yyyyMMdd" },
	{ VR('T', 'M'), time_is_valid, "HH, HHmm, HHmmss or HHmmss.FFFFFF" },
	{ VR('D', 'T'), date_time_is_valid, "yyyy to yyyyMMddHHmmss.FFFFFF, without an offset" },
};

static const struct value_rule *
range_rule(uint16_t vr)
{
	size_t i;

	for (i = 0; i < sizeof range_rules / sizeof *range_rules; i++)
		if (range_rules[i].vr == vr)
			return &range_rules[i];
	return NULL;
}

static const char *
keep_text(struct parse *q, const char *s, size_t len)
{
	char *out = q->p->text + q->used;

	/* The ends of a range are shorter than the range, so LIMIT_QUERY suffices. */
	memcpy(out, s, len);
	out[len] = '\0';
	q->used += len + 1;
	return out;
}

/* A value with exactly one '-' is a range (contract 4.4). */
static int
parse_range(struct parse *q, const struct value_rule *rule, const char *name, const char *value,
	    struct search_term *term, struct err *err)
{
	size_t len = strlen(value), low, high;
	const char *dash = strchr(value, '-');

	if (dash == NULL || strchr(dash + 1, '-') != NULL) {
		if (!rule->check(value, len))
			return err_set(err, -EINVAL, "\"%.40s\" is no value of %.80s: %s is expected",
				       value, name, rule->format);
		return 0;
	}
	low = (size_t)(dash - value);
	high = len - low - 1;
	if (low == 0 && high == 0)
		return err_set(err, -EINVAL, "%.80s: a range needs one end at least", name);
	if ((low > 0 && !rule->check(value, low)) || (high > 0 && !rule->check(dash + 1, high)))
		return err_set(err, -EINVAL, "\"%.60s\" is no range of %.80s: %s is expected at its ends",
			       value, name, rule->format);
	term->match = SEARCH_RANGE;
	term->value = low > 0 ? keep_text(q, value, low) : NULL;
	term->upper = high > 0 ? keep_text(q, dash + 1, high) : NULL;
	/* Only ends of the same precision compare as text. */
	if (low > 0 && low == high && strcmp(term->value, term->upper) > 0)
		return err_set(err, -EINVAL, "%.80s: the range begins at %.30s, after its end %.30s",
			       name, term->value, term->upper);
	return 0;
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

static int
parse_term(struct parse *q, const char *name, const char *value, struct err *err)
{
	struct search_term *term = &q->p->term[q->n_terms];
	const struct value_rule *rule;
	struct search_tag found;
	uint32_t tag;
	size_t i;

	if (strchr(name, '.') != NULL)
		return err_set(err, -EINVAL, "\"%.80s\": sequences cannot be searched", name);
	if (parse_tag(name, strlen(name), &tag) < 0)
		return err_set(err, -EINVAL, "\"%.80s\" is no parameter and no attribute (" CASE_HINT ")", name);
	if (q->find_tag(q->ctx, tag, &found) < 0 || (urls[q->url].matched & BIT(found.level)) == 0)
		return err_set(err, -EINVAL, "\"%.80s\" cannot be searched at this resource (" CASE_HINT ")", name);
	for (i = 0; i < q->n_terms; i++)
		if (q->p->term[i].tag == tag)
			return err_set(err, -EINVAL, "\"%.80s\" is given twice; each attribute may be given once", name);
	if (value[strspn(value, " \t")] == '\0')
		return err_set(err, -EINVAL, "\"%.80s\" has no value", name);
	if (found.disabled)
		return err_set(err, -EINVAL, "\"%.80s\" is disabled: some instances have values that could not be indexed, "
			       "see its errors", name);
	if (found.errors)
		q->p->erroneous[q->p->n_erroneous++] = name;
	*term = (struct search_term){ .tag = tag, .match = SEARCH_EXACT, .value = value };
	q->vr[q->n_terms] = found.vr;
	rule = range_rule(found.vr);
	if (rule != NULL) {
		int r = parse_range(q, rule, name, value, term, err);

		if (r < 0)
			return r;
	}
	q->n_terms++;
	return add_tag(q, tag, err);
}

/* fuzzymatching may stand after the names it is about. */
static int
make_fuzzy(struct parse *q, struct err *err)
{
	size_t i;

	for (i = 0; i < q->n_terms; i++) {
		struct search_term *term = &q->p->term[i];

		if (q->vr[i] != VR('P', 'N'))
			continue;
		if (strchr(term->value, '"') != NULL)
			return err_set(err, -EINVAL, "(%04x,%04x): the character \" cannot be searched for",
				       TAG_GROUP(term->tag), TAG_ELEMENT(term->tag));
		term->match = SEARCH_WORDS;
	}
	return 0;
}

static int
parse_includefield(struct parse *q, const char *value, struct err *err)
{
	for (;;) {
		size_t len = strcspn(value, ",");
		size_t from = strspn(value, " "), to = len;
		uint32_t tag;
		int r;

		if (from > len)
			from = len;
		while (to > from && value[to - 1] == ' ')
			to--;
		if (to - from == 3 && strncasecmp(value + from, "all", 3) == 0) {
			q->all = true;
		} else {
			if (parse_tag(value + from, to - from, &tag) < 0)
				return err_set(err, -EINVAL, "includefield: \"%.*s\" is no attribute (" CASE_HINT ")",
					       (int)(to - from > 80 ? 80 : to - from), value + from);
			r = add_tag(q, tag, err);
			if (r < 0)
				return r;
		}
		value += len;
		if (*value == '\0')
			return 0;
		value++;
	}
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
	if (strcasecmp(name, "fuzzymatching") == 0) {
		if (strcasecmp(value, "true") != 0 && strcasecmp(value, "false") != 0)
			return err_set(err, -EINVAL, "fuzzymatching must be true or false");
		q->fuzzy = strcasecmp(value, "true") == 0;
		return 0;
	}
	if (strcasecmp(name, "includefield") == 0)
		return parse_includefield(q, value, err);
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
	struct parse q = { .dialect = dialect, .url = url, .find_tag = find_tag, .ctx = ctx, .p = ret_params };
	enum store_level level;
	unsigned i, k;
	int r;

	ret_params->n_erroneous = 0;
	ret_params->search = (struct search){ .level = urls[url].level, .limit = dialect->limit_default };
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
