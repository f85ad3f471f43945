#define FUSE_USE_VERSION 314
#include "fs/passthrough.h"

#include <errno.h>
#include <linux/fuse.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

/* From a newer <linux/fuse.h> than the one libfuse 3.14 goes with. */
#define INIT_DIRECT_IO_ALLOW_MMAP (UINT64_C(1) << 36)
#define INIT_PASSTHROUGH (UINT64_C(1) << 37)
#define OPEN_PASSTHROUGH (1u << 7)
struct backing_map {
	int32_t fd;
	uint32_t flags;
	uint64_t padding;
};
#define BACKING_OPEN _IOW(229, 1, struct backing_map)
#define BACKING_CLOSE _IOW(229, 2, uint32_t)

static ssize_t
io_read(int fd, void *data, size_t len, void *userdata)
{
	struct passthrough *p = userdata;
	ssize_t n = reader_read(&p->reader, data, len);

	(void)fd;

	if (!p->init_seen && n > 0) {
		struct fuse_in_header head;
		struct fuse_init_in init;

		p->init_seen = true;
		if ((size_t)n >= sizeof head + sizeof init) {
			memcpy(&head, data, sizeof head);
			memcpy(&init, (char *)data + sizeof head, sizeof init);
			if (head.opcode == FUSE_INIT)
				p->offered = init.flags | (uint64_t)init.flags2 << 32;
		}
	}
	return n;
}

/* Accept in the INIT reply what libfuse 3.14 does not know of. */
static void
patch_init(struct passthrough *p, struct fuse_init_out *out)
{
	/* Else the kernel asks for security.capability before every write. */
	if (p->offered & FUSE_HANDLE_KILLPRIV_V2)
		out->flags |= FUSE_HANDLE_KILLPRIV_V2;
	if (!(p->offered & FUSE_INIT_EXT))
		return;
	out->flags |= FUSE_INIT_EXT;
	if (p->offered & INIT_DIRECT_IO_ALLOW_MMAP) {
		out->flags2 |= (uint32_t)(INIT_DIRECT_IO_ALLOW_MMAP >> 32);
		p->direct_mmap = true;
	}
	if (p->wanted && (p->offered & INIT_PASSTHROUGH)) {
		out->flags2 |= (uint32_t)(INIT_PASSTHROUGH >> 32);
		out->unused[0] = 1;	/* max_stack_depth */
		p->on = true;
	}
	if (p->uring_wanted && (p->offered & URING_INIT_FLAG) && uring_is_possible()) {
		out->flags2 |= (uint32_t)(URING_INIT_FLAG >> 32);
		p->uring_on = true;
	}
}

static ssize_t
io_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	struct passthrough *p = userdata;
	struct uring *u = atomic_load(&p->uring);
	ssize_t n;

	if (!p->init_answered) {
		p->init_answered = true;
		if (count >= 2 && iov[1].iov_len >= sizeof(struct fuse_init_out))
			patch_init(p, iov[1].iov_base);
	}
	(void)fd;
	if (p->closed) {
		errno = ENOENT;		/* libfuse says nothing then */
		return -1;
	}
	if (u != NULL && uring_reply(u, iov, count, &n))
		return n;
	return reader_write(&p->reader, iov, count);
}

const struct fuse_custom_io passthrough_io = {
	.writev = io_writev,
	.read = io_read,
};

bool
passthrough_is_on(const struct passthrough *p)
{
	return p->on;
}

int
passthrough_open(struct passthrough *p, int fd)
{
	struct backing_map map = { .fd = fd };
	int id = ioctl(p->fuse_fd, BACKING_OPEN, &map);

	return id > 0 ? id : id < 0 ? -errno : -EIO;
}

void
passthrough_close(struct passthrough *p, int backing_id)
{
	uint32_t id = (uint32_t)backing_id;

	ioctl(p->fuse_fd, BACKING_CLOSE, &id);
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
