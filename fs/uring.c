#include "fs/uring.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/fuse.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

/* From a newer <linux/fuse.h> than the one libfuse 3.14 goes with. */
#define HEADER_LEN 128
struct ring_header {
	char in_out[HEADER_LEN];	/* struct fuse_in_header, then struct fuse_out_header */
	char op_in[HEADER_LEN];		/* the operation's own; the rest of the request is in the payload */
	uint64_t flags;
	uint64_t commit_id;
	uint32_t payload_len;
	uint32_t padding;
	uint64_t reserved;
};
struct ring_command {
	uint64_t flags;
	uint64_t commit_id;
	uint16_t queue;
	uint8_t padding[6];
};
enum { REGISTER = 1, COMMIT_AND_FETCH = 2 };

/* Disabled, until the thread that uses it comes: so all that may fail does before it is started. */
#define RING_FLAGS (IORING_SETUP_SQE128 | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_R_DISABLED)
#define RING_LEN 4		/* one entry's command and the wait for the end */
#define QUEUE_THREADS 1024	/* no sooner than so many wait for each other is there none left */
#define HEAD_ROOM 4096		/* before the payload: what goes before it in a request */

/* What completes. */
enum { A_REQUEST = 1, THE_END = 2 };

struct queue {
	struct uring *u;
	uint16_t number;		/* of its processor */
	atomic_uint waiting;		/* threads that can take a request */
	unsigned threads;		/* with the lock of all */
	bool short_of_threads;		/* likewise: it has been said */
};

struct start {
	sem_t done;
	int error;			/* then */
};

/* A thread and its entry. */
struct server {
	struct server *next;
	struct queue *queue;
	pthread_t thread;
	struct io_uring ring;
	struct ring_header *header;
	char *payload;
	struct iovec iov[2];		/* both, for the kernel */
	char small[sizeof(struct fuse_in_header) + HEADER_LEN + URING_SMALL] __attribute__((aligned(8)));
	atomic_uint_fast64_t unique;	/* of the request it has; 0 none */
	atomic_bool replied;
	atomic_uint_fast64_t waits_about;	/* the node, while another is to reply; 0 */
	sem_t wake;			/* another thread has replied, or all end */
	struct start *start;		/* who waits for its entry to be taken; NULL nobody */
};

struct uring {
	int fuse_fd;
	int stop_fd;
	size_t payload_max;
	struct uring_server server;
	struct queue *queues;
	size_t n_queues;
	atomic_bool stopping;
	atomic_uint_fast64_t nudges;	/* their uniques */
	pthread_mutex_t lock;		/* of what follows, and of a reply by another thread */
	struct server *servers;		/* with those that have ended */
};

static _Thread_local struct server *self;

/* -- what the kernel has ---------------------------------------------------- */

#define SWITCH "/sys/module/fuse/parameters/enable_uring"
#define PROCESSORS "/sys/devices/system/cpu/possible"

int
uring_switch_on(void)
{
	char c = 'N';
	int fd, r = 0;

	/* Who opens the device has the module loaded. */
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	fd = open(SWITCH, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (read(fd, &c, 1) != 1)
		c = 'N';
	close(fd);
	if (c == 'Y')
		return 0;
	fd = open(SWITCH, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "Y", 1) != 1)
		r = -errno;
	if (fd >= 0)
		close(fd);
	return r;
}

size_t
uring_count_processors(const char *path)
{
	FILE *f = fopen(path, "re");
	unsigned first, last;
	size_t n = 0;
	int c = ',';

	if (f == NULL)
		return 0;
	while (c == ',' && fscanf(f, "%u", &first) == 1) {
		last = first;
		c = fgetc(f);
		if (c == '-') {
			if (fscanf(f, "%u", &last) != 1 || last < first)
				break;
			c = fgetc(f);
		}
		n += last - first + 1;
	}
	fclose(f);
	return c == '\n' && n <= UINT16_MAX ? n : 0;
}

static int
make_ring(struct io_uring *ring)
{
	struct io_uring_params p = { .flags = RING_FLAGS };

	return io_uring_queue_init_params(RING_LEN, ring, &p);
}

