/* catalog.h: what exists: partitions, studies, series, instances, and their numbers.
 *
 * Reading functions take a transaction and lend slices from it.  Writing goes
 * through a batch, one write transaction that keeps the rows it changes in
 * memory until it commits, so that a thousand instances of one series rewrite
 * its row once.
 *
 * Errors: those of kv.h; -EIO also for a row that does not decode.
 */
#ifndef CATALOG_CATALOG_H
#define CATALOG_CATALOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "catalog/feed.h"
#include "catalog/level.h"
#include "catalog/original.h"
#include "catalog/query_tag.h"
#include "catalog/reclaim.h"
#include "catalog/row.h"
#include "catalog/schema.h"
#include "kv/kv.h"

/* Ids below are left to the doors. */
#define CATALOG_FIRST_ID 4096

/* ---- the store itself ---- */

struct catalog_counters {
	uint64_t next_id, next_watermark, sequence;	/* sequence: of the latest feed entry */
	uint64_t next_owner;				/* staging owner */
};

/* Write the schema, the names and the default partition into an empty kv. */
int  catalog_init(struct kv *kv, const char *workspace, const char *service,
		  const char *default_partition, struct err *err);
/* -EINVAL when it is of a schema this program does not know. */
int  catalog_check_schema(struct kv_txn *txn, struct err *err);
int  catalog_get_text(struct kv_txn *txn, const char *name, char *text, size_t size);
int  catalog_get_counters(struct kv_txn *txn, struct catalog_counters *ret_counters);
int  catalog_take_owner(struct kv *kv, uint64_t *ret_owner);

/* ---- reading ---- */

struct catalog_path {			/* ids, 0 below the level meant */
	uint64_t partition, study, series, instance;
};

/* Partition names compare without case. */
int  catalog_find(struct kv_txn *txn, uint64_t parent, const char *name, uint64_t *ret_id);
/* By names from the partition down, until one is NULL.  -ENOENT: *ret_path has the ids of those above. */
int  catalog_find_path(struct kv_txn *txn, const char *partition, const char *study_uid, const char *series_uid,
		       const char *sop_uid, struct catalog_path *ret_path);
/* The whole path of a node and its level. */
int  catalog_path(struct kv_txn *txn, uint64_t id, struct catalog_path *ret_path, enum level *ret_level);
int  catalog_partition(struct kv_txn *txn, uint64_t partition, struct partition_row *ret_row);
int  catalog_study(struct kv_txn *txn, uint64_t partition, uint64_t study, struct study_row *ret_row);
int  catalog_series(struct kv_txn *txn, uint64_t study, uint64_t series, struct series_row *ret_row);
int  catalog_instance(struct kv_txn *txn, uint64_t series, uint64_t instance, struct instance_row *ret_row);
/* The rows of every level a path has an id for. */
struct catalog_rows {
	struct partition_row partition;
	struct study_row study;
	struct series_row series;
	struct instance_row instance;
};
int  catalog_rows(struct kv_txn *txn, const struct catalog_path *path, struct catalog_rows *ret_rows);
/* Those of an instance, and its path, by its id alone.  -ENOENT; -EISDIR: it is the id of something above. */
int  catalog_instance_rows(struct kv_txn *txn, uint64_t instance, struct catalog_path *ret_path,
			   struct catalog_rows *ret_rows);
/* The rows of a table whose keys are parent:8 id:8: those of a parent, beginning at an id. */
int  catalog_children(struct kv_txn *txn, enum table table, uint64_t parent, uint64_t first_id,
		      enum kv_direction direction, uint64_t limit, struct kv_range **ret_range);
/* Parent of a series or study, by its id alone. */
int  catalog_parent(struct kv_txn *txn, uint64_t id, uint64_t *ret_parent);

/* The first partition after an id (0: of all).  1, or 0: there is none. */
int  catalog_next_partition(struct kv_txn *txn, uint64_t after, uint64_t *ret_id, struct partition_row *ret_row);
/* What all partitions have together: the sums, the first's creation and the last change; *ret_n counts them. */
int  catalog_total(struct kv_txn *txn, struct partition_row *ret_sums, uint64_t *ret_n);
/* Delete what lies in a range of a table, up to *max of it, which counts down. */
int  catalog_delete_range(struct kv_txn *txn, enum table table, struct slice from, struct slice to, uint64_t *max);
/* Entries of a table, counted up to max (0: all). */
int  catalog_count(struct kv_txn *txn, enum table table, uint64_t max, uint64_t *ret_count);

/* The base of a series appended to base_json (nothing when it has none), and the number that names it. */
int  catalog_base(struct kv_txn *txn, uint64_t series, struct buf *base_json, uint64_t *ret_base_id);
/* The header template of an instance, appended; base is that of its series. */
int  catalog_header(struct kv_txn *txn, uint64_t series, uint64_t instance, struct slice base, struct buf *out);
/* The base of the series that headers were read of last: runs of one series expand it once.  It
 * belongs to a transaction: series is set to 0 for another. */
