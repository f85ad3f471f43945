/* Following the feed: watches, which tell that there may be changes, and one thread that tells
 * an observer of every change, made here or by another process.
 *
 * Our own commits wake a watch (eventfd); those of others show as writes to the
 * index file (inotify: LMDB writes it with pwrite, not through its map).
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/log.h"
#include "store/internal.h"

#define PAGE 128
/* In case an event is lost. */
#define POLL_MS 1000

struct change_watch {
	struct store *st;
	struct change_watch *next;	/* guarded by store.lock */
	int poll;			/* epoll of the two below */
	int own;			/* eventfd: our commits */
	int others;			/* inotify of the index file; -1: none to watch */
};

/* -- watches -------------------------------------------------------------- */

static int
watch_fds(struct change_watch *w)
{
	struct epoll_event event = { .events = EPOLLIN };
	char path[4096];

	w->own = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->poll = epoll_create1(EPOLL_CLOEXEC);
	if (w->own < 0 || w->poll < 0 || epoll_ctl(w->poll, EPOLL_CTL_ADD, w->own, &event) < 0)
		return -errno;
	if (w->st->path == NULL)
		return 0;
	/* There are few of them on a system; without one, others are looked for once a second. */
	w->others = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	snprintf(path, sizeof path, "%s/index/data.mdb", w->st->path);
	if (w->others >= 0 && (inotify_add_watch(w->others, path, IN_MODIFY) < 0 ||
			       epoll_ctl(w->poll, EPOLL_CTL_ADD, w->others, &event) < 0))
		log_warning("changes: cannot watch %s error=%s", path, strerror(errno));
	return 0;
}

static void
watch_free(struct change_watch *w)
{
	if (w->own >= 0)
		close(w->own);
	if (w->others >= 0)
		close(w->others);
	if (w->poll >= 0)
		close(w->poll);
	free(w);
}

int
change_watch_open(struct store *st, struct change_watch **ret_watch)
{
	struct change_watch *w = calloc(1, sizeof *w);
	int r;

	if (w == NULL)
		return -ENOMEM;
	w->st = st;
	w->own = w->others = w->poll = -1;
	r = watch_fds(w);
	if (r < 0) {
		watch_free(w);
		return r;
	}
	pthread_mutex_lock(&st->lock);
	w->next = st->watches;
	st->watches = w;
	pthread_mutex_unlock(&st->lock);
	*ret_watch = w;
	return 0;
}

int
change_watch_fd(const struct change_watch *w)
{
	return w->poll;
}

void
change_watch_clear(struct change_watch *w)
{
	char events[4096];
	uint64_t count;

	if (read(w->own, &count, sizeof count) < 0 && errno != EAGAIN)
		log_error("changes: cannot read the wake-up error=%s", strerror(errno));
	while (w->others >= 0 && read(w->others, events, sizeof events) > 0)
		;
}

void
change_watch_close(struct change_watch *w)
{
	struct change_watch **p;

	if (w == NULL)
		return;
	pthread_mutex_lock(&w->st->lock);
	for (p = &w->st->watches; *p != w; p = &(*p)->next)
		;
	*p = w->next;
	pthread_mutex_unlock(&w->st->lock);
	watch_free(w);
}

static void
wake_locked(struct change_watch *w)
{
	uint64_t one = 1;

	if (write(w->own, &one, sizeof one) < 0 && errno != EAGAIN)
		log_error("changes: cannot wake a follower error=%s", strerror(errno));
}

void
changes_wake(struct store *st)
{
	struct change_watch *w;

	pthread_mutex_lock(&st->lock);
	for (w = st->watches; w != NULL; w = w->next)
		wake_locked(w);
	pthread_mutex_unlock(&st->lock);
}

/* -- the observer --------------------------------------------------------- */

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
			change_of_entry(read_u64(k.data), &e, &out[n++]);
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
	struct pollfd fd = { .fd = change_watch_fd(st->observer_watch), .events = POLLIN };
	bool running = page != NULL;

	store_log_about(st);
	while (running) {
		change_watch_clear(st->observer_watch);
		drain(st, page);
		if (poll(&fd, 1, POLL_MS) < 0 && errno != EINTR)
			break;
		pthread_mutex_lock(&st->lock);
		running = st->observing;
		pthread_mutex_unlock(&st->lock);
	}
	free(page);
	return NULL;
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
	change_watch_close(st->observer_watch);
	st->observer_watch = NULL;
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
	r = change_watch_open(st, &st->observer_watch);
	if (r < 0)
		return r;
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
	if (r < 0) {
		change_watch_close(st->observer_watch);
		st->observer_watch = NULL;
	}
	return r;
}
