/* tiers_internal.h: what the parts of the store that know tiers share. */
#ifndef STORE_TIERS_INTERNAL_H
#define STORE_TIERS_INTERNAL_H

#include "store/internal.h"
#include "store/tiers_conf.h"

_Static_assert(STORE_TIERS == BLOB_TIERS && STORE_TIERS == ROW_TIERS, "tiers");

/* Bytes in each tier but the first, by the index. */
int  tier_sums(struct store *st, uint64_t tiers[STORE_TIERS]);
/* Is a move under way?  What it has in hand lies in two places. */
bool tier_is_moving(struct store *st);
/* Before something is put there: mark its directory, if nothing is in it yet. */
int  tier_begin_use(struct store *st, enum store_tier tier, struct err *err);
/* Do the bytes of an instance lie in a tier, whatever its name leads to? */
bool tier_find(struct store *st, const char *name, const struct instance_info *info, unsigned *ret_tier);
/* Let a name lead to what lies in a tier. */
int  tier_lead_back(struct store *st, const char *name, unsigned tier);
/* Say that it is not there, and return num. */
int  tier_away(struct store *st, enum store_tier tier, int num, struct err *err);

#endif
