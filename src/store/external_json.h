/* external_json.h: external metadata of a study (external.h) among the attributes of its instances, as DICOM JSON.
 *
 * Each value brings the element of its private creator, "Microsoft" (contract 2.11).  They take the place of what the
 * data set has under the same tags.
 *
 * Threads: one at a time.
 */
#ifndef STORE_EXTERNAL_JSON_H
#define STORE_EXTERNAL_JSON_H

#include "base/hash.h"
#include "store/internal.h"

struct externals {
	uint64_t study;			/* of which they are; 0: of none */
	struct externals_element {
		uint32_t tag;
		size_t at, len;		/* in json */
	} *at;
	size_t n, cap;
	struct buf json;
};

void externals_init(struct externals *e);
void externals_fini(struct externals *e);
/* Those that a study has now; nothing to do when it is that of the last call. */
int  externals_load(struct externals *e, struct kv_txn *txn, uint64_t study);
/* Append the object with them in it. */
int  externals_merge(const struct externals *e, struct slice object, struct buf *out);
/* The same for the same values: never 0. */
uint64_t externals_number(const struct externals *e);
/* Could a value be under this tag? */
bool externals_may_have(uint32_t tag);

#endif
