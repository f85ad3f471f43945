/* Search, with the matches as nodes of the tree. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/search_internal.h"

/* Nodes read in one transaction. */
#define PAGE 64

/* Those that are there still: their number, or -errno. */
static int
read_page(struct store *st, enum store_level level, const struct hit *hits, size_t n, struct store_node *nodes)
{
	struct kv_txn *txn;
	size_t i;
	int found = 0, r = kv_begin(st->kv, KV_READ, &txn);

	if (r < 0)
		return r;
	for (i = 0; i < n; i++) {
		r = node_read(txn, level == STORE_STUDY ? hits[i].study : level == STORE_SERIES ? hits[i].series
			      : hits[i].instance, &nodes[found]);
		if (r < 0 && r != -ENOENT)
			break;
		found += r == 0;
		r = 0;
	}
	kv_abort(txn);
	return r < 0 ? r : found;
}

static int
find(struct store *st, const struct search *search, struct hits *hits, struct search_report *ret_report, struct err *err)
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
	kv_abort(txn);
	return r;
}

int
store_search_nodes(struct store *st, const struct search *search,
		   int (*fn)(void *ctx, const struct store_node *node), void *ctx, struct err *err)
{
	struct store_node nodes[PAGE];
	struct search_report report;
	struct hits hits = { 0 };
	size_t i, n;
	int j, found, r;

	barrier(st);
	r = find(st, search, &hits, &report, err);
	if (r == 0 && search->report != NULL)
		*search->report = report;
	for (i = 0; i < hits.n && r == 0; i += n) {
		n = hits.n - i < PAGE ? hits.n - i : PAGE;
		found = read_page(st, search->level, hits.at + i, n, nodes);
		if (found < 0)
			r = err_set(err, found, "cannot read the index: %s", strerror(-found));
		for (j = 0; j < found && r == 0; j++)
			r = fn(ctx, &nodes[j]);
	}
	free(hits.at);
	return r;
}
