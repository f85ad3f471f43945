#include "base/slice.h"

#include <string.h>

struct slice
slice_of(const void *data, size_t len)
{
	return (struct slice){ .data = data, .len = len };
}

struct slice
slice_str(const char *s)
{
	return slice_of(s, strlen(s));
}

int
slice_compare(struct slice a, struct slice b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n > 0 ? memcmp(a.data, b.data, n) : 0;

	if (c != 0)
		return c;
	return a.len < b.len ? -1 : a.len > b.len;
}
