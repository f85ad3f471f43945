/* row.h: rows of partitions, studies, series and instances.
 *
 * A decoded row lends its slices from the value it was read from (codec.h);
 * they live as long as the transaction.  Every row begins with a byte for its
 * layout, ROW_LAYOUT.
 */
#ifndef CATALOG_ROW_H
#define CATALOG_ROW_H

#include <stdint.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/slice.h"
#include "dicom/uid.h"

#define ROW_LAYOUT 1
/* PS3.5 6.2: CS has 16 characters; longer ones are cut. */
#define MODALITY_TEXT_MAX 17
/* Where bytes lie (blob.h): 0 with the names, 1 to 3 in tiers. */
#define ROW_TIERS 4

struct partition_row {
	int64_t created, mtime;			/* ns */
	uint64_t studies, series, instances, bytes;
	uint64_t kept;				/* bytes of originals below (original.h); of these rows, left out when 0 */
	uint64_t tiers[ROW_TIERS];		/* of bytes, those in each tier but 0; left out when all are 0 */
	char name[UID_TEXT_MAX];
};

struct study_row {
	int64_t created, mtime;
	uint64_t series, instances, bytes, kept, tiers[ROW_TIERS];
	uint64_t max_watermark;
	uint64_t latest_series, latest_instance;	/* who has max_watermark */
	char uid[UID_TEXT_MAX];
	struct slice modalities;		/* (series with it:4 modality:short)* */
	struct slice attributes;		/* attribute.h */
	struct slice extended;			/* values of query tags (query_tag.h); left out when empty */
};

struct series_row {
	int64_t created, mtime;
	uint64_t instances, bytes, kept, tiers[ROW_TIERS];
	uint64_t max_watermark;
	uint64_t latest_instance;
	uint8_t replaced;			/* 1: ids are not in the order of watermarks */
	char modality[MODALITY_TEXT_MAX];	/* the latest; "" when no instance had one */
	char uid[UID_TEXT_MAX];
	struct slice attributes;
	struct slice extended;
};

enum {
	INSTANCE_ACCEPTED_STAGE = 1,		/* its stage has the name of an accepted file */
	INSTANCE_REPLACED = 2,			/* an older file may lie at the public path */
	INSTANCE_UPDATED = 4,			/* the version stored first is kept (original.h) */
	INSTANCE_TIER = 8,			/* its tier, two bits from here on */
};
#define INSTANCE_TIER_BITS (3 * INSTANCE_TIER)

struct instance_row {
	uint64_t watermark;
	uint64_t size;
	int64_t created, mtime;
	uint64_t stage;				/* staging number it came in by: owner:24 bits, count:40 */
	uint8_t flags;
	unsigned char hash[HASH_LEN];
	uint64_t pixel_offset;
	uint32_t rows, columns, frames;
	char uid[UID_TEXT_MAX];
	char class_uid[UID_TEXT_MAX];
	char xfer_uid[UID_TEXT_MAX];
	struct slice attributes;
	struct slice extended;
};

/* Encoders append to an empty buf; decoders return 0 or -EIO. */
void partition_row_put(const struct partition_row *row, struct buf *out);
int  partition_row_get(struct slice value, struct partition_row *ret_row);
void study_row_put(const struct study_row *row, struct buf *out);
int  study_row_get(struct slice value, struct study_row *ret_row);
void series_row_put(const struct series_row *row, struct buf *out);
int  series_row_get(struct slice value, struct series_row *ret_row);
void instance_row_put(const struct instance_row *row, struct buf *out);
int  instance_row_get(struct slice value, struct instance_row *ret_row);
unsigned instance_row_tier(const struct instance_row *row);
void instance_row_set_tier(struct instance_row *row, unsigned tier);

#endif
