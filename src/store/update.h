/* update.h: attributes of whole studies changed, their UIDs too (contract 6).
 *
 * An update is an operation (operations.h).  For each study, one after the other: a new file of every instance is
 * staged beside the old; when all of them are durable one transaction puts them in the place of the old.  So
 * a study is as it was or as it is to be, whatever happens, and what was stored first is kept beside it.
 *
 * Instances that come into the study before that transaction are changed with the others; those that
 * keep coming while the study has been gone over several times keep what they say.
 *
 * Threads and errors as in store.h.
 */
#ifndef STORE_UPDATE_H
#define STORE_UPDATE_H

#include <stdatomic.h>

#include "store/operations.h"

#define UPDATE_STUDIES_MAX 50

struct update_value {
	uint32_t tag;
	uint16_t vr;			/* 0: the dictionary's is meant */
	const char *text;		/* UTF-8, a backslash between two values */
};

struct update_request {
	const char *partition;		/* NULL: the default one */
	const char *const *study_uids;
	size_t n_studies;
	/* Whose UID changes, when it is that of a series or an instance; else NULL. */
	const char *series_uid, *sop_uid;
	const struct update_value *values;
	size_t n_values;
};

/* May an attribute be given this value?  NULL, or what is wrong with it, in words that live for ever. */
const char *store_check_update(const struct update_value *value);
/* Begin the operation.  -EINVAL, and err says why; -EBUSY: ret_operation is the one that runs for one of
 * these studies. */
int  store_begin_update(struct store *st, const struct update_request *request, char ret_operation[OPERATION_TEXT_MAX],
			struct err *err);
/* The next study of an operation, or, when *stop is set meanwhile, nothing of it.  1: there are more; 0: it has
 * ended.  -ENOENT. */
int  store_update_step(struct store *st, const char *operation, const atomic_bool *stop, struct err *err);

#endif