bool
uring_is_possible(void)
{
	struct io_uring ring;

	if (uring_count_processors(PROCESSORS) == 0 || make_ring(&ring) < 0)
		return false;
	io_uring_queue_exit(&ring);
	return true;
}

/* -- a request and its reply ------------------------------------------------ */

/* As the device gives it, in one piece.  NULL: it makes no sense. */
static void *
join_request(struct server *s, size_t *ret_len)
{
	const struct ring_header *h = s->header;
	struct fuse_in_header in;
	size_t op;
	char *to;

	memcpy(&in, h->in_out, sizeof in);
	if (h->payload_len > s->iov[1].iov_len || in.len < sizeof in + h->payload_len)
		return NULL;
	op = in.len - sizeof in - h->payload_len;
	if (op > sizeof h->op_in)
		return NULL;
	/* What is large stays where it is. */
	if (h->payload_len <= URING_SMALL) {
		to = s->small;
		memcpy(to + sizeof in + op, s->payload, h->payload_len);
	} else
		to = s->payload - op - sizeof in;
	memcpy(to, &in, sizeof in);
	memcpy(to + sizeof in, h->op_in, op);
	*ret_len = in.len;
	return to;
}

/* iov[0] is a struct fuse_out_header. */
static ssize_t
put_reply(struct server *s, const struct iovec *iov, int count)
{
	struct ring_header *h = s->header;
	struct fuse_out_header out;
	size_t len = 0;
	int i;

	memcpy(&out, iov[0].iov_base, sizeof out);
	for (i = 1; i < count; i++) {
		if (iov[i].iov_len > s->iov[1].iov_len - len) {
			out.error = -EIO;
			len = 0;
			break;
		}
		if (iov[i].iov_len > 0)
			memcpy(s->payload + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	out.len = (uint32_t)(sizeof out + len);
	memcpy(h->in_out, &out, sizeof out);
	h->payload_len = (uint32_t)len;
	return out.len;
}

/* One that has nothing but an error, 0 is none. */
static void
put_bare_reply(struct server *s, int error)
{
	struct fuse_out_header out = { .unique = s->header->commit_id, .error = error };
	struct iovec iov = { .iov_base = &out, .iov_len = sizeof out };

	put_reply(s, &iov, 1);
}

static bool
reply_for_another(struct uring *u, uint64_t unique, const struct iovec *iov, int count, ssize_t *ret)
{
	struct server *s;

	pthread_mutex_lock(&u->lock);
	for (s = u->servers; s != NULL && atomic_load(&s->unique) != unique; s = s->next)
		;
	if (s != NULL) {
		*ret = put_reply(s, iov, count);
		atomic_store(&s->replied, true);
		sem_post(&s->wake);
	}
	pthread_mutex_unlock(&u->lock);
	return s != NULL;
}

bool
uring_reply(struct uring *u, const struct iovec *iov, int count, ssize_t *ret)
{
	struct fuse_out_header out;
	struct server *s = self;

	memcpy(&out, iov[0].iov_base, sizeof out);
	if (out.unique == 0)
		return false;		/* a notification */
	if (s != NULL && s->queue->u == u && atomic_load_explicit(&s->unique, memory_order_relaxed) == out.unique) {
		*ret = put_reply(s, iov, count);
		atomic_store_explicit(&s->replied, true, memory_order_relaxed);
		return true;
	}
	return reply_for_another(u, out.unique, iov, count, ret);
}

/* -- a thread --------------------------------------------------------------- */

static int add_server(struct queue *q, struct start *start);

/* The next request is looked for with the answer to the last. */
static void
put_command(struct server *s, unsigned op)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&s->ring);
	struct ring_command command = { .queue = s->queue->number };

	if (op == COMMIT_AND_FETCH)
		command.commit_id = s->header->commit_id;
	memset(sqe, 0, 2 * sizeof *sqe);	/* SQE128 */
	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, s->queue->u->fuse_fd, s->iov, 2, 0);
	sqe->cmd_op = op;
	memcpy(sqe->cmd, &command, sizeof command);
	sqe->user_data = A_REQUEST;
	atomic_fetch_add(&s->queue->waiting, 1);
}

