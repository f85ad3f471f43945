/* Removing the files that no row names any more.
 *
 * Each reclaim entry stands for the files of one version that was removed or
 * replaced: its staged file and, when it was removed, its public one.
 * If the same instance was stored again meanwhile the public path is the new
 * one's and stays.  What lies in tiers that the path does not lead to goes, too; a tier may be slow,
 * so it is only looked into where something may be.  Done under the writer's lock (committer.c says why), some at a time.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/operations_internal.h"
#include "store/tier.h"

#define RECLAIM_ROUND 256

static bool
stored_again(struct kv_txn *txn, const char *partition, const struct reclaim_entry *e)
{
	struct catalog_path p;
	struct instance_row row;

	if (catalog_find_path(txn, partition, e->study_uid, e->series_uid, e->sop_uid, &p) < 0)
		return false;
	/* With an original of its own, too? */
	return !(e->flags & RECLAIM_ORIGINAL) || catalog_instance(txn, p.series, p.instance, &row) < 0 ||
	       (row.flags & INSTANCE_UPDATED) != 0;
}

/* Contract 5: a file that somebody else wrote since is not ours to remove.  Where an older version may
 * lie nothing can be told. */
static bool
was_changed(struct store *st, const char *name, const struct reclaim_entry *e)
{
	struct stat sb;
	bool changed;
	int fd, r;

	if (e->size == 0 || (e->flags & INSTANCE_REPLACED) != 0)
		return false;
	r = blob_open(st->blobs, name, &fd);
	if (r < 0)
		return r == -ELOOP;
	changed = fstat(fd, &sb) == 0 && ((uint64_t)sb.st_size != e->size || clock_ns(sb.st_mtim) != e->mtime);
	close(fd);
	return changed;
}

static int
reclaim_one(struct store *st, struct kv_txn *txn, const struct reclaim_entry *e, bool moving)
{
	char stage[BLOB_STAGE_MAX], name[BLOB_NAME_MAX];
	bool in_tiers = moving || (e->flags & (INSTANCE_TIER_BITS | RECLAIM_TIERS)) != 0;
	struct partition_row p;
	int r;

	r = catalog_partition(txn, e->partition, &p);
	if (r < 0)
		return r;
	if (e->flags & RECLAIM_ORIGINAL)
		original_name(name, p.name, e->study_uid, e->series_uid, e->sop_uid);
	else
		instance_name(name, p.name, e->study_uid, e->series_uid, e->sop_uid);
	if (e->flags & RECLAIM_TIERS)
		return blob_tier_drop(st->blobs, name);
	row_stage_name(stage, e->stage, e->flags, p.name);
	r = blob_stage_remove(st->blobs, stage);
	if (r < 0 && r != -ENOENT)
		return r;
	if (e->stage_only || stored_again(txn, p.name, e))
		return in_tiers ? blob_tier_drop(st->blobs, name) : 0;
	if (was_changed(st, name, e)) {
		log_warning("delete: the file of sop=%s was changed by somebody else, and stays", e->sop_uid);
	} else {
		r = blob_remove(st->blobs, name);
		step(STEP_RECLAIMING);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	return in_tiers ? blob_tier_drop(st->blobs, name) : 0;
}

/* Copies of instances may be in tiers before their rows say so (tier_move.c). */
static bool
is_moving(struct store *st, struct kv_txn *txn)
{
	unsigned char id[OPERATION_ID_LEN];

	return store_has_tier(st, STORE_HOT) && operation_find_unfinished(txn, 1u << OPERATION_TIER, id) == 0;
}

/* Up to RECLAIM_ROUND entries.  Returns how many there were. */
static int
reclaim_round(struct store *st)
{
	struct reclaim_entry entry;
	uint64_t watermarks[RECLAIM_ROUND];
	struct kv_range *g = NULL;
	struct kv_txn *txn;
	struct slice k, v;
	int n = 0, kept = 0, i, r;
	bool moving;

	r = kv_begin(st->kv, KV_WRITE, &txn);
	if (r < 0)
		return r;
	moving = is_moving(st, txn);
	r = kv_range_open(txn, T_RECLAIM, slice_of(NULL, 0), slice_of(NULL, 0), KV_ASCENDING, RECLAIM_ROUND, &g);
	while (r >= 0 && (r = kv_range_next(g, &k, &v)) > 0) {
		if (reclaim_entry_get(v, &entry) == 0 && (r = reclaim_one(st, txn, &entry, moving)) < 0) {
			log_warning("reclaim: file stays sop=%s error=%s", entry.sop_uid, strerror(-r));
			kept++;
			continue;
		}
		watermarks[n++] = read_u64(k.data);
	}
	kv_range_close(g);
	step(STEP_RECLAIMED);
	for (i = 0; i < n && r >= 0; i++) {
		struct key key = key_of_1(watermarks[i]);

		r = kv_del(txn, T_RECLAIM, key_slice(&key));
	}
	if (r < 0 || n == 0) {
		kv_abort(txn);
		return r < 0 ? r : 0;
	}
	r = kv_commit(txn);
	return r < 0 ? r : kept > 0 ? 0 : n;
}

static bool
nothing_to_do(struct store *st)
{
	struct kv_txn *txn;
	uint64_t n;
	int r;

	if (kv_begin(st->kv, KV_READ, &txn) < 0)
		return true;
	r = catalog_count(txn, T_RECLAIM, 1, &n);
	kv_abort(txn);
	return r < 0 || n == 0;
}

int
reclaim_all(struct store *st)
{
	int r, tries = 0;

	if (nothing_to_do(st))
		return 0;
	do
		r = reclaim_round(st);
	while (r > 0 || (r == -EAGAIN && ++tries < 10));
	return r;
}
