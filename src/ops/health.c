#include "ops/health.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cond.h"
#include "base/log.h"

struct health {
	struct store *store;
	unsigned interval;		/* ms */
	pthread_t thread;
	pthread_mutex_t lock;		/* guards ended */
	pthread_cond_t wake;
	bool ended;
};

static void *
run(void *arg)
{
	struct health *h = arg;
	bool well = true;

	pthread_setname_np(pthread_self(), "health");
	store_log_about(h->store);
	pthread_mutex_lock(&h->lock);
	while (!h->ended) {
		struct timespec until = cond_deadline((int)h->interval);
		struct err err = { 0 };
		int r;

		pthread_mutex_unlock(&h->lock);
		r = store_probe_health(h->store, &err);
		if (r < 0 && well)
			log_error("health status=Degraded reason=ConnectedStoreDegraded error=\"%s\"", err_text(&err));
		else if (r == 0 && !well)
			log_info("health status=Healthy");
		well = r == 0;
		pthread_mutex_lock(&h->lock);
		while (!h->ended && pthread_cond_timedwait(&h->wake, &h->lock, &until) == 0)
			;
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

int
health_start(struct store *st, unsigned interval, struct health **ret_health, struct err *err)
{
	struct health *h = calloc(1, sizeof *h);
	int r;

	if (h == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	h->store = st;
	h->interval = interval;
	pthread_mutex_init(&h->lock, NULL);
	cond_init(&h->wake);
	r = pthread_create(&h->thread, NULL, run, h);
	if (r != 0) {
		free(h);
		return err_set(err, -r, "cannot start a thread: %s", strerror(r));
	}
	*ret_health = h;
	return 0;
}

void
health_stop(struct health *h)
{
	if (h == NULL)
		return;
	pthread_mutex_lock(&h->lock);
	h->ended = true;
	pthread_cond_signal(&h->wake);
	pthread_mutex_unlock(&h->lock);
	pthread_join(h->thread, NULL);
	pthread_cond_destroy(&h->wake);
	pthread_mutex_destroy(&h->lock);
	free(h);
}
