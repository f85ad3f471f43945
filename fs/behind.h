/* behind.h: writing what was received while the next is being received.
 *
 * A thread of its own writes (and hashes) pieces that were copied for it, so that a large file comes in by two
 * processors.  Pieces of a file are written in their order, by one thread at a time; whoever
 * needs them to be written does himself what has not been begun.
 *
 * Threads: any; calls about one file wait for each other (receive.c has a lock).
 */
#ifndef FS_BEHIND_H
#define FS_BEHIND_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

struct behind;
struct piece;

/* Of one file.  Zeros: nothing to write. */
struct behind_file {
	struct piece *first, **last;
	bool at_work;			/* some thread writes one of its pieces */
	atomic_uint waiting;		/* pieces not yet written */
	int error;			/* the first of a piece, -errno */
};

/* awake: it waits for more without sleep for a while (patience.h).  0 or -errno. */
int  behind_start(bool awake, struct behind **ret);
void behind_stop(struct behind *b);	/* no file has anything to write.  NULL is fine */

/* Have these bytes written to in, after what is to be written already.  How many of them are taken: 0 when they are
 * few and nothing is waiting, fewer than len when enough is. */
size_t behind_write(struct behind *b, struct behind_file *f, struct incoming *in, const void *data, size_t len, uint64_t off);
/* All of it is written.  The error of the first piece that could not be, which is said once: what came after it was not
 * written. */
int  behind_finish(struct behind *b, struct behind_file *f);

#endif
