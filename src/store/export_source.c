/* The instances of an export, a page at a time: what a cursor stands before. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "dicom/tag.h"
#include "dicom/vr.h"
#include "store/export_internal.h"
#include "store/search_value.h"

#define TERMS_MAX 64
/* Sequences named in all terms together. */
#define PATHS_MAX 64
/* Changes looked at for one page: most may be of other partitions, or past. */
#define CHANGES_PAGE 1000
/* Nodes that turn out to be empty, or gone, or identifiers passed for one page. */
#define NODES_PAGE 1000

/* -- identifiers ---------------------------------------------------------- */

int
export_identifier_parse(const char *text, size_t len, struct export_identifier *id, struct err *err)
{
	const char *p = text, *end = text + len, *slash;

	*id = (struct export_identifier){ .n = 0 };
	for (;;) {
		slash = memchr(p, '/', (size_t)(end - p));
		if (slash == NULL)
			slash = end;
		if (id->n == 3 || !uid_is_valid(p, (size_t)(slash - p)))
			return err_set(err, -EINVAL, "\"%.*s\" is no identifier: STUDY, STUDY/SERIES or STUDY/SERIES/INSTANCE, each a UID",
				       (int)(len < 100 ? len : 100), text);
		memcpy(id->uids[id->n], p, (size_t)(slash - p));
		id->uids[id->n++][slash - p] = '\0';
		if (slash == end)
			return 0;
		p = slash + 1;
	}
}

/* -- queries -------------------------------------------------------------- */

struct export_query {
	struct search search;
	struct search_term terms[TERMS_MAX];
	uint32_t path[PATHS_MAX];
	size_t n_path;
	char *text, *room;		/* the terms' memory */
};

static int
no_attribute(const char *name, size_t len, struct err *err)
{
	return err_set(err, -EINVAL, "\"%.*s\" is no attribute; keywords are written as in PatientID, tags as 00100020",
		       (int)(len < 80 ? len : 80), name);
}

/* KEYWORD, or SEQUENCE.KEYWORD. */
static int
parse_path(struct export_query *q, const char *name, size_t len, struct search_term *term, struct err *err)
{
	const char *p = name, *end = name + len, *dot;

	term->path = q->path + q->n_path;
	for (;; p = dot + 1) {
		dot = memchr(p, '.', (size_t)(end - p));
		if (tag_parse(p, (size_t)((dot != NULL ? dot : end) - p), &term->tag) < 0 ||
		    (!(TAG_GROUP(term->tag) & 1) && tag_find(term->tag) == NULL))
			return no_attribute(name, len, err);
		if (dot == NULL)
			return 0;
		if (q->n_path == PATHS_MAX)
			return err_set(err, -EINVAL, "too many sequences are named");
		q->path[q->n_path++] = term->tag;
		term->n_path++;
	}
}

static int
parse_term(struct export_query *q, struct store *st, const char *text, struct err *err)
{
	struct search_term *term = &q->terms[q->search.n_terms];
	const char *equals = strchr(text, '=');
	const struct tag_entry *entry;
	struct search_tag found;
	char name[100];
	uint16_t vr;
	bool known;
	int r;

	if (equals == NULL || equals == text)
		return err_set(err, -EINVAL, "\"%.80s\" is not of the form KEYWORD=VALUE", text);
	*term = (struct search_term){ .match = SEARCH_EXACT };
	r = parse_path(q, text, (size_t)(equals - text), term, err);
	if (r < 0)
		return r;
	snprintf(name, sizeof name, "%.*s", (int)(equals - text < 90 ? equals - text : 90), text);
	known = term->n_path == 0 && store_search_tag(st, term->tag, &found) == 0;
	if (known && found.disabled)
		return err_set(err, -EINVAL, "\"%.80s\" is disabled: some instances have values that could not be indexed", name);
	entry = tag_find(term->tag);
	vr = known ? found.vr : entry != NULL ? entry->vr : VR('L', 'O');
	term->value = equals + 1;
	r = search_parse_value(vr, name, equals + 1, term, &q->room, err);
	if (r < 0 || (term->value == NULL && term->match != SEARCH_RANGE))
		return r;		/* any value will do */
	/* The highest level that all of them are of: fewest things to find. */
	if (!known)
		q->search.level = STORE_INSTANCE;
	else if (found.level > q->search.level)
		q->search.level = found.level;
	q->search.n_terms++;
	return 0;
}

