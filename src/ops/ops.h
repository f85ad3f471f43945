/* ops.h: long work on a store, in the background (contract 8).
 *
 * Operations are records in the store (store/operations.h); whoever serves it works on them, the oldest
 * first, and on exports and on moves between tiers beside the others; also on those that another process began or
 * left when it was killed.  One process of those that have the store open works at a time, by a lock on the file
 * "operations.lock".
 *
 * Threads: any.
 */
#ifndef OPS_OPS_H
#define OPS_OPS_H

#include "base/err.h"
#include "store/store.h"

struct ops;

/* The store outlives it. */
int  ops_start(struct store *st, struct ops **ret_ops, struct err *err);
/* Work on exports as well, beside the rest; whoever does not call it leaves them to others.  settings
 * outlives it.  Once. */
struct export_settings;
int  ops_run_exports(struct ops *ops, const struct export_settings *settings, struct err *err);
/* There is something to do: look now.  What other processes begin is seen within a second.  NULL
 * is fine. */
void ops_wake(struct ops *ops);
/* Ends after the transaction that is being written; the next runner goes on.  NULL is fine. */
void ops_stop(struct ops *ops);

#endif
