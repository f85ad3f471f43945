/* Text that is signed, and text of replies. */
#include <errno.h>
#include <string.h>

#include "destination/private.h"

void
azure_string_to_sign(const char *method, uint64_t len, const char *type, const char *headers, const char *account,
		     const char *path, const char *query, struct buf *out)
{
	const char *p = query, *end, *equals;

	/* Content-Encoding, -Language, -Length, -MD5, -Type, Date, the four If-, Range: one a line. */
	buf_printf(out, "%s\n\n\n", method);
	if (len > 0)
		buf_printf(out, "%llu", (unsigned long long)len);
	buf_printf(out, "\n\n%s\n\n\n\n\n\n\n%s/%s%s", type, headers, account, path);
	for (; *p != '\0'; p = *end != '\0' ? end + 1 : end) {
		end = p + strcspn(p, "&");
		equals = memchr(p, '=', (size_t)(end - p));
		if (equals != NULL)
			buf_printf(out, "\n%.*s:%.*s", (int)(equals - p), p, (int)(end - equals - 1), equals + 1);
	}
}

int
xml_text(const char *xml, const char *name, char *text, size_t size)
{
	size_t len = strlen(name), n;
	const char *p = xml, *end;

	while ((p = strchr(p, '<')) != NULL) {
		p++;
		if (strncmp(p, name, len) != 0 || p[len] != '>')
			continue;
		p += len + 1;
		end = strchr(p, '<');
		if (end == NULL)
			return -ENOENT;
		n = (size_t)(end - p);
		if (n >= size)
			return -EMSGSIZE;
		memcpy(text, p, n);
		text[n] = '\0';
		return 0;
	}
	return -ENOENT;
}
