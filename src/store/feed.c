/* The change feed, a page at a time.
 *
 * Sequence numbers have no gaps and times never go back along them (batch_put.c), so a time is
 * found by halving, and passing over rows is an addition: a page costs its rows, however
 * long the feed is.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "catalog/header.h"
#include "dicom/json.h"
#include "store/internal.h"

/* Entries read in one transaction, and bytes of metadata after which it ends early. */
#define PAGE 64
#define PAGE_BYTES (1 << 20)

struct row {
	struct change_entry entry;
	char partition[STORE_NAME_MAX + 1];
	char path[64 + 2 * STORE_NAME_MAX + BLOB_NAME_MAX];
	size_t metadata_end;		/* in page.metadata */
};

struct page {
	struct store *st;
	const struct changes_query *query;
	struct kv_txn *txn;
	struct row rows[PAGE];
	size_t n;
	struct buf metadata;
	/* What the rows before needed: changes come in runs of one series. */
	uint64_t partition_id;
	struct partition_row partition;
	struct series_base base;
	struct buf json;
};

void
change_of_entry(uint64_t sequence, const struct feed_entry *e, struct change *c)
{
	*c = (struct change){
		.sequence = sequence, .time = e->time, .action = (enum change_action)e->action,
		.watermark = e->watermark, .partition_id = e->partition, .study_id = e->study,
		.series_id = e->series, .instance_id = e->instance,
		.moved = (e->with & FEED_MOVED) != 0,
		.study_appeared = e->action != FEED_DELETE && (e->with & FEED_STUDY),
		.series_appeared = e->action != FEED_DELETE && (e->with & FEED_SERIES),
		.study_vanished = e->action == FEED_DELETE && (e->with & FEED_STUDY),
		.series_vanished = e->action == FEED_DELETE && (e->with & FEED_SERIES),
	};
	strcpy(c->study_uid, e->study_uid);
	strcpy(c->series_uid, e->series_uid);
	strcpy(c->sop_uid, e->sop_uid);
}

/* -- one entry ------------------------------------------------------------ */

/* Who has the entry's UIDs now: an instance stored again after a delete counts (contract 12.3). */
static int
find_current(struct page *p, const struct change *c, struct catalog_path *path, uint64_t *ret_watermark)
{
	struct instance_row row;
	int r;

	r = catalog_find_path(p->txn, p->partition.name, c->study_uid, c->series_uid, c->sop_uid, path);
	if (r == 0)
		r = catalog_instance(p->txn, path->series, path->instance, &row);
	if (r == 0)
		*ret_watermark = row.watermark;
	return r;
}

static int
put_metadata(struct page *p, const struct catalog_path *path)
{
	int r;

	buf_reset(&p->json);
	r = catalog_read_header(p->txn, &p->base, path->series, path->instance, &p->json);
	return r < 0 ? r : dicom_json_render(buf_slice(&p->json), NULL, &p->metadata);
}

static int
add_entry(struct page *p, uint64_t sequence, struct slice value)
{
	struct row *row = &p->rows[p->n];
	struct change_entry *e = &row->entry;
	char name[BLOB_NAME_MAX];
	struct catalog_path path;
	struct feed_entry f;
	uint64_t watermark = 0;
	int r = feed_entry_get(value, &f);

	if (r < 0)
		return r;
	*e = (struct change_entry){ .partition = row->partition };
	change_of_entry(sequence, &f, &e->change);
	if (p->partition_id != f.partition) {
		r = catalog_partition(p->txn, f.partition, &p->partition);
		if (r < 0)
			return r == -ENOENT ? -EIO : r;
		p->partition_id = f.partition;
	}
	strcpy(row->partition, p->partition.name);
	r = find_current(p, &e->change, &path, &watermark);
	if (r < 0 && r != -ENOENT)
		return r;
	e->state = r == -ENOENT ? CHANGE_DELETED : watermark == f.watermark ? CHANGE_CURRENT : CHANGE_REPLACED;
	if (e->state == CHANGE_CURRENT) {
		instance_name(name, row->partition, f.study_uid, f.series_uid, f.sop_uid);
		snprintf(row->path, sizeof row->path, "AHDS/%s/dicom/%s/%s", p->st->workspace, p->st->service, name);
		e->path = row->path;
	}
	r = 0;
	if (p->query->metadata && e->state != CHANGE_DELETED)
		r = put_metadata(p, &path);
	row->metadata_end = p->metadata.len;
	p->n++;
	return r;
}

