/* blob.h: immutable named bytes, and the staging area they come in through.
 *
 * Bytes arrive in a staged file, a plain local file that its writer fills
 * through a descriptor.  blob_publish gives it its name; from then on the
 * bytes are never modified, only replaced whole or removed.  An engine that
 * keeps blobs elsewhere still stages locally and sends at blob_publish.
 *
 * Names are "partition/study/series/instance.dcm", and with BLOB_ORIGINALS before the last part the
 * bytes that an instance had first.  They are made of parts that the
 * caller has checked: no part is empty, "." or "..", or holds "/" or NUL.
 *
 * Stages are "owner/rest".  An owner is a number that one open blob store has
 * claimed; numbers are never used twice.  Its staged files belong to that
 * process until it dies (blob_walk_staging tells), then to whoever opens the store next.
 *
 *  - After blob_sync returns 0, the bytes and the stage name survive a power cut.
 *  - blob_publish is atomic: a reader of the name sees the old bytes or the
 *    new, whole.  It need not survive a power cut: the stage may be back.
 *  - An open descriptor reads on, whatever happens to the name.
 *
 * Threads: any.
 * Errors:  -ENOENT no such blob; -EEXIST stage taken; -ENOSPC, -EDQUOT; -EROFS; -EIO the rest.
 */
#ifndef BLOB_BLOB_H
#define BLOB_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define BLOB_NAME_MAX 320		/* 64 + 3 * 64 + ".dcm", BLOB_ORIGINALS and slashes, with room */
#define BLOB_ORIGINALS ".original"
#define BLOB_STAGE_MAX 128

struct blob_store;

/* data_dir holds the names, staging_dir the stages; on one file system.  Both are made when missing. */
int  blob_dir_open(const char *data_dir, const char *staging_dir, bool read_only,
		   struct blob_store **ret_blobs, struct err *err);
/* For tests; forgotten when closed. */
int  blob_mem_open(struct blob_store **ret_blobs, struct err *err);
void blob_close(struct blob_store *blobs);	/* NULL is fine; gives up the claim */

/* Be the owner of stages "owner/..." from now on. */
int  blob_claim(struct blob_store *blobs, uint64_t owner);

int  blob_stage_create(struct blob_store *blobs, const char *stage, int *ret_fd);	/* read-write */
int  blob_stage_open(struct blob_store *blobs, const char *stage, int *ret_fd);		/* read-only */
/* An open file itself, one of a blob or of somebody's own, under this staged name too, without a copy; nobody may
 * change it afterwards.  -EXDEV, -EPERM, -EMLINK, -EOPNOTSUPP: it cannot be had so. */
int  blob_stage_link(struct blob_store *blobs, int fd, const char *stage);
int  blob_stage_rename(struct blob_store *blobs, const char *from, const char *to);
int  blob_stage_remove(struct blob_store *blobs, const char *stage);

/* Make n staged files durable together. */
int  blob_sync(struct blob_store *blobs, const int *fds, size_t n);
/* Make everything durable that was staged, published or removed before, by any process. */
int  blob_sync_all(struct blob_store *blobs);

int  blob_publish(struct blob_store *blobs, const char *stage, const char *name);
int  blob_open(struct blob_store *blobs, const char *name, int *ret_fd);		/* read-only */
int  blob_remove(struct blob_store *blobs, const char *name);

/* fn for every blob / every staged file, in no promised order, until it
 * returns non-zero (returned).  alive: its owner lives, and is not us. */
int  blob_walk(struct blob_store *blobs,
	       int (*fn)(void *ctx, const char *name, uint64_t size, int64_t mtime), void *ctx);
int  blob_walk_staging(struct blob_store *blobs,
		       int (*fn)(void *ctx, const char *stage, uint64_t owner, bool alive), void *ctx);
/* Names that somebody, we too, may have given, changed or removed, from the opening on.  Of a directory;
 * -ENOTSUP for other engines. */
struct blob_watch;
int  blob_watch_open(struct blob_store *blobs, struct blob_watch **ret_watch);
/* 1: *name is such a name, perhaps one of many for one change; 0: none came in time, or blob_watch_wake
 * was called; -EOVERFLOW: some were lost, so any may be.  One thread at a time. */
int  blob_watch_next(struct blob_watch *watch, int timeout_ms, char name[BLOB_NAME_MAX]);
void blob_watch_wake(struct blob_watch *watch);		/* any thread */
void blob_watch_close(struct blob_watch *watch);	/* before the blobs; NULL is fine */

/* Forget owners that are dead and have no staged files left. */
int  blob_tidy_staging(struct blob_store *blobs);

#endif
