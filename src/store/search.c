/* Search: find the matches, then show them a page at a time. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/codec.h"
#include "catalog/header.h"
#include "dicom/json.h"
#include "store/search_internal.h"

/* Matches shown in one transaction. */
#define PAGE 64

struct show {
	struct store *st;
	const struct search *search;
	struct kv_txn *txn;
	/* The rows of the match being shown. */
	struct study_row study;
	struct series_row series;
	struct instance_row instance;
	const struct hit *hit;
	/* Its header, when one of the attributes wanted is in no row. */
	struct buf header;
	bool header_loaded;
	struct buf base;
	uint64_t base_series;
	struct query_tags *tags;	/* NULL: there are none */
};

/* -- one match ------------------------------------------------------------ */

static int
load_header(struct show *w)
{
	uint64_t series = w->hit->series, instance = w->hit->instance, base_id;
	struct buf json;
	int r;

	if (w->header_loaded)
		return 0;
	/* Contract 4.9: the latest instance stands for its series or study. */
	if (w->search->level == STORE_STUDY) {
		series = w->study.latest_series;
		instance = w->study.latest_instance;
	} else if (w->search->level == STORE_SERIES)
		instance = w->series.latest_instance;
	buf_init(&json, HEADER_MAX);
	if (w->base_series != series) {
		buf_reset(&w->base);
		w->base_series = 0;
		r = catalog_base(w->txn, series, &w->base, &base_id);
		if (r < 0)
			return r;
		w->base_series = series;
	}
	r = catalog_header(w->txn, series, instance, buf_slice(&w->base), &json);
	buf_reset(&w->header);
	if (r == 0)
		r = dicom_json_render(buf_slice(&json), NULL, &w->header);
	buf_fini(&json);
	w->header_loaded = r == 0;
	return r;
}

static void
put_member(struct buf *out, bool *first, uint32_t tag, struct slice json)
{
	buf_printf(out, "%s\"%08" PRIX32 "\":", *first ? "" : ",", tag);
	buf_put(out, json.data, json.len);
	*first = false;
}

static void
put_modalities(struct show *w, struct buf *out)
{
	struct reader r;
	struct slice text;
	bool first = true;

	reader_init(&r, w->study.modalities);
	buf_puts(out, "{\"vr\":\"CS\"");
	while (r.p < r.end && !r.bad) {
		get_u32(&r);
		text = get_short(&r);
		buf_puts(out, first ? ",\"Value\":[" : ",");
		buf_put_json_string(out, text.data, text.len);
		first = false;
	}
	buf_puts(out, first ? "}" : "]}");
}

static void
put_url(struct show *w, struct buf *out)
{
	struct buf url;

	buf_init(&url, 8192);
	buf_printf(&url, "%s/%s", w->search->retrieve_url, w->study.uid);
	if (w->search->level >= STORE_SERIES)
		buf_printf(&url, "/series/%s", w->series.uid);
	if (w->search->level >= STORE_INSTANCE)
		buf_printf(&url, "/instances/%s", w->instance.uid);
	buf_puts(out, "{\"vr\":\"UR\",\"Value\":[");
	buf_put_json_string(out, url.data, url.len);
	buf_puts(out, "]}");
	buf_fini(&url);
}

static int
put_uid(const char *uid, struct buf *json)
{
	buf_puts(json, "{\"vr\":\"UI\",\"Value\":[");
	buf_put_json_string(json, uid, strlen(uid));
	buf_puts(json, "]}");
	return 1;
}

/* Attributes that no data set holds, and UIDs, which rows hold.  1 when this is one (and json has it). */
static int
computed(struct show *w, uint32_t tag, struct buf *json)
{
	const struct search *s = w->search;

	switch (tag) {
	case TAG_STUDY_INSTANCE_UID:
		return put_uid(w->study.uid, json);
	case TAG_SERIES_INSTANCE_UID:
		return s->level >= STORE_SERIES ? put_uid(w->series.uid, json) : 0;
	case TAG_SOP_INSTANCE_UID:
		return s->level >= STORE_INSTANCE ? put_uid(w->instance.uid, json) : 0;
	case TAG_SOP_CLASS_UID:
		return s->level >= STORE_INSTANCE ? put_uid(w->instance.class_uid, json) : 0;
	case TAG_MODALITIES_IN_STUDY:
		put_modalities(w, json);
		return 1;
	case TAG_STUDY_RELATED_SERIES:
		buf_printf(json, "{\"vr\":\"IS\",\"Value\":[%" PRIu64 "]}", w->study.series);
		return 1;
	case TAG_STUDY_RELATED_INSTANCES:
		buf_printf(json, "{\"vr\":\"IS\",\"Value\":[%" PRIu64 "]}", w->study.instances);
		return 1;
	case TAG_SERIES_RELATED_INSTANCES:
		if (s->level < STORE_SERIES)
			return 0;
		buf_printf(json, "{\"vr\":\"IS\",\"Value\":[%" PRIu64 "]}", w->series.instances);
		return 1;
	case TAG_INSTANCE_AVAILABILITY:
		if (!s->online)
			return 0;
		buf_puts(json, "{\"vr\":\"CS\",\"Value\":[\"ONLINE\"]}");
		return 1;
	case TAG_RETRIEVE_URL:
		if (s->retrieve_url == NULL)
			return 0;
		put_url(w, json);
		return 1;
	default:
		return 0;
	}
}

