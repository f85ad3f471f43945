#include "catalog/external.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "catalog/catalog.h"
#include "catalog/codec.h"

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
external_put(struct kv_txn *txn, uint64_t study, const struct external *e)
{
	struct key k = key_of(study, e->tag);
	struct buf b;
	int r;

	buf_init(&b, VALUE_MAX);
	put_u16(&b, e->vr);
	buf_put(&b, e->text.data, e->text.len);
	r = buf_error(&b);
	if (r == 0)
		r = kv_put(txn, T_EXTERNAL, key_slice(&k), buf_slice(&b));
	buf_fini(&b);
	return r;
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

int
external_remove(struct kv_txn *txn, uint64_t study)
{
	struct key from = key_of_1(study), to = from;
	uint64_t max = UINT64_MAX;

	key_after(&to);
	return catalog_delete_range(txn, T_EXTERNAL, key_slice(&from), key_slice(&to), &max);
}
