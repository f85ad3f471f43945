#include "fs/settle.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cond.h"

/* Nobody is in a hurry to know, usually: waking up once for many commits, not
 * once for each, leaves the processor to those who write. */
#define LINGER_MS 3

struct waiter {
	struct waiter *next;
	void (*fn)(void *arg, int num);
	void *arg;
};

struct pending {
	struct pending *next;		/* in the queue, which holds a reference */
	struct ticket *ticket;
	atomic_uint refs;
	bool done;			/* guarded by the settler's lock, as waiters is */
	struct waiter *waiters;
	struct settled s;		/* whole before done */
};

struct settler {
	pthread_mutex_t lock;		/* guards first, last, urgent, stop, and done and waiters of each pending */
	pthread_cond_t work, hurry, settled_cond;
	struct pending *first, *last;
	unsigned urgent;		/* somebody waits for an outcome */
	bool stop;
	pthread_t thread;
	void (*settled)(void *ctx, struct pending *p, const struct settled *s);
	void *ctx;
};

static void
settle(struct settler *s, struct pending *p)
{
	struct waiter *w;
	unsigned served = 0;

	p->s.fd = -1;
	p->s.num = ticket_wait_fd(p->ticket, &p->s.result, &p->s.fd, &p->s.err);
	p->ticket = NULL;
	s->settled(s->ctx, p, &p->s);
	if (p->s.fd >= 0)
		close(p->s.fd);
	pthread_mutex_lock(&s->lock);
	p->done = true;
	w = p->waiters;
	p->waiters = NULL;
	pthread_cond_broadcast(&s->settled_cond);
	pthread_mutex_unlock(&s->lock);
	while (w != NULL) {
		struct waiter *next = w->next;

		w->fn(w->arg, p->s.num);
		free(w);
		w = next;
		served++;
	}
	if (served > 0) {
		pthread_mutex_lock(&s->lock);
		s->urgent -= served;
		pthread_mutex_unlock(&s->lock);
	}
	pending_unref(p);
}

static void
linger_locked(struct settler *s)
{
	struct timespec until = cond_deadline(LINGER_MS);

	while (s->urgent == 0 && !s->stop)
		if (pthread_cond_timedwait(&s->hurry, &s->lock, &until) != 0)
			break;
}

static void *
run(void *arg)
{
	struct settler *s = arg;
	struct pending *p;

	pthread_setname_np(pthread_self(), "fs-settle");
	pthread_mutex_lock(&s->lock);
	for (;;) {
		while (s->first == NULL && !s->stop)
			pthread_cond_wait(&s->work, &s->lock);
		if (s->first == NULL)
			break;
		linger_locked(s);
		p = s->first;
		s->first = s->last = NULL;
		pthread_mutex_unlock(&s->lock);
		while (p != NULL) {
			struct pending *next = p->next;

			settle(s, p);
			p = next;
		}
		pthread_mutex_lock(&s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

int
settler_start(void (*settled)(void *ctx, struct pending *p, const struct settled *s), void *ctx,
	      struct settler **ret_settler)
{
	struct settler *s = calloc(1, sizeof *s);
	int r;

	if (s == NULL)
		return -ENOMEM;
	pthread_mutex_init(&s->lock, NULL);
	cond_init(&s->hurry);
	pthread_cond_init(&s->work, NULL);
	pthread_cond_init(&s->settled_cond, NULL);
	s->settled = settled;
	s->ctx = ctx;
	r = pthread_create(&s->thread, NULL, run, s);
	if (r != 0) {
		free(s);
		return -r;
	}
	*ret_settler = s;
	return 0;
}

void
settler_stop(struct settler *s)
{
	if (s == NULL)
		return;
	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_signal(&s->work);
	pthread_cond_signal(&s->hurry);
	pthread_mutex_unlock(&s->lock);
	pthread_join(s->thread, NULL);
	pthread_cond_destroy(&s->work);
	pthread_cond_destroy(&s->hurry);
	pthread_cond_destroy(&s->settled_cond);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

struct pending *
settler_add(struct settler *s, struct ticket *ticket, uint64_t node, unsigned generation,
	    const uint64_t dirs[3])
{
	struct pending *p = calloc(1, sizeof *p);

	if (p == NULL) {
		ticket_free(ticket);
		return NULL;
	}
	p->ticket = ticket;
	p->refs = 2;
	p->s.node = node;
	p->s.generation = generation;
	memcpy(p->s.dirs, dirs, sizeof p->s.dirs);
	pthread_mutex_lock(&s->lock);
	if (s->last != NULL)
		s->last->next = p;
	else
		s->first = p;
	s->last = p;
	pthread_cond_signal(&s->work);
	pthread_mutex_unlock(&s->lock);
	return p;
}

struct pending *
pending_ref(struct pending *p)
{
	if (p != NULL)
		p->refs++;
	return p;
}

void
pending_unref(struct pending *p)
{
	if (p != NULL && --p->refs == 0)
		free(p);
}

int
pending_on_settled(struct settler *s, struct pending *p, void (*fn)(void *arg, int num), void *arg)
{
	struct waiter *w = malloc(sizeof *w);

	if (w == NULL)
		return -ENOMEM;
	w->fn = fn;
	w->arg = arg;
	pthread_mutex_lock(&s->lock);
	if (!p->done) {
		w->next = p->waiters;
		p->waiters = w;
		w = NULL;
		s->urgent++;
		pthread_cond_signal(&s->hurry);
	}
	pthread_mutex_unlock(&s->lock);
	if (w != NULL) {
		free(w);
		fn(arg, p->s.num);
	}
	return 0;
}

void
pending_wait(struct settler *s, struct pending *p)
{
	pthread_mutex_lock(&s->lock);
	s->urgent++;
	pthread_cond_signal(&s->hurry);
	while (!p->done)
		pthread_cond_wait(&s->settled_cond, &s->lock);
	s->urgent--;
	pthread_mutex_unlock(&s->lock);
}
