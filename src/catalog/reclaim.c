#include "catalog/reclaim.h"

#include <errno.h>

#include "catalog/codec.h"

void
reclaim_entry_put(const struct reclaim_entry *e, struct buf *b)
{
	put_u8(b, ROW_LAYOUT);
	put_u64(b, e->stage);
	put_u8(b, e->flags);
	put_u8(b, e->stage_only);
	put_u64(b, e->partition);
	put_short(b, slice_str(e->study_uid));
	put_short(b, slice_str(e->series_uid));
	put_short(b, slice_str(e->sop_uid));
	put_u64(b, e->size);
	put_u64(b, (uint64_t)e->mtime);
}

int
reclaim_entry_get(struct slice value, struct reclaim_entry *e)
{
	struct reader r;

	reader_init(&r, value);
	if (get_u8(&r) != ROW_LAYOUT)
		r.bad = true;
	e->stage = get_u64(&r);
	e->flags = get_u8(&r);
	e->stage_only = get_u8(&r);
	e->partition = get_u64(&r);
	get_text(&r, e->study_uid, sizeof e->study_uid);
	get_text(&r, e->series_uid, sizeof e->series_uid);
	get_text(&r, e->sop_uid, sizeof e->sop_uid);
	e->size = 0;
	e->mtime = 0;
	if (r.p < r.end) {
		e->size = get_u64(&r);
		e->mtime = (int64_t)get_u64(&r);
	}
	return r.bad ? -EIO : 0;
}
