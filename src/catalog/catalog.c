#include "catalog/catalog.h"

#include <errno.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "catalog/codec.h"
#include "catalog/header.h"
#include "catalog/internal.h"

static struct slice
meta_key(const char *name)
{
	return slice_str(name);
}

/* -- the store itself ----------------------------------------------------- */

int
counters_put(struct kv_txn *txn, const struct catalog_counters *c)
{
	struct key v;

	key_start(&v);
	key_u64(&v, c->next_id);
	key_u64(&v, c->next_watermark);
	key_u64(&v, c->sequence);
	key_u64(&v, c->next_owner);
	return kv_put(txn, T_META, meta_key("counters"), key_slice(&v));
}

int
catalog_get_counters(struct kv_txn *txn, struct catalog_counters *c)
{
	struct slice v;
	struct reader r;
	int ret = kv_get(txn, T_META, meta_key("counters"), &v);

	if (ret < 0)
		return ret;
	reader_init(&r, v);
	c->next_id = get_u64(&r);
	c->next_watermark = get_u64(&r);
	c->sequence = get_u64(&r);
	c->next_owner = get_u64(&r);
	return r.bad ? -EIO : 0;
}

struct init {
	const char *workspace, *service, *default_partition;
};

static int
init_txn(void *ctx, struct kv_txn *txn)
{
	const struct init *in = ctx;
	struct catalog_counters c = {
		.next_id = CATALOG_FIRST_ID, .next_watermark = 1, .sequence = 0, .next_owner = 1,
	};
	struct key version;
	uint64_t id;
	int r;

	key_start(&version);
	key_u64(&version, SCHEMA_VERSION);
	r = kv_insert(txn, T_META, meta_key("schema"), key_slice(&version));
	if (r == 0)
		r = kv_put(txn, T_META, meta_key("workspace"), slice_str(in->workspace));
	if (r == 0)
		r = kv_put(txn, T_META, meta_key("service"), slice_str(in->service));
	if (r == 0)
		r = partition_create(txn, &c, in->default_partition, clock_now(), &id);
	if (r == 0)
		r = counters_put(txn, &c);
	return r;
}

int
catalog_init(struct kv *kv, const char *workspace, const char *service,
	     const char *default_partition, struct err *err)
{
	struct init in = { workspace, service, default_partition };
	int r = kv_update(kv, init_txn, &in);

	if (r < 0)
		err_set(err, r, "cannot write the index: %s", strerror(-r));
	return r;
}

int
catalog_check_schema(struct kv_txn *txn, struct err *err)
{
	struct slice v;
	int r = kv_get(txn, T_META, meta_key("schema"), &v);

	if (r < 0)
		return err_set(err, r, "this is not the index of a store");
	if (v.len != 8 || read_u64(v.data) != SCHEMA_VERSION)
		return err_set(err, -EINVAL, "the index has another layout than this program knows (%d)",
			       SCHEMA_VERSION);
	return 0;
}

int
catalog_get_text(struct kv_txn *txn, const char *name, char *text, size_t size)
{
	struct slice v;
	int r = kv_get(txn, T_META, meta_key(name), &v);

	if (r < 0)
		return r;
	if (v.len >= size)
		return -EIO;
	memcpy(text, v.data, v.len);
	text[v.len] = '\0';
	return 0;
}

static int
take_owner(void *ctx, struct kv_txn *txn)
{
	struct catalog_counters c;
	int r = catalog_get_counters(txn, &c);

	if (r < 0)
		return r;
	*(uint64_t *)ctx = c.next_owner++;
	return counters_put(txn, &c);
}

int
catalog_take_owner(struct kv *kv, uint64_t *ret_owner)
{
	return kv_update(kv, take_owner, ret_owner);
}

/* -- reading -------------------------------------------------------------- */

static void
name_key(struct key *k, uint64_t parent, const char *name)
{
	unsigned char hash[HASH_LEN];
	char folded[UID_TEXT_MAX];
	size_t i;

	/* Only partitions have letters; they are the same in either case. */
	for (i = 0; name[i] != '\0' && i < sizeof folded; i++)
		folded[i] = (char)tolower((unsigned char)name[i]);
	hash_bytes(folded, i, hash);
	key_start(k);
	key_u64(k, parent);
	key_raw(k, hash, sizeof hash);
}