/* A new entry takes no request that has come before it; only who answers is given the next of those.  So while
 * one waits for another's reply, there has to be something to answer: a part of nothing of the file that it was asked
 * about, which comes as a request to the queue of the processor that it is asked for on.  (The kernel wants a regular
 * file, and only of one that it has open is it sure to know.) */
static void
nudge(struct uring *u, uint64_t node)
{
	struct fuse_notify_retrieve_out what = { .notify_unique = atomic_fetch_add(&u->nudges, 2), .nodeid = node };
	struct fuse_out_header out = { .len = sizeof out + sizeof what, .error = FUSE_NOTIFY_RETRIEVE };
	struct iovec iov[] = { { &out, sizeof out }, { &what, sizeof what } };

	if (writev(u->fuse_fd, iov, 2) < 0 && errno != ENODEV && errno != ENOTCONN && errno != ENOENT)
		log_debug("io_uring: nudge: %s", strerror(errno));
}

/* By who is new in the queue. */
static void
nudge_for_others(struct queue *q)
{
	const struct server *s;
	uint64_t node = 0;

	pthread_mutex_lock(&q->u->lock);
	for (s = q->u->servers; s != NULL && node == 0; s = s->next)
		if (s->queue == q)
			node = atomic_load(&s->waits_about);
	pthread_mutex_unlock(&q->u->lock);
	if (node != 0)
		nudge(q->u, node);
}

static bool
is_nudge(const struct server *s)
{
	struct fuse_in_header in;

	memcpy(&in, s->header->in_out, sizeof in);
	return in.opcode == FUSE_NOTIFY_REPLY;
}

/* Where it is not allowed, or the processor is off, it is served from another one. */
static void
stay_on(unsigned processor)
{
	cpu_set_t allowed, one;

	CPU_ZERO(&one);
	CPU_SET(processor, &one);
	if (pthread_getaffinity_np(pthread_self(), sizeof allowed, &allowed) == 0) {
		CPU_AND(&one, &one, &allowed);
		if (CPU_COUNT(&one) == 1)
			pthread_setaffinity_np(pthread_self(), sizeof one, &one);
	}
}

/* A refused entry completes at once. */
static int
register_entry(struct server *s)
{
	struct io_uring_sqe *sqe;
	struct io_uring_cqe *cqe;
	int r;

	/* liburing 2.3 only declares its function. */
	if (syscall(SYS_io_uring_register, s->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0) < 0)
		return -errno;
	sqe = io_uring_get_sqe(&s->ring);
	io_uring_prep_poll_add(sqe, s->queue->u->stop_fd, POLLIN);
	sqe->user_data = THE_END;
	put_command(s, REGISTER);
	r = io_uring_submit(&s->ring);
	if (r < 0)
		return r;
	if (io_uring_peek_cqe(&s->ring, &cqe) == 0 && cqe->user_data == A_REQUEST && cqe->res < 0)
		return cqe->res;
	return 0;
}

/* 1: there is a request; 0: there will be no more. */
static int
wait_request(struct server *s)
{
	struct io_uring_cqe *cqe;
	uint64_t what;
	int r;

	/* Who is stopped and goes on, as in a suspended system, comes back with nothing. */
	do {
		r = io_uring_submit_and_wait(&s->ring, 1);
		if (r >= 0 || r == -EINTR)
			r = io_uring_peek_cqe(&s->ring, &cqe);
	} while (r == -EINTR || r == -EAGAIN);
	if (r < 0) {
		log_error("io_uring: %s", strerror(-r));
		return 0;
	}
	what = cqe->user_data;
	r = cqe->res;
	io_uring_cqe_seen(&s->ring, cqe);
	if (what == A_REQUEST && r < 0 && r != -ENOTCONN && r != -ECONNABORTED && r != -ECANCELED)
		log_error("io_uring: %s", strerror(-r));
	return what == A_REQUEST && r >= 0;
}

