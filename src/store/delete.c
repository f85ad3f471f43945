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

/* One transaction.  Returns how many were removed, 0 when none are left. */
static int
remove_round(struct store *st, const struct catalog_path *path, uint64_t watermark, struct catalog_path *list,
	     uint64_t *ret_sequence)
{
	struct catalog_batch *batch;
	int64_t now = clock_now();
	int i, n, r;

	r = batch_begin(st->kv, &batch);
	if (r < 0)
		return r;
	n = watermark != 0 ? check_version(batch_txn(batch), path, watermark) : 0;
	if (n == 0)
		n = collect(batch_txn(batch), path, list);
	for (i = 0, r = n < 0 ? n : 0; i < n && r == 0; i++)
		r = batch_remove(batch, &list[i], now, ret_sequence);
	if (r < 0 || n <= 0) {
		batch_abort(batch);
		return r == -ENOENT ? 0 : r;
	}
	r = batch_commit(batch);
	return r < 0 ? r : n;
}

static int
remove_path(struct store *st, const struct catalog_path *path, uint64_t watermark, uint64_t *ret_instances,
	    struct err *err)
{
	struct catalog_path *list = malloc(REMOVE_ROUND * sizeof *list);
	uint64_t sequence = 0, total = 0;
	int r, tries = 0;

	if (list == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	for (;;) {
		r = remove_round(st, path, watermark, list, &sequence);
		if (r == -EAGAIN && ++tries < 100)
			continue;
		if (r <= 0)
			break;
		total += (uint64_t)r;
		step(STEP_REMOVED);
		reclaim_all(st);
		if (path->instance != 0)
			break;
	}
	free(list);
	if (total > 0)
		changes_wake(st);
	if (r == -ESTALE)
		return err_set(err, r, "the instance was replaced by another version");
	if (r < 0)
		return err_set(err, r, "cannot delete: %s", strerror(-r));
	if (total == 0)
		return err_set(err, -ENOENT, "nothing to delete");
	wait_observed(st, sequence);
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
