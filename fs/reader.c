#include "fs/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cond.h"

/* So many in a row that were there at once: another thread can serve, too. */
#define PILE 2
/* The seat is taken away from who works longer. */
#define WORK_MS 2

/* In the holder's word: it works, so the seat may be taken away. */
#define WORKS 1u

/* This thread's word; 0 not given yet. */
static _Thread_local uint_fast64_t self;

static uint_fast64_t
who_am_i(void)
{
	static atomic_uint_fast64_t numbers;

	if (self == 0)
		self = (atomic_fetch_add(&numbers, 1) + 1) << 1;
	return self;
}

int
reader_open(struct reader *r, int fuse_fd, bool awake)
{
	int e = 0;

	memset(r, 0, sizeof *r);
	patience_init(&r->patience, awake);
	r->stop_fd = eventfd(0, EFD_CLOEXEC);
	r->fd = fuse_fd;
	if (r->stop_fd < 0 || fcntl(r->fd, F_SETFL, O_NONBLOCK) < 0)
		e = -errno;
	pthread_mutex_init(&r->lock, NULL);
	cond_init(&r->free);
	if (e < 0)
		reader_close(r);
	return e;
}

void
reader_close(struct reader *r)
{
	if (r->fd < 0)
		return;
	if (r->stop_fd >= 0)
		close(r->stop_fd);
	r->fd = -1;
	pthread_cond_destroy(&r->free);
	pthread_mutex_destroy(&r->lock);
}

void
reader_stop(struct reader *r)
{
	uint64_t one = 1;

	if (r->fd < 0)
		return;
	atomic_store(&r->stopping, true);
	if (write(r->stop_fd, &one, sizeof one) < 0)
		return;			/* cannot be: it is the only one */
	pthread_mutex_lock(&r->lock);
	pthread_cond_broadcast(&r->free);
	pthread_mutex_unlock(&r->lock);
}

/* -- the seat ------------------------------------------------------------- */

static bool
change_holder(struct reader *r, uint_fast64_t from, uint_fast64_t to)
{
	return atomic_compare_exchange_strong(&r->holder, &from, to);
}

/* From nobody, or from one that works too long: it will notice when it wants to read again. */
static bool
try_seat(struct reader *r)
{
	uint_fast64_t holder = atomic_load(&r->holder);

	if (holder != 0 && (!(holder & WORKS) ||
			    clock_monotonic() - atomic_load(&r->works_since) < WORK_MS * INT64_C(1000000)))
		return false;
	return change_holder(r, holder, who_am_i());
}

/* As long as requests come, one of those that wait looks now and then whether the holder works too
 * long.  false: none came, and none is worked on. */
static bool
watch(struct reader *r)
{
	unsigned seen = atomic_load(&r->requests);
	struct timespec until = cond_deadline(WORK_MS);

	pthread_cond_timedwait(&r->free, &r->lock, &until);
	return atomic_load(&r->requests) != seen || (atomic_load(&r->holder) & WORKS);
}

/* false: there is no more to read. */
static bool
take_seat(struct reader *r)
{
	bool idle = false, has = false;

	pthread_mutex_lock(&r->lock);
	while (!atomic_load(&r->stopping) && !(has = try_seat(r))) {
		if (!idle && !atomic_exchange(&r->watched, true)) {
			idle = !watch(r);
			atomic_store(&r->watched, false);
		} else {
			pthread_cond_wait(&r->free, &r->lock);
			idle = false;
		}
	}
	pthread_mutex_unlock(&r->lock);
	return has;
}

/* Whoever is about to wait either has seen what was changed before, or is woken. */
static void
wake_one(struct reader *r)
{
	pthread_mutex_lock(&r->lock);
	pthread_mutex_unlock(&r->lock);
	pthread_cond_signal(&r->free);
}

/* -- reading -------------------------------------------------------------- */

/* Until a request is there, or reader_stop. */
static void
sleep_until_ready(struct reader *r)
{
	struct pollfd fds[] = { { .fd = r->fd, .events = POLLIN }, { .fd = r->stop_fd, .events = POLLIN } };

	poll(fds, 2, -1);
}

/* With the seat. */
static ssize_t
wait_request(struct reader *r, void *data, size_t len)
{
	int64_t since = 0, asleep = 0, now;
	ssize_t n;

	while (!atomic_load(&r->stopping)) {
		n = read(r->fd, data, len);
		if (n >= 0 || errno != EAGAIN) {
			r->at_once = since == 0 ? r->at_once + 1 : 0;
			if (n >= 0 && since != 0)
				patience_learn(&r->patience, since, asleep);
			return n;
		}
		now = clock_monotonic();
		if (since == 0)
			since = now;
		if (asleep != 0 || patience_is_over(&r->patience, since, now)) {
			if (asleep == 0)
				patience_lost(&r->patience);
			asleep = now;
			sleep_until_ready(r);
		}
	}
	return 0;
}

static bool
is_short(const struct fuse_in_header *head)
{
	switch (head->opcode) {
	case FUSE_READ:
	case FUSE_FSYNC:
	case FUSE_FALLOCATE:
	case FUSE_COPY_FILE_RANGE:
	case FUSE_UNLINK:
	case FUSE_RMDIR:
	case FUSE_RENAME:
	case FUSE_RENAME2:
	case FUSE_SETXATTR:
	case FUSE_SYNCFS:
	case FUSE_INIT:
	case FUSE_DESTROY:
		return false;
	default:
		return true;
	}
}

ssize_t
reader_read(struct reader *r, void *data, size_t len)
{
	uint_fast64_t me = who_am_i();
	ssize_t n;
	int e;

	if (!change_holder(r, me | WORKS, me) && !take_seat(r))
		return 0;
	n = wait_request(r, data, len);
	e = errno;
	if (n >= (ssize_t)sizeof(struct fuse_in_header) && r->at_once < PILE && is_short(data)) {
		atomic_store(&r->works_since, clock_monotonic());
		atomic_fetch_add(&r->requests, 1);
		atomic_store(&r->holder, me | WORKS);
		if (!atomic_load(&r->watched))
			wake_one(r);
	} else {
		r->at_once = 0;
		atomic_store(&r->holder, 0);
		wake_one(r);
	}
	errno = e;
	return n;
}

ssize_t
reader_write(struct reader *r, const struct iovec *iov, int count)
{
	return writev(r->fd, iov, count);
}
