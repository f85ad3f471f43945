/* The tree of partitions, studies, series and instances, by id and name. */
#include <errno.h>
#include <string.h>

#include "store/internal.h"

int
scope_resolve(struct kv_txn *txn, const struct store_scope *scope, struct catalog_path *p, struct err *err)
{
	int r = catalog_find_path(txn, scope->partition != NULL ? scope->partition : STORE_DEFAULT_PARTITION,
				  scope->study_uid, scope->series_uid, scope->sop_uid, p);

	if (r < 0)
		return err_set(err, r, "no such %s", p->series != 0 ? "instance" : p->study != 0 ? "series" :
			       p->partition != 0 ? "study" : "partition");
	return 0;
}

/* -- rows as nodes -------------------------------------------------------- */

static void
partition_node(uint64_t id, const struct partition_row *row, struct store_node *n)
{
	*n = (struct store_node){ .id = id, .parent = STORE_ROOT_ID, .level = STORE_PARTITION,
		.size = row->bytes, .count = row->studies, .mtime = row->mtime, .created = row->created };
	memcpy(n->tiers, row->tiers, sizeof n->tiers);
	strcpy(n->name, row->name);
}

static void
study_node(uint64_t parent, uint64_t id, const struct study_row *row, struct store_node *n)
{
	*n = (struct store_node){ .id = id, .parent = parent, .level = STORE_STUDY,
		.size = row->bytes, .count = row->series, .mtime = row->mtime, .created = row->created,
		.watermark = row->max_watermark };
	memcpy(n->tiers, row->tiers, sizeof n->tiers);
	strcpy(n->name, row->uid);
}

static void
series_node(uint64_t parent, uint64_t id, const struct series_row *row, struct store_node *n)
{
	*n = (struct store_node){ .id = id, .parent = parent, .level = STORE_SERIES,
		.size = row->bytes, .count = row->instances, .mtime = row->mtime, .created = row->created,
		.watermark = row->max_watermark, .kept = row->kept };
	memcpy(n->tiers, row->tiers, sizeof n->tiers);
	strcpy(n->name, row->uid);
}

static void
instance_node(uint64_t parent, uint64_t id, const struct instance_row *row, struct store_node *n)
{
	*n = (struct store_node){ .id = id, .parent = parent, .level = STORE_INSTANCE,
		.size = row->size, .mtime = row->mtime, .created = row->created, .watermark = row->watermark };
	if (instance_row_tier(row) != 0)
		n->tiers[instance_row_tier(row)] = row->size;
	strcpy(n->name, row->uid);
}

static int
root_node(struct kv_txn *txn, struct store_node *n)
{
	struct partition_row sums;
	uint64_t count;
	int r = catalog_total(txn, &sums, &count);

	*n = (struct store_node){ .id = STORE_ROOT_ID, .level = STORE_ROOT, .size = sums.bytes, .count = count,
		.mtime = sums.mtime, .created = sums.created };
	return r;
}

static const enum table level_tables[] = {
	[LEVEL_PARTITION] = T_PARTITION, [LEVEL_STUDY] = T_STUDY,
	[LEVEL_SERIES] = T_SERIES, [LEVEL_INSTANCE] = T_INSTANCE,
};

/* Rows of a level are keyed by their parent; partitions have none. */
static struct key
row_key(enum level level, uint64_t parent, uint64_t id)
{
	return level == LEVEL_PARTITION ? key_of_1(id) : key_of_2(parent, id);
}

static int
row_node(enum level level, uint64_t parent, uint64_t id, struct slice v, struct store_node *n)
{
	union {
		struct partition_row partition;
		struct study_row study;
		struct series_row series;
		struct instance_row instance;
	} row;
	int r;

	switch (level) {
	case LEVEL_PARTITION:
		r = partition_row_get(v, &row.partition);
		if (r == 0)
			partition_node(id, &row.partition, n);
		return r;
	case LEVEL_STUDY:
		r = study_row_get(v, &row.study);
		if (r == 0)
			study_node(parent, id, &row.study, n);
		return r;
	case LEVEL_SERIES:
		r = series_row_get(v, &row.series);
		if (r == 0)
			series_node(parent, id, &row.series, n);
		return r;
	default:
		r = instance_row_get(v, &row.instance);
		if (r == 0)
			instance_node(parent, id, &row.instance, n);
		return r;
	}
}

