#include "web/chunks.h"

#include <pthread.h>
#include <stdlib.h>

struct chunk_pool {
	size_t size;
	unsigned keep;
	pthread_mutex_t lock;	/* guards: idle, kept */
	unsigned idle;
	char *kept[];
};

struct chunk_pool *
chunks_new(size_t size, unsigned keep)
{
	struct chunk_pool *pool = calloc(1, sizeof *pool + keep * sizeof *pool->kept);

	if (pool == NULL)
		return NULL;
	pool->size = size;
	pool->keep = keep;
	pthread_mutex_init(&pool->lock, NULL);
	return pool;
}

void
chunks_free(struct chunk_pool *pool)
{
	if (pool == NULL)
		return;
	while (pool->idle > 0)
		free(pool->kept[--pool->idle]);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

char *
chunk_get(struct chunk_pool *pool)
{
	char *chunk = NULL;

	pthread_mutex_lock(&pool->lock);
	if (pool->idle > 0)
		chunk = pool->kept[--pool->idle];
	pthread_mutex_unlock(&pool->lock);
	return chunk != NULL ? chunk : malloc(pool->size);
}

void
chunk_put(struct chunk_pool *pool, char *chunk)
{
	if (chunk == NULL)
		return;
	pthread_mutex_lock(&pool->lock);
	if (pool->idle < pool->keep) {
		pool->kept[pool->idle++] = chunk;
		chunk = NULL;
	}
	pthread_mutex_unlock(&pool->lock);
	free(chunk);
}
