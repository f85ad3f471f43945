#include "net/http_client.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/clock.h"
#include "base/log.h"

/* Idle connections kept: more than are used at once. */
#define KEPT 64
#define REPLY_MAX (64u << 10)
#define HEAD_MAX (64u << 10)
/* A wait is no longer than that, whatever the server says. */
#define WAIT_MAX_MS 60000
/* How often a wait looks whether it is to stop. */
#define LOOK_MS 20
/* A server that does not say 100 Continue gets the body all the same after this long. */
#define EXPECT_MS 1000

struct http_client {
	struct http_client_options options;
	char *ca_file;
	pthread_mutex_t lock;		/* guards: idle, n_idle */
	CURL *idle[KEPT];		/* each with its connection */
	size_t n_idle;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode global;

static void
init_once(void)
{
	global = curl_global_init(CURL_GLOBAL_DEFAULT);
}

int
http_client_new(const struct http_client_options *options, struct http_client **ret_client, struct err *err)
{
	struct http_client *c;

	pthread_once(&once, init_once);
	if (global != CURLE_OK)
		return err_set(err, -EIO, "libcurl cannot be started");
	c = calloc(1, sizeof *c);
	if (c == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	if (options != NULL)
		c->options = *options;
	if (c->options.ca_file != NULL && (c->ca_file = strdup(c->options.ca_file)) == NULL) {
		free(c);
		return err_set(err, -ENOMEM, "out of memory");
	}
	if (c->options.connect_ms == 0)
		c->options.connect_ms = 10000;
	if (c->options.stall_ms == 0)
		c->options.stall_ms = 30000;
	if (c->options.tries == 0)
		c->options.tries = 5;
	if (c->options.wait_ms == 0)
		c->options.wait_ms = 500;
	pthread_mutex_init(&c->lock, NULL);
	*ret_client = c;
	return 0;
}

void
http_client_free(struct http_client *c)
{
	if (c == NULL)
		return;
	while (c->n_idle > 0)
		curl_easy_cleanup(c->idle[--c->n_idle]);
	pthread_mutex_destroy(&c->lock);
	free(c->ca_file);
	free(c);
}

static CURL *
take_handle(struct http_client *c)
{
	CURL *curl = NULL;

	pthread_mutex_lock(&c->lock);
	if (c->n_idle > 0)
		curl = c->idle[--c->n_idle];	/* the one used last: its connection is the freshest */
	pthread_mutex_unlock(&c->lock);
	return curl != NULL ? curl : curl_easy_init();
}

static void
give_handle(struct http_client *c, CURL *curl)
{
	curl_easy_reset(curl);			/* keeps the connection */
	pthread_mutex_lock(&c->lock);
	if (c->n_idle < KEPT) {
		c->idle[c->n_idle++] = curl;
		curl = NULL;
	}
	pthread_mutex_unlock(&c->lock);
	if (curl != NULL)
		curl_easy_cleanup(curl);
}

/* -- one try -------------------------------------------------------------- */

struct transfer {
	struct http_client *client;
	const struct http_request *rq;
	struct http_reply *reply;
	CURL *curl;
	uint64_t sent;			/* bytes of the body handed to libcurl */
	size_t reply_max;
	bool took;			/* rq->write was called */
	int error;			/* ours, which libcurl was told as a failure of its own */
};

void
http_header_add(struct http_headers *h, const char *name, const char *fmt, ...)
{
	va_list ap;

	buf_printf(&h->lines, "%s: ", name);
	va_start(ap, fmt);
	buf_vprintf(&h->lines, fmt, ap);
	va_end(ap);
	buf_putc(&h->lines, '\0');
}

static size_t
read_body(char *to, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;
	uint64_t left = t->rq->len - t->sent, want = (uint64_t)size * n < left ? (uint64_t)size * n : left;
	ssize_t got = (ssize_t)want;

	if (want == 0)
		return 0;
	if (t->rq->data != NULL)
		memcpy(to, (const char *)t->rq->data + t->sent, want);
	else
		got = pread(t->rq->fd, to, want, (off_t)(t->rq->offset + t->sent));
	if (got <= 0) {			/* shorter than it was */
		t->error = got < 0 ? -errno : -ESTALE;
		return CURL_READFUNC_ABORT;
	}
	t->sent += (uint64_t)got;
	return (size_t)got;
}

/* A connection that broke is tried anew by libcurl itself, too. */
static int
seek_body(void *ctx, curl_off_t offset, int origin)
{
	struct transfer *t = ctx;

	if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > t->rq->len)
		return CURL_SEEKFUNC_CANTSEEK;
	t->sent = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

static size_t
take_body(char *data, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;
	long status = 0;
	int r;

	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	if (t->rq->write != NULL && status / 100 == 2) {
		t->took = true;
		r = t->rq->write(t->rq->ctx, data, size * n);
	} else {
		r = t->reply->body.len + size * n > t->reply_max ? -EMSGSIZE : buf_put(&t->reply->body, data, size * n);
	}
	if (r < 0) {
		t->error = r;
		return 0;
	}
	return size * n;
}

static size_t
take_header(char *data, size_t size, size_t n, void *ctx)
{
	struct transfer *t = ctx;

	/* Of what comes after 100 Continue, the last counts. */
	if (n > 5 && strncasecmp(data, "HTTP/", 5) == 0)
		buf_reset(&t->reply->head);
	if (buf_put(&t->reply->head, data, size * n) < 0) {
		t->error = -EMSGSIZE;
		return 0;
	}
	return size * n;
}

static int
look(void *ctx, curl_off_t down, curl_off_t now_down, curl_off_t up, curl_off_t now_up)
{
	const struct transfer *t = ctx;

	(void)down;
	(void)now_down;
	(void)up;
	(void)now_up;
	return t->client->options.stop != NULL && atomic_load(t->client->options.stop);
}

/* "host:port" of a URL: what a sentence may name. */
static void
host_of(const char *url, char host[128])
{
	const char *p = strstr(url, "://"), *at;
	size_t len;

	p = p != NULL ? p + 3 : url;
	len = strcspn(p, "/?#");
	at = memchr(p, '@', len);
	if (at != NULL) {
		len -= (size_t)(at + 1 - p);
		p = at + 1;
	}
	snprintf(host, 128, "%.*s", (int)(len < 120 ? len : 120), p);
}

static int
of_curl(const struct transfer *t, CURLcode code, const char *text, struct err *err)
{
	char host[128];

	host_of(t->rq->url, host);
	if (text[0] == '\0')
		text = curl_easy_strerror(code);
	switch (code) {
	case CURLE_ABORTED_BY_CALLBACK:
	case CURLE_WRITE_ERROR:
	case CURLE_READ_ERROR:
		if (t->error == -EMSGSIZE)
			return err_set(err, t->error, "%s: its reply is larger than %zu bytes", host, t->reply_max);
		if (t->error != 0)
			return err_set(err, t->error, "%s: %s", host, strerror(-t->error));
		return code == CURLE_ABORTED_BY_CALLBACK ? err_set(err, -ECANCELED, "%s: interrupted", host)
							: err_set(err, -EAGAIN, "%s: %.160s", host, text);
	case CURLE_OUT_OF_MEMORY:
		return err_set(err, -ENOMEM, "out of memory");
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return err_set(err, -EINVAL, "%s: %.160s", host, text);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		return err_set(err, -EPROTO, "%s: %.160s", host, text);
	default:
		return err_set(err, -EAGAIN, "%s: %.160s", host, text);
	}
}

static int
put_headers(struct transfer *t, struct curl_slist **list, struct err *err)
{
	struct http_headers h;
	const char *p, *end;
	char type[128];
	int r = 0;

	buf_init(&h.lines, HEAD_MAX);
	if (t->rq->prepare != NULL)
		r = t->rq->prepare(t->rq->ctx, &h, err);
	if (r == 0 && buf_error(&h.lines) < 0)
		r = err_set(err, -ENOMEM, "the headers of a request are too long");
	/* PUT without a body says so; and no type is made up. */
	snprintf(type, sizeof type, t->rq->type != NULL ? "Content-Type: %.100s" : "Content-Type:", t->rq->type);
	*list = curl_slist_append(NULL, type);
	end = h.lines.data + h.lines.len;
	for (p = h.lines.data; r == 0 && p != NULL && p < end && *list != NULL; p += strlen(p) + 1) {
		struct curl_slist *more = curl_slist_append(*list, p);

		if (more == NULL)
			r = err_set(err, -ENOMEM, "out of memory");
		else
			*list = more;
	}
	buf_fini(&h.lines);
	return r == 0 && *list == NULL ? err_set(err, -ENOMEM, "out of memory") : r;
}

static void
put_method(const struct transfer *t)
{
	bool get = strcmp(t->rq->method, "GET") == 0;

	if (strcmp(t->rq->method, "HEAD") == 0) {
		curl_easy_setopt(t->curl, CURLOPT_NOBODY, 1L);
	} else if (!get && strcmp(t->rq->method, "DELETE") != 0) {
		curl_easy_setopt(t->curl, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(t->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)t->rq->len);
		curl_easy_setopt(t->curl, CURLOPT_READFUNCTION, read_body);
		curl_easy_setopt(t->curl, CURLOPT_READDATA, (void *)t);
		curl_easy_setopt(t->curl, CURLOPT_SEEKFUNCTION, seek_body);
		curl_easy_setopt(t->curl, CURLOPT_SEEKDATA, (void *)t);
		curl_easy_setopt(t->curl, CURLOPT_UPLOAD_BUFFERSIZE, 512L << 10);
	}
	if (!get)
		curl_easy_setopt(t->curl, CURLOPT_CUSTOMREQUEST, t->rq->method);
}

static int
try_once(struct transfer *t, struct err *err)
{
	const struct http_client_options *o = &t->client->options;
	struct curl_slist *headers = NULL;
	char text[CURL_ERROR_SIZE] = "";
	CURL *curl = t->curl;
	long status = 0;
	CURLcode code;
	int r;

	t->sent = 0;
	t->error = 0;
	buf_reset(&t->reply->body);
	buf_reset(&t->reply->head);
	r = put_headers(t, &headers, err);
	if (r < 0)
		goto out;
	curl_easy_setopt(curl, CURLOPT_URL, t->rq->url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, text);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)o->connect_ms);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 16L);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)((o->stall_ms + 999) / 1000));
	curl_easy_setopt(curl, CURLOPT_EXPECT_100_TIMEOUT_MS, (long)EXPECT_MS);
	curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
	if (t->client->ca_file != NULL)
		curl_easy_setopt(curl, CURLOPT_CAINFO, t->client->ca_file);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, (void *)t);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, (void *)t);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, (void *)t);
	if (t->rq->sigv4 != NULL) {
		curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, t->rq->sigv4);
		curl_easy_setopt(curl, CURLOPT_USERPWD, t->rq->sigv4_user);
	}
	put_method(t);
	code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	t->reply->status = (int)status;
	r = code == CURLE_OK ? 0 : of_curl(t, code, text, err);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, NULL);
	curl_easy_reset(curl);