int
node_read(struct kv_txn *txn, uint64_t id, struct store_node *n)
{
	struct catalog_path p;
	enum level level;
	uint64_t parents[LEVEL_INSTANCE + 1];
	struct slice v;
	struct key k;
	int r;

	if (id == STORE_ROOT_ID)
		return root_node(txn, n);
	r = catalog_path(txn, id, &p, &level);
	if (r < 0)
		return r;
	parents[LEVEL_PARTITION] = STORE_ROOT_ID;
	parents[LEVEL_STUDY] = p.partition;
	parents[LEVEL_SERIES] = p.study;
	parents[LEVEL_INSTANCE] = p.series;
	k = row_key(level, parents[level], id);
	r = kv_get(txn, level_tables[level], key_slice(&k), &v);
	return r < 0 ? r : row_node(level, parents[level], id, v, n);
}

/* -- verbs ---------------------------------------------------------------- */

int
store_lookup(struct store *st, uint64_t parent, const char *name, struct store_node *ret_node)
{
	struct kv_txn *txn;
	uint64_t id;
	int r;

	barrier(st);
	r = kv_begin(st->kv, KV_READ, &txn);
	if (r < 0)
		return r;
	r = catalog_find(txn, parent, name, &id);
	if (r == 0)
		r = node_read(txn, id, ret_node);
	/* Partitions are found in either case, but on a tree names are bytes. */
	if (r == 0 && strcmp(ret_node->name, name) != 0)
		r = -ENOENT;
	kv_abort(txn);
	return r;
}

int
store_find_partition(struct store *st, const char *name, struct store_node *ret_node)
{
	struct kv_txn *txn;
	uint64_t id;
	int r;

	barrier(st);
	r = kv_begin(st->kv, KV_READ, &txn);
	if (r < 0)
		return r;
	r = catalog_find(txn, STORE_ROOT_ID, name, &id);
	if (r == 0)
		r = node_read(txn, id, ret_node);
	kv_abort(txn);
	return r;
}

int
store_get_node(struct store *st, uint64_t id, struct store_node *ret_node)
{
	struct kv_txn *txn;
	int r;

	barrier(st);
	r = kv_begin(st->kv, KV_READ, &txn);
	if (r < 0)
		return r;
	r = node_read(txn, id, ret_node);
	kv_abort(txn);
	return r;
}

static int
list(struct kv_txn *txn, uint64_t parent, uint64_t after,
     int (*fn)(void *ctx, const struct store_node *node), void *ctx)
{
	struct catalog_path p;
	struct store_node n;
	struct key from, to;
	struct kv_range *g;
	struct slice k, v;
	enum level level = LEVEL_ROOT;
	int r;

	key_start(&to);
	if (parent != STORE_ROOT_ID) {
		r = catalog_path(txn, parent, &p, &level);
		if (r < 0)
			return r;
		if (level == LEVEL_INSTANCE)
			return -ENOTDIR;
		to = key_of_1(parent);
		key_after(&to);
	}
	from = row_key(level + 1, parent, after + 1);
	r = kv_range_open(txn, level_tables[level + 1], key_slice(&from), key_slice(&to), KV_ASCENDING, 0, &g);
	if (r < 0)
		return r;
	while ((r = kv_range_next(g, &k, &v)) > 0) {
		r = row_node(level + 1, parent, read_u64((const char *)k.data + k.len - 8), v, &n);
		if (r == 0)
			r = fn(ctx, &n);
		if (r != 0)
			break;
	}
	kv_range_close(g);
	return r;
}

int
store_list(struct store *st, uint64_t parent, uint64_t after,
	   int (*fn)(void *ctx, const struct store_node *node), void *ctx)
{
	struct kv_txn *txn;
	int r;

	if (after == UINT64_MAX)
		return 0;
	barrier(st);
	r = kv_begin(st->kv, KV_READ, &txn);
	if (r < 0)
		return r;
	r = list(txn, parent, after, fn, ctx);
	kv_abort(txn);
	return r;
}
