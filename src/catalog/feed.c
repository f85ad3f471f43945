#include "catalog/feed.h"

#include <errno.h>

#include "catalog/codec.h"

#define FEED_LAYOUT 1

void
feed_entry_put(const struct feed_entry *e, struct buf *b)
{
	put_u8(b, FEED_LAYOUT);
	put_u64(b, (uint64_t)e->time);
	put_u8(b, e->action);
	put_u8(b, e->with);
	put_u64(b, e->watermark);
	put_u64(b, e->partition);
	put_u64(b, e->study);
	put_u64(b, e->series);
	put_u64(b, e->instance);
	put_short(b, slice_str(e->study_uid));
	put_short(b, slice_str(e->series_uid));
	put_short(b, slice_str(e->sop_uid));
}

int
feed_entry_get(struct slice value, struct feed_entry *e)
{
	struct reader r;

	reader_init(&r, value);
	if (get_u8(&r) != FEED_LAYOUT)
		r.bad = true;
	e->time = (int64_t)get_u64(&r);
	e->action = get_u8(&r);
	e->with = get_u8(&r);
	e->watermark = get_u64(&r);
	e->partition = get_u64(&r);
	e->study = get_u64(&r);
	e->series = get_u64(&r);
	e->instance = get_u64(&r);
	get_text(&r, e->study_uid, sizeof e->study_uid);
	get_text(&r, e->series_uid, sizeof e->series_uid);
	get_text(&r, e->sop_uid, sizeof e->sop_uid);
	return r.bad ? -EIO : 0;
}
