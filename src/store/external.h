/* external.h: values of a study that are in none of its files, external metadata (contract 2.11).
 *
 * Only private attributes, each one value.  A study keeps them until it is deleted; check --rebuild
 * takes them over from the old index.  Headers of a store request and extended attributes of the
 * mount set them.
 *
 * Threads and errors as in store.h.
 */
#ifndef STORE_EXTERNAL_H
#define STORE_EXTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "store/store.h"

#define EXTERNAL_TEXT_MAX 1024		/* bytes; three groups of 64 characters of a name are 770 */

struct external_value {
	uint32_t tag;
	uint16_t vr;			/* dicom/tag.h */
	const char *text;		/* UTF-8 */
};

/* May a study have it?  -EINVAL: no private attribute, a VR it may not have, or a value that
 * does not fit the VR. */
int  store_check_external(const struct external_value *value, struct err *err);
/* Set all of them or none.  One that is there is overwritten; -EINVAL when it has another VR, and
 * whatever store_check_external says.  Empty ones are left out.  -ENOENT no such study. */
int  store_put_external(struct store *st, uint64_t study_id, const struct external_value *values, size_t n,
			struct err *err);
/* Those of a study by rising tag, lent for the call, in a transaction: fn must not block.  Non-zero from fn
 * stops and is returned. */
int  store_get_external(struct store *st, uint64_t study_id,
			int (*fn)(void *ctx, const struct external_value *value), void *ctx, struct err *err);

#endif
