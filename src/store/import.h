/* import.h: the import-container, the error-container and their queues (contract 10).
 *
 * Whatever is put into the import-container is stored as STOW v2 would store it; what is
 * refused is kept, under the name it had, in the error-container: a real file in the store, with
 * a report beside it.  A door that has an import-container stores by store_import_options and
 * tells here what became of each file.
 *
 * A path is relative to the container: components of at most STORE_IMPORT_NAME_MAX bytes, none of
 * them "." or "..", at most STORE_IMPORT_PATH_MAX in all.
 *
 * Threads: any.
 */
#ifndef STORE_IMPORT_H
#define STORE_IMPORT_H

#include <stdint.h>

#include "store/store.h"

#define STORE_IMPORT_PATH_MAX 1024	/* as long as the names of Azure's blobs */
#define STORE_IMPORT_NAME_MAX 240	/* leaves room for the suffix of the report */
#define STORE_IMPORT_REPORT ".error.json"

/* The default partition, the rules of v2, and an instance that exists with other bytes is refused. */
extern const struct ingest_options store_import_options;

bool store_import_path_is_valid(const char *path);

/* A file was put into the import-container: a line in the import-queue. */
void store_record_import(struct store *st, const char *path, uint64_t size);
/* Likewise of many: lines are gathered, and written together. */
void store_put_import(struct store *st, struct buf *lines, const char *path, uint64_t size);
void store_record_imports(struct store *st, const struct buf *lines);

/* It was refused: puts the bytes of fd into the error-container and a report beside them, in the place of what
 * has those names there, and a line in the error-queue.  fd stays the caller's; where the file
 * system can, the bytes are linked and not copied, so they must not change afterwards.  fd -1:
 * there is nothing worth keeping, only the line is written.
 * 0, or -errno when the bytes could not be kept: the line in the queue says so.
 * After a kill the file is there whole, or not at all. */
int  store_refuse_import(struct store *st, int fd, const char *path, const struct ingest_result *result,
			 const struct err *err);
/* What was refused as `from` was meant to be called `to` (tools write under a name of their own
 * and rename): moves it and its report, and writes a line with the path it has now.  -ENOENT: it is there no more. */
int  store_rename_refused(struct store *st, const char *from, const char *to);
/* All of that for a door that waits: what lies in in is stored durably, or was there already (0); or refused and kept
 * (1; err says why).  Nothing at all is done with an empty file (0).  -errno: the store is at fault, and nothing of it stays.  Takes in. */
int  store_import(struct store *st, struct incoming *in, const char *path, struct ingest_result *result,
		  struct err *err);
/* What was refused, and its report: removed, and the directories above that are empty then.  -ENOENT; -EISDIR. */
int  store_remove_refused(struct store *st, const char *path);
/* What lies in the error-container, in the order of strcmp of each component, after the path `after` ("": from the beginning), until fn
 * returns non-zero, which is returned.  A page costs the directories that it lies in. */
int  store_list_refused(struct store *st, const char *after,
			int (*fn)(void *ctx, const char *path, uint64_t size, int64_t mtime), void *ctx);
/* One of the queues; the caller closes it.  -ENOENT: nothing was ever in it. */
int  store_open_queue(struct store *st, bool errors, int *ret_fd);
/* Read-only; the caller closes it.  -ENOENT. */
int  store_open_refused(struct store *st, const char *path, int *ret_fd);

/* Where they lie, relative to the store's directory. */
#define STORE_ERROR_CONTAINER "import/error-container"
#define STORE_IMPORT_QUEUE "import/import-queue"
#define STORE_ERROR_QUEUE "import/error-queue"

#endif
