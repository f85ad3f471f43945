#include "web/request.h"

#include <civetweb.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/coding.h"
#include "base/log.h"
#include "web/cors.h"
#include "web/range.h"
#include "web/server.h"
#include "web/socket.h"

/* -------------------------------------------------------------- head ---- */

const char *
request_header(const struct request *rq, const char *name)
{
	int i;

	for (i = 0; i < rq->info->num_headers; i++)
		if (strcasecmp(rq->info->http_headers[i].name, name) == 0)
			return rq->info->http_headers[i].value;
	return NULL;
}

int
request_each_header(const struct request *rq, const char *prefix,
		    int (*fn)(void *ctx, const char *name, const char *value, struct err *err), void *ctx, struct err *err)
{
	size_t len = strlen(prefix);
	int i, r = 0;

	for (i = 0; i < rq->info->num_headers && r == 0; i++)
		if (strncasecmp(rq->info->http_headers[i].name, prefix, len) == 0)
			r = fn(ctx, rq->info->http_headers[i].name + len, rq->info->http_headers[i].value, err);
	return r;
}

static bool
is_id(const char *id)
{
	size_t len = strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-");

	return len > 0 && len <= LIMIT_REQUEST_ID && id[len] == '\0';
}

static void
set_id(struct request *rq)
{
	static atomic_uint_fast64_t counter;
	const char *given = request_header(rq, "X-Request-ID");
	uint64_t id;
	unsigned i;

	if (given != NULL && is_id(given)) {
		strcpy(rq->id, given);
		return;
	}
	/* Unique within the log: the second, and a count. */
	id = (uint64_t)(clock_now() / 1000000000) << 32 |
	     (uint32_t)atomic_fetch_add_explicit(&counter, 1, memory_order_relaxed);
	for (i = 0; i < 17; i++)
		rq->id[i] = i == 8 ? '-' : "0123456789abcdef"[id >> (4 * (i < 8 ? 15 - i : 16 - i)) & 15];
	rq->id[17] = '\0';
}