struct series_base {
	uint64_t series, id;		/* id: of the base; 0: it has none */
	struct buf json;		/* buf_init'ed with HEADER_MAX */
};
/* That of this series, unless it is that already. */
int  catalog_load_base(struct kv_txn *txn, struct series_base *base, uint64_t series);
int  catalog_read_header(struct kv_txn *txn, struct series_base *base, uint64_t series, uint64_t instance,
			 struct buf *out);
/* Likewise of the version that was stored first (original.h). */
int  catalog_read_original(struct kv_txn *txn, struct series_base *base, uint64_t series, uint64_t instance,
			   struct buf *out);

/* Keys of the attribute index. */
#define INDEX_VALUE '='
#define INDEX_WORD 'w'
#define INDEX_EXTERNAL 'x'		/* of external metadata, as external_collate makes it */
void index_key_prefix(struct key *k, uint64_t partition, uint32_t tag, char kind);
/* What is indexed for a UID: short and of one length. */
struct slice index_uid(const char *uid, unsigned char hash[HASH_LEN]);

/* ---- writing ---- */

struct catalog_batch;

int  batch_begin(struct kv *kv, struct catalog_batch **ret_batch);
int  batch_commit(struct catalog_batch *b);	/* consumed */
void batch_abort(struct catalog_batch *b);	/* NULL is fine */
struct kv_txn *batch_txn(struct catalog_batch *b);
/* Run fn in a batch and commit, again from its start after -EAGAIN, as kv_update does; -EAGAIN when that is of no
 * avail.  What fn returns below 0 aborts. */
int  batch_update(struct kv *kv, int (*fn)(void *ctx, struct catalog_batch *b), void *ctx);

enum batch_same { BATCH_SAME_REFUSE, BATCH_SAME_KEEP, BATCH_SAME_REPLACE };
enum batch_outcome { BATCH_CREATED, BATCH_REPLACED, BATCH_UNCHANGED };

/* An instance ready to be stored.  The slices are the caller's until the call ends. */
struct catalog_entry {
	const char *partition;		/* name; made when missing */
	const char *study_uid, *series_uid;
	const struct instance_row *row;	/* watermark, flags REPLACED, created are the batch's to set */
	struct slice study_attributes, series_attributes;	/* instance's are in row */
	const char *modality;		/* plain text, "" when it has none */
	struct slice json;		/* the template */
	struct slice header;		/* json compressed; made with base_id when that is not 0 */
	uint64_t base_id;
	struct slice bytes;		/* of the file, to be kept until it is synced; empty: it is */
	enum batch_same same;
	bool in_place;			/* the file at the public path is another: its original stays */
	/* An update (contract 6): another version of what is there, whatever its bytes, and the one stored first is
	 * kept, by the staged name of its bytes; 0: it is kept already. */
	bool update;
	uint64_t original_stage;
	/* An update that gives it other UIDs, which must be free: the version stored first, with its whole
	 * header, uncompressed.  What has the old UIDs is the caller's to remove. */
	const struct original *moved;
	int64_t now;
};

struct catalog_put_result {
	enum batch_outcome outcome;
	struct catalog_path path;
	uint64_t watermark;
	uint64_t sequence;		/* feed entry, 0 when unchanged */
	bool base_was_other;		/* the header was made against another base than the series has */
};

/* -EEXIST as `same` says.  Any other error: abort the batch. */
int  batch_put(struct catalog_batch *b, const struct catalog_entry *e, struct catalog_put_result *ret_result);
/* The extended query tags, as this transaction sees and may change them; NULL: none. */
struct query_tags *batch_tags(struct catalog_batch *b);
void batch_tags_changed(struct catalog_batch *b);
/* Index an instance that was there before the tags which this operation adds.  Those stored last
 * come first: what a study or series has for a tag already stays. */
int  batch_index_tags(struct catalog_batch *b, const unsigned char operation[OPERATION_ID_LEN],
		      const struct catalog_path *path, struct series_base *base, int64_t now);
/* Remove up to max entries of a tag that is deleting.  1: there are more; 0: the tag is gone. */
int  query_tag_remove_some(struct kv_txn *txn, const struct query_tag *tag, uint64_t max);

/* What lies beside an instance as its original (original.h), header uncompressed, with a number of its own; NULL:
 * nothing any more.  For repairs: the instance stays as it is, and no file is removed.  -ENOENT. */
int  batch_set_original(struct catalog_batch *b, const struct catalog_path *path, const struct original *original);
/* Its bytes lie in another tier now. */
int  batch_set_tier(struct catalog_batch *b, const struct catalog_path *path, unsigned tier);
/* And no longer in others: what is there is to be removed. */
int  batch_reclaim_tiers(struct catalog_batch *b, const struct catalog_path *path);
/* Remove one instance with everything that hangs on it.  -ENOENT. */
int  batch_remove(struct catalog_batch *b, const struct catalog_path *path, int64_t now, uint64_t *ret_sequence);

#endif
