/* charset.h: text of a data set (PS3.3 C.12.1.1.2, PS3.5 6.1) to UTF-8.
 *
 * Never fails but for want of memory: an unknown character set and bytes that
 * are invalid in theirs are taken as Windows-1252, value by value.  The result
 * is always valid UTF-8.
 *
 * Threads: any; conversion descriptors are kept per thread.
 */
#ifndef DICOM_CHARSET_H
#define DICOM_CHARSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct charset {
	uint8_t g0, g1;		/* what is designated where a value begins */
	uint8_t whole;		/* a set that takes no escapes, or 0 */
};

/* The default repertoire. */
struct charset charset_default(void);
/* From the value of (0008,0005). */
struct charset charset_parse(const char *value, size_t len);

enum charset_text {
	CHARSET_SINGLE,		/* LT ST UT: a backslash is text */
	CHARSET_VALUES,		/* values separated by a backslash */
	CHARSET_NAMES,		/* likewise, of components and groups (PN) */
};

/* Nothing to convert: these bytes are UTF-8 in every character set. */
bool charset_is_plain(const char *text, size_t len);
/* Append text as UTF-8.  A backslash in the result is a separator (unless
 * CHARSET_SINGLE), never half of a character. */
int  charset_to_utf8(const struct charset *cs, enum charset_text kind,
		     const char *text, size_t len, struct buf *out);
/* The other way, exactly: what comes out is read as the same text again.  The text is UTF-8.
 * -EILSEQ: the set has not all of its characters, as far as it is written here: sets that take turns by escapes are
 * written as far as the first of them goes. */
int  charset_from_utf8(const struct charset *cs, enum charset_text kind,
		       const char *text, size_t len, struct buf *out);

#endif