int
catalog_find(struct kv_txn *txn, uint64_t parent, const char *name, uint64_t *ret_id)
{
	struct key k;
	struct slice v;
	int r;

	if (strlen(name) >= UID_TEXT_MAX)
		return -ENOENT;
	name_key(&k, parent, name);
	r = kv_get(txn, T_NAME, key_slice(&k), &v);
	if (r < 0)
		return r;
	if (v.len < 8)
		return -EIO;
	/* The hash only finds; the name itself decides. */
	if (v.len - 8 != strlen(name) || strncasecmp((const char *)v.data + 8, name, v.len - 8) != 0)
		return -ENOENT;
	*ret_id = read_u64(v.data);
	return 0;
}

int
catalog_find_path(struct kv_txn *txn, const char *partition, const char *study_uid, const char *series_uid,
		  const char *sop_uid, struct catalog_path *path)
{
	const char *const names[] = { partition, study_uid, series_uid, sop_uid };
	uint64_t ids[4] = { 0 };
	int i, r = 0;

	for (i = 0; i < 4 && names[i] != NULL && r == 0; i++)
		r = catalog_find(txn, i > 0 ? ids[i - 1] : 0, names[i], &ids[i]);
	*path = (struct catalog_path){ ids[0], ids[1], ids[2], ids[3] };
	return r;
}

int
name_put(struct kv_txn *txn, uint64_t parent, const char *name, uint64_t id, enum level level)
{
	struct key k, v, node;
	int r;

	name_key(&k, parent, name);
	v = key_of_1(id);
	key_raw(&v, name, strlen(name));
	r = kv_insert(txn, T_NAME, key_slice(&k), key_slice(&v));
	if (r < 0)
		return r == -EEXIST ? -EIO : r;	/* two UIDs of one 128-bit hash */
	k = key_of_1(id);
	key_start(&node);
	key_u8(&node, (uint8_t)level);
	key_u64(&node, parent);
	return kv_put(txn, T_NODE, key_slice(&k), key_slice(&node));
}

int
name_del(struct kv_txn *txn, uint64_t parent, const char *name, uint64_t id)
{
	struct key k;
	int r;

	name_key(&k, parent, name);
	r = kv_del(txn, T_NAME, key_slice(&k));
	k = key_of_1(id);
	return r < 0 ? r : kv_del(txn, T_NODE, key_slice(&k));
}

static int
node_get(struct kv_txn *txn, uint64_t id, enum level *ret_level, uint64_t *ret_parent)
{
	struct key k = key_of_1(id);
	struct slice v;
	int r = kv_get(txn, T_NODE, key_slice(&k), &v);

	if (r < 0)
		return r;
	if (v.len != 9)
		return -EIO;
	*ret_level = (enum level)*(const unsigned char *)v.data;
	*ret_parent = read_u64((const unsigned char *)v.data + 1);
	return 0;
}

int
catalog_parent(struct kv_txn *txn, uint64_t id, uint64_t *ret_parent)
{
	enum level level;

	return node_get(txn, id, &level, ret_parent);
}

int
catalog_path(struct kv_txn *txn, uint64_t id, struct catalog_path *ret_path, enum level *ret_level)
{
	uint64_t ids[LEVEL_INSTANCE + 1] = { 0 }, parent = 0;
	enum level level, top;
	int r = node_get(txn, id, &top, &parent);

	if (r < 0)
		return r;
	if (top < LEVEL_PARTITION || top > LEVEL_INSTANCE)
		return -EIO;
	ids[top] = id;
	for (level = top; level > LEVEL_PARTITION; level--) {
		enum level above;

		ids[level - 1] = parent;
		r = node_get(txn, parent, &above, &parent);
		if (r < 0 || above != level - 1)
			return r < 0 && r != -ENOENT ? r : -EIO;
	}
	*ret_path = (struct catalog_path){ ids[LEVEL_PARTITION], ids[LEVEL_STUDY], ids[LEVEL_SERIES],
					   ids[LEVEL_INSTANCE] };
	*ret_level = top;
	return 0;
}

