/* Following the feed: one thread that tells an observer of every change, made
 * here or by another process.
 *
 * Our own commits wake it (eventfd); those of others show as writes to the
 * index file (inotify: LMDB writes it with pwrite, not through its map).
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/log.h"
#include "store/internal.h"

#define PAGE 128
/* In case an event is lost. */
#define POLL_MS 1000

static void
to_change(uint64_t sequence, const struct feed_entry *e, struct change *c)
{
	*c = (struct change){
		.sequence = sequence, .time = e->time, .action = (enum change_action)e->action,
		.watermark = e->watermark, .partition_id = e->partition, .study_id = e->study,
		.series_id = e->series, .instance_id = e->instance,
		.study_appeared = e->action == FEED_CREATE && (e->with & FEED_STUDY),
		.series_appeared = e->action == FEED_CREATE && (e->with & FEED_SERIES),
		.study_vanished = e->action == FEED_DELETE && (e->with & FEED_STUDY),
		.series_vanished = e->action == FEED_DELETE && (e->with & FEED_SERIES),
	};
	strcpy(c->study_uid, e->study_uid);
	strcpy(c->series_uid, e->series_uid);
	strcpy(c->sop_uid, e->sop_uid);
}

/* Changes after `after`, at most PAGE.  Returns how many. */
static int
read_changes(struct store *st, uint64_t after, struct change *out)
{
	struct key from = key_of_1(after + 1);
	struct feed_entry e;
	struct kv_range *g;
	struct kv_txn *txn;
	struct slice k, v;
	int n = 0, r;

	r = kv_begin(st->kv, KV_READ, &txn);
	if (r < 0)
		return r;
	r = kv_range_open(txn, T_FEED, key_slice(&from), slice_of(NULL, 0), KV_ASCENDING, PAGE, &g);
	if (r == 0) {
		while ((r = kv_range_next(g, &k, &v)) > 0 && (r = feed_entry_get(v, &e)) == 0)
			to_change(read_u64(k.data), &e, &out[n++]);
		kv_range_close(g);
	}
	kv_abort(txn);
	return r < 0 ? r : n;
}

/* Everything there is to tell. */
static void
drain(struct store *st, struct change *page)
{
	uint64_t sequence;
	int n, i;

	for (;;) {
		pthread_mutex_lock(&st->lock);
		sequence = st->observed;
		pthread_mutex_unlock(&st->lock);
		n = read_changes(st, sequence, page);
		if (n <= 0) {
			if (n < 0)
				log_error("changes: cannot read the feed error=%s", strerror(-n));
			return;
		}
		for (i = 0; i < n; i++)
			st->observer_fn(st->observer_ctx, &page[i]);
		pthread_mutex_lock(&st->lock);
		st->observed = page[n - 1].sequence;
		pthread_cond_broadcast(&st->done);
		pthread_mutex_unlock(&st->lock);
	}
}

static void *
observer_main(void *ctx)
{
	struct store *st = ctx;
	struct change *page = malloc(PAGE * sizeof *page);
	struct pollfd fds[2] = { { .fd = st->observer_wake, .events = POLLIN }, { .fd = -1, .events = POLLIN } };
	char path[4096], events[4096];
	uint64_t count;
	bool running = page != NULL;

	fds[1].fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	snprintf(path, sizeof path, "%s/index/data.mdb", st->path != NULL ? st->path : "");
	if (fds[1].fd >= 0)
		inotify_add_watch(fds[1].fd, path, IN_MODIFY);
	while (running) {
		drain(st, page);
		if (poll(fds, 2, POLL_MS) < 0 && errno != EINTR)
			break;
		if (fds[0].revents != 0 && read(st->observer_wake, &count, sizeof count) < 0 && errno != EAGAIN)
			break;
		if (fds[1].revents != 0)
			while (read(fds[1].fd, events, sizeof events) > 0)
				;
		pthread_mutex_lock(&st->lock);
		running = st->observing;
		pthread_mutex_unlock(&st->lock);
	}
	if (fds[1].fd >= 0)
		close(fds[1].fd);
	free(page);
	return NULL;
}

void
changes_wake(struct store *st)
{
	uint64_t one = 1;

	pthread_mutex_lock(&st->lock);
	if (st->observer_runs && write(st->observer_wake, &one, sizeof one) < 0)
		log_error("changes: cannot wake the observer error=%s", strerror(errno));
	pthread_mutex_unlock(&st->lock);
}

void
changes_stop(struct store *st)
{
	bool runs;

	pthread_mutex_lock(&st->lock);
	runs = st->observer_runs;
	st->observing = false;
	pthread_cond_broadcast(&st->done);
	pthread_mutex_unlock(&st->lock);
	if (!runs)
		return;
	changes_wake(st);
	pthread_join(st->observer, NULL);
	pthread_mutex_lock(&st->lock);
	st->observer_runs = false;
	pthread_mutex_unlock(&st->lock);
	close(st->observer_wake);
	st->observer_wake = -1;
}

int
store_observe(struct store *st, void (*fn)(void *ctx, const struct change *change), void *ctx)
{
	struct catalog_counters c;
	struct kv_txn *txn;
	int r;

	changes_stop(st);
	if (fn == NULL)
		return 0;
	r = kv_begin(st->kv, KV_READ, &txn);
	if (r < 0)
		return r;
	r = catalog_get_counters(txn, &c);
	kv_abort(txn);
	if (r < 0)
		return r;
	st->observer_wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (st->observer_wake < 0)
		return -errno;
	st->observer_fn = fn;
	st->observer_ctx = ctx;
	pthread_mutex_lock(&st->lock);
	st->observed = c.sequence;
	st->observing = true;
	pthread_mutex_unlock(&st->lock);
	r = -pthread_create(&st->observer, NULL, observer_main, st);
	pthread_mutex_lock(&st->lock);
	st->observer_runs = r == 0;
	st->observing = r == 0;
	pthread_mutex_unlock(&st->lock);
	return r;
}
