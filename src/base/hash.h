/* hash.h: content and key hashes (XXH3, 128 bits), big endian as xxhsum prints them. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>

#define HASH_LEN 16

struct hash_stream;			/* opaque */

void hash_bytes(const void *data, size_t len, unsigned char out[HASH_LEN]);
struct hash_stream *hash_stream_new(void);	/* NULL: no memory */
void hash_stream_add(struct hash_stream *h, const void *data, size_t len);
void hash_stream_get(const struct hash_stream *h, unsigned char out[HASH_LEN]);
void hash_stream_reset(struct hash_stream *h);
void hash_stream_free(struct hash_stream *h);
void hash_format(const unsigned char hash[HASH_LEN], char text[2 * HASH_LEN + 1]);

#endif
