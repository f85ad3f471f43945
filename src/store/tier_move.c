/* Moving instances between tiers: an operation, a page of instances a step.
 *
 * Order of effects; each holds after every step, also if we are killed there or the power fails (tests/fault/tier strikes).
 * At no moment is a name without its bytes, and a reader that has them open keeps them.
 *
 *  (1) copy	Each file that is to move is copied to where it is to be, aside, or to hot into staging.  All of them
 *		are synced, read again from the disk, and compared with the hashes of their rows.  After a kill the
 *		next step removes what is aside.
 *  (2) place	Under the writer's lock, if its row is still what was copied, each copy gets its name in its tier.
 *		Then they are synced.  Nobody is led to them; who replaces or deletes the instance from here on
 *		removes them (reclaim.c).
 *  (3) lead	Under the writer's lock, if its row is still that, each name becomes a link to its
 *		copy, or in hot the copy itself, by a rename.  Then the directories of the names are synced.
 *  (4) write	One transaction: the rows tell their tiers, the record of the operation how far it is, and what lies
 *		in a tier that was left gets a reclaim entry.  Who finds (3) done and not (4) does only (4).
 *  (5) drop	What was in the tiers that were left is removed (reclaim.c).
 *
 * Two of them never run at a time: whoever works on operations holds a lock (ops/runner.c).
 */
#include "store/tier_mover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"

/* Bytes after which a page is full. */
#define PAGE_BYTES (256u << 20)
/* Instances that are only looked at in one step. */
#define LOOKED_MAX 4096
/* A page in which something is just being stored is looked at so often, with pauses of so many ms. */
#define TRIES 20
#define PAUSE_MS 10

/* -- a page --------------------------------------------------------------- */

/* The node the cursor stands in.  -ENOENT: there is no more. */
static int
current_node(struct mover *m, uint64_t *ret_node)
{
	struct partition_row row;
	struct kv_txn *txn;
	int r;

	if (!m->input.by_rules) {
		if (m->cursor.node * 8 >= m->input.nodes.len)
			return -ENOENT;
		*ret_node = read_u64((const char *)m->input.nodes.data + m->cursor.node * 8);
		return 0;
	}
	*ret_node = m->cursor.node;
	if (m->cursor.node != 0)
		return 0;
	r = kv_begin(m->st->kv, KV_READ, &txn);
	if (r < 0)
		return r;
	r = catalog_next_partition(txn, 0, ret_node, &row);
	kv_abort(txn);
	m->cursor.node = *ret_node;
	return r > 0 ? 0 : r == 0 ? -ENOENT : r;
}

static int
next_node(struct mover *m)
{
	struct partition_row row;
	struct kv_txn *txn;
	int r;

	m->cursor.place = (struct scan_place){ 0 };
	if (!m->input.by_rules) {
		m->cursor.node++;
		return 0;
	}
	r = kv_begin(m->st->kv, KV_READ, &txn);
	if (r < 0)
		return r;
	r = catalog_next_partition(txn, m->cursor.node, &m->cursor.node, &row);
	kv_abort(txn);
	if (r == 0)
		m->ended = true;
	return r < 0 ? r : 0;
}

/* The cursor behind an instance in the middle of what was read from a place on. */
static int
stand_behind(struct mover *m, struct scan_place from, uint64_t instance)
{
	struct catalog_path p;
	struct kv_txn *txn;
	enum level level;
	int r = kv_begin(m->st->kv, KV_READ, &txn);

	if (r < 0)
		return r;
	r = catalog_path(txn, instance, &p, &level);
	kv_abort(txn);
	if (r == 0)
		m->cursor.place = (struct scan_place){ p.study, p.series, instance };
	if (r == -ENOENT) {
		m->cursor.place = from;	/* it was deleted: look at the others again */
		r = 0;
	}
	return r;
}

/* Copy what of some instances is to move.  1: the page is full; 0. */
static int
copy_some(struct mover *m, struct scan_place from, const struct instance_info *infos, size_t n, struct err *err)
{
	enum store_tier to;
	size_t i;
	int r;

	for (i = 0; i < n; i++) {
		r = tier_where_to(m, &infos[i], &to);
		m->done++;
		if (r == -ENOENT || (r == 0 && to == infos[i].tier))
			continue;
		if (r < 0)
			return err_set(err, r, "cannot read the index: %s", strerror(-r));
		r = tier_begin_use(m->st, to, err);
		if (r == 0)
			r = tier_copy_one(m, &infos[i], to, err);
		if (r < 0)
			return r;
		if (i + 1 < n && (m->n == TIER_PAGE || m->bytes >= PAGE_BYTES)) {
			r = stand_behind(m, from, infos[i].id);
			return r < 0 ? r : 1;
		}
	}
	return m->n == TIER_PAGE || m->bytes >= PAGE_BYTES;
}

