/* Search: find the matches, then show them a page at a time. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/codec.h"
#include "dicom/indexed.h"
#include "dicom/json.h"
#include "store/search_internal.h"

/* Matches shown in one transaction. */
#define PAGE 64
uint64_t search_hits_max = 256 * 1024;

struct show {
	const struct search *search;
	bool latest;			/* everything that is not computed is the latest instance's */
	struct match m;
};

/* -- one match ------------------------------------------------------------ */

static void
put_member(struct buf *out, bool *first, uint32_t tag, struct slice json)
{
	buf_printf(out, "%s\"%08" PRIX32 "\":", *first ? "" : ",", tag);
	buf_put(out, json.data, json.len);
	*first = false;
}

void
search_put_modalities(struct slice modalities, struct buf *out)
{
	struct reader r;
	struct slice text;
	bool first = true;

	reader_init(&r, modalities);
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
	buf_printf(&url, "%s/%s", w->search->retrieve_url, w->m.study.uid);
	if (w->search->level >= STORE_SERIES)
		buf_printf(&url, "/series/%s", w->m.series.uid);
	if (w->search->level >= STORE_INSTANCE)
		buf_printf(&url, "/instances/%s", w->m.instance.uid);
	buf_puts(out, "{\"vr\":\"UR\",\"Value\":[");
	buf_put_json_string(out, url.data, url.len);
	buf_puts(out, "]}");
	buf_fini(&url);
}

void
search_put_uid(const char *uid, struct buf *json)
{
	buf_puts(json, "{\"vr\":\"UI\",\"Value\":[");
	buf_put_json_string(json, uid, strlen(uid));
	buf_puts(json, "]}");
}

static int
put_uid(const char *uid, struct buf *json)
{
	search_put_uid(uid, json);
	return 1;
}

/* PS3.4 C.4.1.1.3.2: the least available of what it stands for counts. */
static bool
is_archived(const struct show *w)
{
	if (w->search->level == STORE_STUDY)
		return w->m.study.tiers[STORE_ARCHIVE] > 0;
	if (w->search->level == STORE_SERIES)
		return w->m.series.tiers[STORE_ARCHIVE] > 0;
	return instance_row_tier(&w->m.instance) == STORE_ARCHIVE;
}

