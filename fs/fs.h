/* fs.h: the mount door.
 *
 * fs_start mounts the tree of one store, or of several under one root (dicomlake-fs(7)), and serves it from
 * threads of its own; it returns when the mount answers.  A dead mount left
 * at dir by a killed process is taken over.
 */
#ifndef FS_FS_H
#define FS_FS_H

#include "base/err.h"
#include "store/store.h"

struct mount;

struct fs_options {
	const char *mount_options;	/* comma-separated, as after -o; NULL none */
	bool foreground_debug;		/* libfuse's own debug log */
};

/* At most STORE_NUMBER_MAX stores, no two of which have the same label.  When there are several, each gets a number that none of
 * the others has (store_number); a log line tells of one that lost its own. */
int  fs_start(struct store *const *stores, size_t n, const char *dir, const struct fs_options *options,
	      struct mount **ret_mount, struct err *err);
/* Called once, from one of its threads, when the mount goes away by itself (umount). */
void fs_on_end(struct mount *m, void (*fn)(void *ctx), void *ctx);
/* Unmounts (lazily when busy, and logs so), waits for its threads.  NULL is fine. */
void fs_stop(struct mount *m);

/* Requests answered since the start, by FUSE operation, for metrics: "lookup", "read" ...  Those about one store, or with
 * NULL about the directories above several. */
void fs_each_counter(struct mount *m, const struct store *st, void (*fn)(void *ctx, const char *op, uint64_t count),
		     void *ctx);

#endif
