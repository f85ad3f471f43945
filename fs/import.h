/* import.h: what is different about the import-container.
 *
 * Its names are local ones (inode.h), as those below a partition.  A close() there succeeds whatever
 * becomes of the file; what was refused is moved to the error-container at its last
 * release.  Nobody waits for a release, but whoever looks into the error-container or a queue after a close
 * wants to see what came of it: so those who look wait a moment for files whose
 * close has just found them bad.
 */
#ifndef FS_IMPORT_H
#define FS_IMPORT_H

#include "fs/private.h"
#include "store/import.h"

/* How long who looks waits at most for a release: a file that stays open after a close (dup, fork) may yet become good. */
#define IMPORT_PATIENCE_MS 200
/* And for refusals that are under way: the disk may be slow, and somebody may go on and on. */
#define IMPORT_REFUSING_MS 5000

/* Does the node lie in the import-container?  And where; its own name alone when that is too long to be said. */
bool import_holds_locked(struct node *n);
void import_path_locked(const struct node *n, char path[STORE_IMPORT_PATH_MAX + 1]);
/* May this name be made below dir?  0, or -ENAMETOOLONG. */
int  import_check_name_locked(struct node *dir, const char *name);

/* It is refused; err and result say why.  The file has a name: its bytes go to the error-container.  Without the lock. */
void import_refuse(struct fs *fs, struct node *file, struct receive *rc, const struct ingest_result *result,
		   const struct err *err);
/* Likewise, when its commit has found out: fd has the bytes. */
void import_refuse_fd(struct fs *fs, uint64_t node, int fd, const struct ingest_result *result,
		      const struct err *err);
/* The file may have another name now: what is kept of it follows.  Without the lock. */
void import_follow(struct fs *fs, uint64_t node);

/* This handle's file is going to be refused; the handle is done with. */
void import_expect(struct fs *fs, struct handle *h);
void import_expected(struct fs *fs, struct handle *h);
/* For who looks. */
void import_wait(struct fs *fs);

#endif
