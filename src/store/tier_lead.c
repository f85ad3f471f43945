/* (2), (3) and (4) of tier_move.c: names, links and rows. */
#include "store/tier_mover.h"

#include <errno.h>
#include <string.h>

/* Of a page, renamed while the writer's lock is held once: the directory of a tier may be slow. */
#define LOCK_MAX 16

static bool
is_current(struct kv_txn *txn, const struct slot *s, struct catalog_path *p)
{
	struct instance_row row;
	enum level level;

	return catalog_path(txn, s->info.id, p, &level) == 0 &&
	       catalog_instance(txn, p->series, p->instance, &row) == 0 && row.watermark == s->info.watermark;
}

/* For some of the page, while the writer's lock is held. */
static int
with_lock(struct mover *m, void (*fn)(struct mover *m, struct slot *s))
{
	struct catalog_path p;
	struct kv_txn *txn;
	size_t i, end;
	int r;

	for (i = 0; i < m->n; i = end) {
		r = kv_begin(m->st->kv, KV_WRITE, &txn);
		if (r < 0)
			return r;
		for (end = i; end < m->n && end < i + LOCK_MAX; end++)
			if (!m->slots[end].led && is_current(txn, &m->slots[end], &p))
				fn(m, &m->slots[end]);
		kv_abort(txn);
	}
	return 0;
}

static void
place(struct mover *m, struct slot *s)
{
	int r = blob_tier_place(m->st->blobs, s->name, s->to, s->stage);

	s->placed = r == 0;
	if (r < 0)
		tier_failed(m, &s->info, strerror(-r));
}

int
tier_place_page(struct mover *m)
{
	int r = with_lock(m, place);

	return r < 0 ? r : tier_sync_copies(m);
}

static void
lead(struct mover *m, struct slot *s)
{
	int r;

	if (!s->placed)
		return;
	r = tier_is_staged(m, s) ? -EBUSY : blob_tier_lead(m->st->blobs, s->name, s->to, s->stage, s->copy);
	s->led = r == 0;
	if (r == -EBUSY || r == -ENOENT)
		tier_busy(m, &s->info, "it is still being stored");
	else if (r < 0)
		tier_failed(m, &s->info, strerror(-r));
	step(STEP_TIER_LEADING);
}

int
tier_lead_page(struct mover *m)
{
	int r = with_lock(m, lead);

	/* Those that an interrupted one had led, too. */
	return r < 0 ? r : blob_sync_all(m->st->blobs);
}

struct page {
	struct mover *m;
	struct tier_cursor before;
	bool ended;
};

static int
write_rows(void *ctx, struct catalog_batch *batch)
{
	const struct page *page = ctx;
	struct mover *m = page->m;
	struct catalog_path p;
	size_t i;
	int r = 0;

	m->cursor = page->before;
	for (i = 0; i < m->n && r == 0; i++) {
		const struct slot *s = &m->slots[i];

		if (!s->led || !is_current(batch_txn(batch), s, &p))
			continue;	/* replaced or deleted since: what was moved went with it */
		r = batch_set_tier(batch, &p, s->to);
		if (r == 0 && (s->at != STORE_HOT || s->info.tier != STORE_HOT))
			r = batch_reclaim_tiers(batch, &p);
		m->cursor.moved++;
		m->cursor.bytes += s->info.size;
	}
	if (r == 0)
		r = tier_put_record(m, batch_txn(batch), page->ended);
	if (r == 0)
		step(STEP_TIER_WRITTEN);
	return r;
}

int
tier_write_page(struct mover *m, bool ended)
{
	struct page page = { m, m->cursor, ended };

	return batch_update(m->st->kv, write_rows, &page);
}
