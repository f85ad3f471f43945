/* The rows and the header of one match, for those who show it and who look closer at it. */
#include <errno.h>

#include "catalog/header.h"
#include "dicom/json.h"
#include "store/search_internal.h"

void
match_init(struct match *m, enum level level, bool external)
{
	*m = (struct match){ .level = level, .external = external };
	externals_init(&m->externals);
	buf_init(&m->header, HEADER_MAX);
	buf_init(&m->base.json, HEADER_MAX);
}

void
match_fini(struct match *m)
{
	buf_fini(&m->header);
	buf_fini(&m->base.json);
	externals_fini(&m->externals);
}

void
match_begin(struct match *m, struct kv_txn *txn, uint64_t partition)
{
	m->txn = txn;
	m->partition = partition;
	m->base.series = 0;
	m->externals.study = 0;
}

int
match_load(struct match *m, const struct hit *hit)
{
	int r;

	m->hit = hit;
	m->header_loaded = false;
	r = catalog_study(m->txn, m->partition, hit->study, &m->study);
	if (r == 0 && m->level >= LEVEL_SERIES)
		r = catalog_series(m->txn, hit->study, hit->series, &m->series);
	if (r == 0 && m->level >= LEVEL_INSTANCE)
		r = catalog_instance(m->txn, hit->series, hit->instance, &m->instance);
	return r == 0 ? 1 : r == -ENOENT ? 0 : r;
}

int
match_header(struct match *m)
{
	uint64_t series = m->hit->series, instance = m->hit->instance;
	struct buf json, plain;
	int r;

	if (m->header_loaded)
		return 0;
	/* Contract 4.9: the latest instance stands for its series or study. */
	if (m->level == LEVEL_STUDY) {
		series = m->study.latest_series;
		instance = m->study.latest_instance;
	} else if (m->level == LEVEL_SERIES)
		instance = m->series.latest_instance;
	buf_init(&json, HEADER_MAX);
	buf_init(&plain, HEADER_MAX);
	r = catalog_read_header(m->txn, &m->base, series, instance, &json);
	buf_reset(&m->header);
	if (r == 0 && m->external)
		r = externals_load(&m->externals, m->txn, m->hit->study);
	if (r == 0)
		r = dicom_json_render(buf_slice(&json), NULL, m->external ? &plain : &m->header);
	if (r == 0 && m->external)
		r = externals_merge(&m->externals, buf_slice(&plain), &m->header);
	buf_fini(&plain);
	buf_fini(&json);
	m->header_loaded = r == 0;
	return r;
}

/* The value that an extended query tag found it by (contract 4.9).  1, or -ENOENT. */
static int
kept_extended(struct match *m, uint32_t tag, struct slice *ret_json)
{
	const struct slice rows[] = { m->study.extended, m->series.extended, m->instance.extended };
	struct query_tag t;
	struct attribute a;
	int r = query_tag_get(m->txn, tag, &t);

	if (r < 0)
		return r;
	if (t.status != QUERY_TAG_READY || t.level > m->level ||
	    !attributes_get(rows[t.level - LEVEL_STUDY], t.number, &a) || a.json.len == 0)
		return -ENOENT;
	*ret_json = a.json;
	return 1;
}

int
match_kept(struct match *m, uint32_t tag, struct slice *ret_json)
{
	const struct slice rows[] = { m->study.attributes, m->series.attributes, m->instance.attributes };
	struct attribute a;
	int level, known = 0;

	if (m->external && externals_may_have(tag))
		return -ENOENT;

	for (level = (int)m->level; level >= LEVEL_STUDY; level--) {
		if (!attribute_is_kept(tag, (enum level)level))
			continue;
		known = 1;
		if (!attributes_get(rows[level - LEVEL_STUDY], tag, &a))
			continue;
		*ret_json = a.json;
		return a.json.len > 0 ? 1 : -ENOENT;
	}
	return known ? 0 : kept_extended(m, tag, ret_json);
}
