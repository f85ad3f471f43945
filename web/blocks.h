/* blocks.h: blocks of blobs whose list has not come yet (Put Block, Put Block List).
 *
 * The blocks of a path lie in one staging file, in the order in which they came.  They are known to this
 * process only: after a restart the client begins anew, as after a week with Azure.
 *
 *  (1) A block counts when all of it has been written.
 *  (2) An upload that nobody has touched for LIMIT_UPLOAD_IDLE_MS goes, and the one that was idle longest when there
 *      are LIMIT_UPLOADS.
 *
 * Threads: any.
 */
#ifndef WEB_BLOCKS_H
#define WEB_BLOCKS_H

#include "store/store.h"
#include "web/block_list.h"

struct blocks;
struct upload;				/* the blocks of one path; held between reserve and the end of the block */

int  blocks_new(struct store *st, struct blocks **ret_blocks);
void blocks_free(struct blocks *b);	/* NULL is fine; nobody holds an upload */

/* Room for a block of so many bytes: write them to *ret_fd from *ret_off on.  -EFBIG: the blocks of the
 * path would be larger than max; -EAGAIN: too many uploads at once. */
int  blocks_reserve(struct blocks *b, const char *path, uint64_t len, uint64_t max, struct upload **ret_upload,
		    int *ret_fd, uint64_t *ret_off, struct err *err);
/* It is written; it takes the place of one that has its ID.  Gives the upload back, on failure too. */
int  blocks_add(struct blocks *b, struct upload *u, const char *id, uint64_t off, uint64_t len);
/* It is not. */
void blocks_drop(struct blocks *b, struct upload *u);

/* All of these one after the other, the caller's.  -ENOENT: one is not there, and nothing has changed.  Blocks
 * that are not named go. */
int  blocks_take(struct blocks *b, const char *path, const struct block_name *names, size_t n,
		 struct incoming **ret_in, struct err *err);

#endif
