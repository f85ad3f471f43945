/* The operation's record of a move: what it reads there when it goes on, and how far it tells that it is. */
#include "store/tier_mover.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "catalog/codec.h"

int
tier_input_get(struct slice value, struct tier_input *in)
{
	struct reader r;

	reader_init(&r, value);
	in->by_rules = get_u8(&r) != 0;
	in->to = (enum store_tier)get_u8(&r);
	in->nodes = value.len >= 2 ? slice_of((const char *)value.data + 2, value.len - 2) : slice_of("", 0);
	return r.bad || (unsigned)in->to >= STORE_TIERS || in->nodes.len % 8 != 0 || value.len > TIER_INPUT_MAX ? -EIO : 0;
}

static int
cursor_put(const struct tier_cursor *c, struct buf *out)
{
	put_u64(out, c->node);
	put_u64(out, c->place.study);
	put_u64(out, c->place.series);
	put_u64(out, c->place.instance);
	put_u64(out, c->moved);
	put_u64(out, c->failed);
	put_u64(out, c->bytes);
	return buf_error(out);
}

int
tier_cursor_get(struct slice value, struct tier_cursor *c)
{
	struct reader r;

	*c = (struct tier_cursor){ 0 };
	if (value.len == 0)
		return 0;
	reader_init(&r, value);
	c->node = get_u64(&r);
	c->place.study = get_u64(&r);
	c->place.series = get_u64(&r);
	c->place.instance = get_u64(&r);
	c->moved = get_u64(&r);
	c->failed = get_u64(&r);
	c->bytes = get_u64(&r);
	return r.bad ? -EIO : 0;
}

int
tier_put_record(struct mover *m, struct kv_txn *txn, bool ended)
{
	struct operation_row row;
	struct buf cursor;
	int r = operation_get(txn, m->id, &row);

	if (r < 0)
		return r;
	buf_init(&cursor, 256);
	row.done += m->done;
	row.updated = clock_now();
	row.status = !ended ? OPERATION_RUNNING : m->cursor.failed > 0 ? OPERATION_FAILED : OPERATION_SUCCEEDED;
	if (m->why[0] != '\0' && row.why[0] == '\0')
		strcpy(row.why, m->why);
	if (ended && m->cursor.failed > 0) {
		char first[OPERATION_WHY_MAX];

		strcpy(first, row.why);
		snprintf(row.why, sizeof row.why, "%llu instances could not be moved: %.140s",
			 (unsigned long long)m->cursor.failed, first);
	}
	r = cursor_put(&m->cursor, &cursor);
	row.cursor = buf_slice(&cursor);
	row.input = slice_of(m->input_bytes, m->input.nodes.len + 2);
	if (r == 0)
		r = operation_put(txn, m->id, &row);
	buf_fini(&cursor);
	return r;
}

int
tier_read_record(struct mover *m)
{
	struct kv_txn *txn;
	int r = kv_begin(m->st->kv, KV_READ, &txn);

	if (r < 0)
		return r;
	r = operation_get(txn, m->id, &m->row);
	if (r == 0)
		r = tier_input_get(m->row.input, &m->input);
	if (r == 0) {
		memcpy(m->input_bytes, m->row.input.data, m->row.input.len);
		m->input.nodes.data = m->input_bytes + 2;
		r = tier_cursor_get(m->row.cursor, &m->cursor);
	}
	kv_abort(txn);
	return r;
}
