/* operations_internal.h: what operations.c and query_tags.c share. */
#ifndef STORE_OPERATIONS_INTERNAL_H
#define STORE_OPERATIONS_INTERNAL_H

#include "catalog/operation.h"
#include "store/internal.h"
#include "store/operations.h"

int  operation_new_id(unsigned char id[OPERATION_ID_LEN]);
void operation_format(const unsigned char id[OPERATION_ID_LEN], char text[OPERATION_TEXT_MAX]);
/* -EINVAL: it is none. */
int  operation_parse(const char *text, unsigned char id[OPERATION_ID_LEN]);
/* The oldest that has not ended, of a type or (0) any that is for src/ops.  -ENOENT. */
int  operation_find_unfinished(struct kv_txn *txn, int type, unsigned char id[OPERATION_ID_LEN]);
/* Drop some of those that ended long ago. */
int  operation_purge(struct kv_txn *txn, int64_t now);

/* -- import_operation.c -- */

bool import_is_worked_on(struct store *st, const unsigned char id[OPERATION_ID_LEN]);
/* What an import operation is asked, for people. */
int  import_input_text(struct slice input, struct buf *out);

/* What a reindex operation is asked. */
struct reindex_input {
	uint64_t end;			/* instances below this watermark were there before its tags */
	uint32_t tags[QUERY_TAGS_MAX];
	size_t n_tags;
};
int  reindex_input_put(const struct reindex_input *input, struct buf *out);
int  reindex_input_get(struct slice value, struct reindex_input *ret_input);

#endif
