/* Moving instances between tiers: a page a step. */
#include "ops/kinds.h"

#include "store/tier.h"

const struct kind tier_kind = { "tier", store_tier_step };