int
catalog_partition(struct kv_txn *txn, uint64_t partition, struct partition_row *row)
{
	struct key k = key_of_1(partition);
	struct slice v;
	int r = kv_get(txn, T_PARTITION, key_slice(&k), &v);

	return r < 0 ? r : partition_row_get(v, row);
}

int
catalog_study(struct kv_txn *txn, uint64_t partition, uint64_t study, struct study_row *row)
{
	struct key k = key_of_2(partition, study);
	struct slice v;
	int r = kv_get(txn, T_STUDY, key_slice(&k), &v);

	return r < 0 ? r : study_row_get(v, row);
}

int
catalog_series(struct kv_txn *txn, uint64_t study, uint64_t series, struct series_row *row)
{
	struct key k = key_of_2(study, series);
	struct slice v;
	int r = kv_get(txn, T_SERIES, key_slice(&k), &v);

	return r < 0 ? r : series_row_get(v, row);
}

int
catalog_instance(struct kv_txn *txn, uint64_t series, uint64_t instance, struct instance_row *row)
{
	struct key k = key_of_2(series, instance);
	struct slice v;
	int r = kv_get(txn, T_INSTANCE, key_slice(&k), &v);

	return r < 0 ? r : instance_row_get(v, row);
}

int
catalog_rows(struct kv_txn *txn, const struct catalog_path *p, struct catalog_rows *rows)
{
	int r = catalog_partition(txn, p->partition, &rows->partition);

	if (r == 0 && p->study != 0)
		r = catalog_study(txn, p->partition, p->study, &rows->study);
	if (r == 0 && p->series != 0)
		r = catalog_series(txn, p->study, p->series, &rows->series);
	if (r == 0 && p->instance != 0)
		r = catalog_instance(txn, p->series, p->instance, &rows->instance);
	return r;
}

int
catalog_instance_rows(struct kv_txn *txn, uint64_t instance, struct catalog_path *path, struct catalog_rows *rows)
{
	enum level level;
	int r = catalog_path(txn, instance, path, &level);

	if (r == 0 && level != LEVEL_INSTANCE)
		r = -EISDIR;
	return r < 0 ? r : catalog_rows(txn, path, rows);
}

int
catalog_children(struct kv_txn *txn, enum table table, uint64_t parent, uint64_t first_id,
		 enum kv_direction direction, uint64_t limit, struct kv_range **ret_range)
{
	struct key from = key_of_2(parent, first_id), to = key_of_1(parent);

	key_after(&to);
	return kv_range_open(txn, table, key_slice(&from), key_slice(&to), direction, limit, ret_range);
}

int
catalog_next_partition(struct kv_txn *txn, uint64_t after, uint64_t *ret_id, struct partition_row *row)
{
	struct key from = key_of_1(after + 1);
	struct kv_range *g;
	struct slice k, v;
	int r = kv_range_open(txn, T_PARTITION, key_slice(&from), slice_of(NULL, 0), KV_ASCENDING, 1, &g);

	if (r < 0)
		return r;
	r = kv_range_next(g, &k, &v);
	if (r > 0) {
		*ret_id = read_u64(k.data);
		r = partition_row_get(v, row);
		r = r < 0 ? r : 1;
	}
	kv_range_close(g);
	return r;
}

int
catalog_total(struct kv_txn *txn, struct partition_row *sums, uint64_t *ret_n)
{
	struct partition_row row;
	uint64_t id = 0;
	unsigned i;
	int r;

	*sums = (struct partition_row){ 0 };
	*ret_n = 0;
	while ((r = catalog_next_partition(txn, id, &id, &row)) > 0) {
		if (++*ret_n == 1)
			sums->created = row.created;
		if (row.created > sums->mtime)
			sums->mtime = row.created;
		sums->studies += row.studies;
		sums->series += row.series;
		sums->instances += row.instances;
		sums->bytes += row.bytes;
		sums->kept += row.kept;
		for (i = 0; i < ROW_TIERS; i++)
			sums->tiers[i] += row.tiers[i];
	}
	return r;
}

