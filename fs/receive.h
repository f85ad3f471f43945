/* receive.h: the bytes of a file being written through the mount.
 *
 * The bytes go to a staging file (struct incoming).  Accepting hands that file
 * over to the store, which renames it to its public path: from then on it is a
 * stored file and must not change.  So
 *
 *  (1) after an accept the staging file is only read here, through a
 *      descriptor of our own;
 *  (2) the next write copies everything into a new staging file first, and
 *      the next accept stores it as a replacement;
 *  (3) writes come through here one by one, never by kernel passthrough:
 *      that would write into the stored file behind our back.
 *
 *      EMPTY --write--> DIRTY --accept--> CLEAN --write--> DIRTY
 *                        |  ^
 *                 refused|  |write
 *                        v  |
 *                       REFUSED (accept gives the same answer again)
 *
 * Threads: any; calls on one object wait for each other.
 */
#ifndef FS_RECEIVE_H
#define FS_RECEIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fs/behind.h"
#include "store/store.h"

struct receive;

/* EMPTY; NULL no memory.  behind: what writes large pieces, so that it is not before the next call that a write is known
 * to have failed; may be NULL. */
struct receive *receive_new(struct store *st, struct behind *behind);
/* CLEAN with the bytes of a stored file, which stay readable as long as this. */
int  receive_set_base(struct receive *rc, const struct store_file *file);
void receive_free(struct receive *rc);			/* NULL is fine */

/* Return the count or -errno. */
ssize_t receive_read(struct receive *rc, void *data, size_t len, uint64_t off);
/* append: off is ignored. */
ssize_t receive_write(struct receive *rc, const void *data, size_t len, uint64_t off, bool append);
int  receive_truncate(struct receive *rc, uint64_t size);
int  receive_allocate(struct receive *rc, int mode, uint64_t off, uint64_t len);
/* The staging file, if there is one, is on the disk. */
int  receive_sync(struct receive *rc);
uint64_t receive_size(struct receive *rc);

/* 1: accepted just now, *ret_ticket is the caller's; 0: nothing new to accept, or
 * the file is empty; or -errno, refused: err and result say why.  -ENOSPC or the like, too, when a
 * write has failed so and what is there is not whole, or nobody was told.  Whatever options->same, it may replace what it
 * has stored itself.  mtime: ns, or -1 for that of the last write. */
int  receive_accept(struct receive *rc, const struct ingest_options *options, int64_t mtime,
		    struct ingest_result *result, struct ticket **ret_ticket, struct err *err);
/* It was refused: store_refuse_import of what is there, which is CLEAN then.  -EALREADY: that was done;
 * -ENODATA: a write has failed, so the bytes were not worth keeping; or -errno: they could not be kept. */
int  receive_refuse(struct receive *rc, const char *path, const struct ingest_result *result,
		    const struct err *err);

#endif
