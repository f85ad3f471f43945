/* lifecycle.h: begins, again and again, an operation that moves instances to the tiers the rules say (store/tier.h).
 *
 * How long ago the last one began is kept with the operations, so neither a restart nor a second process makes it more
 * often.
 *
 * Threads: any.
 */
#ifndef OPS_LIFECYCLE_H
#define OPS_LIFECYCLE_H

#include "base/err.h"
#include "ops/ops.h"

struct lifecycle;

/* Every interval ms; nothing where the store has no rules: *ret_lifecycle is NULL.  ops and the store outlive it. */
int  lifecycle_start(struct store *st, struct ops *ops, uint64_t interval, struct lifecycle **ret_lifecycle, struct err *err);
void lifecycle_stop(struct lifecycle *l);	/* NULL is fine */

#endif
