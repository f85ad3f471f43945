/* uid.h: unique identifiers (PS3.5 section 9; contract 2.4 is the rule kept here). */
#ifndef DICOM_UID_H
#define DICOM_UID_H

#include <stddef.h>
#include <stdbool.h>

#define UID_MAX 64
#define UID_TEXT_MAX (UID_MAX + 1)

/* ^[0-9.]*[0-9]$, 1 to 64 characters; nothing is trimmed here.  A UID that
 * passes still may be ".." followed by a digit, but never "." or "..", and
 * never holds a slash. */
bool uid_is_valid(const char *uid, size_t len);

#define UID_IMPLICIT_LE		"1.2.840.10008.1.2"
#define UID_EXPLICIT_LE		"1.2.840.10008.1.2.1"
#define UID_DEFLATED_LE		"1.2.840.10008.1.2.1.99"
#define UID_EXPLICIT_BE		"1.2.840.10008.1.2.2"

#endif
