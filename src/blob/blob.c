/* The calls of blob.h, handed to the engine. */
#include "blob/blob.h"

#include <errno.h>
#include <unistd.h>

#include "blob/blob_ops.h"

void
blob_close(struct blob_store *b)
{
	if (b != NULL)
		b->ops->close(b);
}

int
blob_claim(struct blob_store *b, uint64_t owner)
{
	return b->ops->claim(b, owner);
}

int
blob_stage_create(struct blob_store *b, const char *stage, int *ret_fd)
{
	return b->ops->stage_create(b, stage, ret_fd);
}

int
blob_stage_open(struct blob_store *b, const char *stage, int *ret_fd)
{
	return b->ops->stage_open(b, stage, ret_fd);
}

int
blob_stage_link(struct blob_store *b, int fd, const char *stage)
{
	return b->ops->stage_link(b, fd, stage);
}

int
blob_stage_rename(struct blob_store *b, const char *from, const char *to)
{
	return b->ops->stage_rename(b, from, to);
}

int
blob_stage_remove(struct blob_store *b, const char *stage)
{
	return b->ops->stage_remove(b, stage);
}

int
blob_sync(struct blob_store *b, const int *fds, size_t n)
{
	return n == 0 ? 0 : b->ops->sync(b, fds, n);
}

int
blob_sync_all(struct blob_store *b)
{
	return b->ops->sync_all(b);
}

int
blob_publish(struct blob_store *b, const char *stage, const char *name)
{
	return b->ops->publish(b, stage, name);
}

int
blob_open(struct blob_store *b, const char *name, int *ret_fd)
{
	return b->ops->open(b, name, ret_fd);
}

int
blob_remove(struct blob_store *b, const char *name)
{
	return b->ops->remove(b, name);
}

int
blob_walk(struct blob_store *b,
	  int (*fn)(void *ctx, const char *name, uint64_t size, int64_t mtime), void *ctx)
{
	return b->ops->walk(b, fn, ctx);
}

int
blob_walk_staging(struct blob_store *b,
		  int (*fn)(void *ctx, const char *stage, uint64_t owner, bool alive), void *ctx)
{
	return b->ops->walk_staging(b, fn, ctx);
}

int
blob_tidy_staging(struct blob_store *b)
{
	return b->ops->tidy_staging(b);
}

int
blob_watch_open(struct blob_store *b, struct blob_watch **ret_watch)
{
	return b->ops->watch(b, ret_watch);
}

int
blob_set_tier(struct blob_store *b, unsigned tier, const char *dir, const char *mark)
{
	return b->ops->tiers != NULL ? b->ops->tiers->set(b, tier, dir, mark) : -ENOTSUP;
}

int
blob_tier_look(struct blob_store *b, unsigned tier)
{
	return b->ops->tiers != NULL ? b->ops->tiers->look(b, tier) : -ENOMEDIUM;
}

int
blob_tier_begin(struct blob_store *b, unsigned tier)
{
	return b->ops->tiers != NULL ? b->ops->tiers->begin(b, tier) : -ENOTSUP;
}

int
blob_tier(struct blob_store *b, const char *name, unsigned *ret_tier)
{
	int fd, r;

	if (b->ops->tiers != NULL)
		return b->ops->tiers->tier(b, name, ret_tier);
	r = b->ops->open(b, name, &fd);
	if (r == 0) {
		close(fd);
		*ret_tier = 0;
	}
	return r;
}

int
blob_tier_copy(struct blob_store *b, int fd, unsigned tier, const char *stage, const atomic_bool *stop, int *ret_fd)
{
	return b->ops->tiers != NULL ? b->ops->tiers->copy(b, fd, tier, stage, stop, ret_fd) : -ENOTSUP;
}

int
blob_tier_place(struct blob_store *b, const char *name, unsigned tier, const char *stage)
{
	return b->ops->tiers != NULL ? b->ops->tiers->place(b, name, tier, stage) : -ENOTSUP;
}

int
blob_tier_lead(struct blob_store *b, const char *name, unsigned tier, const char *stage, int copy)
{
	return b->ops->tiers != NULL ? b->ops->tiers->lead(b, name, tier, stage, copy) : -ENOTSUP;
}

int
blob_tier_lead_back(struct blob_store *b, const char *name, unsigned tier, const char *stage)
{
	int fd, r = blob_tier_open(b, name, tier, &fd);

	if (r < 0)
		return r;
	r = b->ops->tiers->lead(b, name, tier, stage, fd);
	close(fd);
	return r;
}

int
blob_tier_forget(struct blob_store *b, unsigned tier, const char *stage)
{
	return b->ops->tiers != NULL ? b->ops->tiers->forget(b, tier, stage) : -ENOTSUP;
}

int
blob_tier_tidy(struct blob_store *b)
{
	return b->ops->tiers != NULL ? b->ops->tiers->tidy(b) : 0;
}

int
blob_tier_drop(struct blob_store *b, const char *name)
{
	return b->ops->tiers != NULL ? b->ops->tiers->drop(b, name) : 0;
}

int
blob_tier_open(struct blob_store *b, const char *name, unsigned tier, int *ret_fd)
{
	return b->ops->tiers != NULL ? b->ops->tiers->open(b, name, tier, ret_fd) : -ENOMEDIUM;
}

int
blob_tier_walk(struct blob_store *b, unsigned tier, int (*fn)(void *, const char *, uint64_t, int64_t), void *ctx)
{
	return b->ops->tiers != NULL ? b->ops->tiers->walk(b, tier, fn, ctx) : -ENOMEDIUM;
}