/* One more waits than are at work.  Where none can be started, who is at work takes the next.
 * true: there was none for a moment. */
static bool
keep_one_waiting(struct queue *q)
{
	if (atomic_fetch_sub(&q->waiting, 1) > 1)
		return false;
	add_server(q, NULL);
	return true;
}

/* Until another thread has replied, or it is to end. */
static void
wait_reply(struct server *s, uint64_t node, bool queued)
{
	struct uring *u = s->queue->u;

	atomic_store(&s->waits_about, node);
	/* Who is new either has seen that, or is there by now. */
	if (queued && !atomic_load(&s->replied))
		nudge(u, node);
	while (!atomic_load(&s->replied) && !atomic_load(&u->stopping))
		sem_wait(&s->wake);
	atomic_store(&s->waits_about, 0);
}

/* queued: others may have come while none could take them.  false: it is to end, and there is no reply. */
static bool
serve(struct server *s, bool queued)
{
	struct uring *u = s->queue->u;
	struct fuse_in_header in;
	size_t len = 0;
	void *request = join_request(s, &len);

	memcpy(&in, s->header->in_out, sizeof in);
	atomic_store(&s->replied, false);
	atomic_store(&s->unique, in.unique);
	if (request != NULL) {
		u->server.serve(u->server.ctx, request, len);
	} else {
		put_bare_reply(s, -EIO);
		atomic_store(&s->replied, true);
	}
	if (!atomic_load(&s->replied))
		wait_reply(s, in.nodeid, queued);
	atomic_store(&s->unique, 0);
	return atomic_load(&s->replied);
}

static void *
run(void *arg)
{
	struct server *s = arg;
	struct uring *u = s->queue->u;
	int r;

	pthread_setname_np(pthread_self(), "fs-uring");
	stay_on(s->queue->number);
	self = s;
	r = register_entry(s);
	if (s->start != NULL) {
		s->start->error = r;
		sem_post(&s->start->done);
	} else if (r == 0)
		nudge_for_others(s->queue);
	else if (r != -ENOTCONN && r != -ECONNABORTED)
		log_error("io_uring: %s", strerror(-r));
	while (r == 0 && wait_request(s)) {
		if (is_nudge(s)) {
			atomic_fetch_sub(&s->queue->waiting, 1);
			put_bare_reply(s, 0);
		} else if (!serve(s, keep_one_waiting(s->queue)))
			break;
		put_command(s, COMMIT_AND_FETCH);
	}
	/* What is in the ring ends with it. */
	io_uring_queue_exit(&s->ring);
	u->server.leave(u->server.ctx);
	return NULL;
}

/* Its header, room before the payload, and the payload. */
static size_t
entry_len(const struct uring *u)
{
	return HEAD_ROOM * 2 + u->payload_max;
}

static void
free_server(struct server *s)
{
	munmap(s->header, entry_len(s->queue->u));
	sem_destroy(&s->wake);
	free(s);
}

