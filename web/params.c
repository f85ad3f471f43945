#include "web/params.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "web/range.h"

int
param_number(const struct uri_query *query, const char *name, uint64_t min, uint64_t max, uint64_t *ret_number,
	     struct err *err)
{
	const char *value = uri_query_find(query, name);
	uint64_t n;

	if (value == NULL)
		return 0;
	if (range_parse_number(value, &n) < 0 || n < min || n > max)
		return err_set(err, -EINVAL, "%s must be a number from %" PRIu64 " to %" PRIu64, name, min, max);
	*ret_number = n;
	return 0;
}

int
param_bool(const struct uri_query *query, const char *name, bool *ret_bool, struct err *err)
{
	const char *value = uri_query_find(query, name);

	if (value == NULL)
		return 0;
	if (strcasecmp(value, "true") != 0 && strcasecmp(value, "false") != 0)
		return err_set(err, -EINVAL, "%s must be true or false", name);
	*ret_bool = strcasecmp(value, "true") == 0;
	return 0;
}

int
param_time(const struct uri_query *query, const char *name, int64_t *ret_ticks, struct err *err)
{
	const char *value = uri_query_find(query, name);
	char text[64], *plus;

	if (value == NULL)
		return 0;
	if (strlen(value) < sizeof text) {
		strcpy(text, value);
		/* The + of a zone that was not escaped. */
		plus = strrchr(text, ' ');
		if (plus != NULL)
			*plus = '+';
		if (clock_parse(text, ret_ticks) == 0)
			return 0;
	}
	return err_set(err, -EINVAL, "%s must be a time with its zone, as 2025-03-01T08:00:00Z", name);
}
