/* blob_tier.h: the directories of the tiers, for the engine that keeps blobs in directories.
 *
 * A tier is used by its path, never held open: whoever mounts it may unmount it.
 *
 * Threads: any, once all are set.  Errors as in blob.h.
 */
#ifndef BLOB_BLOB_TIER_H
#define BLOB_BLOB_TIER_H

#include "blob/blob.h"

struct tier_dirs {			/* all zero: none */
	char *path[BLOB_TIERS];		/* NULL: not set; [0] always */
	char mark[BLOB_TIER_MARK_MAX];
};

int  tier_dirs_set(struct tier_dirs *t, unsigned tier, const char *dir, const char *mark);
void tier_dirs_fini(struct tier_dirs *t);
bool tier_dirs_any(const struct tier_dirs *t);
int  tier_look(const struct tier_dirs *t, unsigned tier);
int  tier_begin(const struct tier_dirs *t, unsigned tier);

/* The path of a name in a tier, which is what its link says. */
int  tier_path(const struct tier_dirs *t, unsigned tier, const char *name, char *path, size_t size);
/* Which tier the link leads to that lies at name below a directory.  -EINVAL: it is no link; -ELOOP: to none. */
int  tier_of_link(const struct tier_dirs *t, int dir, const char *name, unsigned *ret_tier);
int  tier_open(const struct tier_dirs *t, unsigned tier, const char *name, int *ret_fd);
/* Into a part, aside, which has the name of a stage; then that gets its name.  -ENOENT: there is no such part. */
int  tier_copy(const struct tier_dirs *t, unsigned tier, const char *stage, int from, const atomic_bool *stop,
	       int *ret_fd);
int  tier_place(const struct tier_dirs *t, unsigned tier, const char *stage, const char *name);
int  tier_forget(const struct tier_dirs *t, unsigned tier, const char *stage);
/* All parts. */
int  tier_tidy(const struct tier_dirs *t, unsigned tier);
/* With the directories that are empty then. */
int  tier_remove(const struct tier_dirs *t, unsigned tier, const char *name);

#endif
