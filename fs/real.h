/* real.h: real files of the store that the mount shows as they are: the error-container, and healthCheck.
 *
 * They are read, listed and (in the error-container) removed; nothing is written or renamed.  Any process may change them,
 * so the kernel is asked to believe nothing for longer than one request.  Their node numbers are made of
 * their inode numbers; the paths of those the kernel knows are kept here, counted.
 *
 * Threads: any.
 */
#ifndef FS_REAL_H
#define FS_REAL_H

#ifndef FUSE_USE_VERSION
#define FUSE_USE_VERSION 314
#endif
#include <fuse_lowlevel.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct fs;
struct real_table;

struct real_table *real_table_new(void);	/* NULL: no memory */
void real_table_free(struct real_table *t);	/* NULL is fine */

/* All of these: node is one of tree_is_real.  0 or -errno; -ESTALE: it is not there any more. */
int  real_lookup(struct fs *fs, uint64_t dir, const char *name, struct fuse_entry_param *e);
/* The node itself, counted as looked up. */
int  real_lookup_self(struct fs *fs, uint64_t node, struct fuse_entry_param *e);
int  real_parent(struct fs *fs, uint64_t node, uint64_t *ret_parent);
void real_forget(struct fs *fs, uint64_t node, uint64_t n);
int  real_stat(struct fs *fs, uint64_t node, struct stat *ret_sb);
int  real_open(struct fs *fs, uint64_t node, int flags, int *ret_fd);
int  real_remove(struct fs *fs, uint64_t dir, const char *name, bool is_dir);
/* Children from an offset on, in the order of the directory below, until fn returns
 * non-zero (returned then).  off is that of the entry after. */
int  real_list(struct fs *fs, uint64_t dir, uint64_t off,
	       int (*fn)(void *ctx, const char *name, const struct stat *sb, uint64_t off), void *ctx);

#endif
