/* The threads that tell receivers of changes.
 *
 * One round of a thread reads the feed from its place on, until a batch is full; sends the batch; and
 * keeps its new place.  A kill between the last two sends the batch again, with the same events.
 * Changes that the receiver does not want move its place, too, but that is kept only now and then.
 */
#include "ops/events.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "net/http_client.h"
#include "ops/event_sender.h"
#include "store/receivers.h"

/* How often the lock of a receiver is asked for, and the feed looked at in case a sign is lost, ms. */
#define LOOK_MS 1000
/* Changes read in one round, wanted or not. */
#define ROUND_MAX 20000
/* Changes that nobody wants, after which the place is kept. */
#define KEEP_AFTER 10000
#define FIRST_WAIT_MS 500
/* Retry-After that says more, s, is a mistake. */
#define ASKED_MAX 86400
#define EVENT_MAX 8192

struct teller {
	struct events *events;
	const struct event_receiver *receiver;
	struct event_sender *sender;
	struct change_watch *watch;
	pthread_t thread;
	bool runs;
	/* Of the thread. */
	int lock;			/* -1: another process tells it */
	struct receiver place;
	uint64_t kept;			/* sequence in the index */
	size_t batch_max;		/* less than the settings' after it was too large for the receiver */
	unsigned tries;			/* of what is sent now, so far */
	struct buf batch, event;
	size_t n;			/* events in batch */
	uint64_t read;			/* sequence of the last change that was looked at */
};

struct events {
	struct store *store;
	struct event_settings settings;
	struct event_source source;
	char topic[512], host[256];
	atomic_bool stop;
	int wake;			/* eventfd: readable when it ends */
	struct teller *tellers;
	size_t n;
};

/* -- waiting -------------------------------------------------------------- */

/* Until it ends, the time is up, or, when told to watch, there may be changes.  Returns whether there may. */
static bool
rest(struct teller *t, int64_t ms, bool watch)
{
	struct pollfd fds[2] = {
		{ .fd = t->events->wake, .events = POLLIN },
		{ .fd = watch ? change_watch_fd(t->watch) : -1, .events = POLLIN },
	};

	while (poll(fds, 2, ms > INT32_MAX ? INT32_MAX : (int)ms) < 0 && errno == EINTR)
		;
	return (fds[1].revents & POLLIN) != 0;
}

/* -- the place ------------------------------------------------------------ */

static int
keep(struct teller *t)
{
	struct err err = { 0 };
	int r;

	t->place.updated = clock_now();
	r = store_receiver_keep(t->events->store, &t->place, &err);
	if (r < 0)
		log_error("events receiver=%s error=\"%s\"", t->receiver->name, err_text(&err));
	else
		t->kept = t->place.sequence;
	return r;
}

static void
note_failure(struct teller *t, const struct err *err)
{
	bool news = t->place.failing == 0 || strcmp(t->place.why, err_text(err)) != 0;

	t->tries++;
	if (!news)
		return;
	log_warning("events receiver=%s state=failing sequence=%" PRIu64 " error=\"%s\"", t->receiver->name,
		    t->place.sequence, err_text(err));
	if (t->place.failing == 0)
		t->place.failing = clock_now();
	snprintf(t->place.why, sizeof t->place.why, "%s", err_text(err));
	keep(t);
}

static void
note_success(struct teller *t)
{
	t->tries = 0;
	if (t->place.failing == 0)
		return;
	log_info("events receiver=%s state=well sequence=%" PRIu64, t->receiver->name, t->place.sequence);
	t->place.failing = 0;
	t->place.why[0] = '\0';
}

/* The address that agreed: another one must be asked. */
static void
hash_address(const struct event_receiver *v, unsigned char hash[HASH_LEN])
{
	char text[EVENT_URL_MAX + 4];

	hash_bytes(text, (size_t)snprintf(text, sizeof text, "%d %s", v->schema, v->url), hash);
}

/* -- telling -------------------------------------------------------------- */

