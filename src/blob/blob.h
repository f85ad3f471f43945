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
 * Bytes may lie in another tier: a directory elsewhere, perhaps on another file system.  The name is a
 * symbolic link then, to the same name below that directory, and no other link is ever followed.  So the
 * tree is whole for who reads it without us.  blob_publish, blob_open, blob_remove and blob_walk know
 * it.  A tier's directory holds a mark; without it, it is not there, whatever else is.
 *
 * Threads: any.
 * Errors:  -ENOENT no such blob; -ELOOP its name is a link that leads elsewhere; -ENOMEDIUM its tier is not
 *          there; -EEXIST stage taken; -ENOSPC, -EDQUOT; -EROFS; -EIO the rest.
 */
#ifndef BLOB_BLOB_H
#define BLOB_BLOB_H

#include <stdatomic.h>
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

#define BLOB_AWAY UINT64_MAX		/* the size of a blob whose bytes cannot be found where its link leads */
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

/* ---- tiers ---- */

#define BLOB_TIERS 4			/* 0 is where the names are */
#define BLOB_TIER_PATH_MAX 3072
#define BLOB_TIER_MARK ".dicomlake-tier"
#define BLOB_TIER_MARK_MAX 128

/* dir is absolute, without a slash at its end; mark says whose it is, a line.  Before anything else is done with the
 * blobs.  -ENOTSUP: this engine has none. */
int  blob_set_tier(struct blob_store *blobs, unsigned tier, const char *dir, const char *mark);
/* 0: it is there; -ENOMEDIUM: not, or not set; -EBUSY: it has another mark. */
int  blob_tier_look(struct blob_store *blobs, unsigned tier);
/* Mark its directory, which has no mark. */
int  blob_tier_begin(struct blob_store *blobs, unsigned tier);
/* Where the bytes of a name lie. */
int  blob_tier(struct blob_store *blobs, const char *name, unsigned *ret_tier);
/* Moving, by one at a time.  A copy of fd, with its mode, times and attributes, is made in a tier, aside; stage is the
 * mover's, and names it.  -ECANCELED: *stop was set. */
int  blob_tier_copy(struct blob_store *blobs, int fd, unsigned tier, const char *stage, const atomic_bool *stop,
		    int *ret_fd);
/* It gets the name in its tier, where nobody is led yet.  In tier 0 it stays where it is. */
int  blob_tier_place(struct blob_store *blobs, const char *name, unsigned tier, const char *stage);
/* At once, for readers: the name has the bytes of the copy, which is the open file copy.  What it had in tier 0
 * is gone; what it had in others is there until blob_tier_drop.  The copy must be durable where it was placed.
 * -ENOENT: it is not there. */
int  blob_tier_lead(struct blob_store *blobs, const char *name, unsigned tier, const char *stage, int copy);
/* Likewise to what lies in the tier, if that is a file. */
int  blob_tier_lead_back(struct blob_store *blobs, const char *name, unsigned tier, const char *stage);
/* A copy that was not placed is not wanted. */
int  blob_tier_forget(struct blob_store *blobs, unsigned tier, const char *stage);
/* Nor is any that a mover which was killed has left. */
int  blob_tier_tidy(struct blob_store *blobs);
/* Remove what lies under a name in tiers that the name does not lead to, as far as they are there. */
int  blob_tier_drop(struct blob_store *blobs, const char *name);
/* What lies in a tier, whatever leads there. */
int  blob_tier_open(struct blob_store *blobs, const char *name, unsigned tier, int *ret_fd);
int  blob_tier_walk(struct blob_store *blobs, unsigned tier,
		    int (*fn)(void *ctx, const char *name, uint64_t size, int64_t mtime), void *ctx);

/* Forget owners that are dead and have no staged files left. */
int  blob_tidy_staging(struct blob_store *blobs);

#endif
