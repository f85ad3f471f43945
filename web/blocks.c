#include "web/blocks.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/copy.h"
#include "base/vec.h"
#include "web/limits.h"

struct block {
	char id[BLOCK_ID_MAX];
	uint64_t off, len;
};

struct upload {
	struct upload *next;
	char *path;
	struct incoming *in;
	uint64_t end;			/* of what is reserved */
	unsigned holders;		/* blocks that are being written */
	bool taken;			/* not in the list any more: the last holder frees it */
	int64_t touched;		/* clock_monotonic */
	struct block *blocks;
	size_t n, cap;
};

struct blocks {
	struct store *st;
	pthread_mutex_t lock;		/* guards all below, and what is in it but bytes */
	struct upload *uploads;
	unsigned n;
};

/* -- life ----------------------------------------------------------------- */

static void
upload_free(struct upload *u)
{
	if (u == NULL)
		return;
	incoming_free(u->in);
	free(u->blocks);
	free(u->path);
	free(u);
}

int
blocks_new(struct store *st, struct blocks **ret_blocks)
{
	struct blocks *b = calloc(1, sizeof *b);

	if (b == NULL)
		return -ENOMEM;
	b->st = st;
	pthread_mutex_init(&b->lock, NULL);
	*ret_blocks = b;
	return 0;
}

void
blocks_free(struct blocks *b)
{
	struct upload *u;

	if (b == NULL)
		return;
	while ((u = b->uploads) != NULL) {
		b->uploads = u->next;
		upload_free(u);
	}
	pthread_mutex_destroy(&b->lock);
	free(b);
}

/* -- the list ------------------------------------------------------------- */

static struct upload **
find_locked(struct blocks *b, const char *path)
{
	struct upload **p = &b->uploads;

	while (*p != NULL && strcmp((*p)->path, path) != 0)
		p = &(*p)->next;
	return p;
}

/* Who holds it frees it. */
static void
unlink_locked(struct blocks *b, struct upload **p)
{
	struct upload *u = *p;

	*p = u->next;
	b->n--;
	u->taken = true;
	if (u->holders == 0)
		upload_free(u);
}

/* (2) */
static void
forget_idle_locked(struct blocks *b)
{
	int64_t now = clock_monotonic();
	struct upload **p = &b->uploads, **oldest = NULL;

	while (*p != NULL) {
		if ((*p)->holders == 0 && now - (*p)->touched > (int64_t)LIMIT_UPLOAD_IDLE_MS * 1000000)
			unlink_locked(b, p);
		else
			p = &(*p)->next;
	}
	if (b->n < LIMIT_UPLOADS)
		return;
	for (p = &b->uploads; *p != NULL; p = &(*p)->next)
		if ((*p)->holders == 0 && (oldest == NULL || (*p)->touched < (*oldest)->touched))
			oldest = p;
	if (oldest != NULL)
		unlink_locked(b, oldest);
}

static int
begin_locked(struct blocks *b, const char *path, struct upload **ret_upload, struct err *err)
{
	struct upload *u;
	int r;

	forget_idle_locked(b);
	if (b->n >= LIMIT_UPLOADS)
		return err_set(err, -EAGAIN, "Too many uploads in blocks are under way");
	u = calloc(1, sizeof *u);
	if (u == NULL || (u->path = strdup(path)) == NULL) {
		free(u);
		return err_set(err, -ENOMEM, "No memory");
	}
	r = incoming_new(b->st, &u->in, err);
	if (r < 0) {
		upload_free(u);
		return r;
	}
	u->next = b->uploads;
	b->uploads = u;
	b->n++;
	*ret_upload = u;
	return 0;
}

/* -- blocks --------------------------------------------------------------- */

int
blocks_reserve(struct blocks *b, const char *path, uint64_t len, uint64_t max, struct upload **ret_upload,
	       int *ret_fd, uint64_t *ret_off, struct err *err)
{
	struct upload *u;
	int r = 0;

	pthread_mutex_lock(&b->lock);
	u = *find_locked(b, path);
	if (u == NULL)
		r = begin_locked(b, path, &u, err);
	if (r == 0 && (len > max || u->end > max - len))
		r = err_set(err, -EFBIG, "The blocks are larger than the limit of %llu bytes", (unsigned long long)max);
	if (r == 0) {
		*ret_off = u->end;
		*ret_fd = incoming_fd(u->in);
		*ret_upload = u;
		u->end += len;
		u->holders++;
		u->touched = clock_monotonic();
	}
	pthread_mutex_unlock(&b->lock);
	return r;
}