static int
take(void *ctx, const struct change_entry *e)
{
	struct teller *t = ctx;
	struct events *all = t->events;

	if (all->stop)
		return 1;
	if (event_receiver_wants(t->receiver, &all->source, e)) {
		buf_reset(&t->event);
		if (t->n > 0 && t->receiver->path[0] == '\0')
			buf_putc(&t->event, ',');
		event_put_json(t->receiver->schema, &all->source, e, &t->event);
		if (t->receiver->path[0] != '\0')
			buf_putc(&t->event, '\n');
		/* "[" and "]" are put around them. */
		if (t->n > 0 && t->batch.len + t->event.len + 2 > all->settings.batch_bytes)
			return 1;
		if (buf_error(&t->event) < 0 || buf_put(&t->batch, t->event.data, t->event.len) < 0)
			return -ENOMEM;
		t->n++;
	}
	t->read = e->change.sequence;
	return t->n >= t->batch_max;
}

static int
agree(struct teller *t, int64_t *ret_wait, struct err *err)
{
	unsigned char address[HASH_LEN];
	int r;

	hash_address(t->receiver, address);
	if (!t->receiver->validate || t->receiver->path[0] != '\0' || memcmp(address, t->place.validated, HASH_LEN) == 0)
		return 0;
	r = event_sender_agree(t->sender, ret_wait, err);
	if (r == 0) {
		log_info("events receiver=%s state=agreed", t->receiver->name);
		memcpy(t->place.validated, address, HASH_LEN);
	}
	return r;
}

/* 1: go on; 0: there is nothing more; -EAGAIN and after how many ms to try again. */
static int
tell_some(struct teller *t, int64_t *ret_ms)
{
	struct changes_query query = { .from = CHANGES_BY_SEQUENCE, .after = t->place.sequence, .limit = ROUND_MAX };
	struct err err = { 0 };
	int64_t wait = -1;
	int r;

	buf_reset(&t->batch);
	t->n = 0;
	t->read = t->place.sequence;
	r = store_changes(t->events->store, &query, take, t, &err);
	if (r < 0) {
		log_error("events receiver=%s error=\"%s\"", t->receiver->name, r == -ENOMEM ? "out of memory" : err_text(&err));
		*ret_ms = LOOK_MS;
		return -EAGAIN;
	}
	if (t->n == 0) {
		bool moved = t->read != t->place.sequence;

		t->place.sequence = t->read;
		if (t->place.sequence - t->kept >= KEEP_AFTER)
			keep(t);
		return moved;
	}
	r = agree(t, &wait, &err);
	if (r == 0)
		r = event_sender_send(t->sender, buf_slice(&t->batch), t->tries + 1, &wait, &err);
	if (t->events->stop && r < 0)
		return 0;
	if (r == -EMSGSIZE && t->n > 1) {
		t->batch_max = t->n / 2;
		return 1;
	}
	if (r < 0) {
		note_failure(t, &err);
		*ret_ms = http_wait(FIRST_WAIT_MS, t->events->settings.retry_ms, t->tries, wait, ASKED_MAX);
		return -EAGAIN;
	}
	log_debug("events receiver=%s events=%zu sequence=%" PRIu64, t->receiver->name, t->n, t->read);
	note_success(t);
	t->place.sequence = t->read;
	if (t->batch_max < t->events->settings.batch_count)
		t->batch_max = t->batch_max * 2 < t->events->settings.batch_count ? t->batch_max * 2 : t->events->settings.batch_count;
	return keep(t) < 0 ? (*ret_ms = LOOK_MS, -EAGAIN) : 1;
}

/* Be the one who tells it, and know where it is. */
static bool
take_over(struct teller *t)
{
	struct err err = { 0 };
	int r = store_receiver_lock(t->events->store, t->receiver->name, &t->lock, &err);

	if (r == 0) {
		r = store_receiver_begin(t->events->store, t->receiver->name, t->receiver->first, &t->place, &err);
		t->kept = t->place.sequence;
		if (r < 0) {
			close(t->lock);
			t->lock = -1;
		}
	}
	if (r < 0 && r != -EBUSY)
		log_error("events receiver=%s error=\"%s\"", t->receiver->name, err_text(&err));
	return r == 0;
}

