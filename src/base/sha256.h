/* sha256.h: SHA-256 of a stream of bytes, as sha256sum(1) prints it, and with a key.
 *
 * Threads: one at a time per stream.
 */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stddef.h>

#define SHA256_TEXT_MAX 65		/* 64 hexadecimal digits and NUL */

struct sha256;				/* opaque */

struct sha256 *sha256_new(void);	/* NULL: no memory */
/* 0 or -EIO, for good. */
int  sha256_add(struct sha256 *s, const void *data, size_t len);
/* Once, at the end. */
int  sha256_get(struct sha256 *s, char text[SHA256_TEXT_MAX]);
void sha256_free(struct sha256 *s);	/* NULL is fine */

/* The code of a text that who has the key can check (RFC 2104). */
#define HMAC_SHA256_LEN 32
int  hmac_sha256(const void *key, size_t key_len, const void *data, size_t len, unsigned char code[HMAC_SHA256_LEN]);

#endif
