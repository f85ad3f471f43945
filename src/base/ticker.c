#include "base/ticker.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/cond.h"

struct ticker {
	const char *name;
	int (*fn)(void *ctx);
	void *ctx;
	pthread_t thread;
	pthread_mutex_t lock;		/* guards ended */
	pthread_cond_t wake;
	bool ended;
};

static void *
run(void *arg)
{
	struct ticker *t = arg;

	pthread_setname_np(pthread_self(), t->name);
	pthread_mutex_lock(&t->lock);
	while (!t->ended) {
		struct timespec until;
		int64_t began = clock_monotonic(), left;

		pthread_mutex_unlock(&t->lock);
		left = t->fn(t->ctx);
		pthread_mutex_lock(&t->lock);
		left -= (clock_monotonic() - began) / 1000000;
		until = cond_deadline(left > 0 ? (int)left : 0);
		while (!t->ended && pthread_cond_timedwait(&t->wake, &t->lock, &until) == 0)
			;
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

static void
ticker_free(struct ticker *t)
{
	pthread_cond_destroy(&t->wake);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

int
ticker_start(const char *name, int (*fn)(void *ctx), void *ctx, struct ticker **ret_ticker, struct err *err)
{
	struct ticker *t = calloc(1, sizeof *t);
	int r;

	if (t == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	t->name = name;
	t->fn = fn;
	t->ctx = ctx;
	pthread_mutex_init(&t->lock, NULL);
	cond_init(&t->wake);
	r = -pthread_create(&t->thread, NULL, run, t);
	if (r < 0) {
		ticker_free(t);
		return err_set(err, r, "cannot start a thread: %s", strerror(-r));
	}
	*ret_ticker = t;
	return 0;
}

void
ticker_stop(struct ticker *t)
{
	if (t == NULL)
		return;
	pthread_mutex_lock(&t->lock);
	t->ended = true;
	pthread_cond_signal(&t->wake);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	ticker_free(t);
}
