#include "base/hash.h"

#include <string.h>

#include <xxhash.h>

static void
canonical(XXH128_hash_t h, unsigned char out[HASH_LEN])
{
	XXH128_canonical_t c;

	XXH128_canonicalFromHash(&c, h);
	memcpy(out, c.digest, HASH_LEN);
}

void
hash_bytes(const void *data, size_t len, unsigned char out[HASH_LEN])
{
	canonical(XXH3_128bits(data, len), out);
}

/* A stream is the library's state itself: one allocation. */
struct hash_stream *
hash_stream_new(void)
{
	XXH3_state_t *s = XXH3_createState();

	if (s != NULL)
		XXH3_128bits_reset(s);
	return (struct hash_stream *)s;
}

void
hash_stream_add(struct hash_stream *h, const void *data, size_t len)
{
	XXH3_128bits_update((XXH3_state_t *)h, data, len);
}

void
hash_stream_get(const struct hash_stream *h, unsigned char out[HASH_LEN])
{
	canonical(XXH3_128bits_digest((const XXH3_state_t *)h), out);
}

void
hash_stream_reset(struct hash_stream *h)
{
	XXH3_128bits_reset((XXH3_state_t *)h);
}

void
hash_stream_free(struct hash_stream *h)
{
	XXH3_freeState((XXH3_state_t *)h);
}

void
hash_format(const unsigned char hash[HASH_LEN], char text[2 * HASH_LEN + 1])
{
	static const char hex[] = "0123456789abcdef";
	int i;

	for (i = 0; i < HASH_LEN; i++) {
		text[2 * i] = hex[hash[i] >> 4];
		text[2 * i + 1] = hex[hash[i] & 15];
	}
	text[2 * HASH_LEN] = '\0';
}
