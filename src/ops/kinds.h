/* kinds.h: the kinds of operations there are, for the runner. */
#ifndef OPS_KINDS_H
#define OPS_KINDS_H

#include <stdatomic.h>

#include "base/err.h"
#include "store/store.h"

struct kind {
	const char *name;		/* for the log, and as the contract has it */
	/* A piece of the work that is done or not done, whenever we are killed; short, as
	 * ops_stop waits for it, or one that ends when *stop is set.  1: there is more; 0: the operation is finished and
	 * says so. */
	int (*step)(struct store *st, const char *operation, const atomic_bool *stop, struct err *err);
};

extern const struct kind reindex_kind;
extern const struct kind update_kind;
extern const struct kind tier_kind;

#endif
