/* backup.h: a copy of a store that is in use, and back again.
 *
 * The copy is a store itself: an index that is one moment of the original, and the files that its rows
 * name.  The next backup to the same directory copies what changed since, by the change feed.
 * A killed one is gone on with by doing it again.
 *
 * Threads: any; one at a time to a directory (-EBUSY).
 * Errors:  those of store.h; -EEXIST the directory holds something else; -EINVAL it holds a backup of another
 *          store, or was changed since; -ENOENT there is no backup; -ECANCELED told to stop.
 */
#ifndef STORE_BACKUP_H
#define STORE_BACKUP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "store/store.h"

struct backup_options {
	bool copy;			/* bytes are copied even where they could be shared */
	const atomic_bool *stop;	/* NULL: it is not told to */
	/* Changes looked at so far, and how many there are to look at; bytes of the files so far. */
	void (*progress)(void *ctx, uint64_t done, uint64_t total, uint64_t bytes);
	/* The file of an instance that cannot be copied: it was changed or removed behind the store. */
	void (*unreadable)(void *ctx, const char *name);
	void *ctx;
};

struct backup_totals {
	uint64_t instances;		/* in the copy */
	uint64_t bytes;
	uint64_t sequence;		/* of the latest change in the copy */
	uint64_t copied, shared, present, removed;	/* files: bytes copied; shared with the original; there already; gone */
	uint64_t copied_bytes;
	uint64_t unreadable;
};

/* dir is made when missing.  When it returns 0 all is durable.  Where the file system can, files share their
 * blocks (reflink), or themselves (hard link), with the original. */
int  store_backup(struct store *st, const char *dir, const struct backup_options *options,
		  struct backup_totals *ret_totals, struct err *err);
/* A new store at target, which is made, out of a backup; no file is hard-linked. */
int  store_restore(const char *dir, const char *target, const struct backup_options *options,
		   struct backup_totals *ret_totals, struct err *err);

#endif
