#include "base/vec.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int
vec_room(void *at, size_t *cap, size_t n, size_t size, size_t first)
{
	size_t more = *cap == 0 ? first : *cap * 2;
	void *old, *p;

	if (n < *cap)
		return 0;
	if (more > SIZE_MAX / 2 / size)
		return -ENOMEM;
	/* at is the address of a pointer of any type, which C allows to be copied only. */
	memcpy(&old, at, sizeof old);
	p = realloc(old, more * size);
	if (p == NULL)
		return -ENOMEM;
	memcpy(at, &p, sizeof p);
	*cap = more;
	return 0;
}
