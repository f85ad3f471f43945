#include "web/follow.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/change_json.h"
#include "web/limits.h"

/* Changes of one page. */
#define PAGE 64
/* In case a sign of another process is lost. */
#define POLL_MS 1000
#define NS 1000000

/* A page of events, shared by those who are at its place. */
struct page {
	unsigned refs;
	uint64_t after, last;		/* the sequences it stands between */
	bool metadata;
	struct buf text;
};

struct follower {
	struct follower *next;
	int fd;
	uint64_t after;
	bool metadata;
	struct page *page;		/* what it is being sent; NULL: nothing */
	size_t sent;			/* of that */
	int64_t heard;			/* clock_monotonic, when it took bytes last */
};

struct follow {
	struct store *store;
	struct change_watch *watch;
	pthread_t thread;
	bool runs;
	int wake;			/* eventfd: added or ended */
	pthread_mutex_t lock;		/* guards: added, count, ended */
	struct follower *added;
	unsigned count;			/* places taken */
	bool ended;
	/* The thread's own. */
	struct follower *followers;
	struct page *latest;		/* made in this turn */
	struct page *greeting, *beat;
	struct pollfd *fds;
};

/* -- pages ---------------------------------------------------------------- */

static struct page *
page_new(const char *text)
{
	struct page *p = calloc(1, sizeof *p);

	if (p == NULL)
		return NULL;
	p->refs = 1;
	buf_init(&p->text, LIMIT_METADATA_MAX);
	buf_puts(&p->text, text);
	return p;
}

static void
page_unref(struct page *p)
{
	if (p == NULL || --p->refs > 0)
		return;
	buf_fini(&p->text);
	free(p);
}

static int
put_event(void *ctx, const struct change_entry *entry)
{
	struct page *p = ctx;

	buf_printf(&p->text, "id: %" PRIu64 "\ndata: ", entry->change.sequence);
	change_put_json(entry, &p->text);
	buf_puts(&p->text, "\n\n");
	p->last = entry->change.sequence;
	/* Enough for now: what is large is read as the clients take it. */
	return p->text.len > LIMIT_CHUNK;
}

/* What follows a place; NULL: nothing yet. */
static struct page *
page_after(struct follow *w, uint64_t after, bool metadata)
{
	struct changes_query q = { .after = after, .limit = PAGE, .metadata = metadata };
	struct err err = { 0 };
	struct page *p = w->latest;
	int r;

	if (p == NULL || p->after != after || p->metadata != metadata) {
		page_unref(p);
		w->latest = p = page_new("");
		if (p == NULL)
			return NULL;
		p->after = p->last = after;
		p->metadata = metadata;
		r = store_changes(w->store, &q, put_event, p, &err);
		if (r >= 0)
			r = buf_error(&p->text);
		if (r < 0) {
			log_error("follow: cannot read the feed: %s", err_text(&err));
			p->last = after;
			buf_reset(&p->text);
		}
	}
	if (p->last == after)
		return NULL;
	p->refs++;
	return p;
}

/* -- followers ------------------------------------------------------------ */

static void
send_page(struct follower *f, struct page *p)
{
	p->refs++;
	f->page = p;
	f->sent = 0;
}

