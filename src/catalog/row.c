#include "catalog/row.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/log.h"
#include "catalog/codec.h"

/* Most UIDs of classes and transfer syntaxes begin so: one byte instead. */
#define DICOM_ROOT "1.2.840.10008."
#define DICOM_ROOT_MARK "@"

static void
put_standard_uid(struct buf *b, const char *uid)
{
	char text[UID_TEXT_MAX + 1];
	size_t n = strlen(DICOM_ROOT);

	if (strncmp(uid, DICOM_ROOT, n) != 0) {
		put_short(b, slice_str(uid));
		return;
	}
	text[0] = DICOM_ROOT_MARK[0];
	strcpy(text + 1, uid + n);
	put_short(b, slice_str(text));
}

static void
get_standard_uid(struct reader *r, char uid[UID_TEXT_MAX])
{
	struct slice s = get_short(r);
	const char *p = s.data;
	size_t n = 0;

	if (s.len > 0 && p[0] == DICOM_ROOT_MARK[0]) {
		n = strlen(DICOM_ROOT);
		memcpy(uid, DICOM_ROOT, n);
		p++;
		s.len--;
	}
	if (n + s.len > UID_MAX) {
		r->bad = true;
		s.len = UID_MAX - n;
	}
	memcpy(uid + n, p, s.len);
	uid[n + s.len] = '\0';
}

static void
put_extended(struct buf *b, struct slice extended)
{
	if (extended.len > 0)
		put_long(b, extended);
}

static struct slice
get_extended(struct reader *r)
{
	return r->p < r->end ? get_long(r) : slice_of("", 0);
}

static bool
any_tiers(const uint64_t tiers[ROW_TIERS])
{
	return tiers[1] > 0 || tiers[2] > 0 || tiers[3] > 0;
}

/* Each is there whenever something follows it. */
static void
put_counts(struct buf *b, uint64_t kept, const uint64_t tiers[ROW_TIERS])
{
	unsigned i;

	if (kept > 0 || any_tiers(tiers))
		put_u64(b, kept);
	for (i = 1; i < ROW_TIERS && any_tiers(tiers); i++)
		put_u64(b, tiers[i]);
}

static void
get_counts(struct reader *r, uint64_t *kept, uint64_t tiers[ROW_TIERS])
{
	unsigned i;

	*kept = r->p < r->end ? get_u64(r) : 0;
	tiers[0] = 0;
	for (i = 1; i < ROW_TIERS; i++)
		tiers[i] = r->p < r->end ? get_u64(r) : 0;
}

static void
put_tail(struct buf *b, struct slice extended, uint64_t kept, const uint64_t tiers[ROW_TIERS])
{
	if ((kept > 0 || any_tiers(tiers)) && extended.len == 0)
		put_long(b, extended);
	else
		put_extended(b, extended);
	put_counts(b, kept, tiers);
}

static void
open_row(struct reader *r, struct slice value)
{
	reader_init(r, value);
	if (get_u8(r) != ROW_LAYOUT)
		r->bad = true;
}

static int
done(const struct reader *r, const char *what)
{
	if (!r->bad)
		return 0;
	log_error("index: broken row table=%s", what);
	return -EIO;
}

void
partition_row_put(const struct partition_row *row, struct buf *b)
{
	put_u8(b, ROW_LAYOUT);
	put_u64(b, (uint64_t)row->created);
	put_u64(b, (uint64_t)row->mtime);
	put_u64(b, row->studies);
	put_u64(b, row->series);
	put_u64(b, row->instances);
	put_u64(b, row->bytes);
	put_short(b, slice_str(row->name));
	put_counts(b, row->kept, row->tiers);
}

int
partition_row_get(struct slice value, struct partition_row *row)
{
	struct reader r;

	open_row(&r, value);
	row->created = (int64_t)get_u64(&r);
	row->mtime = (int64_t)get_u64(&r);
	row->studies = get_u64(&r);
	row->series = get_u64(&r);
	row->instances = get_u64(&r);
	row->bytes = get_u64(&r);
	get_text(&r, row->name, sizeof row->name);
	get_counts(&r, &row->kept, row->tiers);
	return done(&r, "partition");
}

void
study_row_put(const struct study_row *row, struct buf *b)
{
	put_u8(b, ROW_LAYOUT);
	put_u64(b, (uint64_t)row->created);
	put_u64(b, (uint64_t)row->mtime);
	put_u64(b, row->series);
	put_u64(b, row->instances);
	put_u64(b, row->bytes);
	put_u64(b, row->max_watermark);
	put_u64(b, row->latest_series);
	put_u64(b, row->latest_instance);
	put_short(b, slice_str(row->uid));
	put_long(b, row->modalities);
	put_long(b, row->attributes);
	put_tail(b, row->extended, row->kept, row->tiers);
}

