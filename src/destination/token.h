/* token.h: bearer tokens of the identity a machine has (managed identity).
 *
 * They come from an endpoint in the shape of the Azure Instance Metadata Service: GET
 * {endpoint}?api-version=2018-02-01&resource={resource} with `Metadata: true` is answered by JSON with access_token and
 * expires_in or expires_on.  One is kept until it has five minutes to live.
 *
 * Threads: any.  Errors: -EACCES there is none for us; -EAGAIN; -EBADMSG the answer is not understood.
 */
#ifndef DESTINATION_TOKEN_H
#define DESTINATION_TOKEN_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct http_client;
struct tokens;

#define TOKEN_ENDPOINT "http://169.254.169.254/metadata/identity/oauth2/token"
#define TOKEN_STORAGE "https://storage.azure.com/"

/* endpoint NULL: TOKEN_ENDPOINT; copied.  The client outlives it. */
int  tokens_new(struct http_client *http, const char *endpoint, struct tokens **ret_tokens, struct err *err);
void tokens_free(struct tokens *t);		/* NULL is fine */
/* Append a token for TOKEN_STORAGE; tries: of asking, 0 the client's. */
int  tokens_get(struct tokens *t, unsigned tries, struct buf *out, struct err *err);
/* The one that was got last was refused: do not hand it out again. */
void tokens_drop(struct tokens *t);

/* What an endpoint answered, at a time (ns): the token appended, and when it ends (ns).  -EBADMSG. */
int  token_parse(const char *json, size_t len, int64_t now, struct buf *ret_token, int64_t *ret_ends);

#endif
