/* channel.h: how requests come from the kernel and replies go back, and what is agreed with it at the start.
 *
 * libfuse 3.14 asks here for each request and gives each reply here (channel_io).  They go by the device
 * (reader.h) and, where the kernel agrees, by io_uring (uring.h).  The INIT reply is patched on its way out to accept
 * what the kernel has offered and libfuse does not know: passthrough (passthrough.h), io_uring, mmap of files
 * without a cache, and not to be asked for security.capability before every write.
 */
#ifndef FS_CHANNEL_H
#define FS_CHANNEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <fuse_lowlevel.h>

#include "fs/reader.h"
#include "fs/uring.h"

struct channel {
	int fd;				/* the device, the session's; -1 */
	bool passthrough_wanted, uring_wanted;
	struct reader reader;
	_Atomic(struct uring *) uring;	/* requests come from there, too; NULL: only from the reader */
	atomic_bool closed;		/* fd is, and may be somebody else's by now */
	atomic_bool init_seen, init_answered;	/* one thread handles INIT, before all others */
	uint64_t offered;		/* INIT flags of the kernel */
	/* Agreed: known after INIT. */
	atomic_bool passthrough_on, uring_on;
	bool direct_mmap;		/* mmap works on direct_io files */
};

/* The session's userdata must begin with a struct channel. */
extern const struct fuse_custom_io channel_io;

#endif
