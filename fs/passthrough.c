#define FUSE_USE_VERSION 314
#include "fs/passthrough.h"

#include <errno.h>
#include <linux/fuse.h>
#include <sys/ioctl.h>

/* From a newer <linux/fuse.h> than the one libfuse 3.14 goes with. */
#define OPEN_PASSTHROUGH (1u << 7)
struct backing_map {
	int32_t fd;
	uint32_t flags;
	uint64_t padding;
};
#define BACKING_OPEN _IOW(229, 1, struct backing_map)
#define BACKING_CLOSE _IOW(229, 2, uint32_t)

int
passthrough_open(int fuse_fd, int fd)
{
	struct backing_map map = { .fd = fd };
	int id = ioctl(fuse_fd, BACKING_OPEN, &map);

	return id > 0 ? id : id < 0 ? -errno : -EIO;
}

void
passthrough_close(int fuse_fd, int backing_id)
{
	uint32_t id = (uint32_t)backing_id;

	ioctl(fuse_fd, BACKING_CLOSE, &id);
}

int
passthrough_reply_open(fuse_req_t req, uint64_t fh, int backing_id, uint32_t flags)
{
	struct fuse_open_out out = {
		.fh = fh,
		.open_flags = OPEN_PASSTHROUGH | flags,
		.padding = (uint32_t)backing_id,
	};

	return fuse_reply_buf(req, (const char *)&out, sizeof out);
}
