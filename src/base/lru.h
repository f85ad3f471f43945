/* lru.h: values that cost work to make, kept by key within a number of bytes; those that
 * were not asked for longest give way.
 *
 * A value never changes, and one that is held stays.  What finds no room beside those is
 * not kept: it is the holder's alone and goes when it lets go, so the ceiling always holds.
 *
 * Threads: any.
 */
#ifndef BASE_LRU_H
#define BASE_LRU_H

#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"

/* No larger value is kept than half of all. */
struct lru;
struct lru *lru_new(size_t max, void (*free_value)(void *));	/* NULL: no memory */
void lru_free(struct lru *l);		/* nothing is held any more; NULL is fine */

/* A value held. */
struct lru_item;
struct lru_item *lru_find(struct lru *l, const unsigned char key[HASH_LEN]);	/* NULL: none */
/* Takes value, which lives in size bytes.  Whoever comes second with a key gets the value of the
 * first.  NULL: no memory, and value is free. */
struct lru_item *lru_put(struct lru *l, const unsigned char key[HASH_LEN], void *value, size_t size);
void *lru_value(const struct lru_item *i);
void lru_release(struct lru *l, struct lru_item *i);		/* NULL is fine */

/* Since the beginning, and now. */
struct lru_counts {
	uint64_t found, missed;
	size_t bytes;
};
void lru_count(struct lru *l, struct lru_counts *ret_counts);

#endif
