/* change_set.h: the changeDataset of a bulk update (contract 6.1): DICOM JSON as values of attributes, and what is wrong with
 * them.
 *
 * All of it is foreign.  Threads: no state.
 */
#ifndef WEB_CHANGE_SET_H
#define WEB_CHANGE_SET_H

#include <jansson.h>

#include "store/update.h"

/* More attributes than can be updated are looked at, so that each is told of; and then no more. */
#define CHANGE_SET_MAX 256

struct change_set {
	struct update_value values[CHANGE_SET_MAX];	/* texts are of the buffer below */
	size_t texts[CHANGE_SET_MAX];	/* where each begins */
	size_t n;
	struct buf text;
	struct buf faults;		/* items of FailedAttributesSequence as JSON, with commas between; empty: all is well */
};

void change_set_init(struct change_set *c);
void change_set_fini(struct change_set *c);
/* -EINVAL: it is no data set; -EFBIG.  Faults of single attributes are no failure. */
int  change_set_read(json_t *set, struct change_set *c, struct err *err);

#endif
