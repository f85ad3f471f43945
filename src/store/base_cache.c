#include "store/base_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "catalog/header.h"

/* Series that come in at the same time; each slot is one, the newer takes it. */
#define SLOTS 128
/* Longer headers are rare, and one of their kind in a series rarer. */
#define JSON_MAX (256 << 10)

struct slot {
	unsigned char series[HASH_LEN];
	uint64_t id;			/* 0: empty */
	char *json;
	size_t len;
};

struct base_cache {
	pthread_mutex_t lock;		/* guards: slots */
	struct slot slots[SLOTS];
};

struct base_cache *
base_cache_new(void)
{
	struct base_cache *c = calloc(1, sizeof *c);

	if (c != NULL)
		pthread_mutex_init(&c->lock, NULL);
	return c;
}

void
base_cache_free(struct base_cache *c)
{
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < SLOTS; i++)
		free(c->slots[i].json);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static struct slot *
slot_of(struct base_cache *c, const char *partition, const char *study_uid, const char *series_uid,
	unsigned char series[HASH_LEN])
{
	char text[256];
	size_t n = 0, len;
	const char *const parts[] = { partition, study_uid, series_uid };
	size_t i;

	for (i = 0; i < 3; i++) {
		len = strlen(parts[i]) + 1;
		memcpy(text + n, parts[i], len);
		n += len;
	}
	hash_bytes(text, n, series);
	return &c->slots[series[0] % SLOTS];
}

uint64_t
base_cache_get(struct base_cache *c, const char *partition, const char *study_uid, const char *series_uid,
	       struct buf *out)
{
	unsigned char series[HASH_LEN];
	struct slot *s = slot_of(c, partition, study_uid, series_uid, series);
	uint64_t id = 0;

	pthread_mutex_lock(&c->lock);
	if (s->id != 0 && memcmp(s->series, series, sizeof series) == 0 && buf_put(out, s->json, s->len) == 0)
		id = s->id;
	pthread_mutex_unlock(&c->lock);
	return id;
}

void
base_cache_offer(struct base_cache *c, const char *partition, const char *study_uid, const char *series_uid,
		 struct slice json)
{
	unsigned char series[HASH_LEN];
	struct slot *s = slot_of(c, partition, study_uid, series_uid, series);
	char *copy;

	if (json.len == 0 || json.len > JSON_MAX)
		return;
	pthread_mutex_lock(&c->lock);
	if ((s->id == 0 || memcmp(s->series, series, sizeof series) != 0) && (copy = malloc(json.len)) != NULL) {
		memcpy(copy, json.data, json.len);
		free(s->json);
		memcpy(s->series, series, sizeof series);
		s->json = copy;
		s->len = json.len;
		s->id = header_base_id(json);
	}
	pthread_mutex_unlock(&c->lock);
}

void
base_cache_forget(struct base_cache *c, const char *partition, const char *study_uid, const char *series_uid)
{
	unsigned char series[HASH_LEN];
	struct slot *s = slot_of(c, partition, study_uid, series_uid, series);

	pthread_mutex_lock(&c->lock);
	if (memcmp(s->series, series, sizeof series) == 0)
		s->id = 0;
	pthread_mutex_unlock(&c->lock);
}