out:
	curl_slist_free_all(headers);
	return r;
}

/* -- again ---------------------------------------------------------------- */

static bool
is_passing(int status)
{
	return status == 408 || status == 429 || (status >= 500 && status != 501 && status != 505);
}

/* Many who were refused together do not come back together. */
int64_t
http_wait(int64_t first_ms, int64_t most_ms, unsigned tried, int64_t asked, int64_t asked_most)
{
	int64_t ms = first_ms << (tried < 20 ? tried - 1 : 19);
	unsigned random = 0;

	if (getrandom(&random, sizeof random, 0) != sizeof random)
		random = (unsigned)clock_monotonic();
	if (ms > most_ms)
		ms = most_ms;
	ms = ms / 2 + random % (ms / 2 + 1);
	if (asked > asked_most)
		asked = asked_most;
	return asked >= 0 && asked * 1000 > ms ? asked * 1000 : ms;
}

static unsigned
wait_before(const struct http_client *c, const struct http_reply *reply, unsigned tried)
{
	return (unsigned)http_wait(c->options.wait_ms, WAIT_MAX_MS, tried,
				   reply->status != 0 ? http_reply_retry_after(reply) : -1, WAIT_MAX_MS / 1000);
}

/* false: told to stop. */
static bool
rest(const struct http_client *c, unsigned ms)
{
	const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000 };
	int64_t end = clock_monotonic() + (int64_t)ms * 1000000;

	while (clock_monotonic() < end) {
		if (c->options.stop != NULL && atomic_load(c->options.stop))
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

int
http_send(struct http_client *c, const struct http_request *rq, struct http_reply *ret_reply, struct err *err)
{
	struct http_reply reply = { 0 };
	struct transfer t = { .client = c, .rq = rq, .reply = &reply, .reply_max = rq->reply_max != 0 ? rq->reply_max : REPLY_MAX };
	unsigned tries = rq->tries != 0 ? rq->tries : c->options.tries, tried = 0;
	struct err own = { 0 };
	char host[128];
	int r;

	err = err != NULL ? err : &own;
	t.curl = take_handle(c);
	if (t.curl == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	host_of(rq->url, host);
	buf_init(&reply.body, t.reply_max);
	buf_init(&reply.head, HEAD_MAX);
	for (;;) {
		err_clear(err);
		reply.status = 0;
		r = try_once(&t, err);
		tried++;
		if ((r != -EAGAIN && !(r == 0 && is_passing(reply.status))) || tried == tries || t.took)
			break;
		log_debug("http host=%s method=%s status=%d try=%u error=\"%s\"", host, rq->method, reply.status, tried,
			  r < 0 ? err_text(err) : "");
		if (!rest(c, wait_before(c, &reply, tried))) {
			r = err_set(err, -ECANCELED, "%s: interrupted", host);
			break;
		}
	}
	give_handle(c, t.curl);
	if (r < 0)
		http_reply_fini(&reply);
	else
		*ret_reply = reply;
	return r;
}

/* -- replies -------------------------------------------------------------- */

void
http_reply_fini(struct http_reply *reply)
{
	buf_fini(&reply->body);
	buf_fini(&reply->head);
}

bool
http_reply_header(const struct http_reply *reply, const char *name, char *text, size_t size)
{
	const char *p = reply->head.data, *end, *stop;
	size_t len = strlen(name);

	for (; p != NULL && *p != '\0'; p = *end != '\0' ? end + 1 : end) {
		end = strchrnul(p, '\n');
		if ((size_t)(end - p) <= len || strncasecmp(p, name, len) != 0 || p[len] != ':')
			continue;
		for (p += len + 1; *p == ' ' || *p == '\t'; p++)
			;
		for (stop = end; stop > p && (stop[-1] == '\r' || stop[-1] == ' '); stop--)
			;
		snprintf(text, size, "%.*s", (int)(stop - p), p);
		return true;
	}
	return false;
}

/* Seconds, or a date. */
int64_t
http_reply_retry_after(const struct http_reply *reply)
{
	int64_t seconds;
	char text[64];
	time_t at;

	if (!http_reply_header(reply, "Retry-After", text, sizeof text))
		return -1;
	if (text[0] >= '0' && text[0] <= '9') {
		uint64_t said = strtoull(text, NULL, 10);

		return said > INT32_MAX ? INT32_MAX : (int64_t)said;
	}
	at = curl_getdate(text, NULL);
	if (at < 0)
		return -1;
	seconds = at - clock_now() / 1000000000;
	return seconds > 0 ? seconds : 0;
}

int
http_status_error(int status)
{
	if (status / 100 == 2)
		return 0;
	if (is_passing(status))
		return -EAGAIN;
	switch (status) {
	case 401:
	case 403:
		return -EACCES;
	case 404:
	case 410:
		return -ENOENT;
	case 409:
		return -EEXIST;
	default:
		return -EIO;
	}
}
