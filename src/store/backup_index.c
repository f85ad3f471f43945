/* An index copied, row by row: ours to choose what goes along, packed, and of one moment. */
#include "store/backup_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"

/* Bytes and rows of one transaction. */
#define ROUND_BYTES (8u << 20)
#define ROUND_ROWS 20000

/* The files of the copy are durable and have their names, and what is being removed here is not in it. */
static bool
stays_behind(unsigned table)
{
	return table == T_JOURNAL || table == T_RECLAIM || table == T_STAGED;
}

/* The files of the copy lie with their names, whatever tier they were taken from.  1: *v is another now. */
static int
without_tiers(unsigned table, struct slice *v, struct buf *room)
{
	static const uint64_t none[ROW_TIERS];
	union {
		struct partition_row partition;
		struct study_row study;
		struct series_row series;
		struct instance_row instance;
	} row;
	uint64_t *tiers = NULL;
	int r = 0;

	buf_reset(room);
	if (table == T_PARTITION && (r = partition_row_get(*v, &row.partition)) == 0)
		tiers = row.partition.tiers;
	else if (table == T_STUDY && (r = study_row_get(*v, &row.study)) == 0)
		tiers = row.study.tiers;
	else if (table == T_SERIES && (r = series_row_get(*v, &row.series)) == 0)
		tiers = row.series.tiers;
	else if (table == T_INSTANCE && (r = instance_row_get(*v, &row.instance)) == 0 && instance_row_tier(&row.instance) != 0) {
		instance_row_set_tier(&row.instance, 0);
		instance_row_put(&row.instance, room);
	}
	if (r == 0 && tiers != NULL && memcmp(tiers, none, sizeof none) != 0) {
		memset(tiers, 0, sizeof none);
		if (table == T_PARTITION)
			partition_row_put(&row.partition, room);
		else if (table == T_STUDY)
			study_row_put(&row.study, room);
		else
			series_row_put(&row.series, room);
	}
	if (r == 0)
		r = buf_error(room);
	if (r < 0 || room->len == 0)
		return r;
	*v = buf_slice(room);
	return 1;
}

static int
copy_table(struct kv_txn *from, struct kv *to, unsigned table)
{
	struct kv_range *g = NULL;
	struct kv_txn *txn = NULL;
	struct slice k, v;
	uint64_t bytes = 0, rows = 0;
	struct buf room;
	int r = kv_range_open(from, table, slice_of(NULL, 0), slice_of(NULL, 0), KV_ASCENDING, 0, &g);

	if (r < 0)
		return r;
	buf_init(&room, 4u << 20);
	while ((r = kv_range_next(g, &k, &v)) > 0) {
		if (txn == NULL)
			r = kv_begin(to, KV_WRITE, &txn);
		if (r >= 0)
			r = without_tiers(table, &v, &room);
		if (r >= 0)
			r = kv_put(txn, table, k, v);
		if (r < 0)
			break;
		bytes += k.len + v.len;
		if (bytes < ROUND_BYTES && ++rows < ROUND_ROWS)
			continue;
		r = kv_commit(txn);
		txn = NULL;
		bytes = rows = 0;
		if (r < 0)
			break;
	}
	if (r == 0 && txn != NULL) {
		r = kv_commit(txn);
		txn = NULL;
	}
	kv_abort(txn);
	kv_range_close(g);
	buf_fini(&room);
	return r;
}

int
backup_copy_index(struct kv_txn *txn, const char *dir, const char *name, struct err *err)
{
	const struct kv_options o = { .tables = schema_tables, .n_tables = TABLES, .create = true, .ascending = true };
	char path[4096];
	struct kv *kv = NULL;
	unsigned table;
	int r;

	index_remove(dir, name);
	if ((size_t)snprintf(path, sizeof path, "%s/%s", dir, name) >= sizeof path)
		return err_set(err, -ENAMETOOLONG, "the path of the backup is too long");
	r = io_mkdir_all(AT_FDCWD, path);
	if (r < 0)
		return err_set(err, r, "cannot make %s: %s", path, strerror(-r));
	r = kv_lmdb_open(path, &o, &kv, err);
	if (r < 0)
		return r;
	for (table = 0; table < TABLES && r == 0; table++)
		if (!stays_behind(table))
			r = copy_table(txn, kv, table);
	kv_close(kv);
	return r < 0 ? err_set(err, r, "cannot copy the index: %s", strerror(-r)) : 0;
}
