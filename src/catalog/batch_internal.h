/* batch_internal.h: the inside of a batch, for the files it is made of. */
#ifndef CATALOG_BATCH_INTERNAL_H
#define CATALOG_BATCH_INTERNAL_H

#include "catalog/attribute.h"
#include "catalog/catalog.h"
#include "catalog/internal.h"

/* Rows kept open at once; more are written out and opened again when needed. */
#define OPEN_MAX 128
/* Attributes of one row, encoded: the kept ones are bounded by attribute.c. */
#define ATTRIBUTES_MAX (256 << 10)
#define ROW_MAX (1 << 20)

struct open_partition {
	uint64_t id;
	struct partition_row row;
};

struct open_study {
	uint64_t id;
	struct open_partition *partition;
	struct study_row row;		/* its slices are of the buffers below */
	struct buf attributes, modalities, extended;
	bool gone;
};

struct open_series {
	uint64_t id;
	struct open_study *study;
	struct series_row row;
	struct buf attributes, extended;
	bool gone;
	bool base_known;
	uint64_t base_id;		/* 0: none yet; meaningful when known */
};

struct catalog_batch {
	struct kv_txn *txn;
	struct catalog_counters counters;
	int64_t feed_time;		/* of the latest feed entry */
	bool reclaim_pending;		/* some removed file may still lie at its public path */
	struct open_partition partitions[8];
	size_t n_partitions;
	struct open_study *studies[OPEN_MAX];
	size_t n_studies;
	struct open_series *series[OPEN_MAX];
	size_t n_series;
	struct buf scratch, merged;
	/* Extended query tags (batch_tags.c). */
	struct query_tags *tags;	/* NULL: there are none */
	bool tags_changed;		/* their rows are to be written */
	struct query_value *values;	/* of the instance at hand */
	struct buf extended, extended_merged, extended_old;
};

/* -- rows (batch.c) -- */

/* Write every open row to its table. */
int  batch_write_rows(struct catalog_batch *b);
/* Before rows are opened: write and forget those open when there are too many. */
int  batch_make_room(struct catalog_batch *b);
/* Put the scratch buffer as the value of k, and empty it. */
int  batch_put_scratch(struct catalog_batch *b, enum table table, struct key k);
int  open_partition(struct catalog_batch *b, uint64_t id, struct open_partition **ret);
int  open_study(struct catalog_batch *b, struct open_partition *p, uint64_t id, struct open_study **ret);
int  open_series(struct catalog_batch *b, struct open_study *study, uint64_t id, struct open_series **ret);
/* All rows above an instance that is there. */
int  batch_open_path(struct catalog_batch *b, const struct catalog_path *path, struct open_series **ret);
/* And its own, whose slices are good until the next write. */
int  batch_open_instance(struct catalog_batch *b, const struct catalog_path *path, struct open_series **ret,
			 struct instance_row *ret_row);
int  batch_put_instance(struct catalog_batch *b, const struct open_series *s, uint64_t instance,
			const struct instance_row *row);
/* A row that is new; NULL: no memory. */
struct open_study *add_study(struct catalog_batch *b, struct open_partition *p, uint64_t id);
struct open_series *add_series(struct catalog_batch *b, struct open_study *study, uint64_t id);

/* -- extended query tags (batch_tags.c) -- */

int  tags_begin(struct catalog_batch *b);
int  tags_write(struct catalog_batch *b);
void tags_end(struct catalog_batch *b);
/* The values of an instance, until the next call, which borrow json. */
int  tags_read(struct catalog_batch *b, struct slice json);
void tags_forget(struct catalog_batch *b);
/* Those of a level, as extended of a row. */
int  tags_put_level(struct catalog_batch *b, enum level level, struct buf *out);
/* Bring a study or series, and the index, up to them. */
int  tags_merge_study(struct catalog_batch *b, struct open_study *s);
int  tags_merge_series(struct catalog_batch *b, struct open_series *s);
/* An instance goes, or is another now. */
int  tags_remove_errors(struct catalog_batch *b, uint64_t instance);

/* -- the attribute index (batch_index.c) -- */

/* Bring the index from the old attributes of a study or series to the new; either may be empty. */
int  index_study(struct catalog_batch *b, const struct open_study *s, struct slice old, struct slice now);
int  index_series(struct catalog_batch *b, const struct open_series *s, struct slice old, struct slice now);
/* Likewise for values of query tags, of anything; what was of tags that are gone has no entries. */
int  index_extended(struct catalog_batch *b, uint64_t partition, uint64_t id, uint64_t parent, struct slice old,
		    struct slice now);
/* The entry of a series' or instance's UID. */
int  index_uid_entry(struct catalog_batch *b, uint64_t partition, uint32_t tag, const char *uid, uint64_t id,
		     uint64_t parent, bool put);
/* Add n (1 or -1) to the number of series of a study with this modality; "" counts nowhere. */
int  count_modality(struct catalog_batch *b, struct open_study *s, const char *modality, int n);

/* -- what put and remove share (batch_put.c) -- */

struct key order_key(uint64_t partition, uint64_t watermark);
void feed_entry_init(struct feed_entry *f, const struct open_series *s, uint64_t instance,
		     const struct instance_row *row, uint8_t action, int64_t now);
int  put_feed(struct catalog_batch *b, struct feed_entry *e, uint64_t *ret_sequence);
/* A change of an instance, and of what came or went with it. */
void batch_touch(struct open_series *s, uint8_t with, int64_t now);
int  put_reclaim(struct catalog_batch *b, const struct open_series *s, const struct instance_row *row,
		 bool stage_only);

/* -- tiers (batch_tier.c) -- */

/* An instance with its row comes or goes. */
void count_tier(struct open_series *s, const struct instance_row *row, bool more);

/* -- the version stored first (batch_original.c) -- */

/* An instance is about to be another version: keep what it was. */
int  keep_original(struct catalog_batch *b, struct open_series *s, uint64_t instance, const struct instance_row *row,
		   uint64_t stage);
/* That of an instance which had other UIDs. */
int  put_moved(struct catalog_batch *b, struct open_series *s, uint64_t instance, const struct original *original);
/* And its file: nobody will ask for it any more. */
int  drop_original(struct catalog_batch *b, struct open_series *s, uint64_t instance, const char *sop_uid);

#endif
