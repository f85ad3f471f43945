/* operations_internal.h: what operations.c and those that begin operations share. */
#ifndef STORE_OPERATIONS_INTERNAL_H
#define STORE_OPERATIONS_INTERNAL_H

#include <limits.h>

#include "catalog/operation.h"
#include "store/internal.h"
#include "store/operations.h"

int  operation_new_id(unsigned char id[OPERATION_ID_LEN]);
void operation_format(const unsigned char id[OPERATION_ID_LEN], char text[OPERATION_TEXT_MAX]);
/* -EINVAL: it is none. */
int  operation_parse(const char *text, unsigned char id[OPERATION_ID_LEN]);
/* The oldest that has not ended, of types whose bits are set.  -ENOENT. */
#define OPERATION_ANY UINT_MAX
int  operation_find_unfinished(struct kv_txn *txn, unsigned types, unsigned char id[OPERATION_ID_LEN]);
/* Drop some of those that ended long ago. */
int  operation_purge(struct kv_txn *txn, int64_t now);
/* Put the record of a new one, which nobody has started; what it is about is the caller's to set, all else is
 * set here.  Drops old ones. */
int  operation_begin(struct kv_txn *txn, const unsigned char id[OPERATION_ID_LEN], struct operation_row *row);

/* What an operation is about, when that is much: values in a table of their own, by their numbers. */
int  operation_value_put(struct kv_txn *txn, const unsigned char id[OPERATION_ID_LEN], uint32_t number, const char *text);
int  operation_value_get(struct kv_txn *txn, const unsigned char id[OPERATION_ID_LEN], uint32_t number, struct slice *ret_text);
/* Those below a number. */
int  operation_values_drop(struct kv_txn *txn, const unsigned char id[OPERATION_ID_LEN], uint32_t before);

/* -- import_operation.c -- */

bool import_is_worked_on(struct store *st, const unsigned char id[OPERATION_ID_LEN]);
/* What an import operation is asked, for people. */
int  import_input_text(struct slice input, struct buf *out);

/* -- tier_move.c -- */

struct tier_input {
	bool by_rules;
	enum store_tier to;
	struct slice nodes;		/* id:8 each */
};
struct tier_cursor {
	uint64_t node;			/* by rules the partition's id, else which of the nodes */
	struct scan_place place;
	uint64_t moved, failed, bytes;
};
int  tier_input_get(struct slice value, struct tier_input *ret_input);
int  tier_cursor_get(struct slice value, struct tier_cursor *ret_cursor);

/* What a reindex operation is asked. */
struct reindex_input {
	uint64_t end;			/* instances below this watermark were there before its tags */
	uint32_t tags[QUERY_TAGS_MAX];
	size_t n_tags;
};
int  reindex_input_put(const struct reindex_input *input, struct buf *out);
int  reindex_input_get(struct slice value, struct reindex_input *ret_input);

#endif
