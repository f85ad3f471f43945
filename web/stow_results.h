/* stow_results.h: what became of the parts of a STOW request, and the response data set made
 * of it (contract 2.8).
 *
 * Memory is what bounds the number of parts, so a part costs a small row and the
 * text of those UIDs that differ from the part before.
 * Threads: one at a time.
 */
#ifndef WEB_STOW_RESULTS_H
#define WEB_STOW_RESULTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "store/store.h"
#include "web/request.h"

struct stow_row {
	uint32_t study, series, sop, class;	/* offsets into text; 0: "" */
	uint32_t comment;			/* "DICOM100: ...", 0: none */
	uint32_t first_warning;			/* its attributes that broke rules and were stored */
	uint32_t n_warnings;
	uint16_t failure;			/* 0: stored */
	uint16_t warning;
	bool created;				/* id is new, so a roll-back may remove that version of it */
	uint64_t id, watermark;
};

struct stow_results {
	struct stow_row *rows;
	size_t count, cap;
	struct buf text;
	struct dicom_warning *warnings;		/* of all rows */
	size_t n_warnings, cap_warnings;
	uint32_t last[4];			/* of study, series, sop, class */
	size_t failed, warned;
	bool several;				/* some attribute had values that are not indexed */
};

void stow_results_init(struct stow_results *res);
void stow_results_fini(struct stow_results *res);
/* A new row, as yet undecided.  -ENOMEM; -EFBIG past LIMIT_PARTS. */
int  stow_results_add(struct stow_results *res, size_t *ret_index, struct err *err);
/* Decide it: err NULL when stored. */
int  stow_results_set(struct stow_results *res, size_t index, const struct ingest_result *result,
		      const struct err *err);
/* What was wrong with the values of a row that is accepted.  Past LIMIT_WARNINGS of the request they
 * are not told one by one. */
int  stow_results_warn(struct stow_results *res, size_t index, const struct dicom_warnings *warnings);
/* Reply with them; there is one at least. */
int  stow_results_send(const struct stow_results *res, struct request *rq);

#endif
