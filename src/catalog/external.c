#include "catalog/external.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "catalog/catalog.h"
#include "catalog/codec.h"
#include "dicom/collate.h"
#include "dicom/vr.h"

#define VALUE_MAX (64 << 10)		/* far above what any of the VRs allows */

static struct key
key_of(uint64_t study, uint32_t tag)
{
	struct key k = key_of_1(study);

	key_u32(&k, tag);
	return k;
}

static int
decode(uint32_t tag, struct slice value, struct external *e)
{
	struct reader r;

	reader_init(&r, value);
	e->tag = tag;
	e->vr = get_u16(&r);
	if (r.bad)
		return -EIO;
	e->text = slice_of((const char *)value.data + 2, value.len - 2);
	return 0;
}

int
external_get(struct kv_txn *txn, uint64_t study, uint32_t tag, struct external *e)
{
	struct key k = key_of(study, tag);
	struct slice v;
	int r = kv_get(txn, T_EXTERNAL, key_slice(&k), &v);

	return r < 0 ? r : decode(tag, v, e);
}

int
external_collate(struct slice text, struct buf *out)
{
	return collate_value(VR('L', 'O'), text.data, text.len, out);
}

/* The entry of the index for a value: put, or deleted. */
static int
index_external(struct kv_txn *txn, uint64_t partition, uint64_t study, const struct external *e, bool put)
{
	struct key k, parent = key_of_1(partition);
	struct buf collated;
	int r;

	buf_init(&collated, COLLATE_MAX);
	r = external_collate(e->text, &collated);
	if (r == 0 && collated.len > 0) {
		index_key_prefix(&k, partition, e->tag, INDEX_EXTERNAL);
		key_escaped(&k, buf_slice(&collated));
		key_end_value(&k);
		key_u64(&k, study);
		r = put ? kv_put(txn, T_ATTRIBUTE, key_slice(&k), key_slice(&parent)) : kv_del(txn, T_ATTRIBUTE, key_slice(&k));
	}
	buf_fini(&collated);
	return r == -ENOENT && !put ? 0 : r;
}

int
external_put(struct kv_txn *txn, uint64_t partition, uint64_t study, const struct external *e)
{
	struct key k = key_of(study, e->tag);
	struct external old;
	struct buf b;
	int r;

	r = external_get(txn, study, e->tag, &old);
	if (r == 0)
		r = index_external(txn, partition, study, &old, false);
	if (r < 0 && r != -ENOENT)
		return r;
	buf_init(&b, VALUE_MAX);
	put_u16(&b, e->vr);
	buf_put(&b, e->text.data, e->text.len);
	r = buf_error(&b);
	if (r == 0)
		r = kv_put(txn, T_EXTERNAL, key_slice(&k), buf_slice(&b));
	buf_fini(&b);
	return r < 0 ? r : index_external(txn, partition, study, e, true);
}

int
external_each(struct kv_txn *txn, uint64_t study, int (*fn)(void *ctx, const struct external *external), void *ctx)
{
	struct key from = key_of_1(study), to = from;
	struct external e;
	struct kv_range *g;
	struct slice k, v;
	int r;

	key_after(&to);
	r = kv_range_open(txn, T_EXTERNAL, key_slice(&from), key_slice(&to), KV_ASCENDING, 0, &g);
	if (r < 0)
		return r;
	while ((r = kv_range_next(g, &k, &v)) > 0) {
		r = k.len == 12 ? decode(read_u32((const char *)k.data + 8), v, &e) : -EIO;
		if (r == 0)
			r = fn(ctx, &e);
		if (r != 0)
			break;
	}
	kv_range_close(g);
	return r;
}

static int
lend_first(void *ctx, const struct external *e)
{
	*(struct external *)ctx = *e;
	return 1;
}

int
external_remove(struct kv_txn *txn, uint64_t partition, uint64_t study)
{
	struct external e;
	struct key k;
	int r;

	/* What a walk lends is gone with the first change, so there is a walk for each. */
	while ((r = external_each(txn, study, lend_first, &e)) > 0) {
		r = index_external(txn, partition, study, &e, false);
		if (r < 0)
			return r;
		k = key_of(study, e.tag);
		r = kv_del(txn, T_EXTERNAL, key_slice(&k));
		if (r < 0)
			return r;
	}
	return r;
}
