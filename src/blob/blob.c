/* The calls of blob.h, handed to the engine. */
#include "blob/blob.h"

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
