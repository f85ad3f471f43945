/* Event Grid's and CloudEvents' webhooks, and files. */
#include "ops/event_sender.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/guid.h"
#include "base/io.h"
#include "net/http_client.h"

#define BODY_MAX (8u << 20)
/* How far back the end of the last whole line of a file is looked for. */
#define LINE_MAX (64 << 10)

struct event_sender {
	const struct event_receiver *receiver;
	const struct event_source *source;
	struct http_client *http;	/* NULL: it is a file */
	char *url;			/* with its secret */
	const char *kind;		/* of the request under way: aeg-event-type */
	unsigned tries;
	struct buf body;
};

int
event_sender_new(const struct event_receiver *receiver, const struct event_source *source, const char *ca_file,
		 const atomic_bool *stop, struct event_sender **ret_sender, struct err *err)
{
	const struct http_client_options o = { .ca_file = ca_file, .tries = 1, .stop = stop };
	struct event_sender *s = calloc(1, sizeof *s);
	int r = 0;

	if (s == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	s->receiver = receiver;
	s->source = source;
	buf_init(&s->body, BODY_MAX);
	if (receiver->path[0] == '\0') {
		const char *url = receiver->url, *query = receiver->query;

		if (asprintf(&s->url, "%s%s%s", url, *query == '\0' ? "" : strchr(url, '?') != NULL ? "&" : "?", query) < 0) {
			s->url = NULL;
			r = err_set(err, -ENOMEM, "out of memory");
		} else
			r = http_client_new(&o, &s->http, err);
	}
	if (r < 0) {
		event_sender_free(s);
		return r;
	}
	*ret_sender = s;
	return 0;
}

void
event_sender_free(struct event_sender *s)
{
	if (s == NULL)
		return;
	http_client_free(s->http);
	buf_fini(&s->body);
	if (s->url != NULL)
		explicit_bzero(s->url, strlen(s->url));
	free(s->url);
	free(s);
}

/* -- servers -------------------------------------------------------------- */

static int
add_headers(void *ctx, struct http_headers *headers, struct err *err)
{
	struct event_sender *s = ctx;
	const char *colon = strchr(s->receiver->header, ':');
	char name[128];

	(void)err;
	if (colon != NULL) {
		snprintf(name, sizeof name, "%.*s", (int)(colon - s->receiver->header), s->receiver->header);
		http_header_add(headers, name, "%s", colon + 1 + strspn(colon + 1, " "));
	}
	if (s->receiver->schema == EVENT_CLOUD) {
		http_header_add(headers, "WebHook-Request-Origin", "%s", s->source->host);
		return 0;
	}
	http_header_add(headers, "aeg-event-type", "%s", s->kind);
	http_header_add(headers, "aeg-subscription-name", "%s", s->receiver->name);
	http_header_add(headers, "aeg-delivery-count", "%u", s->tries);
	http_header_add(headers, "aeg-data-version", "1");
	http_header_add(headers, "aeg-metadata-version", "1");
	return 0;
}

/* A request whose body is s->body. */
static int
request(struct event_sender *s, const char *method, const char *type, struct http_reply *reply, int64_t *ret_wait, struct err *err)
{
	struct http_request rq = {
		.method = method, .url = s->url, .type = type, .data = s->body.data, .len = s->body.len,
		.prepare = add_headers, .ctx = s, .tries = 1,
	};
	int r = buf_error(&s->body);

	*ret_wait = -1;
	if (r == 0)
		r = http_send(s->http, &rq, reply, err);
	else
		err_set(err, r, "the events do not fit a request");
	if (r == 0)
		*ret_wait = http_reply_retry_after(reply);
	/* A reply that is too long has nothing that is wanted; this error is of the batch here. */
	return r == -EMSGSIZE ? -EPROTO : r;
}

/* The server answers with the code it was sent. */
static bool
answers(const struct http_reply *reply, const char *code)
{
	json_t *json = json_loadb(reply->body.data != NULL ? reply->body.data : "", reply->body.len, 0, NULL);
	const char *said = json_string_value(json_object_get(json, "validationResponse"));
	bool right = said != NULL && strcmp(said, code) == 0;

	json_decref(json);
	return right;
}

static int
agree_grid(struct event_sender *s, int64_t *ret_wait, struct err *err)
{
	struct http_reply reply = { 0 };
	char code[GUID_TEXT_MAX], id[GUID_TEXT_MAX], time[CLOCK_TEXT_MAX];
	int r = guid_make(code);

	if (r == 0)
		r = guid_make(id);
	if (r < 0)
		return err_set(err, r, "the system gives no random numbers");
	clock_format(clock_now(), time);
	buf_reset(&s->body);
	buf_printf(&s->body, "[{\"id\":\"%s\",\"topic\":", id);
	buf_put_json_string(&s->body, s->source->topic, strlen(s->source->topic));
	buf_printf(&s->body, ",\"subject\":\"\",\"data\":{\"validationCode\":\"%s\"},"
		   "\"eventType\":\"Microsoft.EventGrid.SubscriptionValidationEvent\",\"eventTime\":\"%s\","
		   "\"metadataVersion\":\"1\",\"dataVersion\":\"2\"}]", code, time);
	s->kind = "SubscriptionValidation";
	r = request(s, "POST", "application/json; charset=utf-8", &reply, ret_wait, err);
	if (r < 0)
		return r;
	if (reply.status != 200)
		r = err_set(err, -EACCES, "it does not agree to be told of changes (status %d)", reply.status);
	else if (!answers(&reply, code))
		r = err_set(err, -EACCES, "it does not agree to be told of changes (no validationResponse)");
	http_reply_fini(&reply);
	return r;
}

/* HTTP 1.1 Web Hooks for Event Delivery, section 4. */
static int
agree_cloud(struct event_sender *s, int64_t *ret_wait, struct err *err)
{
	struct http_reply reply = { 0 };
	char allowed[512];
	int r;

	buf_reset(&s->body);
	r = request(s, "OPTIONS", NULL, &reply, ret_wait, err);
	if (r < 0)
		return r;
	if (reply.status / 100 != 2)
		r = err_set(err, -EACCES, "it does not agree to be told of changes (status %d)", reply.status);
	else if (!http_reply_header(&reply, "WebHook-Allowed-Origin", allowed, sizeof allowed) ||
		 (strcmp(allowed, "*") != 0 && strcasecmp(allowed, s->source->host) != 0))
		r = err_set(err, -EACCES, "it does not agree to be told of changes (no WebHook-Allowed-Origin)");
	http_reply_fini(&reply);
	return r;
}

static int
send_to_server(struct event_sender *s, struct slice events, int64_t *ret_wait, struct err *err)
{
	struct http_reply reply = { 0 };
	int r;

	buf_reset(&s->body);
	buf_putc(&s->body, '[');
	buf_put(&s->body, events.data, events.len);
	buf_putc(&s->body, ']');
	s->kind = "Notification";
	r = request(s, "POST", s->receiver->schema == EVENT_CLOUD ? "application/cloudevents-batch+json; charset=utf-8"
								   : "application/json; charset=utf-8", &reply, ret_wait, err);
	if (r < 0)
		return r;
	if (reply.status == 413)
		r = err_set(err, -EMSGSIZE, "a batch is too large for it (status 413)");
	else if (reply.status / 100 != 2)
		r = err_set(err, -EAGAIN, "it does not take events (status %d)", reply.status);
	http_reply_fini(&reply);
	return r;
}

/* -- files ---------------------------------------------------------------- */

/* What a kill or a full disk left of a line goes: it is written again, whole. */
static int
drop_torn_line(int fd)
{
	char *end = malloc(LINE_MAX);
	struct stat sb;
	ssize_t n;
	int r = 0;

	if (end == NULL)
		return -ENOMEM;
	if (fstat(fd, &sb) < 0) {
		r = -errno;
	} else if (S_ISREG(sb.st_mode) && sb.st_size > 0) {
		off_t from = sb.st_size > LINE_MAX ? sb.st_size - LINE_MAX : 0;

		n = io_pread_all(fd, end, LINE_MAX, (uint64_t)from);
		if (n < 0) {
			r = (int)n;
		} else if (n > 0 && end[n - 1] != '\n') {
			while (n > 0 && end[n - 1] != '\n')
				n--;
			/* A line that long is none of ours. */
			if (n == 0 && from > 0)
				r = io_write_all(fd, "\n", 1);
			else if (ftruncate(fd, from + n) < 0)
				r = -errno;
		}
	}
	free(end);
	return r;
}

static int
send_to_file(struct event_sender *s, struct slice events, struct err *err)
{
	const char *path = s->receiver->path;
	int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666), r;

	if (fd < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	r = drop_torn_line(fd);
	if (r == 0)
		r = io_write_all(fd, events.data, events.len);
	if (r == 0 && fdatasync(fd) < 0)
		r = -errno;
	close(fd);
	return r < 0 ? err_set(err, r, "%s: %s", path, strerror(-r)) : 0;
}

/* ------------------------------------------------------------------------- */

int
event_sender_agree(struct event_sender *s, int64_t *ret_wait, struct err *err)
{
	s->tries = 1;
	return s->receiver->schema == EVENT_CLOUD ? agree_cloud(s, ret_wait, err) : agree_grid(s, ret_wait, err);
}

int
event_sender_send(struct event_sender *s, struct slice events, unsigned tries, int64_t *ret_wait, struct err *err)
{
	int r;

	*ret_wait = -1;
	s->tries = tries;
	if (s->http != NULL)
		return send_to_server(s, events, ret_wait, err);
	r = send_to_file(s, events, err);
	/* Of a file name, that is. */
	return r == -EMSGSIZE ? -EIO : r;
}
