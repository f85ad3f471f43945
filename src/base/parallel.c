#include "base/parallel.h"

#include <pthread.h>
#include <stdatomic.h>

#define THREADS_MAX 64

struct run {
	size_t n;
	int (*fn)(void *ctx, size_t i);
	void *ctx;
	atomic_size_t next;
	atomic_int failed;		/* the first failure; 0: none */
};

static void *
work(void *arg)
{
	struct run *run = arg;
	size_t i;
	int r, none = 0;

	while (run->failed == 0 && (i = atomic_fetch_add(&run->next, 1)) < run->n) {
		r = run->fn(run->ctx, i);
		if (r < 0)
			atomic_compare_exchange_strong(&run->failed, &none, r);
	}
	return NULL;
}

int
parallel_run(size_t n, unsigned threads, int (*fn)(void *ctx, size_t i), void *ctx)
{
	struct run run = { .n = n, .fn = fn, .ctx = ctx };
	pthread_t helpers[THREADS_MAX];
	unsigned helping = 0;

	if (threads > THREADS_MAX)
		threads = THREADS_MAX;
	while (helping + 1 < threads && helping + 1 < n &&
	       pthread_create(&helpers[helping], NULL, work, &run) == 0)
		helping++;
	work(&run);
	while (helping > 0)
		pthread_join(helpers[--helping], NULL);
	return run.failed;
}
