#include "base/sha256.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

/* A stream is the library's context itself.  It uses the processor's own instructions
 * where there are some: five times as fast as plain C. */
struct sha256 *
sha256_new(void)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1) {
		EVP_MD_CTX_free(ctx);
		ctx = NULL;
	}
	return (struct sha256 *)ctx;
}

int
sha256_add(struct sha256 *s, const void *data, size_t len)
{
	return EVP_DigestUpdate((EVP_MD_CTX *)s, data, len) == 1 ? 0 : -EIO;
}

int
sha256_get(struct sha256 *s, char text[SHA256_TEXT_MAX])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0, i;

	if (EVP_DigestFinal_ex((EVP_MD_CTX *)s, digest, &len) != 1 || len != 32)
		return -EIO;
	for (i = 0; i < len; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	return 0;
}

void
sha256_free(struct sha256 *s)
{
	EVP_MD_CTX_free((EVP_MD_CTX *)s);
}

int
hmac_sha256(const void *key, size_t key_len, const void *data, size_t len, unsigned char code[HMAC_SHA256_LEN])
{
	unsigned n = HMAC_SHA256_LEN;

	if (key_len > INT32_MAX || HMAC(EVP_sha256(), key, (int)key_len, data, len, code, &n) == NULL || n != HMAC_SHA256_LEN)
		return -EIO;
	return 0;
}
