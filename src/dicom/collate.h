/* collate.h: values as ordered, comparable bytes (contract 4.4).
 *
 * Two values match exactly when their collated bytes are equal; ranges are
 * ranges of collated bytes.  Text is case-folded, trailing spaces cut; PN also
 * loses its accents.  Dates and times are their own digits; numbers are eight
 * bytes in order.
 */
#ifndef DICOM_COLLATE_H
#define DICOM_COLLATE_H

#include <stdint.h>

#include "base/buf.h"

/* Longest result; longer values are cut there, and a match of that length is
 * to be checked on the value itself. */
#define COLLATE_MAX 256

/* value is UTF-8 text as dicom_text gives it.  -EINVAL a number that is none. */
int collate_value(uint16_t vr, const char *value, size_t len, struct buf *out);
/* Call fn for each word of a person name: ^ and = are spaces.  Words are
 * collated already.  Stops when fn returns non-zero and returns that. */
int collate_words(const char *name, size_t len,
		  int (*fn)(void *ctx, const char *word, size_t len), void *ctx);

#endif
