/* tier_mover.h: a running move between tiers, shared by its steps (tier_move.c).
 *
 * Threads: that of the operation.
 * Errors:  -errno ends the step.
 */
#ifndef STORE_TIER_MOVER_H
#define STORE_TIER_MOVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/operations_internal.h"
#include "store/tiers_internal.h"

/* Instances of a page: files open at a time. */
#define TIER_PAGE 64
/* Bytes read at a time to verify. */
#define TIER_CHUNK (256 << 10)
#define TIER_INPUT_MAX (TIER_NODES_MAX * 8 + 64)

struct slot {
	struct instance_info info;
	enum store_tier to;
	unsigned at;			/* where it was found */
	char name[BLOB_NAME_MAX], own_stage[BLOB_STAGE_MAX];
	char stage[BLOB_STAGE_MAX];	/* of ours; "" none */
	int copy;			/* -1: none, or no longer */
	bool placed, led;
};

struct mover {
	struct store *st;
	const atomic_bool *stop;
	unsigned char id[OPERATION_ID_LEN];
	struct operation_row row;
	struct tier_input input;
	char input_bytes[TIER_INPUT_MAX];
	struct tier_cursor cursor;
	struct slot *slots;
	size_t n;
	uint64_t bytes;			/* of the page */
	uint64_t done;			/* instances looked at in this step */
	char why[OPERATION_WHY_MAX];	/* the first failure of this step */
	bool ended;
	bool again, last_try;		/* something was in the way: look at the page again, or say so */
	struct hash_stream *hash;
	char *chunk;
	/* The series looked at last. */
	char series_uid[UID_TEXT_MAX], partition[STORE_NAME_MAX + 1], modality[MODALITY_TEXT_MAX];
	uint64_t series;
};

/* tier_record.c */
int  tier_read_record(struct mover *m);
int  tier_put_record(struct mover *m, struct kv_txn *txn, bool ended);

/* tier_where.c: -ENOENT, it is gone. */
int  tier_where_to(struct mover *m, const struct instance_info *info, enum store_tier *ret_to);

/* tier_copy.c */
void tier_failed(struct mover *m, const struct instance_info *info, const char *why);
/* Others were at it at the same moment: it may go well in the next. */
void tier_busy(struct mover *m, const struct instance_info *info, const char *why);
/* Has it its name yet? */
bool tier_is_staged(struct mover *m, const struct slot *s);
/* 1: a slot is taken; 0: nothing is to be done, or it was said why not. */
int  tier_copy_one(struct mover *m, const struct instance_info *info, enum store_tier to, struct err *err);
int  tier_sync_copies(struct mover *m);
int  tier_verify_copies(struct mover *m);
void tier_close_page(struct mover *m);

/* tier_lead.c */
int  tier_place_page(struct mover *m);
int  tier_lead_page(struct mover *m);
int  tier_write_page(struct mover *m, bool ended);

#endif
