/* Delete: rows first, in transactions of some hundred instances, then the files. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/internal.h"

/* Up to REMOVE_ROUND instances at or below path.  Returns how many. */
static int
collect(struct kv_txn *txn, const struct catalog_path *path, struct catalog_path *out)
{
	struct kv_range *series, *instances;
	struct slice k, v;
	uint64_t id;
	int n = 0, r;

	if (path->instance != 0) {
		out[0] = *path;
		return 1;
	}
	r = catalog_children(txn, T_SERIES, path->study, path->series, KV_ASCENDING, path->series != 0 ? 1 : 0, &series);
	if (r < 0)
		return r;
	while (n < REMOVE_ROUND && (r = kv_range_next(series, &k, &v)) > 0) {
		id = read_u64((const char *)k.data + 8);
		if (path->series != 0 && id != path->series)
			break;		/* it went meanwhile */
		r = catalog_children(txn, T_INSTANCE, id, 0, KV_ASCENDING, (uint64_t)(REMOVE_ROUND - n), &instances);
		if (r < 0)
			break;
		while ((r = kv_range_next(instances, &k, &v)) > 0)
			out[n++] = (struct catalog_path){ path->partition, path->study, id,
							  read_u64((const char *)k.data + 8) };
		kv_range_close(instances);
		if (r < 0)
			break;
	}
	kv_range_close(series);
	return r < 0 ? r : n;
}

static int
check_version(struct kv_txn *txn, const struct catalog_path *path, uint64_t watermark)
{
	struct instance_row row;
	int r = catalog_instance(txn, path->series, path->instance, &row);

	return r == 0 && row.watermark != watermark ? -ESTALE : r;
}

struct removal {
	const struct catalog_path *path;
	uint64_t watermark;		/* 0: whatever version there is */
	struct catalog_path *list;
	uint64_t sequence;
};

/* One transaction.  Returns how many were removed; -ENOENT when none are left. */
static int
remove_round(void *ctx, struct catalog_batch *batch)
{
	struct removal *w = ctx;
	int64_t now = clock_now();
	int i, n, r;

	n = w->watermark != 0 ? check_version(batch_txn(batch), w->path, w->watermark) : 0;
	if (n == 0)
		n = collect(batch_txn(batch), w->path, w->list);
	for (i = 0, r = n < 0 ? n : 0; i < n && r == 0; i++)
		r = batch_remove(batch, &w->list[i], now, &w->sequence);
	return r < 0 ? r : n > 0 ? n : -ENOENT;
}

static int
remove_path(struct store *st, const struct catalog_path *path, uint64_t watermark, uint64_t *ret_instances,
	    struct err *err)
{
	struct removal w = { .path = path, .watermark = watermark, .list = malloc(REMOVE_ROUND * sizeof *w.list) };
	uint64_t total = 0;
	int r;

	if (w.list == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	while ((r = batch_update(st->kv, remove_round, &w)) > 0) {
		total += (uint64_t)r;
		step(STEP_REMOVED);
		reclaim_all(st);
		if (path->instance != 0)
			break;
	}
	free(w.list);
	if (total > 0)
		changes_wake(st);
	if (r == -ESTALE)
		return err_set(err, r, "the instance was replaced by another version");
	if (r < 0 && r != -ENOENT)
		return err_set(err, r, "cannot delete: %s", strerror(-r));
	if (total == 0)
		return err_set(err, -ENOENT, "nothing to delete");
	wait_observed(st, w.sequence);
	if (ret_instances != NULL)
		*ret_instances = total;
	return 0;
}

int
store_delete(struct store *st, const struct store_scope *scope, uint64_t *ret_instances, struct err *err)
{
	struct catalog_path path;
	struct kv_txn *txn;
	int r;

	if (st->read_only)
		return err_set(err, -EROFS, "the store is open for reading only");
	if (scope->study_uid == NULL)
		return err_set(err, -EINVAL, "a study is needed");
	barrier(st);
	r = kv_begin(st->kv, KV_READ, &txn);
	if (r < 0)
		return err_set(err, r, "cannot read the index: %s", strerror(-r));
	r = scope_resolve(txn, scope, &path, err);
	kv_abort(txn);
	return r < 0 ? r : remove_path(st, &path, 0, ret_instances, err);
}

int
store_delete_id(struct store *st, uint64_t id, uint64_t watermark, struct err *err)
{
	struct catalog_path path;
	struct kv_txn *txn;
	enum level level;
	int r;

	if (st->read_only)
		return err_set(err, -EROFS, "the store is open for reading only");
	barrier(st);
	r = kv_begin(st->kv, KV_READ, &txn);
	if (r < 0)
		return err_set(err, r, "cannot read the index: %s", strerror(-r));
	r = catalog_path(txn, id, &path, &level);
	kv_abort(txn);
	if (r == 0 && level < LEVEL_STUDY)
		r = -EISDIR;
	if (r < 0)
		return err_set(err, r, "no such study, series or instance");
	return remove_path(st, &path, level == LEVEL_INSTANCE ? watermark : 0, NULL, err);
}