int
study_row_get(struct slice value, struct study_row *row)
{
	struct reader r;

	open_row(&r, value);
	row->created = (int64_t)get_u64(&r);
	row->mtime = (int64_t)get_u64(&r);
	row->series = get_u64(&r);
	row->instances = get_u64(&r);
	row->bytes = get_u64(&r);
	row->max_watermark = get_u64(&r);
	row->latest_series = get_u64(&r);
	row->latest_instance = get_u64(&r);
	get_text(&r, row->uid, sizeof row->uid);
	row->modalities = get_long(&r);
	row->attributes = get_long(&r);
	row->extended = get_extended(&r);
	get_counts(&r, &row->kept, row->tiers);
	return done(&r, "study");
}

void
series_row_put(const struct series_row *row, struct buf *b)
{
	put_u8(b, ROW_LAYOUT);
	put_u64(b, (uint64_t)row->created);
	put_u64(b, (uint64_t)row->mtime);
	put_u64(b, row->instances);
	put_u64(b, row->bytes);
	put_u64(b, row->max_watermark);
	put_u64(b, row->latest_instance);
	put_u8(b, row->replaced);
	put_short(b, slice_str(row->modality));
	put_short(b, slice_str(row->uid));
	put_long(b, row->attributes);
	put_tail(b, row->extended, row->kept, row->tiers);
}

int
series_row_get(struct slice value, struct series_row *row)
{
	struct reader r;

	open_row(&r, value);
	row->created = (int64_t)get_u64(&r);
	row->mtime = (int64_t)get_u64(&r);
	row->instances = get_u64(&r);
	row->bytes = get_u64(&r);
	row->max_watermark = get_u64(&r);
	row->latest_instance = get_u64(&r);
	row->replaced = get_u8(&r);
	get_text(&r, row->modality, sizeof row->modality);
	get_text(&r, row->uid, sizeof row->uid);
	row->attributes = get_long(&r);
	row->extended = get_extended(&r);
	get_counts(&r, &row->kept, row->tiers);
	return done(&r, "series");
}

void
instance_row_put(const struct instance_row *row, struct buf *b)
{
	put_u8(b, ROW_LAYOUT);
	put_u64(b, row->watermark);
	put_u64(b, row->size);
	put_u64(b, (uint64_t)row->created);
	put_u64(b, (uint64_t)row->mtime);
	put_u64(b, row->stage);
	put_u8(b, row->flags);
	buf_put(b, row->hash, HASH_LEN);
	put_u64(b, row->pixel_offset);
	put_u32(b, row->rows);
	put_u32(b, row->columns);
	put_u32(b, row->frames);
	put_short(b, slice_str(row->uid));
	put_standard_uid(b, row->class_uid);
	put_standard_uid(b, row->xfer_uid);
	put_long(b, row->attributes);
	put_extended(b, row->extended);
}

int
instance_row_get(struct slice value, struct instance_row *row)
{
	struct reader r;
	struct slice hash;

	open_row(&r, value);
	row->watermark = get_u64(&r);
	row->size = get_u64(&r);
	row->created = (int64_t)get_u64(&r);
	row->mtime = (int64_t)get_u64(&r);
	row->stage = get_u64(&r);
	row->flags = get_u8(&r);
	hash = get_raw(&r, HASH_LEN);
	if (hash.len == HASH_LEN)
		memcpy(row->hash, hash.data, HASH_LEN);
	row->pixel_offset = get_u64(&r);
	row->rows = get_u32(&r);
	row->columns = get_u32(&r);
	row->frames = get_u32(&r);
	get_text(&r, row->uid, sizeof row->uid);
	get_standard_uid(&r, row->class_uid);
	get_standard_uid(&r, row->xfer_uid);
	row->attributes = get_long(&r);
	row->extended = get_extended(&r);
	return done(&r, "instance");
}

unsigned
instance_row_tier(const struct instance_row *row)
{
	return row->flags / INSTANCE_TIER % ROW_TIERS;
}

void
instance_row_set_tier(struct instance_row *row, unsigned tier)
{
	row->flags = (uint8_t)((row->flags & ~INSTANCE_TIER_BITS) | tier * INSTANCE_TIER);
}