static void *
teller_main(void *ctx)
{
	struct teller *t = ctx;
	int64_t ms = 0;
	int r;

	pthread_setname_np(pthread_self(), "events");
	store_log_about(t->events->store);
	while (!t->events->stop) {
		if (t->lock < 0 && !take_over(t)) {
			rest(t, LOOK_MS, false);
			continue;
		}
		change_watch_clear(t->watch);
		r = tell_some(t, &ms);
		if (r < 0)
			rest(t, ms, false);
		/* When nothing comes any more, what was passed over is kept. */
		else if (r == 0 && !rest(t, LOOK_MS, true) && t->place.sequence != t->kept)
			keep(t);
	}
	if (t->lock >= 0) {
		if (t->place.sequence != t->kept)
			keep(t);
		close(t->lock);
	}
	return NULL;
}

/* -- life ----------------------------------------------------------------- */

static int
start_teller(struct events *all, const struct event_receiver *receiver, struct err *err)
{
	struct teller *t = &all->tellers[all->n];
	int r;

	*t = (struct teller){ .events = all, .receiver = receiver, .lock = -1, .batch_max = all->settings.batch_count };
	buf_init(&t->batch, all->settings.batch_bytes + EVENT_MAX);
	buf_init(&t->event, EVENT_MAX);
	all->n++;
	r = change_watch_open(all->store, &t->watch);
	if (r < 0)
		return err_set(err, r, "cannot watch for changes: %s", strerror(-r));
	r = event_sender_new(receiver, &all->source, all->settings.ca_file, &all->stop, &t->sender, err);
	if (r < 0)
		return r;
	/* Now: what comes from here on is told. */
	take_over(t);
	r = -pthread_create(&t->thread, NULL, teller_main, t);
	if (r < 0)
		return err_set(err, r, "cannot start a thread: %s", strerror(-r));
	t->runs = true;
	return 0;
}

static void
name_source(struct events *all)
{
	const struct event_settings *s = &all->settings;

	snprintf(all->host, sizeof all->host, "%s-%s.dicom.azurehealthcareapis.com", store_workspace(all->store),
		 store_service(all->store));
	snprintf(all->topic, sizeof all->topic, "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/dicomlake/"
		 "providers/Microsoft.HealthcareApis/workspaces/%s", store_workspace(all->store));
	all->source = (struct event_source){
		.topic = s->topic != NULL ? s->topic : all->topic,
		.host = s->host != NULL ? s->host : all->host,
		.partitions = store_partitions(all->store),
	};
}

int
events_start(struct store *st, const struct event_settings *settings, struct events **ret_events, struct err *err)
{
	struct events *all = calloc(1, sizeof *all);
	size_t i;
	int r = 0;

	if (all == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	all->store = st;
	all->settings = *settings;
	name_source(all);
	all->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (all->wake < 0)
		r = err_set(err, -errno, "cannot make an eventfd: %s", strerror(errno));
	all->tellers = calloc(settings->n > 0 ? settings->n : 1, sizeof *all->tellers);
	if (all->tellers == NULL)
		r = err_set(err, -ENOMEM, "out of memory");
	for (i = 0; i < settings->n && r == 0; i++)
		r = start_teller(all, &settings->receivers[i], err);
	if (r < 0) {
		events_stop(all);
		return r;
	}
	*ret_events = all;
	return 0;
}

void
events_stop(struct events *all)
{
	uint64_t one = 1;
	size_t i;

	if (all == NULL)
		return;
	all->stop = true;
	if (all->wake >= 0 && write(all->wake, &one, sizeof one) < 0)
		log_error("events: cannot wake those who wait error=%s", strerror(errno));
	for (i = 0; i < all->n; i++) {
		struct teller *t = &all->tellers[i];

		if (t->runs)
			pthread_join(t->thread, NULL);
		else if (t->lock >= 0)
			close(t->lock);
		event_sender_free(t->sender);
		change_watch_close(t->watch);
		buf_fini(&t->batch);
		buf_fini(&t->event);
	}
	if (all->wake >= 0)
		close(all->wake);
	free(all->tellers);
	free(all);
}
