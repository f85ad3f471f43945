/* settle.h: what becomes of files that were accepted and not waited for.
 *
 * close() returns after accept; one thread here waits for the commits, in their order,
 * and tells the outcome.  So nothing in the mount ever waits for a commit while
 * it keeps one of the threads that answer the kernel.
 */
#ifndef FS_SETTLE_H
#define FS_SETTLE_H

#include "store/store.h"

struct pending;
struct settler;

struct settled {
	uint64_t node;			/* these three are the caller's (settler_add) */
	unsigned generation;
	uint64_t dirs[3];
	int num;			/* 0 or -errno; then err says why */
	int fd;				/* with the bytes when it failed, or -1; closed after settled() */
	struct ingest_result result;
	struct err err;
};

/* settled(ctx, p, s) is called from the settler's thread once per pending, before its waiters. */
int  settler_start(void (*settled)(void *ctx, struct pending *p, const struct settled *s), void *ctx,
		   struct settler **ret_settler);
/* Waits for everything that is under way.  NULL is fine. */
void settler_stop(struct settler *s);

/* Takes the ticket.  node, generation and dirs are given back to settled().
 * The caller gets a reference.  NULL: no memory (the ticket is freed). */
struct pending *settler_add(struct settler *s, struct ticket *ticket, uint64_t node, unsigned generation,
			    const uint64_t dirs[3]);
struct pending *pending_ref(struct pending *p);
void pending_unref(struct pending *p);		/* NULL is fine */

/* fn(arg, num) runs once the outcome is known (num 0 or -errno): at once, or from the settler's thread. */
int  pending_on_settled(struct settler *s, struct pending *p, void (*fn)(void *arg, int num), void *arg);
/* Wait, for those few who must. */
void pending_wait(struct settler *s, struct pending *p);

#endif