/* -- pages ---------------------------------------------------------------- */

static int
read_page(struct page *p, uint64_t first, uint64_t last)
{
	struct key from = key_of_1(first);
	struct kv_range *g;
	struct slice k, v;
	uint64_t limit = last - first + 1;
	int r;

	p->n = 0;
	p->partition_id = p->base.series = 0;
	buf_reset(&p->metadata);
	r = kv_range_open(p->txn, T_FEED, key_slice(&from), slice_of(NULL, 0), KV_ASCENDING,
			  limit < PAGE ? limit : PAGE, &g);
	if (r < 0)
		return r;
	while (p->metadata.len < PAGE_BYTES && (r = kv_range_next(g, &k, &v)) > 0) {
		r = add_entry(p, read_u64(k.data), v);
		if (r < 0)
			break;
	}
	kv_range_close(g);
	return r < 0 ? r : 0;
}

/* The first entry that is not before a time, or the one after the last. */
static int
find_time(struct kv_txn *txn, uint64_t latest, int64_t ticks, uint64_t *ret_sequence)
{
	uint64_t low = 1, high = latest + 1;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		struct key k = key_of_1(middle);
		struct feed_entry e;
		struct slice v;
		int r = kv_get(txn, T_FEED, key_slice(&k), &v);

		if (r == 0)
			r = feed_entry_get(v, &e);
		if (r < 0)
			return r == -ENOENT ? -EIO : r;
		if (clock_ticks(e.time) < ticks)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_sequence = low;
	return 0;
}

/* Sequences asked for; none when *ret_first is past *ret_last. */
static int
find_bounds(struct kv_txn *txn, const struct changes_query *q, uint64_t *ret_first, uint64_t *ret_last)
{
	struct catalog_counters c;
	uint64_t first, end;
	int r = catalog_get_counters(txn, &c);

	if (r < 0)
		return r;
	end = c.sequence + 1;
	switch (q->from) {
	case CHANGES_LATEST:
		first = c.sequence > 0 ? c.sequence : 1;
		break;
	case CHANGES_BY_TIME:
		r = find_time(txn, c.sequence, q->since, &first);
		if (r == 0)
			r = find_time(txn, c.sequence, q->until, &end);
		if (r < 0)
			return r;
		first = q->after < end - first ? first + q->after : end;
		break;
	default:
		first = q->after < c.sequence ? q->after + 1 : end;
	}
	if (first < end && q->limit < end - first)
		end = first + q->limit;
	*ret_first = first;
	*ret_last = end - 1;
	return 0;
}

static int
tell(struct page *p, int (*fn)(void *ctx, const struct change_entry *entry), void *ctx)
{
	size_t i, start = 0;
	int r = 0;

	for (i = 0; i < p->n && r == 0; i++) {
		struct row *row = &p->rows[i];

		if (row->metadata_end > start)
			row->entry.metadata = slice_of(p->metadata.data + start, row->metadata_end - start);
		start = row->metadata_end;
		r = fn(ctx, &row->entry);
	}
	return r;
}

int
store_changes(struct store *st, const struct changes_query *query,
	      int (*fn)(void *ctx, const struct change_entry *entry), void *ctx, struct err *err)
{
	struct page *p = calloc(1, sizeof *p);
	uint64_t first = 0, last = 0;
	bool bound = false;
	int r = 0, told = 0;

	if (p == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	p->st = st;
	p->query = query;
	buf_init(&p->metadata, HEADER_MAX + PAGE_BYTES);
	buf_init(&p->base.json, HEADER_MAX);
	buf_init(&p->json, HEADER_MAX);
	barrier(st);
	do {
		r = kv_begin(st->kv, KV_READ, &p->txn);
		if (r < 0)
			break;
		if (!bound)
			r = find_bounds(p->txn, query, &first, &last);
		bound = true;
		p->n = 0;
		if (r == 0 && first <= last)
			r = read_page(p, first, last);
		kv_abort(p->txn);
		first += p->n;
		if (r == 0)
			told = tell(p, fn, ctx);
	} while (r == 0 && told == 0 && p->n > 0 && first <= last);
	buf_fini(&p->metadata);
	buf_fini(&p->base.json);
	buf_fini(&p->json);
	free(p);
	return r < 0 ? err_set(err, r, "cannot read the index: %s", strerror(-r)) : told;
}
