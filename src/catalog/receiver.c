#include "catalog/receiver.h"

#include <errno.h>
#include <string.h>

#include "catalog/codec.h"

#define LAYOUT 1

void
receiver_row_put(const struct receiver_row *row, struct buf *out)
{
	put_u8(out, LAYOUT);
	put_u64(out, row->sequence);
	put_u64(out, (uint64_t)row->updated);
	put_u64(out, (uint64_t)row->failing);
	buf_put(out, row->validated, HASH_LEN);
	put_short(out, slice_str(row->why));
}

int
receiver_row_get(struct slice value, struct receiver_row *row)
{
	struct reader r;
	struct slice hash;

	reader_init(&r, value);
	if (get_u8(&r) != LAYOUT)
		r.bad = true;
	row->sequence = get_u64(&r);
	row->updated = (int64_t)get_u64(&r);
	row->failing = (int64_t)get_u64(&r);
	hash = get_raw(&r, HASH_LEN);
	get_text(&r, row->why, sizeof row->why);
	if (r.bad)
		return -EIO;
	memcpy(row->validated, hash.data, HASH_LEN);
	return 0;
}
