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

static int
copy_table(struct kv_txn *from, struct kv *to, unsigned table)
{
	struct kv_range *g = NULL;
	struct kv_txn *txn = NULL;
	struct slice k, v;
	uint64_t bytes = 0, rows = 0;
	int r = kv_range_open(from, table, slice_of(NULL, 0), slice_of(NULL, 0), KV_ASCENDING, 0, &g);

	if (r < 0)
		return r;
	while ((r = kv_range_next(g, &k, &v)) > 0) {
		if (txn == NULL)
			r = kv_begin(to, KV_WRITE, &txn);
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
