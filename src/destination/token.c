#include "destination/token.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "net/http_client.h"

#define TOKEN_MAX 16384
#define SECOND ((int64_t)1000000000)
/* Renewed that long before its end: a large object takes a while. */
#define MARGIN (300 * SECOND)

struct tokens {
	struct http_client *http;
	char *endpoint;
	pthread_mutex_t lock;		/* guards what follows; held while asking: one asks for all */
	struct buf token;
	int64_t ends;			/* 0: there is none */
};

int
tokens_new(struct http_client *http, const char *endpoint, struct tokens **ret_tokens, struct err *err)
{
	struct tokens *t = calloc(1, sizeof *t);

	if (t == NULL || (t->endpoint = strdup(endpoint != NULL ? endpoint : TOKEN_ENDPOINT)) == NULL) {
		free(t);
		return err_set(err, -ENOMEM, "out of memory");
	}
	t->http = http;
	buf_init(&t->token, TOKEN_MAX);
	pthread_mutex_init(&t->lock, NULL);
	*ret_tokens = t;
	return 0;
}

void
tokens_free(struct tokens *t)
{
	if (t == NULL)
		return;
	if (t->token.data != NULL)
		explicit_bzero(t->token.data, t->token.len);
	buf_fini(&t->token);
	pthread_mutex_destroy(&t->lock);
	free(t->endpoint);
	free(t);
}

/* A number, or digits in a string, as the services have it. */
static bool
seconds_of(json_t *value, int64_t *ret_seconds)
{
	const char *text = json_string_value(value);
	char *end;

	if (json_is_integer(value))
		*ret_seconds = json_integer_value(value);
	else if (text != NULL && *text >= '0' && *text <= '9') {
		errno = 0;
		*ret_seconds = strtoll(text, &end, 10);
		if (*end != '\0' || errno != 0)
			return false;
	} else
		return false;
	return *ret_seconds >= 0 && *ret_seconds <= INT64_MAX / SECOND / 2;
}

int
token_parse(const char *text, size_t len, int64_t now, struct buf *ret_token, int64_t *ret_ends)
{
	json_t *json = json_loadb(text, len, 0, NULL);
	const char *token = json_string_value(json_object_get(json, "access_token")), *p;
	int64_t seconds, ends = 0;
	int r = -EBADMSG;

	if (token == NULL || *token == '\0')
		goto out;
	/* It becomes a line of a header. */
	for (p = token; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7F)
			goto out;
	if (seconds_of(json_object_get(json, "expires_in"), &seconds))
		ends = now + seconds * SECOND;
	else if (seconds_of(json_object_get(json, "expires_on"), &seconds))
		ends = seconds * SECOND;
	else
		goto out;
	r = buf_puts(ret_token, token);
	if (r == 0)
		*ret_ends = ends;
out:
	json_decref(json);
	return r;
}

static int
add_metadata_header(void *ctx, struct http_headers *headers, struct err *err)
{
	(void)ctx;
	(void)err;
	http_header_add(headers, "Metadata", "true");
	return 0;
}

static int
ask(struct tokens *t, unsigned tries, struct err *err)
{
	struct http_request rq = { .method = "GET", .prepare = add_metadata_header, .reply_max = TOKEN_MAX * 2, .tries = tries };
	struct http_reply reply = { 0 };
	struct buf url;
	int r;

	buf_init(&url, 4096);
	buf_printf(&url, "%s%capi-version=2018-02-01&resource=https%%3A%%2F%%2Fstorage.azure.com%%2F", t->endpoint,
		   strchr(t->endpoint, '?') != NULL ? '&' : '?');
	r = buf_error(&url);
	rq.url = url.data;
	if (r == 0)
		r = http_send(t->http, &rq, &reply, err);
	buf_fini(&url);
	if (r < 0) {
		err_prefix(err, "managed identity");
		return r;
	}
	buf_reset(&t->token);
	t->ends = 0;
	if (reply.status != 200) {
		r = http_status_error(reply.status);
		/* No identity is assigned: 400. */
		r = err_set(err, r == -EAGAIN ? r : -EACCES, "managed identity: its endpoint gives no token (status %d)", reply.status);
	} else if (token_parse(reply.body.data != NULL ? reply.body.data : "", reply.body.len, clock_now(), &t->token, &t->ends) < 0) {
		r = err_set(err, -EBADMSG, "managed identity: its endpoint gives no token that is understood");
	}
	if (reply.body.data != NULL)
		explicit_bzero(reply.body.data, reply.body.len);
	http_reply_fini(&reply);
	return r;
}

int
tokens_get(struct tokens *t, unsigned tries, struct buf *out, struct err *err)
{
	int64_t now = clock_now();
	int r = 0;

	pthread_mutex_lock(&t->lock);
	if (t->ends - now < MARGIN) {
		int64_t ends = t->ends;

		r = ask(t, tries, err);
		/* The one there is does as long as it lives. */
		if (r == -EAGAIN && ends > now)
			r = 0;
	}
	if (r == 0)
		r = buf_put(out, t->token.data, t->token.len);
	pthread_mutex_unlock(&t->lock);
	return r;
}

void
tokens_drop(struct tokens *t)
{
	pthread_mutex_lock(&t->lock);
	t->ends = 0;
	pthread_mutex_unlock(&t->lock);
}
