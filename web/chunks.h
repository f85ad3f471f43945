/* chunks.h: buffers for bodies, lent out for a request and taken back.
 *
 * The one given back last is lent out next, so that few of them stay warm in
 * the cache whatever the number of connections.
 * Threads: any.
 */
#ifndef WEB_CHUNKS_H
#define WEB_CHUNKS_H

#include <stddef.h>

struct chunk_pool;

struct chunk_pool *chunks_new(size_t size, unsigned keep);	/* NULL: no memory */
void chunks_free(struct chunk_pool *pool);			/* NULL is fine */
/* size bytes; NULL: no memory. */
char *chunk_get(struct chunk_pool *pool);
void chunk_put(struct chunk_pool *pool, char *chunk);		/* NULL is fine */

#endif
