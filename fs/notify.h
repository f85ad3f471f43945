/* notify.h: the kernel's caches are told of every change.
 *
 * What can be cached, and how it is made to go:
 *
 *   attributes of a directory, its listing   inval_inode: takes no lock in the
 *                                            kernel, done at once by whoever knows
 *   an entry (name -> node)                  inval_entry: takes the directory's
 *                                            lock, done by the notifier's thread
 *   "no such name"                           is never cached for a name that the
 *                                            catalog could come to have (tree_public_name)
 *   bytes, attributes of an instance         never change (tree.h)
 *
 * Why a wait cannot deadlock.  The notifier may be stuck on a directory's lock
 * until the request that holds it is answered.
 *  (1) No pool thread waits for the notifier: a close() that needs an entry
 *      invalidated is answered by the notifier (notify_ingested takes the request).
 *  (2) The store's observer thread waits for it (notify_change), so that a STOW
 *      that was answered is seen; the committer does not wait for the observer, so
 *      handlers in the store's barrier come through.
 *  (3) Handlers whose store verb waits for the observer (UNLINK: delete; RENAME: a ticket)
 *      hold a directory's lock meanwhile.  They say so (notify_hold), and the
 *      observer does not wait while the notifier is stuck on such a directory.
 *      For what is left (the pool full of them) it waits 100 ms at most.
 */
#ifndef FS_NOTIFY_H
#define FS_NOTIFY_H

#include "fs/private.h"

int  notify_start(struct fs *fs);
/* The mount is gone already.  NULL notifier is fine. */
void notify_stop(struct fs *fs);

/* Attributes of a directory, and with listing its cached listing. */
void notify_dir(struct fs *fs, uint64_t dir, bool listing);
/* Queue an entry.  req, if not NULL, has succeeded and is answered once it is gone. */
void notify_entry(struct fs *fs, uint64_t parent, const char *name, fuse_req_t req);
/* The gone hook of inode.h: ctx is the struct fs. */
void notify_gone_locked(void *ctx, uint64_t parent, const char *name);

/* Something in `partition` was accepted.  Notes the directories that will have another content (of partition,
 * study and series; 0 those that will not, and those the kernel does not know) in dirs and counts them unsettled. */
void notify_plan_locked(struct fs *fs, struct node *partition, const struct ingest_result *result, uint64_t dirs[3]);
/* Then, without the lock. */
void notify_ingested(struct fs *fs, uint64_t partition, const uint64_t dirs[3]);

/* store_observe's callback. */
void notify_change(void *ctx, const struct change *change);

/* A handler with the kernel's lock on dir is about to wait for the observer.
 * instance: what it deletes, 0 nothing.  hold is on the handler's stack. */
struct hold {
	struct hold *next;		/* private */
	uint64_t dir;
};
void notify_hold(struct fs *fs, struct hold *hold, uint64_t dir, uint64_t instance);
void notify_release(struct fs *fs, struct hold *hold);

#endif
