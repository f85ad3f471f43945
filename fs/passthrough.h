/* passthrough.h: what libfuse 3.14 lacks: the kernel reads the backing file by itself.
 *
 * Three things are missing and made here: the INIT reply is patched on its way
 * out (passthrough_io) to accept what the kernel offered (and two more flags that
 * libfuse does not know); backing ids are had
 * and given back by ioctl; OPEN is answered by hand with the id in it.
 *
 * Rules of the kernel: all opens of a node share one backing id, and as long as one
 * of them is open, every other needs it too; not together with FOPEN_KEEP_CACHE.
 * (open.h keeps to them.)  Needs CAP_SYS_ADMIN; without it, or on a kernel that
 * offers nothing, reads come through the daemon.
 */
#ifndef FS_PASSTHROUGH_H
#define FS_PASSTHROUGH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <fuse_lowlevel.h>

#include "fs/reader.h"
#include "fs/uring.h"

struct passthrough {
	bool wanted, uring_wanted;
	int fuse_fd;
	struct reader reader;
	atomic_bool init_seen, init_answered;	/* one thread handles INIT, before all others */
	uint64_t offered;		/* INIT flags of the kernel */
	atomic_bool on, uring_on;
	atomic_bool closed;		/* fuse_fd is, and may be somebody else's by now */
	_Atomic(struct uring *) uring;	/* requests come from there, too; NULL: only from the reader */
	bool direct_mmap;		/* mmap works on direct_io files; known after INIT */
};

/* The session's userdata must begin with a struct passthrough. */
extern const struct fuse_custom_io passthrough_io;

/* The kernel offers it, and it is wanted. */
bool passthrough_is_on(const struct passthrough *p);
/* A backing id for an open file (which may be closed then), > 0; or -errno. */
int  passthrough_open(struct passthrough *p, int fd);
void passthrough_close(struct passthrough *p, int backing_id);
/* flags: FOPEN_* beside FOPEN_PASSTHROUGH.  Returns as fuse_reply_open does. */
int  passthrough_reply_open(fuse_req_t req, uint64_t fh, int backing_id, uint32_t flags);
#define PASSTHROUGH_DIRECT_IO (1u << 0)
#define PASSTHROUGH_NOFLUSH (1u << 5)

#endif
