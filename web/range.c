#include "web/range.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* All digits are read, also when they are too many (-ERANGE). */
static int
digits(const char **p, uint64_t *ret_number)
{
	bool over = false;
	uint64_t n = 0;

	if (**p < '0' || **p > '9')
		return -EINVAL;
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		unsigned d = (unsigned)(**p - '0');

		over = over || n > (UINT64_MAX - d) / 10;
		n = n * 10 + d;
	}
	if (over)
		return -ERANGE;
	*ret_number = n;
	return 0;
}

int
range_parse_number(const char *text, uint64_t *ret_number)
{
	uint64_t n;
	int r = digits(&text, &n);

	if (r < 0)
		return r;
	if (*text != '\0')
		return -EINVAL;
	*ret_number = n;
	return 0;
}

int
range_parse(const char *header, uint64_t size, uint64_t *ret_first, uint64_t *ret_len)
{
	uint64_t first, last;
	int r;

	if (header == NULL || strncasecmp(header, "bytes=", 6) != 0)
		return -ENOENT;
	header += 6 + strspn(header + 6, " \t");
	if (*header == '-') {		/* the last so many bytes */
		header++;
		r = digits(&header, &last);
		if (r == -EINVAL || *header != '\0')
			return -ENOENT;
		if (last == 0 || size == 0)
			return -ERANGE;
		if (r == -ERANGE || last > size)
			last = size;
		*ret_first = size - last;
		*ret_len = last;
		return 0;
	}
	r = digits(&header, &first);
	if (r == -EINVAL || *header++ != '-')
		return -ENOENT;
	if (r == -ERANGE)
		return -ERANGE;
	last = UINT64_MAX;
	if (*header != '\0') {
		r = digits(&header, &last);
		if (r == -EINVAL || *header != '\0' || (r == 0 && last < first))
			return -ENOENT;
		if (r == -ERANGE)
			last = UINT64_MAX;
	}
	if (first >= size)
		return -ERANGE;
	if (last >= size)
		last = size - 1;
	*ret_first = first;
	*ret_len = last - first + 1;
	return 0;
}
