/* fs.h: the mount door.
 *
 * fs_start mounts the store's tree (dicomlake-fs(7)) and serves it from
 * threads of its own; it returns when the mount answers.  A dead mount left
 * at dir by a killed process is taken over.
 */
#ifndef FS_FS_H
#define FS_FS_H

#include "base/err.h"
#include "store/store.h"

struct fs;

struct fs_options {
	const char *mount_options;	/* comma-separated, as after -o; NULL none */
	bool foreground_debug;		/* libfuse's own debug log */
};

int  fs_start(struct store *st, const char *dir, const struct fs_options *options,
	      struct fs **ret_fs, struct err *err);
/* Called once, from one of fs's threads, when the mount goes away by itself (umount). */
void fs_on_end(struct fs *fs, void (*fn)(void *ctx), void *ctx);
/* Unmounts (lazily when busy, and logs so), waits for its threads.  NULL is fine. */
void fs_stop(struct fs *fs);

/* Requests answered since the start, by FUSE operation, for metrics: "lookup", "read" ... */
void fs_each_counter(struct fs *fs, void (*fn)(void *ctx, const char *op, uint64_t count), void *ctx);

#endif
