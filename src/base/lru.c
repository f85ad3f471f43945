#include "base/lru.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A search through their keys is nothing beside the work that a value saves. */
#define ITEMS_MAX 512

struct lru_item {
	void *value;
	size_t size;
	uint64_t used;			/* when last */
	unsigned refs;			/* the cache has one */
};

struct lru {
	pthread_mutex_t lock;		/* guards: all below, and what is in the items */
	void (*free_value)(void *);
	size_t max;
	struct lru_counts counts;
	uint64_t uses;			/* the clock of used */
	unsigned n;
	unsigned char keys[ITEMS_MAX][HASH_LEN];
	struct lru_item *items[ITEMS_MAX];
};

struct lru *
lru_new(size_t max, void (*free_value)(void *))
{
	struct lru *l = calloc(1, sizeof *l);

	if (l == NULL)
		return NULL;
	pthread_mutex_init(&l->lock, NULL);
	l->free_value = free_value;
	l->max = max;
	return l;
}

static void
unref_locked(struct lru *l, struct lru_item *i)
{
	if (--i->refs > 0)
		return;
	l->free_value(i->value);
	free(i);
}

static void
drop_locked(struct lru *l, unsigned at)
{
	l->counts.bytes -= l->items[at]->size;
	unref_locked(l, l->items[at]);
	l->n--;
	l->items[at] = l->items[l->n];
	memcpy(l->keys[at], l->keys[l->n], HASH_LEN);
}

void
lru_free(struct lru *l)
{
	if (l == NULL)
		return;
	while (l->n > 0)
		drop_locked(l, 0);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static struct lru_item *
find_locked(struct lru *l, const unsigned char key[HASH_LEN])
{
	unsigned at;

	for (at = 0; at < l->n; at++)
		if (memcmp(l->keys[at], key, HASH_LEN) == 0) {
			l->items[at]->used = ++l->uses;
			l->items[at]->refs++;
			return l->items[at];
		}
	return NULL;
}

struct lru_item *
lru_find(struct lru *l, const unsigned char key[HASH_LEN])
{
	struct lru_item *i;

	pthread_mutex_lock(&l->lock);
	i = find_locked(l, key);
	if (i != NULL)
		l->counts.found++;
	else
		l->counts.missed++;
	pthread_mutex_unlock(&l->lock);
	return i;
}

/* Nothing held is dropped: that would free no memory.  false: there is no room. */
static bool
make_room_locked(struct lru *l, size_t size)
{
	while (l->n == ITEMS_MAX || l->counts.bytes + size > l->max) {
		unsigned at, oldest = l->n;

		for (at = 0; at < l->n; at++)
			if (l->items[at]->refs == 1 &&
			    (oldest == l->n || l->items[at]->used < l->items[oldest]->used))
				oldest = at;
		if (oldest == l->n)
			return false;
		drop_locked(l, oldest);
	}
	return true;
}

struct lru_item *
lru_put(struct lru *l, const unsigned char key[HASH_LEN], void *value, size_t size)
{
	struct lru_item *i = malloc(sizeof *i), *other;

	if (i == NULL) {
		l->free_value(value);
		return NULL;
	}
	*i = (struct lru_item){ .value = value, .size = size, .refs = 1 };
	pthread_mutex_lock(&l->lock);
	other = find_locked(l, key);
	if (other != NULL) {
		unref_locked(l, i);
		i = other;
	} else if (size <= l->max / 2 && make_room_locked(l, size)) {
		i->refs++;
		i->used = ++l->uses;
		l->counts.bytes += size;
		memcpy(l->keys[l->n], key, HASH_LEN);
		l->items[l->n++] = i;
	}
	pthread_mutex_unlock(&l->lock);
	return i;
}

void *
lru_value(const struct lru_item *i)
{
	return i->value;
}

void
lru_release(struct lru *l, struct lru_item *i)
{
	if (i == NULL)
		return;
	pthread_mutex_lock(&l->lock);
	unref_locked(l, i);
	pthread_mutex_unlock(&l->lock);
}

void
lru_count(struct lru *l, struct lru_counts *ret_counts)
{
	pthread_mutex_lock(&l->lock);
	*ret_counts = l->counts;
	pthread_mutex_unlock(&l->lock);
}