int
export_query_new(struct store *st, const char *const *values, size_t n, struct export_query **ret_query, struct err *err)
{
	struct export_query *q = calloc(1, sizeof *q);
	size_t i, len = 1;
	int r = 0;

	for (i = 0; i < n; i++)
		len += 2 * strlen(values[i]) + 2;
	if (q == NULL || (q->text = malloc(len)) == NULL) {
		free(q);
		return err_set(err, -ENOMEM, "out of memory");
	}
	q->room = q->text;
	q->search = (struct search){ .level = STORE_STUDY, .terms = q->terms, .scan = true };
	if (n == 0 || n > TERMS_MAX)
		r = err_set(err, -EINVAL, n == 0 ? "a query has no KEYWORD=VALUE" : "a query has more than %d conditions", TERMS_MAX);
	for (i = 0; i < n && r == 0; i++) {
		/* What is parsed lends from the values, so a copy goes with it. */
		char *copy = strcpy(q->room, values[i]);

		q->room += strlen(copy) + 1;
		r = parse_term(q, st, copy, err);
	}
	if (r < 0)
		export_query_free(q);
	else
		*ret_query = q;
	return r;
}

void
export_query_free(struct export_query *q)
{
	if (q != NULL)
		free(q->text);
	free(q);
}

/* -- a page --------------------------------------------------------------- */

struct filling {
	struct store *st;
	const unsigned char *id;
	const struct export_input *input;
	struct export_page *page;
	struct export_cursor *at;	/* page->next */
	struct export_query *query;	/* NULL: it is none */
	bool ended;
};

static struct export_item *
add_item(struct filling *f)
{
	struct export_item *item = &f->page->items[f->page->n++];

	*item = (struct export_item){ 0 };
	return item;
}

static void
add_instance(struct filling *f, uint64_t id, const char *study, const char *series, const char *sop)
{
	struct export_item *item = add_item(f);

	item->instance = id;
	snprintf(item->identifier, sizeof item->identifier, "%s/%s/%s", study, series, sop);
}

/* The next value, resolved to a node; or an item that says it is not there. */
static int
resolve_value(struct filling *f, struct err *err)
{
	struct export_identifier id;
	struct store_scope scope = { .partition = f->input->partition };
	struct catalog_path path = { 0 };
	struct export_item *item;
	struct slice text;
	struct err why = { 0 };
	struct kv_txn *txn;
	int r;

	if (f->at->value == f->input->n_values) {
		f->ended = true;
		return 0;
	}
	r = kv_begin(f->st->kv, KV_READ, &txn);
	if (r < 0)
		return r;
	r = operation_value_get(txn, f->id, f->at->value, &text);
	if (r == 0)
		r = export_identifier_parse(text.data, text.len, &id, err);
	if (r < 0) {
		kv_abort(txn);
		return r == -ENOENT ? -EIO : r;
	}
	scope.study_uid = id.uids[0];
	scope.series_uid = id.n > 1 ? id.uids[1] : NULL;
	scope.sop_uid = id.n > 2 ? id.uids[2] : NULL;
	r = scope_resolve(txn, &scope, &path, &why);
	if (r == -ENOENT) {
		item = add_item(f);
		snprintf(item->identifier, sizeof item->identifier, "%.*s", (int)text.len, (const char *)text.data);
		snprintf(item->why, sizeof item->why, "not found: %s", err_text(&why));
		f->at->value++;
		r = 0;
	} else if (r == 0) {
		f->at->node = path.instance != 0 ? path.instance : path.series != 0 ? path.series : path.study;
	}
	kv_abort(txn);
	return r;
}

static int
resolve_everything(struct filling *f)
{
	struct store_node node;
	int r;

	if (f->at->value > 0) {
		f->ended = true;
		return 0;
	}
	r = store_find_partition(f->st, f->input->partition, &node);
	if (r == 0)
		f->at->node = node.id;
	return r;
}

static int
take_node(void *ctx, const struct store_node *node)
{
	*(struct store_node *)ctx = *node;
	return 0;
}

static int
resolve_match(struct filling *f, struct err *err)
{
	struct store_node node = { 0 };
	struct search_report report = { 0 };
	struct search search = f->query->search;
	int r;

	search.partition = f->input->partition;
	search.limit = 1;
	search.before = f->at->before;
	search.report = &report;
	r = store_search_nodes(f->st, &search, take_node, &node, err);
	if (r < 0)
		return r;
	if (node.id != 0) {
		f->at->node = node.id;
		f->at->before = search.level == STORE_INSTANCE ? node.watermark : node.id;
	} else if (report.cut && report.next != 0) {
		f->at->before = report.next;	/* none among those looked at: it goes on */
	} else {
		f->ended = true;
	}
	return 0;
}

