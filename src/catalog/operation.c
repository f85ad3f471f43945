#include "catalog/operation.h"

#include <errno.h>

#include "catalog/codec.h"
#include "catalog/schema.h"

#define LAYOUT 1
#define INPUT_MAX (16u << 20)

int
operation_decode(struct slice value, struct operation_row *row)
{
	struct reader r;

	reader_init(&r, value);
	if (get_u8(&r) != LAYOUT)
		r.bad = true;
	row->type = get_u8(&r);
	row->status = get_u8(&r);
	row->created = (int64_t)get_u64(&r);
	row->updated = (int64_t)get_u64(&r);
	row->done = get_u64(&r);
	row->total = get_u64(&r);
	get_text(&r, row->why, sizeof row->why);
	row->input = get_long(&r);
	row->cursor = get_long(&r);
	return r.bad ? -EIO : 0;
}

int
operation_get(struct kv_txn *txn, const unsigned char id[OPERATION_ID_LEN], struct operation_row *ret_row)
{
	struct slice v;
	int r = kv_get(txn, T_OPERATION, slice_of(id, OPERATION_ID_LEN), &v);

	return r < 0 ? r : operation_decode(v, ret_row);
}

int
operation_put(struct kv_txn *txn, const unsigned char id[OPERATION_ID_LEN], const struct operation_row *row)
{
	struct buf b;
	int r;

	buf_init(&b, INPUT_MAX);
	put_u8(&b, LAYOUT);
	put_u8(&b, row->type);
	put_u8(&b, row->status);
	put_u64(&b, (uint64_t)row->created);
	put_u64(&b, (uint64_t)row->updated);
	put_u64(&b, row->done);
	put_u64(&b, row->total);
	put_short(&b, slice_str(row->why));
	put_long(&b, row->input);
	put_long(&b, row->cursor);
	r = buf_error(&b);
	if (r == 0)
		r = kv_put(txn, T_OPERATION, slice_of(id, OPERATION_ID_LEN), buf_slice(&b));
	buf_fini(&b);
	return r;
}

bool
operation_is_finished(const struct operation_row *row)
{
	return row->status == OPERATION_SUCCEEDED || row->status == OPERATION_FAILED;
}
