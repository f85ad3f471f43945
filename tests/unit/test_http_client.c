/* Requests to a server that answers by a script, one line a request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/http_client.h"

#define CLOSE "close"			/* instead of a reply */
#define SILENT "silent"
#define OK_REPLY "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define BUSY_REPLY "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"

struct server {
	const char *const *script;	/* NULL ends it */
	int fd;
	unsigned port;
	pthread_t thread;
	unsigned requests, connections;
	char body[100000];		/* of the last request */
	char head[8192];
};

static size_t
length_of(const char *head)
{
	const char *p = strcasestr(head, "\r\nContent-Length:");

	return p != NULL ? (size_t)atol(p + 17) : 0;
}

/* A request, head and body; false: the connection ended. */
static bool
read_request(struct server *s, int fd)
{
	size_t n = 0, want;
	char *end = NULL;
	ssize_t got;

	while (end == NULL && n < sizeof s->head - 1) {
		got = read(fd, s->head + n, 1);
		if (got <= 0)
			return false;
		n += (size_t)got;
		s->head[n] = '\0';
		end = strstr(s->head, "\r\n\r\n");
	}
	want = length_of(s->head);
	if (strcasestr(s->head, "\r\nExpect: 100") != NULL && write(fd, "HTTP/1.1 100 Continue\r\n\r\n", 25) < 0)
		return false;
	for (n = 0; n < want; n += (size_t)got) {
		got = read(fd, s->body + n, want - n);
		if (got <= 0)
			return false;
	}
	s->body[n] = '\0';
	return true;
}

static void *
serve(void *ctx)
{
	struct server *s = ctx;
	const char *const *line = s->script;
	char c;

	while (*line != NULL) {
		int fd = accept(s->fd, NULL, NULL);

		s->connections++;
		while (*line != NULL && read_request(s, fd)) {
			const char *reply = *line++;

			s->requests++;
			if (strcmp(reply, SILENT) == 0)
				while (read(fd, &c, 1) > 0)
					;
			if (strcmp(reply, CLOSE) == 0 || strcmp(reply, SILENT) == 0 || write(fd, reply, strlen(reply)) < 0 ||
			    strstr(reply, "Connection: close") != NULL)
				break;
		}
		close(fd);
	}
	return NULL;
}