static int
fill_page(struct mover *m, struct err *err)
{
	struct instance_info infos[TIER_PAGE];
	struct scan_place from;
	uint64_t node = 0;
	size_t n = 0;
	int r = 0, more;

	while (r == 0 && !m->ended && m->done < LOOKED_MAX && m->n < TIER_PAGE) {
		if (m->stop != NULL && atomic_load(m->stop))
			return -ECANCELED;
		r = current_node(m, &node);
		if (r == -ENOENT) {
			m->ended = true;
			return 0;
		}
		if (r < 0)
			break;
		from = m->cursor.place;
		more = scan_from(m->st, node, &m->cursor.place, infos, TIER_PAGE - m->n, &n);
		if (more == -ENOENT)
			more = 0;	/* deleted meanwhile */
		if (more < 0) {
			r = more;
			break;
		}
		r = copy_some(m, from, infos, n, err);
		if (r < 0)
			return r;
		if (r == 0 && more == 0)
			r = next_node(m);
	}
	return r < 0 ? err_set(err, r, "cannot read the index: %s", strerror(-r)) : 0;
}

static int
move_page(struct mover *m, const struct tier_cursor *before, struct err *err)
{
	int r = fill_page(m, err);

	if (r < 0)
		return r;
	r = tier_sync_copies(m);
	if (r < 0)
		return err_set(err, r, "cannot write to a tier: %s", strerror(-r));
	r = tier_verify_copies(m);
	if (r < 0)
		return r;
	step(STEP_TIER_VERIFIED);
	if (m->n > 0) {
		/* Entries of what was replaced before are done by now: none takes what is led to next. */
		r = reclaim_all(m->st);
		if (r >= 0)
			r = tier_place_page(m);
		if (r >= 0) {
			step(STEP_TIER_PLACED);
			r = tier_lead_page(m);
		}
		if (r >= 0)
			step(STEP_TIER_LED);
	}
	if (m->again && !m->last_try) {
		m->cursor.node = before->node;
		m->cursor.place = before->place;
		m->ended = false;
		m->done = 0;
	}
	if (r >= 0)
		r = tier_write_page(m, m->ended);
	if (r < 0)
		return err_set(err, r, "cannot write the index: %s", strerror(-r));
	step(STEP_TIER_MOVED);
	reclaim_all(m->st);
	return 0;
}

/* -- a step --------------------------------------------------------------- */

static int
run_step(struct mover *m, struct err *err)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000 };
	struct tier_cursor before;
	int tries = 0, r = tier_read_record(m);

	if (r < 0)
		return r == -ENOENT ? r : err_set(err, r, "cannot read the index: %s", strerror(-r));
	if (operation_is_finished(&m->row))
		return 0;
	if (!store_has_tier(m->st, m->input.to) || (m->input.by_rules && !store_has_tier_rules(m->st)))
		return err_set(err, -EINVAL, STORE_TIERS_CONF " has no line any more for what was to be done");
	blob_tier_tidy(m->st->blobs);
	do {
		before = m->cursor;
		m->again = m->ended = false;
		m->done = 0;
		m->last_try = ++tries == TRIES;
		r = move_page(m, &before, err);
		tier_close_page(m);
		if (r == 0 && m->again && !m->last_try) {
			nanosleep(&pause, NULL);
			barrier(m->st);
		}
	} while (r == 0 && m->again && !m->last_try);
	if (r == -ECANCELED)
		return 1;
	return r < 0 ? r : !m->ended;
}

/* A tier that is not there, or takes no more: the next operation may find it otherwise. */
static bool
is_final(int r)
{
	return r == -ENOMEDIUM || r == -ENOSPC || r == -EDQUOT || r == -EROFS || r == -EACCES || r == -EINVAL || r == -EBUSY;
}

int
store_tier_step(struct store *st, const char *operation, const atomic_bool *stop, struct err *err)
{
	struct mover *m = calloc(1, sizeof *m);
	struct err why = { 0 };
	int r = m == NULL ? err_set(&why, -ENOMEM, "out of memory") : operation_parse(operation, m->id);

	if (r == 0) {
		m->st = st;
		m->stop = stop;
		m->slots = calloc(TIER_PAGE, sizeof *m->slots);
		m->hash = hash_stream_new();
		m->chunk = malloc(TIER_CHUNK);
		r = m->slots != NULL && m->hash != NULL && m->chunk != NULL ? run_step(m, &why)
									    : err_set(&why, -ENOMEM, "out of memory");
	}
	if (m != NULL) {
		free(m->slots);
		hash_stream_free(m->hash);
		free(m->chunk);
	}
	free(m);
	if (is_final(r)) {
		log_error("tier operation=%s state=failed: %s", operation, err_text(&why));
		r = store_fail_operation(st, operation, err_text(&why));
	}
	if (r < 0 && err != NULL)
		*err = why;
	return r;
}
