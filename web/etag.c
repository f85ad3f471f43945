#include "web/etag.h"

#include <string.h>
#include <strings.h>

bool
etag_in_list(const char *list, const struct etag *tag)
{
	size_t tag_len = strlen(tag->text);

	if (list == NULL)
		return false;
	while (*list != '\0') {
		size_t len;

		list += strspn(list, " \t,");
		if (strncmp(list, "W/", 2) == 0)
			list += 2;
		if (*list == '"') {
			list++;
			len = strcspn(list, "\"");
		} else {
			len = strcspn(list, " \t,");
		}
		if ((len == tag_len && strncasecmp(list, tag->text, len) == 0) || (len == 1 && *list == '*'))
			return true;
		list += len;
		if (*list == '"')
			list++;
	}
	return false;
}

bool
etag_is_same(const char *one, const struct etag *tag)
{
	size_t len = strlen(tag->text);

	return !tag->weak && one[0] == '"' && strncmp(one + 1, tag->text, len) == 0 && strcmp(one + 1 + len, "\"") == 0;
}
