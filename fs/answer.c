/* The threads that answer the kernel, by the device or by io_uring. */
#include "fs/private.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "fs/behind.h"

/* The last thread has gone: the mount has ended. */
static void
end(struct mount *m)
{
	void (*fn)(void *ctx) = NULL;
	void *ctx = NULL;

	pthread_mutex_lock(&m->end_lock);
	m->ended = true;
	if (!m->stopping) {
		fn = m->on_end;
		ctx = m->on_end_ctx;
		m->on_end = NULL;
	}
	pthread_mutex_unlock(&m->end_lock);
	if (fn != NULL)
		fn(ctx);
}

static void *
answer(void *arg)
{
	struct mount *m = arg;
	struct fuse_buf buf = { .mem = NULL };
	int r;

	pthread_setname_np(pthread_self(), "fs-answer");
	while (!fuse_session_exited(m->se)) {
		r = fuse_session_receive_buf(m->se, &buf);
		if (r == -EINTR || r == -EAGAIN)
			continue;
		if (r <= 0)
			break;		/* unmounted, or stopped */
		fuse_session_process_buf(m->se, &buf);
	}
	free(buf.mem);
	fs_scratch_free();
	if (--m->running == 0)
		end(m);
	return NULL;
}

static void
serve_request(void *ctx, void *request, size_t len)
{
	struct mount *m = ctx;
	struct fuse_buf buf = { .mem = request, .size = len };

	fuse_session_process_buf(m->se, &buf);
}

static void
leave(void *ctx)
{
	(void)ctx;
	fs_scratch_free();
}

/* The first request is INIT: what is agreed there decides how the others come. */
static int
answer_init(struct mount *m)
{
	struct fuse_buf buf = { .mem = NULL };
	int r = 0;

	while (r >= 0 && !m->channel.init_answered) {
		r = fuse_session_receive_buf(m->se, &buf);
		if (r > 0)
			fuse_session_process_buf(m->se, &buf);
		else if (r == 0)
			r = -ENOTCONN;
		else if (r == -EINTR || r == -EAGAIN)
			r = 0;
	}
	free(buf.mem);
	return r < 0 ? r : 0;
}

static int
start_uring(struct mount *m)
{
	struct uring_server server = { .serve = serve_request, .leave = leave, .ctx = m };
	int r = 0;

	/* A file comes in by one processor, so another is free to help. */
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		r = behind_start(m->options.spin, &m->behind);
	if (r == 0)
		r = uring_start(m->channel.fd, FS_WRITE_MAX, &server, &m->channel.uring);
	/* It was switched off since it was offered: the kernel sends all by the device. */
	if (r == -EOPNOTSUPP) {
		m->channel.uring_on = false;
		behind_stop(m->behind);
		m->behind = NULL;
		return 0;
	}
	/* The few that still come by the device are waited for in sleep. */
	patience_init(&m->channel.reader.patience, false);
	return r;
}

/* How many answer what comes by the device. */
static unsigned
device_threads(const struct mount *m)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned more = (unsigned)(m->n - 1) * FS_THREADS_STORE;

	if (m->channel.uring_on)
		return 1;
	return (unsigned)(cpus > 0 ? cpus : 1) + FS_THREADS_MORE + (more < FS_THREADS_STORES ? more : FS_THREADS_STORES);
}

int
answer_start(struct mount *m)
{
	unsigned n;
	int r = answer_init(m);

	if (r == 0 && m->channel.uring_on)
		r = start_uring(m);
	if (r < 0)
		return r;
	n = device_threads(m);
	m->threads = calloc(n, sizeof *m->threads);
	if (m->threads == NULL)
		return -ENOMEM;
	m->running = n;
	for (; m->n_threads < n; m->n_threads++) {
		r = -pthread_create(&m->threads[m->n_threads], NULL, answer, m);
		if (r < 0)
			break;
	}
	m->running -= n - m->n_threads;
	return m->n_threads > 0 ? 0 : r;
}

void
answer_stop(struct mount *m)
{
	reader_stop(&m->channel.reader);
	if (m->channel.uring != NULL)
		uring_stop(m->channel.uring);
}

void
answer_join(struct mount *m)
{
	while (m->n_threads > 0)
		pthread_join(m->threads[--m->n_threads], NULL);
	if (m->channel.uring != NULL && !m->uring_joined)
		uring_join(m->channel.uring);
	m->uring_joined = true;
}
