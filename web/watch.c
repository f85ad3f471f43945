#include "web/watch.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/ticker.h"
#include "web/limits.h"

/* How late a shutdown may be. */
#define LATE_MS 1000

struct watch_slot {
	struct watch *watch;
	struct watch_slot *next, **prev;
	int fd;
	int64_t deadline;		/* 0: none */
};

struct watch {
	unsigned idle_ms;
	struct ticker *ticker;
	pthread_mutex_t lock;		/* guards: slots and all of each */
	struct watch_slot *slots;
};

static int
shut_overdue(void *ctx)
{
	struct watch *watch = ctx;
	int64_t now = clock_monotonic();
	struct watch_slot *s;

	pthread_mutex_lock(&watch->lock);
	for (s = watch->slots; s != NULL; s = s->next)
		if (s->deadline != 0 && s->deadline < now) {
			shutdown(s->fd, SHUT_RDWR);
			s->deadline = 0;
		}
	pthread_mutex_unlock(&watch->lock);
	return LATE_MS;
}

int
watch_start(unsigned idle_ms, struct watch **ret_watch)
{
	struct watch *watch = calloc(1, sizeof *watch);
	int r;

	if (watch == NULL)
		return -ENOMEM;
	watch->idle_ms = idle_ms;
	pthread_mutex_init(&watch->lock, NULL);
	r = ticker_start("watch", shut_overdue, watch, &watch->ticker, NULL);
	if (r < 0) {
		pthread_mutex_destroy(&watch->lock);
		free(watch);
		return r;
	}
	*ret_watch = watch;
	return 0;
}

void
watch_stop(struct watch *watch)
{
	if (watch == NULL)
		return;
	ticker_stop(watch->ticker);
	pthread_mutex_destroy(&watch->lock);
	free(watch);
}

struct watch_slot *
watch_open(struct watch *watch, int fd)
{
	struct watch_slot *slot;

	if (fd < 0)
		return NULL;
	slot = calloc(1, sizeof *slot);
	if (slot == NULL)
		return NULL;
	slot->watch = watch;
	slot->fd = fd;
	pthread_mutex_lock(&watch->lock);
	slot->next = watch->slots;
	slot->prev = &watch->slots;
	if (slot->next != NULL)
		slot->next->prev = &slot->next;
	watch->slots = slot;
	pthread_mutex_unlock(&watch->lock);
	return slot;
}

static void
set_deadline(struct watch_slot *slot, int64_t deadline)
{
	if (slot == NULL)
		return;
	pthread_mutex_lock(&slot->watch->lock);
	slot->deadline = deadline;
	pthread_mutex_unlock(&slot->watch->lock);
}

void
watch_arm(struct watch_slot *slot, size_t len)
{
	int64_t ms;

	if (slot == NULL)
		return;
	ms = slot->watch->idle_ms + (int64_t)len * 1000 / LIMIT_SLOWEST;
	set_deadline(slot, clock_monotonic() + ms * 1000000);
}

void
watch_disarm(struct watch_slot *slot)
{
	set_deadline(slot, 0);
}

void
watch_close(struct watch_slot *slot)
{
	struct watch *watch;

	if (slot == NULL)
		return;
	watch = slot->watch;
	pthread_mutex_lock(&watch->lock);
	*slot->prev = slot->next;
	if (slot->next != NULL)
		slot->next->prev = slot->prev;
	pthread_mutex_unlock(&watch->lock);
	free(slot);
}
