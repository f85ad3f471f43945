/* Indexing what is in the store for extended query tags (contract 7.3). */
#include "ops/kinds.h"

#include "store/query_tags.h"

/* Instances of one transaction: their sync is paid, and ingest waits some milliseconds at most. */
#define STEP 256

static int
step(struct store *st, const char *operation, struct err *err)
{
	return store_reindex_step(st, operation, STEP, err);
}

const struct kind reindex_kind = { "reindex", step };
