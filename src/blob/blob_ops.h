/* blob_ops.h: what an engine behind blob.h implements.  Every member is needed but tiers. */
#ifndef BLOB_BLOB_OPS_H
#define BLOB_BLOB_OPS_H

#include "blob/blob.h"

struct blob_tier_ops {
	int  (*set)(struct blob_store *b, unsigned tier, const char *dir, const char *mark);
	int  (*look)(struct blob_store *b, unsigned tier);
	int  (*begin)(struct blob_store *b, unsigned tier);
	int  (*tier)(struct blob_store *b, const char *name, unsigned *ret_tier);
	int  (*copy)(struct blob_store *b, int fd, unsigned tier, const char *stage, const atomic_bool *stop,
		     int *ret_fd);
	int  (*place)(struct blob_store *b, const char *name, unsigned tier, const char *stage);
	int  (*lead)(struct blob_store *b, const char *name, unsigned tier, const char *stage, int copy);
	int  (*forget)(struct blob_store *b, unsigned tier, const char *stage);
	int  (*tidy)(struct blob_store *b);
	int  (*drop)(struct blob_store *b, const char *name);
	int  (*open)(struct blob_store *b, const char *name, unsigned tier, int *ret_fd);
	int  (*walk)(struct blob_store *b, unsigned tier,
		     int (*fn)(void *ctx, const char *name, uint64_t size, int64_t mtime), void *ctx);
};

struct blob_ops {
	void (*close)(struct blob_store *b);
	int  (*claim)(struct blob_store *b, uint64_t owner);
	int  (*stage_create)(struct blob_store *b, const char *stage, int *ret_fd);
	int  (*stage_open)(struct blob_store *b, const char *stage, int *ret_fd);
	int  (*stage_link)(struct blob_store *b, int fd, const char *stage);
	int  (*stage_rename)(struct blob_store *b, const char *from, const char *to);
	int  (*stage_remove)(struct blob_store *b, const char *stage);
	int  (*sync)(struct blob_store *b, const int *fds, size_t n);
	int  (*sync_all)(struct blob_store *b);
	int  (*publish)(struct blob_store *b, const char *stage, const char *name);
	int  (*open)(struct blob_store *b, const char *name, int *ret_fd);
	int  (*remove)(struct blob_store *b, const char *name);
	int  (*walk)(struct blob_store *b,
		     int (*fn)(void *ctx, const char *name, uint64_t size, int64_t mtime), void *ctx);
	int  (*walk_staging)(struct blob_store *b,
			     int (*fn)(void *ctx, const char *stage, uint64_t owner, bool alive), void *ctx);
	int  (*tidy_staging)(struct blob_store *b);
	int  (*watch)(struct blob_store *b, struct blob_watch **ret_watch);
	const struct blob_tier_ops *tiers;	/* NULL: it has none */
};

/* Of the tree below a directory's descriptor, which is borrowed (blob_watch.c). */
int  blob_watch_tree(int dir, struct blob_watch **ret_watch);

struct blob_store {
	const struct blob_ops *ops;
};

#endif
