/* uring.h: requests by io_uring (Documentation/filesystems/fuse-io-uring.rst of Linux, since 6.14).
 *
 * By the device a request costs two wake-ups of a sleeping processor, which take longer than the work.  By
 * io_uring each processor has a queue of its own, served by threads that stay there: who asks is answered
 * without another processor.  What is no request (forgets, interrupts, notifications) still goes through the device.
 *
 * A thread has a ring with one entry: it takes one request at a time, and the kernel gives the next to another
 * that waits.  There is always one more than are at work, so a request may be answered by somebody else, whatever
 * that one waits for (if it is about a regular file: see nudge).
 *
 * Once the kernel was told (in the INIT reply), it sends nothing before each queue has an entry.
 *
 * Threads: start before and free after all others; any may reply.
 */
#ifndef FS_URING_H
#define FS_URING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define URING_INIT_FLAG (UINT64_C(1) << 41)	/* FUSE_OVER_IO_URING of <linux/fuse.h> 7.42 */

struct uring;

/* What serves: with the request as the device would have given it, aligned; it is the callee's until it returns.
 * A payload of over URING_SMALL bytes is overwritten by a reply that has one. */
#define URING_SMALL 4096
struct uring_server {
	void (*serve)(void *ctx, void *request, size_t len);
	void (*leave)(void *ctx);	/* in each thread, before it ends */
	void *ctx;
};

/* The kernel's switch (its parameter enable_uring, which is off by default) is turned on.  0 or -errno. */
int  uring_switch_on(void);
/* Rings of the kind that is needed can be made. */
bool uring_is_possible(void);
/* Those that there could be, as the file lists them ("0-3,8"): the kernel has a queue for each.  0: it makes no sense. */
size_t uring_count_processors(const char *path);

/* After the INIT reply with the flag.  payload_max: of a request or a reply, bytes; no less than max_write.
 * *ret is set before the first request comes. */
int  uring_start(int fuse_fd, size_t payload_max, const struct uring_server *server, _Atomic(struct uring *) *ret);
/* The reply is to one of its requests and has been taken: *ret as writev's. */
bool uring_reply(struct uring *u, const struct iovec *iov, int count, ssize_t *ret);
/* No more requests are taken, and who waits for another's reply waits no more. */
void uring_stop(struct uring *u);
/* Until the threads have ended, since it was stopped or unmounted.  Once. */
void uring_join(struct uring *u);
/* After it; nobody replies any more.  NULL is fine. */
void uring_free(struct uring *u);

#endif
