/* utf8.h: what is UTF-8 (Unicode 15 table 3-7: no overlong form, no surrogate, nothing past U+10FFFF). */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

/* Bytes of the well-formed sequence that s begins with, len being at least 1; 0: none. */
size_t utf8_sequence(const void *s, size_t len);

#endif