/* Send until the socket is full or nothing is left.  false: the client has gone, or is as good as. */
static bool
serve(struct follow *w, struct follower *f, short events, int64_t now)
{
	char scrap[512];
	ssize_t n;

	if (events & (POLLIN | POLLHUP | POLLERR)) {
		n = recv(f->fd, scrap, sizeof scrap, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return false;
	}
	if (f->page == NULL) {
		f->page = page_after(w, f->after, f->metadata);
		f->sent = 0;
		if (f->page == NULL && now - f->heard > (int64_t)LIMIT_HEARTBEAT_MS * NS)
			send_page(f, w->beat);
	}
	while (f->page != NULL) {
		n = send(f->fd, f->page->text.data + f->sent, f->page->text.len - f->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return now - f->heard < (int64_t)LIMIT_IDLE_MS * NS;
		if (n < 0)
			return false;
		f->heard = now;
		f->sent += (size_t)n;
		if (f->sent < f->page->text.len)
			continue;
		if (f->page->last > f->after)
			f->after = f->page->last;
		page_unref(f->page);
		/* One page a turn, so that a client who reads fast does not keep the others waiting. */
		f->page = NULL;
	}
	return true;
}

static void
drop(struct follow *w, struct follower *f)
{
	close(f->fd);
	page_unref(f->page);
	free(f);
	pthread_mutex_lock(&w->lock);
	w->count--;
	pthread_mutex_unlock(&w->lock);
}

/* Everybody's turn.  Returns whether somebody got a whole page, who may want the next. */
static bool
serve_all(struct follow *w, const struct pollfd *fds)
{
	int64_t now = clock_monotonic();
	struct follower **at = &w->followers, *f;
	bool more = false;
	uint64_t before;
	size_t i;

	for (i = 0; (f = *at) != NULL; i++) {
		before = f->after;
		if (serve(w, f, fds[i].revents, now)) {
			more |= f->after != before;
			at = &f->next;
			continue;
		}
		*at = f->next;
		drop(w, f);
	}
	page_unref(w->latest);
	w->latest = NULL;
	return more;
}

/* The new ones come behind the others.  false: the end. */
static bool
take_added(struct follow *w)
{
	struct follower **end = &w->followers;
	uint64_t count;
	bool ended;

	if (read(w->wake, &count, sizeof count) < 0 && errno != EAGAIN)
		log_error("follow: cannot read the wake-up error=%s", strerror(errno));
	while (*end != NULL)
		end = &(*end)->next;
	pthread_mutex_lock(&w->lock);
	*end = w->added;
	w->added = NULL;
	ended = w->ended;
	pthread_mutex_unlock(&w->lock);
	for (; *end != NULL; end = &(*end)->next)
		send_page(*end, w->greeting);
	return !ended;
}

static void *
follow_main(void *ctx)
{
	struct follow *w = ctx;
	struct follower *f;
	bool more = false;
	nfds_t n;

	store_log_about(w->store);
	while (take_added(w)) {
		w->fds[0] = (struct pollfd){ .fd = w->wake, .events = POLLIN };
		w->fds[1] = (struct pollfd){ .fd = change_watch_fd(w->watch), .events = POLLIN };
		for (n = 2, f = w->followers; f != NULL; f = f->next)
			w->fds[n++] = (struct pollfd){ .fd = f->fd, .events = (short)(f->page != NULL ? POLLIN | POLLOUT : POLLIN) };
		if (n == 2)
			w->fds[1].fd = -1;	/* nobody wants to know */
		if (poll(w->fds, n, more ? 0 : n == 2 ? -1 : POLL_MS) < 0 && errno != EINTR)
			break;
		change_watch_clear(w->watch);
		more = serve_all(w, w->fds + 2);
	}
	while ((f = w->followers) != NULL) {
		w->followers = f->next;
		drop(w, f);
	}
	return NULL;
}

/* -- life ----------------------------------------------------------------- */

static void
wake(struct follow *w)
{
	uint64_t one = 1;

	if (write(w->wake, &one, sizeof one) < 0 && errno != EAGAIN)
		log_error("follow: cannot wake the thread error=%s", strerror(errno));
}

int
follow_start(struct store *st, struct follow **ret_follow)
{
	struct follow *w = calloc(1, sizeof *w);
	int r;

	if (w == NULL)
		return -ENOMEM;
	w->store = st;
	pthread_mutex_init(&w->lock, NULL);
	w->greeting = page_new("retry: 2000\n\n");
	w->beat = page_new(":\n\n");
	w->fds = calloc(2 + LIMIT_FOLLOWERS, sizeof *w->fds);
	w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = w->wake < 0 ? -errno : w->greeting == NULL || w->beat == NULL || w->fds == NULL ? -ENOMEM : 0;
	if (r == 0)
		r = change_watch_open(st, &w->watch);
	if (r == 0)
		r = -pthread_create(&w->thread, NULL, follow_main, w);
	w->runs = r == 0;
	if (r < 0) {
		follow_stop(w);
		return r;
	}
	*ret_follow = w;
	return 0;
}

void
follow_stop(struct follow *w)
{
	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->ended = true;
	pthread_mutex_unlock(&w->lock);
	if (w->runs) {
		wake(w);
		pthread_join(w->thread, NULL);
	}
	change_watch_close(w->watch);
	page_unref(w->greeting);
	page_unref(w->beat);
	if (w->wake >= 0)
		close(w->wake);
	free(w->fds);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

int
follow_reserve(struct follow *w, struct err *err)
{
	bool full;

	pthread_mutex_lock(&w->lock);
	full = w->count == LIMIT_FOLLOWERS || w->ended;
	w->count += !full;
	pthread_mutex_unlock(&w->lock);
	return full ? err_set(err, -EMFILE, "More than %d clients follow already", LIMIT_FOLLOWERS) : 0;
}

void
follow_add(struct follow *w, int fd, uint64_t after, bool metadata)
{
	struct follower *f = fd >= 0 ? calloc(1, sizeof *f) : NULL;

	if (f != NULL)
		*f = (struct follower){ .fd = fd, .after = after, .metadata = metadata, .heard = clock_monotonic() };
	else if (fd >= 0)
		close(fd);
	pthread_mutex_lock(&w->lock);
	if (f == NULL) {
		w->count--;
	} else {
		f->next = w->added;
		w->added = f;
	}
	pthread_mutex_unlock(&w->lock);
	if (f != NULL)
		wake(w);
}
