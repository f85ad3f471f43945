/* update_internal.h: the record of an update, shared by who begins it, who works on it and who tells of it. */
#ifndef STORE_UPDATE_INTERNAL_H
#define STORE_UPDATE_INTERNAL_H

#include "dicom/change.h"
#include "store/operations_internal.h"
#include "store/update.h"

#define UPDATE_VALUES_MAX 64
#define UPDATE_INPUT_MAX (4u << 20)
/* Lines of one failed study beside the one that names it (contract 6.4). */
#define UPDATE_ERRORS_MAX 5
#define UPDATE_ERRORS_TEXT_MAX (256 << 10)

/* What was asked, its texts in a buffer that the values point into. */
struct update_input {
	char partition[STORE_NAME_MAX + 1];
	char studies[UPDATE_STUDIES_MAX][UID_TEXT_MAX];
	size_t n_studies;
	char series_uid[UID_TEXT_MAX], sop_uid[UID_TEXT_MAX];	/* "": none */
	struct change_value values[UPDATE_VALUES_MAX];		/* ascending */
	size_t n_values;
	char *texts;
};

/* How far it is. */
struct update_progress {
	uint64_t next;			/* study */
	uint64_t updated, failed;	/* studies */
	uint64_t instances, done;	/* changed, and gone over */
	struct slice errors;		/* lines; lent from what it was read from */
};

int  update_input_put(const struct update_input *input, struct buf *out);
int  update_input_get(struct slice value, struct update_input *ret_input);	/* update_input_fini, on success */
void update_input_fini(struct update_input *input);
/* What an attribute is to be; NULL: it stays. */
const char *update_value_of(const struct update_input *input, uint32_t tag);
int  update_progress_put(const struct update_progress *p, struct buf *out);
int  update_progress_get(struct slice value, struct update_progress *ret_progress);	/* an empty one is zeros */

#endif