static void
release_locked(struct upload *u)
{
	u->touched = clock_monotonic();
	if (--u->holders == 0 && u->taken)
		upload_free(u);
}

static struct block *
find_block(const struct upload *u, const char *id)
{
	size_t i;

	/* The latest is the likeliest. */
	for (i = u->n; i > 0; i--)
		if (strcmp(u->blocks[i - 1].id, id) == 0)
			return &u->blocks[i - 1];
	return NULL;
}

int
blocks_add(struct blocks *b, struct upload *u, const char *id, uint64_t off, uint64_t len)
{
	struct block *block;
	int r = 0;

	pthread_mutex_lock(&b->lock);
	block = find_block(u, id);
	if (block == NULL && u->n == 2 * BLOCK_LIST_MAX)
		r = -E2BIG;
	else if (block == NULL)
		r = vec_room(&u->blocks, &u->cap, u->n, sizeof *u->blocks, 16);
	if (r == 0 && block == NULL) {
		block = &u->blocks[u->n++];
		strcpy(block->id, id);
	}
	if (r == 0) {
		block->off = off;
		block->len = len;
	}
	release_locked(u);
	pthread_mutex_unlock(&b->lock);
	return r;
}

void
blocks_drop(struct blocks *b, struct upload *u)
{
	pthread_mutex_lock(&b->lock);
	/* The first block came to nothing: nobody may ever come back. */
	if (!u->taken && u->n == 0 && u->holders == 1)
		unlink_locked(b, find_locked(b, u->path));
	release_locked(u);
	pthread_mutex_unlock(&b->lock);
}

/* -- lists ---------------------------------------------------------------- */

/* In the order of the IDs, for look-ups of 50,000. */
static int
compare_ids(const void *a, const void *b)
{
	return strcmp(((const struct block *)a)->id, ((const struct block *)b)->id);
}

/* Are the blocks the file, one after the other and nothing else? */
static bool
is_in_order(const struct block *const *list, size_t n, uint64_t end)
{
	uint64_t at = 0;
	size_t i;

	for (i = 0; i < n; at += list[i]->len, i++)
		if (list[i]->off != at)
			return false;
	return at == end;
}

/* alone: nobody writes blocks any more, so the file itself may do. */
static int
join(struct blocks *b, struct upload *u, bool alone, const struct block *const *list, size_t n,
     struct incoming **ret_in, struct err *err)
{
	struct incoming *in = NULL;
	uint64_t at = 0;
	size_t i;
	int r = 0;

	if (alone && is_in_order(list, n, u->end)) {
		*ret_in = u->in;
		u->in = NULL;
		return 0;
	}
	r = incoming_new(b->st, &in, err);
	for (i = 0; i < n && r == 0; i++) {
		r = copy_bytes(incoming_fd(u->in), list[i]->off, incoming_fd(in), at, list[i]->len, NULL);
		at += list[i]->len;
		if (r < 0)
			err_set(err, r, "The blocks cannot be put together: %s", strerror(-r));
	}
	if (r < 0) {
		incoming_free(in);
		return r;
	}
	*ret_in = in;
	return 0;
}

int
blocks_take(struct blocks *b, const char *path, const struct block_name *names, size_t n,
	    struct incoming **ret_in, struct err *err)
{
	const struct block **list = calloc(n > 0 ? n : 1, sizeof *list);
	struct upload *u, **p;
	bool alone = false;
	struct block key;
	int r = list == NULL ? err_set(err, -ENOMEM, "No memory") : 0;
	size_t i;

	pthread_mutex_lock(&b->lock);
	p = find_locked(b, path);
	u = *p;
	if (u != NULL && u->n > 0)
		qsort(u->blocks, u->n, sizeof *u->blocks, compare_ids);
	for (i = 0; i < n && r == 0; i++) {
		strcpy(key.id, names[i].id);
		list[i] = u != NULL && u->n > 0 && !names[i].committed ?
			bsearch(&key, u->blocks, u->n, sizeof *u->blocks, compare_ids) : NULL;
		if (list[i] == NULL)
			r = err_set(err, -ENOENT, "The block list names a block that was not put");
	}
	/* Out of the list: nobody adds to it, or takes it, while its bytes are copied. */
	if (r == 0 && u != NULL) {
		alone = u->holders++ == 0;
		unlink_locked(b, p);
	}
	pthread_mutex_unlock(&b->lock);
	if (r == 0 && u == NULL) {
		r = incoming_new(b->st, ret_in, err);	/* a list of nothing */
	} else if (r == 0) {
		r = join(b, u, alone, list, n, ret_in, err);
		blocks_drop(b, u);
	}
	free(list);
	return r;
}
