/* open.h: instances that are open for reading, one of these a node.
 *
 * All opens of a node share one store file and, with passthrough, one backing
 * id, as the kernel demands.  The bytes of a node never change (tree.h).
 * Threads: any.
 */
#ifndef FS_OPEN_H
#define FS_OPEN_H

#include "fs/channel.h"
#include "store/store.h"

struct opened;
struct open_table;

struct open_table *open_table_new(struct store *st, struct channel *channel);	/* NULL: no memory */
void open_table_free(struct open_table *t);	/* closes what is open still */

/* Get or open.  -ESTALE: the instance is not of this version (any more), or
 * store_open_file says so (then err has a text); -ENOENT ... */
int  open_get(struct open_table *t, uint64_t node, struct opened **ret_o, struct err *err);
/* Only if it is open already; NULL. */
struct opened *open_peek(struct open_table *t, uint64_t node);
void open_put(struct open_table *t, struct opened *o);

const struct store_file *opened_file(const struct opened *o);
int  opened_backing(const struct opened *o);	/* 0 none */

#endif
