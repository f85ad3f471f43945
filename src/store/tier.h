/* tier.h: the tiers of a store: where bytes lie, by which rules, and moving them (dicomlake-store(5)).
 *
 * A tier is a directory elsewhere; STORE_HOT is the store's own.  What is in STORE_ARCHIVE is not read by any door until it
 * is moved back.  Directories and rules are lines of the file STORE_TIERS_CONF in the store, read when it is opened:
 * every program that opens the store must find the bytes, and not only the daemon.
 * A move is no change of an instance: its version, times and ETag stay.
 *
 * Threads and errors as in store.h; -ENOMEDIUM: the directory of a tier is not there.
 */
#ifndef STORE_TIER_H
#define STORE_TIER_H

#include <stdatomic.h>

#include "store/operations.h"

#define STORE_TIERS_CONF "tiers.conf"

/* "hot", "cool", "cold", "archive". */
const char *store_tier_name(enum store_tier tier);
/* -EINVAL: none of them. */
int  store_tier_parse(const char *text, size_t len, enum store_tier *ret_tier);
/* Of a store: can anything be moved to it?  STORE_HOT: has it any other? */
bool store_has_tier(const struct store *st, enum store_tier tier);
bool store_has_tier_rules(const struct store *st);

#define TIER_NODES_MAX 1000
struct tier_request {
	bool by_rules;			/* else: */
	enum store_tier tier;		/* of these: ids of studies, series and instances */
	const uint64_t *nodes;
	size_t n_nodes;
};
/* Begin an operation that moves.  -EINVAL: there is no such tier, or no rule. */
int  store_begin_tiering(struct store *st, const struct tier_request *rq, char ret_id[OPERATION_TEXT_MAX], struct err *err);
/* The next piece of its work (ops/kinds.h). */
int  store_tier_step(struct store *st, const char *operation, const atomic_bool *stop, struct err *err);
/* When an operation by the rules was begun last, ns; 0: never, as far as is known. */
int  store_last_tiering(struct store *st, int64_t *ret_when);

/* What the rules would move, until fn returns non-zero (returned). */
struct tier_move {
	const char *partition;
	const struct instance_info *info;
	enum store_tier to;		/* from info->tier */
};
int  store_preview_tiering(struct store *st, int (*fn)(void *ctx, const struct tier_move *move), void *ctx, struct err *err);

#endif