static void
start(struct server *s, const char *const *script)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof in;

	memset(s, 0, sizeof *s);
	s->script = script;
	s->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&in, sizeof in), 0);
	assert_int_equal(listen(s->fd, 16), 0);
	getsockname(s->fd, (struct sockaddr *)&in, &len);
	s->port = ntohs(in.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void
stop(struct server *s)
{
	pthread_join(s->thread, NULL);
	close(s->fd);
}

struct asked {
	struct http_client *client;
	char url[100];
	struct http_request rq;
	struct http_reply reply;
	struct err err;
};

static void
ask_init(struct asked *a, const struct server *s, const struct http_client_options *options)
{
	memset(a, 0, sizeof *a);
	assert_int_equal(http_client_new(options, &a->client, NULL), 0);
	snprintf(a->url, sizeof a->url, "http://127.0.0.1:%u/a?sig=secret", s->port);
	a->rq = (struct http_request){ .method = "GET", .url = a->url };
}

static int
ask(struct asked *a)
{
	http_reply_fini(&a->reply);
	memset(&a->reply, 0, sizeof a->reply);
	return http_send(a->client, &a->rq, &a->reply, &a->err);
}

static void
ask_fini(struct asked *a)
{
	http_reply_fini(&a->reply);
	http_client_free(a->client);
}

static const struct http_client_options fast = { .wait_ms = 10 };

static void
a_reply_has_status_headers_and_body(void **state)
{
	static const char *const script[] = { "HTTP/1.1 201 Made\r\nETag: \"x y\"  \r\nContent-Length: 3\r\n\r\nabc", NULL };
	struct server s;
	struct asked a;
	char text[20];

	(void)state;
	start(&s, script);
	ask_init(&a, &s, &fast);
	assert_int_equal(ask(&a), 0);
	assert_int_equal(a.reply.status, 201);
	assert_string_equal(a.reply.body.data, "abc");
	assert_true(http_reply_header(&a.reply, "etag", text, sizeof text));
	assert_string_equal(text, "\"x y\"");
	assert_false(http_reply_header(&a.reply, "tag", text, sizeof text));
	ask_fini(&a);
	stop(&s);
}

static void
what_fails_for_a_while_is_tried_again(void **state)
{
	static const char *const script[] = { BUSY_REPLY, CLOSE, "HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 408 Late\r\nContent-Length: 0\r\n\r\n", OK_REPLY, NULL };
	struct server s;
	struct asked a;

	(void)state;
	start(&s, script);
	ask_init(&a, &s, &fast);
	assert_int_equal(ask(&a), 0);
	assert_int_equal(a.reply.status, 200);
	assert_int_equal(s.requests, 5);
	ask_fini(&a);
	stop(&s);
}

static void
it_is_given_up_after_so_many_tries(void **state)
{
	static const char *const script[] = { BUSY_REPLY, BUSY_REPLY, CLOSE, CLOSE, CLOSE, NULL };
	struct server s;
	struct asked a;

	(void)state;
	start(&s, script);
	ask_init(&a, &s, &fast);
	a.rq.tries = 2;
	assert_int_equal(ask(&a), 0);
	assert_int_equal(a.reply.status, 503);
	/* A connection that was used before is replaced at once, which is no other try. */
	assert_int_equal(ask(&a), -EAGAIN);
	assert_non_null(strstr(err_text(&a.err), "127.0.0.1:"));
	assert_null(strstr(err_text(&a.err), "secret"));
	ask_fini(&a);
	stop(&s);
}

static void
what_is_said_for_good_is_not_tried_again(void **state)
{
	static const char *const script[] = { "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 501 No\r\nContent-Length: 0\r\n\r\n", NULL };
	struct server s;
	struct asked a;

	(void)state;
	start(&s, script);
	ask_init(&a, &s, &fast);
	assert_int_equal(ask(&a), 0);
	assert_int_equal(a.reply.status, 404);
	assert_int_equal(http_status_error(a.reply.status), -ENOENT);
	assert_int_equal(ask(&a), 0);
	assert_int_equal(a.reply.status, 501);
	assert_int_equal(s.requests, 2);
	ask_fini(&a);
	stop(&s);
}

static void
retry_after_is_honoured(void **state)
{
	static const char *const script[] = { "HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n", OK_REPLY, NULL };
	int64_t began = clock_monotonic();
	struct server s;
	struct asked a;

	(void)state;
	start(&s, script);
	ask_init(&a, &s, &fast);
	assert_int_equal(ask(&a), 0);
	assert_int_equal(a.reply.status, 200);
	assert_true(clock_monotonic() - began >= 1000000000);
	ask_fini(&a);
	stop(&s);
}

static int
count_prepared(void *ctx, struct http_headers *headers, struct err *err)
{
	(void)err;
	http_header_add(headers, "X-Try", "%d", ++*(int *)ctx);
	return 0;
}

static void
a_body_is_sent_whole_each_time_and_prepared_anew(void **state)
{
	static const char *const script[] = { BUSY_REPLY, CLOSE, OK_REPLY, NULL };
	char path[] = "/tmp/dicomlake-http-XXXXXX", *bytes = malloc(50000);
	int fd = mkstemp(path), prepared = 0;
	struct server s;
	struct asked a;

	(void)state;
	unlink(path);
	memset(bytes, 'x', 50000);
	bytes[10] = 'B';
	bytes[49989] = 'E';
	assert_int_equal(write(fd, bytes, 50000), 50000);
	start(&s, script);
	ask_init(&a, &s, &fast);
	a.rq.method = "PUT";
	a.rq.type = "application/dicom";
	a.rq.fd = fd;
	a.rq.offset = 10;
	a.rq.len = 49980;
	a.rq.prepare = count_prepared;
	a.rq.ctx = &prepared;
	assert_int_equal(ask(&a), 0);
	assert_int_equal(a.reply.status, 200);
	assert_int_equal(strlen(s.body), 49980);
	assert_int_equal(s.body[0], 'B');
	assert_int_equal(s.body[49979], 'E');
	assert_non_null(strstr(s.head, "X-Try: 3\r\n"));
	assert_non_null(strstr(s.head, "Content-Type: application/dicom\r\n"));
	ask_fini(&a);
	stop(&s);
	close(fd);
	free(bytes);
}

static void
a_file_that_is_shorter_is_told_of(void **state)
{
	static const char *const script[] = { OK_REPLY, NULL };
	char path[] = "/tmp/dicomlake-http-XXXXXX";
	int fd = mkstemp(path);
	struct server s;
	struct asked a;

	(void)state;
	unlink(path);
	assert_int_equal(write(fd, "short", 5), 5);
	start(&s, script);
	ask_init(&a, &s, &fast);
	a.rq.method = "PUT";
	a.rq.fd = fd;
	a.rq.len = 10;
	assert_int_equal(ask(&a), -ESTALE);
	a.rq.len = 5;
	assert_int_equal(ask(&a), 0);
	ask_fini(&a);
	stop(&s);
	close(fd);
}

static void
a_reply_that_is_too_large_is_not_kept(void **state)
{
	static const char *const script[] = { "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n12345678901", NULL };
	struct server s;
	struct asked a;

	(void)state;
	start(&s, script);
	ask_init(&a, &s, &fast);
	a.rq.reply_max = 10;
	assert_int_equal(ask(&a), -EMSGSIZE);
	ask_fini(&a);
	stop(&s);
}

static int
gather(void *ctx, const void *data, size_t len)
{
	return buf_put(ctx, data, len);
}

static void
a_streamed_reply_that_breaks_is_not_begun_again(void **state)
{
	static const char *const script[] = { BUSY_REPLY, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\n12345", NULL };
	struct server s;
	struct asked a;
	struct buf got;

	(void)state;
	buf_init(&got, 100);
	start(&s, script);
	ask_init(&a, &s, &fast);
	a.rq.write = gather;
	a.rq.ctx = &got;
	assert_int_equal(ask(&a), -EAGAIN);
	assert_string_equal(got.data, "12345");
	assert_int_equal(s.requests, 2);
	ask_fini(&a);
	stop(&s);
	buf_fini(&got);
}

static void
connections_are_used_again(void **state)
{
	static const char *const script[] = { OK_REPLY, OK_REPLY, OK_REPLY, NULL };
	struct server s;
	struct asked a;
	int i;

	(void)state;
	start(&s, script);
	ask_init(&a, &s, &fast);
	for (i = 0; i < 3; i++)
		assert_int_equal(ask(&a), 0);
	assert_int_equal(s.connections, 1);
	ask_fini(&a);
	stop(&s);
}

static void
a_server_that_says_nothing_is_left(void **state)
{
	static const char *const script[] = { SILENT, OK_REPLY, NULL };
	const struct http_client_options options = { .wait_ms = 10, .stall_ms = 1000 };
	struct server s;
	struct asked a;

	(void)state;
	start(&s, script);
	ask_init(&a, &s, &options);
	assert_int_equal(ask(&a), 0);
	assert_int_equal(s.requests, 2);
	ask_fini(&a);
	stop(&s);
}

static void *
stop_soon(void *ctx)
{
	usleep(100000);
	atomic_store((atomic_bool *)ctx, true);
	return NULL;
}

static void
a_wait_ends_when_told_to_stop(void **state)
{
	static const char *const script[] = { "HTTP/1.1 503 Busy\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n", NULL };
	static atomic_bool stopping;
	const struct http_client_options options = { .stop = &stopping };
	int64_t began = clock_monotonic();
	pthread_t thread;
	struct server s;
	struct asked a;

	(void)state;
	start(&s, script);
	ask_init(&a, &s, &options);
	pthread_create(&thread, NULL, stop_soon, &stopping);
	assert_int_equal(ask(&a), -ECANCELED);
	assert_true(clock_monotonic() - began < (int64_t)10 * 1000000000);
	pthread_join(thread, NULL);
	ask_fini(&a);
	stop(&s);
}

static void
nobody_there_and_no_url_are_told_apart(void **state)
{
	static const char *const script[] = { NULL };
	struct server s;
	struct asked a;

	(void)state;
	start(&s, script);
	stop(&s);
	ask_init(&a, &s, &fast);
	a.rq.tries = 2;
	assert_int_equal(ask(&a), -EAGAIN);
	a.rq.url = "ftp://127.0.0.1/";
	assert_int_equal(ask(&a), -EINVAL);
	a.rq.url = "http://";
	assert_int_equal(ask(&a), -EINVAL);
	a.rq.url = "file:///etc/passwd";
	assert_int_equal(ask(&a), -EINVAL);
	ask_fini(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reply_has_status_headers_and_body),
		cmocka_unit_test(what_fails_for_a_while_is_tried_again),
		cmocka_unit_test(it_is_given_up_after_so_many_tries),
		cmocka_unit_test(what_is_said_for_good_is_not_tried_again),
		cmocka_unit_test(retry_after_is_honoured),
		cmocka_unit_test(a_body_is_sent_whole_each_time_and_prepared_anew),
		cmocka_unit_test(a_file_that_is_shorter_is_told_of),
		cmocka_unit_test(a_reply_that_is_too_large_is_not_kept),
		cmocka_unit_test(a_streamed_reply_that_breaks_is_not_begun_again),
		cmocka_unit_test(connections_are_used_again),
		cmocka_unit_test(a_server_that_says_nothing_is_left),
		cmocka_unit_test(a_wait_ends_when_told_to_stop),
		cmocka_unit_test(nobody_there_and_no_url_are_told_apart),
	};

	setenv("no_proxy", "127.0.0.1", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
