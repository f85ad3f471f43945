/* Indexing what is in the store for extended query tags (contract 7.3). */
#include "ops/kinds.h"

#include "store/query_tags.h"

/* Instances of one transaction: their sync is paid, and ingest waits some milliseconds at most. */
#define STEP 256

static int
step(struct store *st, const char *operation, const atomic_bool *stop, struct err *err)
{
	(void)stop;
	return store_reindex_step(st, operation, STEP, err);
}

const struct kind reindex_kind = { "reindex", step };