int
catalog_delete_range(struct kv_txn *txn, enum table table, struct slice from, struct slice to, uint64_t *max)
{
	struct kv_range *g;
	struct slice k, v;
	struct key key;
	int r;

	/* Opened anew each time: what a range lends does not outlive a write. */
	for (; *max > 0; --*max) {
		r = kv_range_open(txn, table, from, to, KV_ASCENDING, 1, &g);
		if (r < 0)
			return r;
		r = kv_range_next(g, &k, &v);
		if (r > 0) {
			key_start(&key);
			key_raw(&key, k.data, k.len);
		}
		kv_range_close(g);
		if (r > 0)
			r = kv_del(txn, table, key_slice(&key));
		else if (r == 0)
			return 0;
		if (r < 0)
			return r;
	}
	return 0;
}

int
catalog_count(struct kv_txn *txn, enum table table, uint64_t max, uint64_t *ret_count)
{
	struct kv_range *g;
	struct slice k, v;
	int r = kv_range_open(txn, table, slice_of(NULL, 0), slice_of(NULL, 0), KV_ASCENDING, max, &g);

	*ret_count = 0;
	if (r < 0)
		return r;
	while ((r = kv_range_next(g, &k, &v)) > 0)
		++*ret_count;
	kv_range_close(g);
	return r;
}

int
catalog_base(struct kv_txn *txn, uint64_t series, struct buf *base_json, uint64_t *ret_base_id)
{
	struct key k = key_of_2(series, 0);
	struct slice v;
	int r = kv_get(txn, T_HEADER, key_slice(&k), &v);

	*ret_base_id = 0;
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	if (v.len < 9)
		return -EIO;
	*ret_base_id = read_u64(v.data);
	return header_expand(slice_of((const char *)v.data + 8, v.len - 8), slice_of(NULL, 0), base_json);
}

int
catalog_header(struct kv_txn *txn, uint64_t series, uint64_t instance, struct slice base, struct buf *out)
{
	struct key k = key_of_2(series, instance);
	struct slice v;
	int r = kv_get(txn, T_HEADER, key_slice(&k), &v);

	return r < 0 ? r : header_expand(v, base, out);
}

int
catalog_load_base(struct kv_txn *txn, struct series_base *base, uint64_t series)
{
	int r;

	if (base->series == series)
		return 0;
	buf_reset(&base->json);
	base->series = 0;
	r = catalog_base(txn, series, &base->json, &base->id);
	if (r == 0)
		base->series = series;
	return r;
}

int
catalog_read_header(struct kv_txn *txn, struct series_base *base, uint64_t series, uint64_t instance, struct buf *out)
{
	int r = catalog_load_base(txn, base, series);

	return r < 0 ? r : catalog_header(txn, series, instance, buf_slice(&base->json), out);
}

int
catalog_read_original(struct kv_txn *txn, struct series_base *base, uint64_t series, uint64_t instance, struct buf *out)
{
	struct original o;
	int r = catalog_load_base(txn, base, series);

	if (r == 0)
		r = original_get(txn, series, instance, &o);
	return r < 0 ? r : header_expand(o.header, buf_slice(&base->json), out);
}

/* -- the attribute index -------------------------------------------------- */

void
index_key_prefix(struct key *k, uint64_t partition, uint32_t tag, char kind)
{
	key_start(k);
	key_u64(k, partition);
	key_u32(k, tag);
	key_u8(k, (uint8_t)kind);
}

struct slice
index_uid(const char *uid, unsigned char hash[HASH_LEN])
{
	hash_bytes(uid, strlen(uid), hash);
	return slice_of(hash, HASH_LEN);
}

int
partition_create(struct kv_txn *txn, struct catalog_counters *c, const char *name, int64_t now, uint64_t *ret_id)
{
	struct partition_row row = { .created = now, .mtime = now };
	struct key k;
	struct buf b;
	int r;

	if (strlen(name) >= sizeof row.name)
		return -EINVAL;
	strcpy(row.name, name);
	*ret_id = c->next_id++;
	k = key_of_1(*ret_id);
	buf_init(&b, 1024);
	partition_row_put(&row, &b);
	r = name_put(txn, 0, name, *ret_id, LEVEL_PARTITION);
	if (r == 0)
		r = kv_put(txn, T_PARTITION, key_slice(&k), buf_slice(&b));
	buf_fini(&b);
	return r;
}
