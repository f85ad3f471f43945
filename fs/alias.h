/* alias.h: what becomes of the names files were written under.
 *
 * After close() the instance appears at its public path.  The name the user
 * wrote stays, unlisted, as long as there is room: tools go on with it (chmod,
 * utime, rename, compare).  It shows the size and the times the user gave it,
 * reads the instance, and goes when the instance goes or is replaced by
 * another door.  Removing or renaming it does nothing to the instance.
 *
 * Directories from mkdir are listed until something below them was ingested;
 * then they too are only names.
 *
 * Threads: the lock of inode.h.
 */
#ifndef FS_ALIAS_H
#define FS_ALIAS_H

#include "fs/inode.h"

/* Local names at most, each about 400 bytes. */
#define ALIAS_MAX 100000
/* How long an emptied study or series directory waits for its rmdir. */
#define ALIAS_VANISH_SECONDS 30

/* The partition, or the import-container, that a node lies in or is; NULL when it lies in none. */
struct node *alias_top_locked(struct node *n);
/* Something at or below n was ingested: the nearest directory above that did not
 * know becomes a mere name.  True when one did: *ret_listing is the parent
 * whose listing changed; call again until false. */
bool alias_use_next_locked(struct nodes *t, struct node *n, uint64_t *ret_listing);
/* rmdir of a NODE_DIR: 0 and it is gone with all names below; -ENOTEMPTY; -EBUSY there are open files below, and nothing else. */
int  alias_remove_dir_locked(struct nodes *t, struct node *dir);
/* rename; a local name in the way is replaced.  -EXDEV to another partition (or import-container),
 * -EINVAL below itself, -ENOTEMPTY, -EISDIR, -ENOTDIR, -ENOMEM (the node has then lost its name). */
int  alias_move_locked(struct nodes *t, struct node *n, struct node *parent, const char *name);
/* The instance is gone (keep 0), or is now of this version. */
void alias_drop_instance_locked(struct nodes *t, uint64_t instance, uint64_t keep);

#endif
