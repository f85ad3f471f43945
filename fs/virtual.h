/* virtual.h: names that resolve but are not listed, so that what is listed is what is stored.
 *
 *   <service>/.feed/changes.ndjson		stream.h
 *   <service>/.query/, <partition>/.query/	query.h; their entries are symbolic links to studies
 *   <study>/SHA256SUMS				stream.h
 *   <series>/.metadata.json, <instance>.json
 *   <series>/.original/<instance>.dcm		what was stored first, whatever it was updated to
 *
 * Node numbers (tree.h): bit 60, a kind, a parameter, and an id of the store or of a query
 * directory.  They say everything, so nothing is to be forgotten.  The kernel keeps neither
 * entries nor attributes nor bytes of them: they change without anybody telling.
 *
 * Nothing can be written, made, removed or renamed there: EPERM.
 *
 * Threads: any.  Called without the nodes' lock.
 */
#ifndef FS_VIRTUAL_H
#define FS_VIRTUAL_H

#include "fs/private.h"
#include "fs/stream.h"

struct virtual;				/* of a mount */

struct virtual *virtual_new(void);	/* NULL: no memory */
void virtual_free(struct virtual *v);

/* Can it be one in a directory of this level? */
bool virtual_is_name(enum store_level level, const char *name);
/* ... of any level? */
bool virtual_is_name_somewhere(const char *name);
/* In a directory of the catalog, by its id in the store.  -ENOENT. */
int  virtual_lookup(struct fs *fs, uint64_t dir, const char *name, struct fuse_entry_param *e);
/* In a virtual directory. */
int  virtual_lookup_in(struct fs *fs, uint64_t ino, const char *name, struct fuse_entry_param *e);
/* The node itself, for those who know a handle only. */
int  virtual_lookup_self(struct fs *fs, uint64_t ino, struct fuse_entry_param *e);
int  virtual_getattr(struct fs *fs, uint64_t ino, struct stat *sb);
int  virtual_open(struct fs *fs, uint64_t ino, int flags, struct stream **ret_stream);

/* The requests of a directory (virtual_dir.c). */
void virtual_opendir(fuse_req_t req, struct fs *fs, uint64_t ino, struct fuse_file_info *fi);
void virtual_readdir(fuse_req_t req, struct fs *fs, uint64_t ino, size_t size, uint64_t off, bool plus,
		     struct fuse_file_info *fi);
void virtual_releasedir(fuse_req_t req, struct fs *fs, struct fuse_file_info *fi);

/* What the two files share. */
struct open_dirs {
	pthread_mutex_t lock;		/* guards the list */
	struct open_dir *first;
};
struct open_dirs *virtual_open_dirs(struct fs *fs);
/* Those that nobody will close any more. */
void open_dirs_free(struct open_dirs *all);
/* The query directory that ino is.  -ENOTDIR, -ESTALE. */
struct query_dir;
int  virtual_query_dir(struct fs *fs, uint64_t ino, struct query_dir *ret_dir);
/* The entry of a study in a query directory. */
void virtual_link_entry(struct fs *fs, const struct query_dir *dir, const struct store_node *study,
			struct fuse_entry_param *e);
/* Studies that fit the conditions, newest first, `before` as in struct search, and none but study_uid when that
 * is not NULL; at most limit. */
int  virtual_search(struct fs *fs, const struct query_dir *dir, const char *study_uid, uint64_t before, uint64_t limit,
		    struct search_report *ret_report, int (*fn)(void *ctx, const struct store_node *node), void *ctx);

#endif
