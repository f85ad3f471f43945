#define FUSE_USE_VERSION 314
#include "fs/channel.h"

#include <errno.h>
#include <linux/fuse.h>
#include <string.h>

/* From a newer <linux/fuse.h> than the one libfuse 3.14 goes with. */
#define INIT_DIRECT_IO_ALLOW_MMAP (UINT64_C(1) << 36)
#define INIT_PASSTHROUGH (UINT64_C(1) << 37)

static ssize_t
io_read(int fd, void *data, size_t len, void *userdata)
{
	struct channel *c = userdata;
	ssize_t n = reader_read(&c->reader, data, len);

	(void)fd;
	if (!c->init_seen && n > 0) {
		struct fuse_in_header head;
		struct fuse_init_in init;

		c->init_seen = true;
		if ((size_t)n >= sizeof head + sizeof init) {
			memcpy(&head, data, sizeof head);
			memcpy(&init, (char *)data + sizeof head, sizeof init);
			if (head.opcode == FUSE_INIT)
				c->offered = init.flags | (uint64_t)init.flags2 << 32;
		}
	}
	return n;
}

/* Accept in the INIT reply what libfuse 3.14 does not know of. */
static void
patch_init(struct channel *c, struct fuse_init_out *out)
{
	/* Else the kernel asks for security.capability before every write. */
	if (c->offered & FUSE_HANDLE_KILLPRIV_V2)
		out->flags |= FUSE_HANDLE_KILLPRIV_V2;
	if (!(c->offered & FUSE_INIT_EXT))
		return;
	out->flags |= FUSE_INIT_EXT;
	if (c->offered & INIT_DIRECT_IO_ALLOW_MMAP) {
		out->flags2 |= (uint32_t)(INIT_DIRECT_IO_ALLOW_MMAP >> 32);
		c->direct_mmap = true;
	}
	if (c->passthrough_wanted && (c->offered & INIT_PASSTHROUGH)) {
		out->flags2 |= (uint32_t)(INIT_PASSTHROUGH >> 32);
		out->unused[0] = 1;	/* max_stack_depth */
		c->passthrough_on = true;
	}
	if (c->uring_wanted && (c->offered & URING_INIT_FLAG) && uring_is_possible()) {
		out->flags2 |= (uint32_t)(URING_INIT_FLAG >> 32);
		c->uring_on = true;
	}
}

static ssize_t
io_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	struct channel *c = userdata;
	struct uring *u = atomic_load(&c->uring);
	ssize_t n;

	if (!c->init_answered) {
		c->init_answered = true;
		if (count >= 2 && iov[1].iov_len >= sizeof(struct fuse_init_out))
			patch_init(c, iov[1].iov_base);
	}
	(void)fd;
	if (c->closed) {
		errno = ENOENT;		/* libfuse says nothing then */
		return -1;
	}
	if (u != NULL && uring_reply(u, iov, count, &n))
		return n;
	return reader_write(&c->reader, iov, count);
}

const struct fuse_custom_io channel_io = {
	.writev = io_writev,
	.read = io_read,
};
