/* Blobs in memory, for tests: memory files in one list. */
#include "blob/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "blob/blob_ops.h"

struct item {
	struct item *next;
	bool staged;
	int fd;
	char name[BLOB_NAME_MAX];
};

struct mem {
	struct blob_store store;
	pthread_mutex_t lock;		/* guards: items, owner */
	struct item *items;
	uint64_t owner;
};

static const struct blob_ops mem_ops;

static void
item_free(struct item *i)
{
	close(i->fd);
	free(i);
}

static void
mem_close(struct blob_store *b)
{
	struct mem *m = (struct mem *)b;
	struct item *i;

	while ((i = m->items) != NULL) {
		m->items = i->next;
		item_free(i);
	}
	pthread_mutex_destroy(&m->lock);
	free(m);
}

int
blob_mem_open(struct blob_store **ret_blobs, struct err *err)
{
	struct mem *m = calloc(1, sizeof *m);

	if (m == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	m->store.ops = &mem_ops;
	pthread_mutex_init(&m->lock, NULL);
	*ret_blobs = &m->store;
	return 0;
}

static struct item **
find_locked(struct mem *m, bool staged, const char *name)
{
	struct item **i;

	for (i = &m->items; *i != NULL; i = &(*i)->next)
		if ((*i)->staged == staged && strcmp((*i)->name, name) == 0)
			break;
	return i;
}

static int
mem_claim(struct blob_store *b, uint64_t owner)
{
	struct mem *m = (struct mem *)b;

	pthread_mutex_lock(&m->lock);
	m->owner = owner;
	pthread_mutex_unlock(&m->lock);
	return 0;
}

/* A second descriptor with a file offset of its own. */
static int
reopen(int fd, int flags)
{
	char path[40];
	int again;

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	again = open(path, flags | O_CLOEXEC);
	return again < 0 ? -errno : again;
}

static int
mem_stage_create(struct blob_store *b, const char *stage, int *ret_fd)
{
	struct mem *m = (struct mem *)b;
	struct item *i;
	int r = 0;

	pthread_mutex_lock(&m->lock);
	if (*find_locked(m, true, stage) != NULL)
		r = -EEXIST;
	else if ((i = calloc(1, sizeof *i)) == NULL)
		r = -ENOMEM;
	else {
		i->fd = memfd_create("blob", MFD_CLOEXEC);
		i->staged = true;
		snprintf(i->name, sizeof i->name, "%s", stage);
		i->next = m->items;
		m->items = i;
		*ret_fd = reopen(i->fd, O_RDWR);
	}
	pthread_mutex_unlock(&m->lock);
	return r;
}

static int
mem_stage_link(struct blob_store *b, int fd, const char *stage)
{
	struct mem *m = (struct mem *)b;
	struct item *i = calloc(1, sizeof *i);
	int r = 0;

	if (i == NULL)
		return -ENOMEM;
	i->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	i->staged = true;
	snprintf(i->name, sizeof i->name, "%s", stage);
	pthread_mutex_lock(&m->lock);
	if (i->fd < 0)
		r = -errno;
	else if (*find_locked(m, true, stage) != NULL)
		r = -EEXIST;
	else {
		i->next = m->items;
		m->items = i;
	}
	pthread_mutex_unlock(&m->lock);
	if (r < 0) {
		if (i->fd >= 0)
			close(i->fd);
		free(i);
	}
	return r;
}

static int
open_item(struct mem *m, bool staged, const char *name, int *ret_fd)
{
	struct item *i;
	int fd;

	pthread_mutex_lock(&m->lock);
	i = *find_locked(m, staged, name);
	fd = i == NULL ? -ENOENT : reopen(i->fd, O_RDONLY);
	pthread_mutex_unlock(&m->lock);
	if (fd < 0)
		return fd;
	*ret_fd = fd;
	return 0;
}

static int
mem_stage_open(struct blob_store *b, const char *stage, int *ret_fd)
{
	return open_item((struct mem *)b, true, stage, ret_fd);
}

static int
mem_open(struct blob_store *b, const char *name, int *ret_fd)
{
	return open_item((struct mem *)b, false, name, ret_fd);
}

static int
remove_item(struct mem *m, bool staged, const char *name)
{
	struct item **i, *gone;

	pthread_mutex_lock(&m->lock);
	i = find_locked(m, staged, name);
	gone = *i;
	if (gone != NULL)
		*i = gone->next;
	pthread_mutex_unlock(&m->lock);
	if (gone == NULL)
		return -ENOENT;
	item_free(gone);
	return 0;
}

static int
mem_stage_remove(struct blob_store *b, const char *stage)
{
	return remove_item((struct mem *)b, true, stage);
}

static int
mem_remove(struct blob_store *b, const char *name)
{
	return remove_item((struct mem *)b, false, name);
}

static int
move_item(struct mem *m, const char *stage, bool to_stage, const char *name)
{
	struct item **old, *moved, *gone = NULL;
	int r = -ENOENT;

	pthread_mutex_lock(&m->lock);
	moved = *find_locked(m, true, stage);
	if (moved != NULL) {
		old = find_locked(m, to_stage, name);
		if (*old != NULL && *old != moved) {
			gone = *old;
			*old = gone->next;
		}
		moved->staged = to_stage;
		snprintf(moved->name, sizeof moved->name, "%s", name);
		r = 0;
	}
	pthread_mutex_unlock(&m->lock);
	if (gone != NULL)
		item_free(gone);
	return r;
}

static int
mem_stage_rename(struct blob_store *b, const char *from, const char *to)
{
	return move_item((struct mem *)b, from, true, to);
}

static int
mem_publish(struct blob_store *b, const char *stage, const char *name)
{
	return move_item((struct mem *)b, stage, false, name);
}

static int
mem_sync_all(struct blob_store *b)
{
	(void)b;
	return 0;
}

static int
mem_sync(struct blob_store *b, const int *fds, size_t n)
{
	(void)b;
	(void)fds;
	(void)n;
	return 0;
}

static int
mem_walk(struct blob_store *b, int (*fn)(void *, const char *, uint64_t, int64_t), void *ctx)
{
	struct mem *m = (struct mem *)b;
	struct item *i;
	struct stat st;
	int r = 0;

	pthread_mutex_lock(&m->lock);
	for (i = m->items; r == 0 && i != NULL; i = i->next)
		if (!i->staged && fstat(i->fd, &st) == 0)
			r = fn(ctx, i->name, (uint64_t)st.st_size,
			       clock_ns(st.st_mtim));
	pthread_mutex_unlock(&m->lock);
	return r;
}

static int
mem_walk_staging(struct blob_store *b, int (*fn)(void *, const char *, uint64_t, bool), void *ctx)
{
	struct mem *m = (struct mem *)b;
	struct item *i, *next;
	int r = 0;

	/* fn may remove the item it is given: memory has one owner, us. */
	for (i = m->items; r == 0 && i != NULL; i = next) {
		next = i->next;
		if (i->staged)
			r = fn(ctx, i->name, strtoull(i->name, NULL, 16), false);
	}
	return r;
}

static int
mem_tidy_staging(struct blob_store *b)
{
	(void)b;
	return 0;
}

static int
mem_watch(struct blob_store *b, struct blob_watch **ret_watch)
{
	(void)b;
	(void)ret_watch;
	return -ENOTSUP;
}

static const struct blob_ops mem_ops = {
	.close = mem_close,
	.claim = mem_claim,
	.stage_create = mem_stage_create,
	.stage_open = mem_stage_open,
	.stage_link = mem_stage_link,
	.stage_rename = mem_stage_rename,
	.stage_remove = mem_stage_remove,
	.sync = mem_sync,
	.sync_all = mem_sync_all,
	.publish = mem_publish,
	.open = mem_open,
	.remove = mem_remove,
	.walk = mem_walk,
	.walk_staging = mem_walk_staging,
	.tidy_staging = mem_tidy_staging,
	.watch = mem_watch,
};