/* With its ring; NULL: *ret_error. */
static struct server *
new_server(struct queue *q, struct start *start, int *ret_error)
{
	struct server *s = calloc(1, sizeof *s);
	char *mem;

	if (s == NULL) {
		*ret_error = -ENOMEM;
		return NULL;
	}
	s->queue = q;
	s->start = start;
	/* In memory once it is used, no sooner. */
	mem = mmap(NULL, entry_len(q->u), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	*ret_error = mem == MAP_FAILED ? -errno : make_ring(&s->ring);
	if (*ret_error < 0) {
		if (mem != MAP_FAILED)
			munmap(mem, entry_len(q->u));
		free(s);
		return NULL;
	}
	sem_init(&s->wake, 0, 0);
	s->header = (struct ring_header *)mem;
	s->payload = mem + HEAD_ROOM * 2;
	s->iov[0] = (struct iovec){ .iov_base = s->header, .iov_len = sizeof *s->header };
	s->iov[1] = (struct iovec){ .iov_base = s->payload, .iov_len = q->u->payload_max };
	return s;
}

static int
start_thread_locked(struct queue *q, struct start *start)
{
	int r;
	struct server *s = new_server(q, start, &r);

	if (s == NULL)
		return r;
	r = -pthread_create(&s->thread, NULL, run, s);
	if (r < 0) {
		io_uring_queue_exit(&s->ring);
		free_server(s);
		return r;
	}
	s->next = q->u->servers;
	q->u->servers = s;
	q->threads++;
	return 0;
}

static int
add_server(struct queue *q, struct start *start)
{
	struct uring *u = q->u;
	int r = 0;

	pthread_mutex_lock(&u->lock);
	if (!atomic_load(&u->stopping))
		r = q->threads < QUEUE_THREADS ? start_thread_locked(q, start) : -EAGAIN;
	if (r < 0 && start == NULL && !q->short_of_threads)
		log_error("io_uring: no more threads: %s", strerror(-r));
	q->short_of_threads = r < 0;
	pthread_mutex_unlock(&u->lock);
	return r;
}

/* -- all of them ------------------------------------------------------------ */

static int
start_queues(struct uring *u)
{
	struct start start = { .error = 0 };
	size_t i;
	int r = 0;

	sem_init(&start.done, 0, 0);
	for (i = 0; i < u->n_queues && r == 0; i++) {
		u->queues[i].u = u;
		u->queues[i].number = (uint16_t)i;
		r = add_server(&u->queues[i], &start);
		if (r == 0) {
			while (sem_wait(&start.done) < 0)
				;
			r = start.error;
		}
	}
	sem_destroy(&start.done);
	return r;
}

int
uring_start(int fuse_fd, size_t payload_max, const struct uring_server *server, _Atomic(struct uring *) *ret)
{
	struct uring *u = calloc(1, sizeof *u);
	int r = -ENOMEM;

	if (u == NULL)
		return r;
	u->fuse_fd = fuse_fd;
	u->payload_max = payload_max;
	u->server = *server;
	u->n_queues = uring_count_processors(PROCESSORS);
	u->queues = calloc(u->n_queues, sizeof *u->queues);
	u->stop_fd = eventfd(0, EFD_CLOEXEC);
	/* Even, as all must be, and none that the kernel gives a request. */
	atomic_store(&u->nudges, UINT64_C(1) << 63);
	pthread_mutex_init(&u->lock, NULL);
	atomic_store(ret, u);
	if (u->n_queues == 0)
		r = -ENOSYS;
	else if (u->queues != NULL && u->stop_fd >= 0)
		r = start_queues(u);
	if (r < 0) {
		uring_stop(u);
		uring_join(u);
		atomic_store(ret, NULL);
		uring_free(u);
	}
	return r;
}

void
uring_stop(struct uring *u)
{
	struct server *s;
	uint64_t one = 1;

	pthread_mutex_lock(&u->lock);
	atomic_store(&u->stopping, true);
	for (s = u->servers; s != NULL; s = s->next)
		sem_post(&s->wake);
	pthread_mutex_unlock(&u->lock);
	if (u->stop_fd >= 0 && write(u->stop_fd, &one, sizeof one) < 0)
		return;			/* cannot be: it is the only one */
}

void
uring_join(struct uring *u)
{
	struct server *s, *joined = NULL;

	/* The first is the youngest; an older one may have started another meanwhile. */
	for (;;) {
		pthread_mutex_lock(&u->lock);
		s = u->servers;
		while (s != NULL && s->next != joined)
			s = s->next;
		pthread_mutex_unlock(&u->lock);
		if (s == NULL)
			break;
		pthread_join(s->thread, NULL);
		joined = s;
	}
}

void
uring_free(struct uring *u)
{
	struct server *s;

	if (u == NULL)
		return;
	while ((s = u->servers) != NULL) {
		u->servers = s->next;
		free_server(s);
	}
	if (u->stop_fd >= 0)
		close(u->stop_fd);
	pthread_mutex_destroy(&u->lock);
	free(u->queues);
	free(u);
}