/* The value that an extended query tag found it by (contract 4.9).  1, or -ENOENT. */
static int
kept_extended(struct show *w, uint32_t tag, struct slice *ret_json)
{
	const struct slice rows[] = { w->study.extended, w->series.extended, w->instance.extended };
	const struct query_tag *t = w->tags != NULL ? query_tags_find(w->tags, tag) : NULL;
	struct attribute a;

	if (t == NULL || t->status != QUERY_TAG_READY || t->level > (enum level)w->search->level ||
	    !attributes_get(rows[t->level - LEVEL_STUDY], t->number, &a) || a.json.len == 0)
		return -ENOENT;
	*ret_json = a.json;
	return 1;
}

/* From the rows: 1 found, 0 known to be absent, -ENOENT the header must tell. */
static int
kept(struct show *w, uint32_t tag, struct slice *ret_json)
{
	const struct slice rows[] = { w->study.attributes, w->series.attributes, w->instance.attributes };
	struct attribute a;
	int level, known = 0;

	for (level = (int)w->search->level; level >= LEVEL_STUDY; level--) {
		if (!attribute_is_kept(tag, (enum level)level))
			continue;
		known = 1;
		if (!attributes_get(rows[level - LEVEL_STUDY], tag, &a))
			continue;
		*ret_json = a.json;
		return a.json.len > 0 ? 1 : -ENOENT;
	}
	return known ? 0 : kept_extended(w, tag, ret_json);
}

static int
put_dataset(struct show *w, struct buf *out)
{
	const struct search *s = w->search;
	struct buf json;
	struct slice found;
	bool first = true;
	size_t i, pos = 0;
	int r = 0;

	w->header_loaded = false;
	if (s->everything) {
		r = load_header(w);
		return r < 0 ? r : buf_put(out, w->header.data, w->header.len);
	}
	buf_init(&json, 64 << 10);
	buf_putc(out, '{');
	for (i = 0; i < s->n_tags && r >= 0; i++) {
		buf_reset(&json);
		if (computed(w, s->tags[i], &json)) {
			put_member(out, &first, s->tags[i], buf_slice(&json));
			continue;
		}
		r = kept(w, s->tags[i], &found);
		if (r == -ENOENT) {
			r = load_header(w);
			if (r == 0)
				r = dicom_json_find_next(buf_slice(&w->header), &pos, s->tags[i], &found) == 0;
		}
		if (r > 0)
			put_member(out, &first, s->tags[i], found);
	}
	buf_putc(out, '}');
	buf_fini(&json);
	return r < 0 ? r : buf_error(out);
}

/* 1 shown, 0 gone meanwhile. */
static int
show_hit(struct show *w, uint64_t partition, const struct hit *hit, struct buf *out)
{
	int r;

	w->hit = hit;
	r = catalog_study(w->txn, partition, hit->study, &w->study);
	if (r == 0 && w->search->level >= STORE_SERIES)
		r = catalog_series(w->txn, hit->study, hit->series, &w->series);
	if (r == 0 && w->search->level >= STORE_INSTANCE)
		r = catalog_instance(w->txn, hit->series, hit->instance, &w->instance);
	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = put_dataset(w, out);
	return r < 0 ? r : 1;
}

/* -- all of them ---------------------------------------------------------- */

static int
show_page(struct show *w, uint64_t partition, const struct hit *hits, size_t n, struct buf *out, size_t *ends)
{
	size_t i;
	int r;

	r = kv_begin(w->st->kv, KV_READ, &w->txn);
	if (r < 0)
		return r;
	w->base_series = 0;
	for (i = 0; i < n; i++) {
		r = show_hit(w, partition, &hits[i], out);
		if (r < 0)
			break;
		ends[i] = out->len;
	}
	kv_abort(w->txn);
	return r < 0 ? r : 0;
}

static int
load_tags(struct show *w, struct kv_txn *txn, struct err *err)
{
	uint64_t n;
	int r = catalog_count(txn, T_TAG, 1, &n);

	if (r == 0 && n > 0) {
		w->tags = malloc(sizeof *w->tags);
		r = w->tags == NULL ? -ENOMEM : query_tags_load(txn, w->tags);
	}
	return r < 0 ? err_set(err, r, "cannot read the index: %s", strerror(-r)) : 0;
}

int
store_search(struct store *st, const struct search *search,
	     int (*fn)(void *ctx, struct slice dataset), void *ctx, struct err *err)
{
	struct store_scope scope = { .partition = search->partition };
	struct catalog_path path = { 0 };
	struct show w = { .st = st, .search = search };
	struct hits hits = { 0 };
	struct kv_txn *txn;
	struct buf out;
	size_t i, j, n, start, ends[PAGE];
	int r;

	barrier(st);
	r = kv_begin(st->kv, KV_READ, &txn);
	if (r < 0)
		return err_set(err, r, "cannot read the index: %s", strerror(-r));
	r = scope_resolve(txn, &scope, &path, err);
	if (r == 0)
		r = search_plan(st, txn, search, &hits, err);
	if (r == 0)
		r = load_tags(&w, txn, err);
	kv_abort(txn);
	buf_init(&out, 512u << 20);
	buf_init(&w.header, HEADER_MAX);
	buf_init(&w.base, HEADER_MAX);
	for (i = 0; i < hits.n && r == 0; i += n) {
		n = hits.n - i < PAGE ? hits.n - i : PAGE;
		buf_reset(&out);
		r = show_page(&w, path.partition, hits.at + i, n, &out, ends);
		if (r < 0)
			err_set(err, r, "cannot read the index: %s", strerror(-r));
		for (j = 0, start = 0; j < n && r == 0; start = ends[j++])
			if (ends[j] > start)
				r = fn(ctx, slice_of(out.data + start, ends[j] - start));
	}
	buf_fini(&w.base);
	buf_fini(&w.header);
	buf_fini(&out);
	free(hits.at);
	free(w.tags);
	return r;
}
