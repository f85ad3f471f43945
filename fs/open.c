#define FUSE_USE_VERSION 314
#include "fs/open.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "fs/passthrough.h"
#include "fs/tree.h"

#define BUCKETS 256

struct opened {
	struct opened *next;
	uint64_t node;
	unsigned refs;
	struct store_file *file;
	int backing;
};

struct open_table {
	pthread_mutex_t lock;		/* guards buckets and refs; a leaf */
	struct opened *buckets[BUCKETS];
	struct store *st;
	struct channel *channel;
	atomic_bool passes;		/* the store's file system can; that of another store may */
};

struct open_table *
open_table_new(struct store *st, struct channel *channel)
{
	struct open_table *t = calloc(1, sizeof *t);

	if (t == NULL)
		return NULL;
	pthread_mutex_init(&t->lock, NULL);
	t->st = st;
	t->channel = channel;
	t->passes = true;
	return t;
}

static void
opened_free(struct open_table *t, struct opened *o)
{
	if (o->backing > 0)
		passthrough_close(t->channel->fd, o->backing);
	store_file_close(o->file);
	free(o);
}

void
open_table_free(struct open_table *t)
{
	size_t i;

	if (t == NULL)
		return;
	for (i = 0; i < BUCKETS; i++)
		while (t->buckets[i] != NULL) {
			struct opened *o = t->buckets[i];

			t->buckets[i] = o->next;
			opened_free(t, o);
		}
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static struct opened **
bucket_of(struct open_table *t, uint64_t node)
{
	return &t->buckets[(node ^ node >> 8) % BUCKETS];
}

static struct opened *
find_locked(struct open_table *t, uint64_t node)
{
	struct opened *o = *bucket_of(t, node);

	while (o != NULL && o->node != node)
		o = o->next;
	if (o != NULL)
		o->refs++;
	return o;
}

struct opened *
open_peek(struct open_table *t, uint64_t node)
{
	struct opened *o;

	pthread_mutex_lock(&t->lock);
	o = find_locked(t, node);
	pthread_mutex_unlock(&t->lock);
	return o;
}

/* A backing id; 0 none. */
static int
pass_through(struct open_table *t, int fd)
{
	int r = passthrough_open(t->channel->fd, fd);

	if (r > 0)
		return r;
	/* No right to, or a store on a file system that cannot: ask no more. */
	if (r != -ENOMEM && r != -EMFILE && r != -ENFILE && atomic_exchange(&t->passes, false))
		log_info("passthrough off reason=\"%s\"", strerror(-r));
	return 0;
}

int
open_get(struct open_table *t, uint64_t node, struct opened **ret_o, struct err *err)
{
	struct opened *o = open_peek(t, node), *other;
	int r;

	if (o != NULL) {
		*ret_o = o;
		return 0;
	}
	o = calloc(1, sizeof *o);
	if (o == NULL)
		return -ENOMEM;
	o->node = node;
	o->refs = 1;
	r = store_open_file(t->st, tree_catalog_id(node), &o->file, err);
	if (r < 0) {
		free(o);
		return r;
	}
	if (!tree_same_version(node, store_file_info(o->file)->watermark)) {
		opened_free(t, o);
		err_clear(err);
		return -ESTALE;
	}
	if (t->passes && t->channel->passthrough_on)
		o->backing = pass_through(t, store_file_fd(o->file));
	pthread_mutex_lock(&t->lock);
	other = find_locked(t, node);
	if (other == NULL) {
		o->next = *bucket_of(t, node);
		*bucket_of(t, node) = o;
	}
	pthread_mutex_unlock(&t->lock);
	if (other != NULL) {		/* somebody was quicker */
		opened_free(t, o);
		o = other;
	}
	*ret_o = o;
	return 0;
}

void
open_put(struct open_table *t, struct opened *o)
{
	struct opened **p;
	bool last;

	if (o == NULL)
		return;
	pthread_mutex_lock(&t->lock);
	last = --o->refs == 0;
	if (last) {
		for (p = bucket_of(t, o->node); *p != o; p = &(*p)->next)
			;
		*p = o->next;
	}
	pthread_mutex_unlock(&t->lock);
	if (last)
		opened_free(t, o);
}

const struct store_file *
opened_file(const struct opened *o)
{
	return o->file;
}

int
opened_backing(const struct opened *o)
{
	return o->backing;
}
