/* base_cache.h: the base headers of the series now coming in.
 *
 * The base of a series (catalog/header.h) is in the index from the commit of
 * its first instance on.  Those that come in before that commit must not each
 * be stored in full: the cache tells what the base will be, and saves reading it
 * again for every instance afterwards.  What it tells may be outdated; the
 * batch notices by the base's number and compresses anew.
 *
 * Threads: any.
 */
#ifndef STORE_BASE_CACHE_H
#define STORE_BASE_CACHE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

struct base_cache;

struct base_cache *base_cache_new(void);	/* NULL: no memory */
void base_cache_free(struct base_cache *c);	/* NULL is fine */

/* Append the base to out: the number that names it, or 0 and nothing. */
uint64_t base_cache_get(struct base_cache *c, const char *partition, const char *study_uid,
			const char *series_uid, struct buf *out);
/* json is the base from now on, unless one is known already. */
void base_cache_offer(struct base_cache *c, const char *partition, const char *study_uid,
		      const char *series_uid, struct slice json);
void base_cache_forget(struct base_cache *c, const char *partition, const char *study_uid,
		       const char *series_uid);

#endif
