#include "base/base64.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
base64_encode(const void *data, size_t len, char *text)
{
	const unsigned char *p = data;
	size_t i;

	for (i = 0; i < len; i += 3) {
		uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < len ? (uint32_t)p[i + 1] << 8 : 0) | (i + 2 < len ? p[i + 2] : 0);

		*text++ = alphabet[v >> 18];
		*text++ = alphabet[v >> 12 & 63];
		*text++ = i + 1 < len ? alphabet[v >> 6 & 63] : '=';
		*text++ = i + 2 < len ? alphabet[v & 63] : '=';
	}
	*text = '\0';
}

ssize_t
base64_decode(const char *text, void *data, size_t size)
{
	size_t len = strlen(text), padding = 0, n = 0, i, j;
	unsigned char *out = data;

	if (len % 4 != 0)
		return -EINVAL;
	while (padding < 2 && padding < len && text[len - 1 - padding] == '=')
		padding++;
	if (len / 4 * 3 - padding > size)
		return -EMSGSIZE;
	for (i = 0; i < len; i += 4) {
		uint32_t v = 0;
		unsigned bytes = i + 4 == len ? 3 - (unsigned)padding : 3;

		for (j = 0; j < 4; j++) {
			char c = text[i + j];
			const char *at = c != '\0' ? strchr(alphabet, c) : NULL;

			if (at == NULL && !(i + 4 == len && j >= 4 - padding))
				return -EINVAL;
			v = v << 6 | (at != NULL ? (uint32_t)(at - alphabet) : 0);
		}
		/* What the padding cuts off is zero, so that a value has one spelling. */
		if (bytes < 3 && (v & (bytes == 2 ? 0xFFu : 0xFFFFu)) != 0)
			return -EINVAL;
		for (j = 0; j < bytes; j++)
			out[n++] = (unsigned char)(v >> (16 - 8 * j));
	}
	return (ssize_t)n;
}
