/* orphans.h: files that the store left behind.
 *
 * What a delete removes is gone when it returns, but a power cut may bring a file back whose row is
 * gone.  Such a file is surely ours when the feed tells that its instance was deleted, and the file was not
 * touched from when it was stored on.  Every other file that no row is of may be somebody's: it
 * stays, and check --repair indexes it.
 *
 * In the directory of a tier (tier.h) only the store puts files: one that no name leads to is ours when its instance has its
 * bytes elsewhere, or was deleted.
 *
 * Threads: any.
 */
#ifndef STORE_ORPHANS_H
#define STORE_ORPHANS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "store/store.h"

struct orphan_options {
	bool dry_run;			/* tell, and remove nothing */
	/* ours: it is, or would be, removed.  The name is below the partitions, or, when dir is not NULL, below the
	 * directory of a tier. */
	void (*report)(void *ctx, const char *dir, const char *name, uint64_t size, bool ours);
	void *ctx;
};

struct orphan_totals {
	uint64_t removed, bytes;	/* or would be */
	uint64_t kept;
};

int  store_reclaim(struct store *st, const struct orphan_options *options, struct orphan_totals *ret_totals, struct err *err);

#endif
