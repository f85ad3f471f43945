#include "catalog/original.h"

#include <errno.h>

#include "catalog/codec.h"
#include "catalog/header.h"
#include "catalog/schema.h"

#define LAYOUT 1
/* A header, and a row with its attributes. */
#define ORIGINAL_MAX (HEADER_MAX + (2u << 20))

int
original_get(struct kv_txn *txn, uint64_t series, uint64_t instance, struct original *o)
{
	struct key k = key_of_2(series, instance);
	struct slice v, row;
	struct reader in;
	int r = kv_get(txn, T_ORIGINAL, key_slice(&k), &v);

	if (r < 0)
		return r;
	reader_init(&in, v);
	if (get_u8(&in) != LAYOUT)
		in.bad = true;
	get_text(&in, o->study_uid, sizeof o->study_uid);
	get_text(&in, o->series_uid, sizeof o->series_uid);
	row = get_long(&in);
	o->header = get_long(&in);
	return in.bad ? -EIO : instance_row_get(row, &o->row);
}

int
original_put(struct kv_txn *txn, uint64_t series, uint64_t instance, const struct original *o)
{
	struct key k = key_of_2(series, instance);
	struct buf value, row;
	int r;

	buf_init(&value, ORIGINAL_MAX);
	buf_init(&row, 1 << 20);
	instance_row_put(&o->row, &row);
	put_u8(&value, LAYOUT);
	put_short(&value, slice_str(o->study_uid));
	put_short(&value, slice_str(o->series_uid));
	put_long(&value, buf_slice(&row));
	put_long(&value, o->header);
	r = buf_error(&row);
	if (r == 0)
		r = buf_error(&value);
	if (r == 0)
		r = kv_put(txn, T_ORIGINAL, key_slice(&k), buf_slice(&value));
	buf_fini(&row);
	buf_fini(&value);
	return r;
}

int
original_del(struct kv_txn *txn, uint64_t series, uint64_t instance)
{
	struct key k = key_of_2(series, instance);

	return kv_del(txn, T_ORIGINAL, key_slice(&k));
}

int
staged_get(struct kv_txn *txn, uint64_t stage, uint64_t *ret_instance)
{
	struct key k = key_of_1(stage);
	struct slice v;
	int r = kv_get(txn, T_STAGED, key_slice(&k), &v);

	if (r == 0 && v.len != 8)
		r = -EIO;
	if (r == 0)
		*ret_instance = read_u64(v.data);
	return r;
}

int
staged_put(struct kv_txn *txn, uint64_t stage, uint64_t instance)
{
	struct key k = key_of_1(stage), v = key_of_1(instance);

	return kv_put(txn, T_STAGED, key_slice(&k), key_slice(&v));
}

int
staged_del(struct kv_txn *txn, uint64_t stage)
{
	struct key k = key_of_1(stage);
	int r = kv_del(txn, T_STAGED, key_slice(&k));

	return r == -ENOENT ? 0 : r;
}
