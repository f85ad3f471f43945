/* passthrough.h: what libfuse 3.14 lacks: the kernel reads the backing file by itself.
 *
 * It is agreed with INIT (channel.h); then backing ids are had and given back by ioctl, and
 * OPEN is answered by hand with the id in it.
 *
 * Rules of the kernel: all opens of a node share one backing id, and as long as one
 * of them is open, every other needs it too; not together with FOPEN_KEEP_CACHE.
 * (open.h keeps to them.)  Needs CAP_SYS_ADMIN; without it, or on a kernel that
 * offers nothing, reads come through the daemon.
 */
#ifndef FS_PASSTHROUGH_H
#define FS_PASSTHROUGH_H

#include <stdint.h>

#include <fuse_lowlevel.h>

/* A backing id for an open file (which may be closed then), > 0; or -errno. */
int  passthrough_open(int fuse_fd, int fd);
void passthrough_close(int fuse_fd, int backing_id);
/* flags: FOPEN_* beside FOPEN_PASSTHROUGH.  Returns as fuse_reply_open does. */
int  passthrough_reply_open(fuse_req_t req, uint64_t fh, int backing_id, uint32_t flags);
#define PASSTHROUGH_DIRECT_IO (1u << 0)
#define PASSTHROUGH_NOFLUSH (1u << 5)

#endif
