/* Changing attributes of studies (contract 6): a study a step. */
#include "ops/kinds.h"

#include "store/update.h"

const struct kind update_kind = { "update", store_update_step };
