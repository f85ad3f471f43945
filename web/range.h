/* range.h: the Range header (RFC 9110 14.2), one range of bytes. */
#ifndef WEB_RANGE_H
#define WEB_RANGE_H

#include <stdint.h>

/* 0: *ret_first and *ret_len are set; -ENOENT there is none to honour (absent,
 * another unit, malformed, several): send everything; -ERANGE not satisfiable (416). */
int range_parse(const char *header, uint64_t size, uint64_t *ret_first, uint64_t *ret_len);
/* Decimal digits only, no sign.  -EINVAL, -ERANGE. */
int range_parse_number(const char *text, uint64_t *ret_number);

#endif
