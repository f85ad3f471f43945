/* blob_ops.h: what an engine behind blob.h implements.  Every member is needed. */
#ifndef BLOB_BLOB_OPS_H
#define BLOB_BLOB_OPS_H

#include "blob/blob.h"

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
};

/* Of the tree below a directory's descriptor, which is borrowed (blob_watch.c). */
int  blob_watch_tree(int dir, struct blob_watch **ret_watch);

struct blob_store {
	const struct blob_ops *ops;
};

#endif
