#include "web/cors.h"

#include <errno.h>
#include <string.h>

/* RFC 6454 6.2, loosely: a scheme and a host, perhaps a port, no path. */
static bool
is_origin(const char *s, size_t len)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]";
	const char *host = memchr(s, ':', len);
	size_t i;

	if (len > 255 || host == NULL || host == s || len - (size_t)(host - s) < 4 || memcmp(host, "://", 3) != 0)
		return false;
	for (i = 0; i < len; i++)
		if (strchr(allowed, s[i]) == NULL && !(s + i > host && s + i < host + 3))
			return false;
	return true;
}

int
cors_check(const char *origins, struct err *err)
{
	const char *p = origins;
	size_t len;

	if (strcmp(origins, "*") == 0)
		return 0;
	for (;; p += len + 1) {
		len = strcspn(p, ",");
		if (!is_origin(p, len))
			return err_set(err, -EINVAL, "\"%.*s\" is no origin: scheme://host or scheme://host:port, or * alone",
				       (int)(len < 80 ? len : 80), p);
		if (p[len] == '\0')
			return 0;
	}
}

const char *
cors_allows(const char *origins, const char *origin)
{
	const char *p = origins;
	size_t len, n;

	if (origins == NULL || origin == NULL)
		return NULL;
	if (strcmp(origins, "*") == 0)
		return "*";
	n = strlen(origin);
	for (;; p += len + 1) {
		len = strcspn(p, ",");
		if (len == n && memcmp(p, origin, n) == 0)
			return origin;
		if (p[len] == '\0')
			return NULL;
	}
}

const char *
cors_headers(const char *wanted)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_, ";

	if (wanted == NULL || strlen(wanted) > 1024 || wanted[strspn(wanted, allowed)] != '\0')
		return NULL;
	return wanted;
}
