/* block_list.h: the body of Put Block List: which blocks a blob is made of.
 *
 * Threads: no state.
 */
#ifndef WEB_BLOCK_LIST_H
#define WEB_BLOCK_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* Azure: a block ID has 64 bytes at most, before they are written in base64. */
#define BLOCK_ID_MAX 89
/* Azure: blocks of a blob. */
#define BLOCK_LIST_MAX 50000

struct block_name {
	char id[BLOCK_ID_MAX];
	bool committed;			/* only one that is part of the blob already is meant */
};

/* Is this base64 of 1 to 64 bytes? */
bool block_id_is_valid(const char *id);
/* The blocks in their order, free().  -EINVAL: no block list; -E2BIG: too many; -ENOMEM. */
int  block_list_parse(const char *xml, size_t len, struct block_name **ret_names, size_t *ret_n);

#endif
