/* slice.h: borrowed bytes.
 *
 * A slice never owns what it points at; whoever lends one says how long it
 * lives.  data may be NULL when len is 0.
 */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stddef.h>

struct slice {
	const void *data;
	size_t len;
};

struct slice slice_of(const void *data, size_t len);
struct slice slice_str(const char *s);		/* without the NUL */
/* memcmp order, a prefix before what it begins. */
int slice_compare(struct slice a, struct slice b);

#endif