/* Attributes that no data set holds, and UIDs, which rows hold.  1 when this is one (and json has it). */
static int
computed(struct show *w, uint32_t tag, struct buf *json)
{
	const struct search *s = w->search;

	switch (tag) {
	case TAG_STUDY_INSTANCE_UID:
		return put_uid(w->m.study.uid, json);
	case TAG_SERIES_INSTANCE_UID:
		return s->level >= STORE_SERIES ? put_uid(w->m.series.uid, json) : 0;
	case TAG_SOP_INSTANCE_UID:
		return s->level >= STORE_INSTANCE ? put_uid(w->m.instance.uid, json) : 0;
	case TAG_SOP_CLASS_UID:
		return s->level >= STORE_INSTANCE ? put_uid(w->m.instance.class_uid, json) : 0;
	case TAG_MODALITIES_IN_STUDY:
		search_put_modalities(w->m.study.modalities, json);
		return 1;
	case TAG_STUDY_RELATED_SERIES:
		buf_printf(json, "{\"vr\":\"IS\",\"Value\":[%" PRIu64 "]}", w->m.study.series);
		return 1;
	case TAG_STUDY_RELATED_INSTANCES:
		buf_printf(json, "{\"vr\":\"IS\",\"Value\":[%" PRIu64 "]}", w->m.study.instances);
		return 1;
	case TAG_SERIES_RELATED_INSTANCES:
		if (s->level < STORE_SERIES)
			return 0;
		buf_printf(json, "{\"vr\":\"IS\",\"Value\":[%" PRIu64 "]}", w->m.series.instances);
		return 1;
	case TAG_INSTANCE_AVAILABILITY:
		if (!s->online)
			return 0;
		buf_printf(json, "{\"vr\":\"CS\",\"Value\":[\"%s\"]}", is_archived(w) ? "OFFLINE" : "ONLINE");
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

/* Contract 4.9: is all that is asked for indexed, or computed?  1, 0. */
static int
index_tells(struct kv_txn *txn, const struct search *s)
{
	struct query_tag t;
	size_t i;
	int r;

	for (i = 0; i < s->n_tags; i++) {
		uint32_t tag = s->tags[i];

		if (indexed_vr(tag) != 0 || tag == TAG_STUDY_RELATED_INSTANCES || tag == TAG_SERIES_RELATED_INSTANCES)
			continue;
		if (s->level == STORE_INSTANCE && (tag == TAG_SOP_CLASS_UID || attribute_is_kept(tag, LEVEL_INSTANCE)))
			continue;	/* of its own row */
		r = query_tag_get(txn, tag, &t);
		if (r == -ENOENT || (r == 0 && t.status != QUERY_TAG_READY))
			return 0;
		if (r < 0)
			return r;
	}
	return 1;
}

/* The header, and what is computed of the attributes asked for where it belongs among them. */
static int
put_everything(struct show *w, struct buf *out)
{
	struct slice header, found;
	size_t i, pos = 0, done = 0;
	struct buf json;
	bool first = false;
	int r = match_header(&w->m);

	if (r < 0)
		return r;
	header = buf_slice(&w->m.header);
	buf_init(&json, 64 << 10);
	for (i = 0; i < w->search->n_tags; i++) {
		buf_reset(&json);
		/* Every header begins with an attribute of its own: the SOP Instance UID at the latest. */
		if (!computed(w, w->search->tags[i], &json) ||
		    dicom_json_find_next(header, &pos, w->search->tags[i], &found) != -ENOENT || pos <= 1)
			continue;
		buf_put(out, (const char *)header.data + done, pos - done);
		put_member(out, &first, w->search->tags[i], buf_slice(&json));
		done = pos;
	}
	buf_fini(&json);
	return buf_put(out, (const char *)header.data + done, header.len - done);
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

	if (s->everything)
		return put_everything(w, out);
	buf_init(&json, 64 << 10);
	buf_putc(out, '{');
	for (i = 0; i < s->n_tags && r >= 0; i++) {
		buf_reset(&json);
		if (computed(w, s->tags[i], &json)) {
			put_member(out, &first, s->tags[i], buf_slice(&json));
			continue;
		}
		r = w->latest ? -ENOENT : match_kept(&w->m, s->tags[i], &found);
		if (r == -ENOENT) {
			r = match_header(&w->m);
			if (r == 0)
				r = dicom_json_find_next(buf_slice(&w->m.header), &pos, s->tags[i], &found) == 0;
		}
		if (r > 0)
			put_member(out, &first, s->tags[i], found);
	}
	buf_putc(out, '}');
	buf_fini(&json);
	return r < 0 ? r : buf_error(out);
}

/* -- all of them ---------------------------------------------------------- */

static int
show_page(struct store *st, struct show *w, uint64_t partition, const struct hit *hits, size_t n, struct buf *out,
	  size_t *ends)
{
	struct kv_txn *txn;
	size_t i;
	int r;

	r = kv_begin(st->kv, KV_READ, &txn);
	if (r < 0)
		return r;
	match_begin(&w->m, txn, partition);
	for (i = 0; i < n; i++) {
		r = match_load(&w->m, &hits[i]);
		if (r > 0)
			r = put_dataset(w, out);
		if (r < 0)
			break;
		ends[i] = out->len;
	}
	kv_abort(txn);
	return r < 0 ? r : 0;
}

static int
show_all(struct store *st, struct show *w, uint64_t partition, const struct hits *hits,
	 int (*fn)(void *ctx, struct slice dataset), void *ctx, struct err *err)
{
	size_t i, j, n, start, ends[PAGE];
	struct buf out;
	int r = 0;

	buf_init(&out, 512u << 20);
	for (i = 0; i < hits->n && r == 0; i += n) {
		n = hits->n - i < PAGE ? hits->n - i : PAGE;
		buf_reset(&out);
		r = show_page(st, w, partition, hits->at + i, n, &out, ends);
		if (r < 0)
			err_set(err, r, "cannot read the index: %s", strerror(-r));
		for (j = 0, start = 0; j < n && r == 0; start = ends[j++])
			if (ends[j] > start)
				r = fn(ctx, slice_of(out.data + start, ends[j] - start));
	}
	buf_fini(&out);
	return r;
}

static int
find_hits(struct store *st, const struct search *search, struct show *w, uint64_t *ret_partition, struct hits *hits,
	  struct search_report *ret_report, struct err *err)
{
	struct store_scope scope = { .partition = search->partition };
	struct catalog_path path = { 0 };
	struct kv_txn *txn;
	int r = kv_begin(st->kv, KV_READ, &txn);

	if (r < 0)
		return err_set(err, r, "cannot read the index: %s", strerror(-r));
	r = scope_resolve(txn, &scope, &path, err);
	if (r == 0)
		r = search_plan(txn, search, hits, ret_report, err);
	if (r == 0 && search->latest) {
		r = index_tells(txn, search);
		w->latest = r == 0;
		r = r < 0 ? err_set(err, r, "cannot read the index: %s", strerror(-r)) : 0;
	}
	kv_abort(txn);
	*ret_partition = path.partition;
	return r;
}

int
store_search(struct store *st, const struct search *search,
	     int (*fn)(void *ctx, struct slice dataset), void *ctx, struct err *err)
{
	struct search part = *search;
	struct search_report report;
	struct show w = { .search = search };
	struct hits hits = { 0 };
	uint64_t partition = 0, left = search->limit != 0 ? search->limit : UINT64_MAX;
	bool first = true;
	int r;

	barrier(st);
	match_init(&w.m, (enum level)search->level, search->external);
	/* Results without a limit are found so many at a time, each time anew: passing over those before
	 * costs far less than showing them. */
	do {
		part.limit = left < search_hits_max ? left : search_hits_max;
		part.count = search->count && first;
		hits.n = 0;
		r = find_hits(st, &part, &w, &partition, &hits, &report, err);
		if (first && r == 0 && search->report != NULL)
			*search->report = report;
		first = false;
		if (r == 0)
			r = show_all(st, &w, partition, &hits, fn, ctx, err);
		part.offset += hits.n;
		left -= hits.n;
	} while (r == 0 && left > 0 && hits.n == search_hits_max);
	match_fini(&w.m);
	free(hits.at);
	return r;
}