/* What stands in Host goes into URLs of replies, so it is checked. */
static void
set_base(struct request *rq)
{
	static const char allowed[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-:[]";
	const char *host = request_header(rq, "Host");
	size_t len = host == NULL ? 0 : strspn(host, allowed);

	if (len > 0 && len <= LIMIT_HOST && host[len] == '\0')
		snprintf(rq->base, sizeof rq->base, "http://%s", host);
	else
		snprintf(rq->base, sizeof rq->base, "http://%.*s:%d", LIMIT_HOST - 8, rq->web->address, rq->info->server_port);
}

/* Names may have periods: the longest that fits. */
static struct service *
service_of_host(struct web *web, const char *host)
{
	struct service *found = NULL;
	size_t i, len, longest = 0;

	for (i = 0; host != NULL && i < web->n; i++) {
		const char *label = store_label(web->services[i].store);

		len = strlen(label);
		if (len > longest && strncasecmp(host, label, len) == 0 &&
		    (host[len] == '.' || host[len] == ':' || host[len] == '\0')) {
			found = &web->services[i];
			longest = len;
		}
	}
	return found;
}

/* By its path, which then goes on behind it. */
static void
take_prefix(struct request *rq)
{
	struct uri_path *path = &rq->path;
	size_t i;

	for (i = 0; path->count > 0 && i < rq->web->n; i++) {
		const char *label = store_label(rq->web->services[i].store);

		if (strcasecmp(path->segment[0], label) != 0)
			continue;
		rq->service = &rq->web->services[i];
		memmove(path->segment, path->segment + 1, --path->count * sizeof *path->segment);
		strcat(strcat(rq->base, "/"), label);	/* there is room for the longest */
		return;
	}
}

/* Smuggling: one length only, and only digits (civetweb takes the first of any). */
static int
set_body(struct request *rq, struct err *err)
{
	const char *coding = request_header(rq, "Transfer-Encoding");
	const char *expect = request_header(rq, "Expect");
	const char *length = NULL;
	uint64_t n = 0;
	int i;

	for (i = 0; i < rq->info->num_headers; i++) {
		const char *value = rq->info->http_headers[i].value;

		if (strcasecmp(rq->info->http_headers[i].name, "Content-Length") != 0)
			continue;
		if (range_parse_number(value, &n) < 0 || n > INT64_MAX ||
		    (length != NULL && strcmp(length, value) != 0))
			return err_set(err, -EINVAL, "Content-Length is not one decimal number");
		length = value;
	}
	if (coding != NULL && strcasecmp(coding, "identity") != 0) {
		if (length != NULL)
			return err_set(err, -EINVAL, "Content-Length and Transfer-Encoding exclude each other");
		rq->body_length = -1;
	} else {
		rq->body_length = (int64_t)n;
	}
	rq->body_ended = rq->body_length == 0;
	rq->expects = expect != NULL && strcasecmp(expect, "100-continue") == 0 && !rq->body_ended;
	return 0;
}

/* Contract 0.4: refused wherever it stands. */
static bool
has_angle_bracket(const char *query)
{
	for (; *query != '\0'; query++)
		if (*query == '<' || (query[0] == '%' && query[1] == '3' && (query[2] | 0x20) == 'c'))
			return true;
	return false;
}

static int
set_uid(const char *given, const char *what, char uid[UID_TEXT_MAX], struct err *err)
{
	size_t len;

	if (given == NULL)
		return 0;
	len = strlen(given);
	while (len > 0 && given[len - 1] == ' ')
		len--;
	if (!uid_is_valid(given, len))
		return err_set(err, -EINVAL, "The %s Instance UID of the URL is not valid: a UID has 1 to 64 "
			       "characters, digits and periods, and ends with a digit", what);
	memcpy(uid, given, len);
	uid[len] = '\0';
	return 0;
}

/* In its own spelling.  Contract 1.3: one that is not there is made by a store. */
static int
set_partition(struct request *rq, struct err *err)
{
	struct store_node node;
	int r;

	if (rq->match.partition == NULL)
		return 0;
	r = store_find_partition(rq->service->store, rq->match.partition, &node);
	if (r == -ENOENT && rq->match.route->action != ACTION_WRITE)
		return err_set(err, -EINVAL, "There is no data partition %s", rq->match.partition);
	if (r < 0 && r != -ENOENT)
		return err_set(err, r, "The index cannot be read: %s", strerror(-r));
	snprintf(rq->partition_name, sizeof rq->partition_name, "%s", r == 0 ? node.name : rq->match.partition);
	rq->partition = rq->partition_name;
	return 0;
}

static int
set_target(struct request *rq, struct err *err)
{
	const char *path = rq->info->local_uri_raw;
	int r;

	rq->raw_query = rq->info->query_string;
	r = uri_split(path != NULL ? path : "", &rq->path);
	if (r == -E2BIG)
		return err_set(err, r, "The path is too long");
	if (r < 0)
		return err_set(err, r, "The path is not well-formed percent-encoded UTF-8");
	if (rq->service == NULL)
		take_prefix(rq);
	log_about(rq->service != NULL && rq->web->n > 1 ? store_label(rq->service->store) : NULL);
	/* What refuses the request speaks its dialect. */
	rq->dialect = rq->path.count > 0 ? dialect_find(rq->path.segment[0]) : NULL;
	if (rq->raw_query != NULL && has_angle_bracket(rq->raw_query))
		return err_set(err, -EINVAL, "The query string holds a < character");
	r = route_find(&rq->path, rq->method, rq->service != NULL && store_partitions(rq->service->store), &rq->match, err);
	if (rq->service == NULL && (r == -ENOENT || rq->dialect != NULL))
		return err_set(err, -ENOENT, "No such resource: there are several services here, so the path begins with "
			       "/<workspace>-<service>, or the host name with <workspace>-<service>");
	if (r < 0)
		return r;
	if (rq->match.route == NULL)
		return 0;
	r = set_partition(rq, err);
	if (r == 0)
		r = set_uid(rq->match.vars.value[URI_STUDY], "Study", rq->study_uid, err);
	if (r == 0)
		r = set_uid(rq->match.vars.value[URI_SERIES], "Series", rq->series_uid, err);
	if (r == 0)
		r = set_uid(rq->match.vars.value[URI_INSTANCE], "SOP", rq->sop_uid, err);
	return r;
}

/* A thread a connection: an active client that keeps its own would starve the others. */
static bool
must_give_way(const struct request *rq)
{
	int64_t since = (int64_t)(intptr_t)rq->info->conn_data;

	return atomic_load(&rq->web->connections) * 4 >= rq->web->options.threads * 3 &&
		rq->began - since > (int64_t)LIMIT_SHARE_MS * 1000000;
}

static int set_coding(struct request *rq, struct err *err);
static void free_coding(struct request *rq);

int
request_init(struct request *rq, struct web *web, struct mg_connection *conn, struct err *err)
{
	int r;

	/* The path and the variables are large; only their counts must be zero. */
	memset(rq, 0, offsetof(struct request, path));
	rq->path.count = 0;
	memset(&rq->match, 0, sizeof *rq - offsetof(struct request, match));
	rq->began = clock_monotonic();
	rq->web = web;
	rq->conn = conn;
	rq->info = mg_get_request_info(conn);
	rq->cors = cors_allows(web->cors_origins, request_header(rq, "Origin"));
	rq->gives_way = must_give_way(rq);
	rq->method = method_parse(rq->info->request_method);
	buf_init(&rq->reply.extra, LIMIT_REPLY_HEAD - 1024);
	set_id(rq);
	set_base(rq);
	rq->service = web->n == 1 ? web->services : service_of_host(web, request_header(rq, "Host"));
	r = set_body(rq, err);
	if (r < 0) {
		rq->body_lost = true;	/* nobody knows where the next request begins */
		return r;
	}
	r = set_coding(rq, err);
	if (r < 0)
		return r;
	if (rq->info->num_headers >= MG_MAX_HEADERS)
		return err_set(err, -EMSGSIZE, "The request has %d header lines or more", MG_MAX_HEADERS);
	return set_target(rq, err);
}

void
request_fini(struct request *rq)
{
	watch_close(rq->slot);
	free_coding(rq);
	chunk_put(rq->web->chunks, rq->reply.chunk);
	chunk_put(rq->web->chunks, rq->reply.encoded);
	encoder_free(rq->reply.encoder);
	buf_fini(&rq->reply.extra);
}

bool
request_is_old(const struct request *rq)
{
	return rq->info->http_version != NULL && strcmp(rq->info->http_version, "1.0") == 0;
}

bool
request_accept(const struct request *rq, struct accept *ret_accept)
{
	char all[LIMIT_ACCEPT];
	size_t used = 0;
	bool any = false;
	int i;

	for (i = 0; i < rq->info->num_headers; i++) {
		const char *value = rq->info->http_headers[i].value;
		size_t len = strlen(value);

		if (strcasecmp(rq->info->http_headers[i].name, "Accept") != 0)
			continue;
		any = true;
		if (len + 2 > sizeof all - used)
			break;
		if (used > 0)
			all[used++] = ',';
		memcpy(all + used, value, len);
		used += len;
	}
	all[used] = '\0';
	accept_parse(all, ret_accept);
	return any;
}

int
request_check_type(const struct request *rq, const char *type, const char *what, struct err *err)
{
	struct accept accept;

	if (!request_accept(rq, &accept) || accept_allows(&accept, type))
		return 0;
	return err_set(err, -ENOTSUP, "%s in %s only", what, type);
}

bool
request_takes_json(const struct request *rq, bool absent)
{
	struct accept accept;

	if (!request_accept(rq, &accept))
		return absent;
	return accept_allows(&accept, "application/dicom+json") ||
		(rq->dialect->plain_json && accept_allows(&accept, "application/json"));
}

/* -------------------------------------------------------------- body ---- */

int
request_socket(struct request *rq)
{
	if (!rq->socket_sought) {
		rq->socket_sought = true;
		rq->socket = socket_find(rq->info->remote_addr, rq->info->remote_port, rq->info->server_port,
					 rq->web->first_socket);
	}
	return rq->socket;
}

void
request_watch(struct request *rq, size_t len)
{
	if (!rq->slot_tried) {
		rq->slot_tried = true;
		rq->slot = watch_open(rq->web->watch, request_socket(rq));
	}
	watch_arm(rq->slot, len);
}

void
request_unwatch(struct request *rq)
{
	watch_disarm(rq->slot);
}

int
request_take_socket(struct request *rq)
{
	int fd = request_socket(rq);

	watch_close(rq->slot);		/* it would shut our connection down */
	rq->slot = NULL;
	return fd < 0 ? -ENOTCONN : socket_take(fd);
}

static int
answer_expectation(struct request *rq)
{
	static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";

	rq->expects = false;
	if (mg_write(rq->conn, line, sizeof line - 1) != (int)sizeof line - 1) {
		rq->reply.broken = true;
		return -ECONNRESET;
	}
	return 0;
}

static ssize_t
read_body(struct request *rq, void *data, size_t len)
{
	int n, r;

	if (rq->body_ended || len == 0)
		return 0;
	if (rq->expects) {
		r = answer_expectation(rq);
		if (r < 0)
			return r;
	}
	if (rq->body_length >= 0 && len > (uint64_t)rq->body_length - rq->body_read)
		len = (size_t)((uint64_t)rq->body_length - rq->body_read);
	request_watch(rq, len);
	n = mg_read(rq->conn, data, len);
	request_unwatch(rq);
	if (n < 0 || (n == 0 && rq->body_length >= 0)) {
		rq->body_lost = true;
		return -ECONNRESET;
	}
	rq->body_read += (uint64_t)n;
	if (n == 0 || rq->body_read == (uint64_t)rq->body_length)
		rq->body_ended = true;
	return n;
}

/* As it came. */
static ssize_t
read_encoded(struct request *rq, void *data, size_t len, struct err *err)
{
	uint64_t max = rq->service->max_request;
	bool large = rq->body_length >= 0 && (uint64_t)rq->body_length > max;
	ssize_t n = 0;

	if (!large) {
		n = read_body(rq, data, len);
		large = rq->body_read > max;
	}
	if (large)
		return err_set(err, -EFBIG, "The request is larger than the limit of %" PRIu64 " bytes", max);
	return n < 0 ? err_set(err, (int)n, "The body ended before its end") : n;
}

struct inflated {
	struct decoder *decoder;
	const void *at;			/* what is left of the piece read last */
	size_t left;
	uint64_t made;
	bool ended;
	char piece[LIMIT_ENCODED_PIECE];
};

static int
set_coding(struct request *rq, struct err *err)
{
	const char *coding = request_header(rq, "Content-Encoding");
	int r;

	if (coding == NULL || strcasecmp(coding, "identity") == 0)
		return 0;
	if (strcasecmp(coding, "gzip") != 0 && strcasecmp(coding, "x-gzip") != 0) {
		rq->unknown_coding = true;
		return 0;
	}
	rq->inflated = calloc(1, sizeof *rq->inflated);
	r = rq->inflated == NULL ? -ENOMEM : decoder_new(&rq->inflated->decoder);
	return r < 0 ? err_set(err, r, "No memory") : 0;
}

static void
free_coding(struct request *rq)
{
	if (rq->inflated != NULL)
		decoder_free(rq->inflated->decoder);
	free(rq->inflated);
}

static ssize_t
read_inflated(struct request *rq, void *data, size_t len, struct err *err)
{
	struct inflated *f = rq->inflated;
	ssize_t n;
	int made;

	while (!f->ended && len > 0) {
		made = decoder_read(f->decoder, &f->at, &f->left, data, len);
		if (made < 0)
			return err_set(err, made, "The body is not gzip as its Content-Encoding says");
		f->made += (uint64_t)made;
		if (f->made > rq->service->max_request)
			return err_set(err, -EFBIG, "The request, decoded, is larger than the limit of %" PRIu64 " bytes",
				       rq->service->max_request);
		if (made > 0)
			return made;
		n = read_encoded(rq, f->piece, sizeof f->piece, err);
		if (n < 0)
			return n;
		f->at = f->piece;
		f->left = (size_t)n;
		f->ended = n == 0;
		if (f->ended && rq->body_read > 0 && !decoder_is_complete(f->decoder))
			return err_set(err, -EBADMSG, "The gzip-encoded body is cut short");
	}
	return 0;
}

ssize_t
request_read(struct request *rq, void *data, size_t len, struct err *err)
{
	if (rq->unknown_coding)
		return err_set(err, -EPROTONOSUPPORT, "Content-Encoding %.80s is not supported, gzip is",
			       request_header(rq, "Content-Encoding"));
	return rq->inflated != NULL ? read_inflated(rq, data, len, err) : read_encoded(rq, data, len, err);
}

bool
request_body_ended(const struct request *rq)
{
	return rq->inflated != NULL ? rq->inflated->ended : rq->body_ended;
}

bool
request_must_close(const struct request *rq)
{
	if (rq->body_ended)
		return false;
	if (rq->body_lost)
		return true;
	/* The client waits for the 100 it will not get: nothing more may come, or
	 * all of it. */
	if (rq->expects || rq->body_length < 0)
		return true;
	return (uint64_t)rq->body_length - rq->body_read > LIMIT_DRAIN_KEEP;
}

void
request_finish_body(struct request *rq)
{
	char scrap[16384];

	while (!rq->body_ended && !request_must_close(rq))
		if (read_body(rq, scrap, sizeof scrap) < 0)
			break;
	if (rq->body_ended)
		return;
	mg_disable_connection_keep_alive(rq->conn);
	socket_linger(request_socket(rq));
}

/* -------------------------------------------------------------- URLs ---- */

struct store_scope
request_scope(const struct request *rq)
{
	return (struct store_scope){
		.partition = rq->partition,
		.study_uid = rq->study_uid[0] != '\0' ? rq->study_uid : NULL,
		.series_uid = rq->series_uid[0] != '\0' ? rq->series_uid : NULL,
		.sop_uid = rq->sop_uid[0] != '\0' ? rq->sop_uid : NULL,
	};
}

void
request_put_url(const struct request *rq, const char *study_uid, const char *series_uid,
		const char *sop_uid, struct buf *out)
{
	buf_puts(out, rq->base);
	buf_putc(out, '/');
	buf_puts(out, rq->dialect->prefix);
	if (rq->partition != NULL) {
		buf_puts(out, "/partitions/");
		buf_puts(out, rq->partition);
	}
	buf_puts(out, "/studies");
	if (study_uid == NULL)
		return;
	buf_putc(out, '/');
	buf_puts(out, study_uid);
	if (series_uid == NULL)
		return;
	buf_puts(out, "/series/");
	buf_puts(out, series_uid);
	if (sop_uid == NULL)
		return;
	buf_puts(out, "/instances/");
	buf_puts(out, sop_uid);
}