/* Instances of the node the cursor stands in. */
static int
go_through_node(struct filling *f)
{
	struct export_cursor *at = f->at;
	struct instance_info infos[EXPORT_PAGE];
	struct scan_place place = { at->study, at->series, at->instance };
	size_t n = 0, i;
	int more = scan_from(f->st, at->node, &place, infos, EXPORT_PAGE - f->page->n, &n);

	if (more < 0 && more != -ENOENT)
		return more;
	for (i = 0; i < n; i++)
		add_instance(f, infos[i].id, infos[i].study_uid, infos[i].series_uid, infos[i].sop_uid);
	if (more > 0) {
		at->study = place.study;
		at->series = place.series;
		at->instance = place.instance;
	} else {			/* or gone meanwhile */
		at->node = at->study = at->series = at->instance = 0;
		at->value += f->query == NULL;
	}
	return 0;
}

static int
fill_from_nodes(struct filling *f, struct err *err)
{
	unsigned nodes = 0;
	int r = 0;

	while (r == 0 && f->page->n < EXPORT_PAGE && !f->ended && nodes++ < NODES_PAGE) {
		if (f->at->node == 0)
			r = f->query != NULL ? resolve_match(f, err) :
				f->input->source == EXPORT_EVERYTHING ? resolve_everything(f) : resolve_value(f, err);
		if (r == 0 && f->at->node != 0 && f->page->n < EXPORT_PAGE)
			r = go_through_node(f);
	}
	return r;
}

static int
take_change(void *ctx, const struct change_entry *e)
{
	struct filling *f = ctx;

	if (f->page->n == EXPORT_PAGE)
		return 1;
	if (clock_ticks(e->change.time) >= f->input->until) {
		f->ended = true;
		return 1;
	}
	f->at->sequence = e->change.sequence;
	if (e->change.action != CHANGE_DELETE && e->state == CHANGE_CURRENT && strcmp(e->partition, f->input->partition) == 0)
		add_instance(f, e->change.instance_id, e->change.study_uid, e->change.series_uid, e->change.sop_uid);
	return 0;
}

/* What was changed again later is left to the window of that change. */
static int
fill_from_changes(struct filling *f, struct err *err)
{
	const struct changes_query query = { .from = CHANGES_BY_SEQUENCE, .after = f->at->sequence, .limit = CHANGES_PAGE };
	uint64_t before = f->at->sequence;
	int r = store_changes(f->st, &query, take_change, f, err);

	if (r == 0 && f->at->sequence - before < CHANGES_PAGE)
		f->ended = true;		/* the feed's end */
	return r < 0 ? r : 0;
}

/* The terms of a query lie with the values. */
static int
load_query(struct filling *f, struct err *err)
{
	char *values[TERMS_MAX] = { NULL };
	uint32_t i, n = f->input->n_values <= TERMS_MAX ? f->input->n_values : TERMS_MAX;
	struct slice text;
	struct kv_txn *txn;
	int r = kv_begin(f->st->kv, KV_READ, &txn);

	if (r < 0)
		return r;
	for (i = 0; i < n && r == 0; i++) {
		r = operation_value_get(txn, f->id, i, &text);
		if (r == 0 && (values[i] = strndup(text.data, text.len)) == NULL)
			r = -ENOMEM;
	}
	kv_abort(txn);
	if (r == 0)
		r = export_query_new(f->st, (const char *const *)values, n, &f->query, err);
	for (i = 0; i < n; i++)
		free(values[i]);
	return r;
}

int
export_page_fill(struct store *st, const unsigned char id[OPERATION_ID_LEN], const struct export_input *input,
		 struct export_page *page, struct err *err)
{
	struct filling f = { .st = st, .id = id, .input = input, .page = page, .at = &page->next };
	int r = 0;

	barrier(st);
	page->n = 0;
	if (input->source == EXPORT_CHANGES) {
		r = fill_from_changes(&f, err);
	} else {
		if (input->source == EXPORT_QUERY)
			r = load_query(&f, err);
		if (r == 0)
			r = fill_from_nodes(&f, err);
		export_query_free(f.query);
	}
	page->last = f.ended;
	return r;
}
