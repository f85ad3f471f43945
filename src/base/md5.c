#include "base/md5.h"

#include <errno.h>

#include <openssl/evp.h>

/* A stream is the library's context itself. */
struct md5 *
md5_new(void)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (ctx != NULL && EVP_DigestInit_ex(ctx, EVP_md5(), NULL) != 1) {
		EVP_MD_CTX_free(ctx);
		ctx = NULL;
	}
	return (struct md5 *)ctx;
}

int
md5_add(struct md5 *m, const void *data, size_t len)
{
	return EVP_DigestUpdate((EVP_MD_CTX *)m, data, len) == 1 ? 0 : -EIO;
}

int
md5_get(struct md5 *m, char text[MD5_TEXT_MAX])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (EVP_DigestFinal_ex((EVP_MD_CTX *)m, digest, &len) != 1 || len != 16)
		return -EIO;
	EVP_EncodeBlock((unsigned char *)text, digest, 16);
	return 0;
}

void
md5_free(struct md5 *m)
{
	EVP_MD_CTX_free((EVP_MD_CTX *)m);
}
