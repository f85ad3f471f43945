/* reader.h: which thread reads the requests, and how it waits for them.
 *
 * Much of what a request costs is that a thread has to be woken for it.  So one thread at a time has
 * the seat at the device: while requests follow each other closely, it looks for the next one
 * without sleeping (patience.h), and it does short work itself without giving up the seat, so that nobody else is woken.
 * It gives the seat to another thread before work that takes long, and when requests pile up.  If
 * work takes long after all, another thread takes the seat away.
 *
 * Threads: any number read and write; reader_open before and reader_close after them all.
 */
#ifndef FS_READER_H
#define FS_READER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "fs/patience.h"

struct reader {
	int fd;				/* the device, the session's; -1 not open */
	int stop_fd;
	atomic_bool stopping;
	pthread_mutex_t lock;		/* of those that wait for the seat */
	pthread_cond_t free;
	atomic_uint_fast64_t holder;	/* who has the seat, and whether it works; 0 nobody */
	atomic_llong works_since;	/* if it works: since when, monotonic ns */
	atomic_uint requests;		/* that were read, as a count that wraps */
	atomic_bool watched;		/* one of those that wait looks whether the holder works too long */
	/* The holder's only: */
	struct patience patience;
	unsigned at_once;		/* requests in a row that were there already */
};

/* fuse_fd becomes non-blocking.  awake: wait without sleeping where there is more than one processor. */
int  reader_open(struct reader *r, int fuse_fd, bool awake);
void reader_close(struct reader *r);	/* one that was never opened has fd -1 */
/* No more requests are read; who waits returns. */
void reader_stop(struct reader *r);

/* As read(2) of the device; 0 after reader_stop. */
ssize_t reader_read(struct reader *r, void *data, size_t len);
ssize_t reader_write(struct reader *r, const struct iovec *iov, int count);

#endif
