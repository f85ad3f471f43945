/* The civetweb context and the life of a request: init, refuse or route, log.
 *
 * civetweb 1.15: a thread a connection; begin_request sees every request before
 * anything else happens; what it leaves of the body is read by civetweb
 * unless keep-alive is off for the connection.  A log_access callback would make it
 * format a line (and stat /etc/localtime) for each request, so there is none. */
#include "web/server.h"

#include <civetweb.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/lru.h"
#include "store/pixels.h"
#include "web/blocks.h"
#include "web/cors.h"
#include "web/reply.h"
#include "web/request.h"
#include "web/socket.h"
#include "web/status.h"
#include "web/wado.h"

static void
reply_options(struct request *rq)
{
	const char *headers = cors_headers(request_header(rq, "Access-Control-Request-Headers"));

	/* A browser asks before it sends what a form could not. */
	if (rq->cors != NULL && request_header(rq, "Access-Control-Request-Method") != NULL) {
		reply_header(rq, "Access-Control-Allow-Methods", "%s", rq->match.allow);
		if (headers != NULL)
			reply_header(rq, "Access-Control-Allow-Headers", "%s", headers);
		reply_header(rq, "Access-Control-Max-Age", "%d", LIMIT_PREFLIGHT_S);
	}
	reply_header(rq, "Allow", "%s", rq->match.allow);
	reply_empty(rq, 204);
}

static void
serve(struct request *rq, int r, struct err *err)
{
	if (r == -EMSGSIZE) {
		reply_text(rq, 431, "%s", err_text(err));
	} else if (r == -EOPNOTSUPP) {
		reply_header(rq, "Allow", "%s", rq->match.allow);
		reply_text(rq, 405, "%s", err_text(err));
	} else if (r < 0) {
		reply_error(rq, err, r);
	} else if (rq->web->stopping) {
		reply_text(rq, 503, "The service is stopping");
	} else if (rq->method == METHOD_OPTIONS) {
		reply_options(rq);
	} else {
		r = rq->match.route->handler(rq, err);
		if (r < 0)
			reply_error(rq, err, r);
	}
}

static void
log_request(const struct request *rq, int64_t ns)
{
	const struct reply *rp = &rq->reply;
	char uids[3 * UID_TEXT_MAX + 32] = "";

	if (!log_enabled(LOG_LEVEL_INFO))
		return;
	if (rq->study_uid[0] != '\0')
		snprintf(uids, sizeof uids, " study=%s%s%s%s%s", rq->study_uid,
			 rq->series_uid[0] != '\0' ? " series=" : "", rq->series_uid,
			 rq->sop_uid[0] != '\0' ? " instance=" : "", rq->sop_uid);
	/* Without %f, which is the slowest conversion. */
	log_info("request door=web id=%s method=%s route=%s%s%s%s status=%d in=%llu out=%llu ms=%u.%03u%s",
		 rq->id, rq->info->request_method,
		 rq->dialect != NULL ? rq->dialect->prefix : "",
		 rq->dialect != NULL ? "/" : "",
		 rq->match.route != NULL ? rq->match.route->name : "none",
		 uids, rp->status, (unsigned long long)rq->body_read, (unsigned long long)rp->sent,
		 (unsigned)(ns / 1000000), (unsigned)(ns / 1000 % 1000), rp->broken ? " broken=1" : "");
}

static int
on_request(struct mg_connection *conn)
{
	struct web *web = mg_get_user_context_data(conn);
	struct err err = { 0 };
	struct request rq;
	int64_t ns;
	int r, status;

	atomic_fetch_add(&web->active, 1);
	r = request_init(&rq, web, conn, &err);
	serve(&rq, r, &err);
	if (!rq.reply.ended)
		reply_abort(&rq);
	request_finish_body(&rq);
	ns = clock_monotonic() - rq.began;
	metrics_count(rq.service != NULL ? &rq.service->metrics : &web->metrics, rq.match.route != NULL ? route_id_of(rq.match.route) : ROUTE_MAX,
		      rq.reply.status, ns, rq.body_read, rq.reply.sent);
	log_request(&rq, ns);
	if (web->stopping || rq.reply.broken || rq.gives_way)
		mg_disable_connection_keep_alive(conn);
	status = rq.reply.status;
	request_fini(&rq);
	log_about(NULL);
	atomic_fetch_sub(&web->active, 1);
	return status;
}

static int
on_connection(const struct mg_connection *conn, void **conn_data)
{
	struct web *web = mg_get_user_context_data(conn);

	*conn_data = (void *)(intptr_t)clock_monotonic();
	atomic_fetch_add(&web->connections, 1);
	return 0;
}

static void
on_connection_end(const struct mg_connection *conn)
{
	struct web *web = mg_get_user_context_data(conn);

	atomic_fetch_sub(&web->connections, 1);
}

/* What civetweb refuses by itself: a head that is too long, no HTTP, a bad length. */
static int
on_http_error(struct mg_connection *conn, int status, const char *message)
{
	const struct mg_request_info *info;
	char reply[512];
	int n;

	if (status == 413)
		status = 431;
	n = snprintf(reply, sizeof reply,
		     "HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n"
		     "Connection: close\r\n\r\n%.100s\n",
		     status, status_phrase(status), strnlen(message, 100) + 1, message);
	mg_write(conn, reply, (size_t)n);
	mg_disable_connection_keep_alive(conn);
	info = mg_get_request_info(conn);
	socket_linger(socket_find(info->remote_addr, info->remote_port, info->server_port,
				  ((struct web *)mg_get_user_context_data(conn))->first_socket));
	log_info("request door=web route=none status=%d", status);
	return 0;
}

static int
on_message(const struct mg_connection *conn, const char *message)
{
	(void)conn;
	log_debug("civetweb: %.200s", message);
	return 1;
}

/* A connection needs a descriptor, its thread one, and its request perhaps another.  Within
 * what the process may have, there are fewer threads rather than connections that fail. */
static void
fit_descriptors(struct web *web)
{
	rlim_t spare = LIMIT_FILES_SPARE + (web->n - 1) * LIMIT_FILES_STORE;
	rlim_t want = (rlim_t)web->options.threads * 3 + spare;
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur >= want)
		return;
	files.rlim_cur = files.rlim_max < want ? files.rlim_max : want;
	setrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_cur >= want)
		return;
	web->options.threads = files.rlim_cur > 2 * spare ? (unsigned)(files.rlim_cur - spare) / 3 : LIMIT_FILES_SPARE / 3;
	log_info("web: %u connections at once, since the process may have %llu descriptors only",
		 web->options.threads, (unsigned long long)files.rlim_cur);
}

static int
start_context(struct web *web, struct err *err)
{
	static const struct mg_callbacks callbacks = {
		.begin_request = on_request,
		.init_connection = on_connection,
		.connection_closed = on_connection_end,
		.http_error = on_http_error,
		.log_message = on_message,
	};
	char listen[300], threads[16], queue[16], backlog[16], head[16], idle[16], keep[16];
	const char *config[] = {
		"listening_ports", listen,
		"num_threads", threads,
		"connection_queue", queue,
		"listen_backlog", backlog,
		"max_request_size", head,
		"request_timeout_ms", idle,
		"keep_alive_timeout_ms", keep,
		"enable_keep_alive", "yes",
		"tcp_nodelay", "1",
		/* Escapes are undone once, in uri.c, after the split at slashes. */
		"decode_url", "no",
		"enable_auth_domain_check", "no",
		"enable_directory_listing", "no",
		NULL,
	};
	struct mg_init_data init = { .callbacks = &callbacks, .user_data = web, .configuration_options = config };
	char text[200] = "";
	unsigned code = 0;
	struct mg_error_data error = { .code = &code, .text = text, .text_buffer_size = sizeof text };
	struct mg_server_port port;

	snprintf(listen, sizeof listen, "%.250s:%u", web->address, web->options.port);
	snprintf(threads, sizeof threads, "%u", web->options.threads);
	snprintf(queue, sizeof queue, "%d", LIMIT_QUEUE);
	snprintf(backlog, sizeof backlog, "%d", LIMIT_BACKLOG);
	snprintf(head, sizeof head, "%d", LIMIT_HEAD);
	snprintf(idle, sizeof idle, "%d", LIMIT_IDLE_MS);
	snprintf(keep, sizeof keep, "%d", LIMIT_KEEP_ALIVE_MS);
	web->context = mg_start2(&init, &error);
	if (web->context == NULL)
		return err_set(err, -EADDRINUSE, "cannot listen on %s: the address is in use, or not of this machine",
			       listen);
	if (mg_get_server_ports(web->context, 1, &port) < 1)
		return err_set(err, -EIO, "cannot tell the port of %s", listen);
	web->port = (unsigned)port.port;
	socket_unpace(port.port);
	/* Those of connections come after what the threads hold. */
	web->first_socket = socket_next();
	return 0;
}

static int
find_hidden(void *ctx, const struct store_node *node)
{
	if (node->count == 0 || strcmp(node->name, STORE_DEFAULT_PARTITION) == 0)
		return 0;
	*(struct store_node *)ctx = *node;
	return 1;
}

/* Contract 1.3: what no URL reaches must not be there. */
static int
check_partitions(struct store *st, struct err *err)
{
	struct store_node hidden;
	int r;

	if (store_partitions(st))
		return 0;
	r = store_list(st, STORE_ROOT_ID, 0, find_hidden, &hidden);
	if (r > 0)
		return err_set(err, -EINVAL, "the partition %s holds data, but the store was made without --partitions, so "
			       "DICOMweb cannot show it: delete its data, or import them into a store made with it", hidden.name);
	return r < 0 ? err_set(err, r, "cannot read the index: %s", strerror(-r)) : 0;
}

static int
start_service(struct service *s, const struct web_store *store, struct err *err)
{
	int r = check_partitions(store->store, err);

	if (r < 0)
		return r;
	s->store = store->store;
	s->ops = store->ops;
	s->exports = store->exports;
	s->max_request = store->max_request != 0 ? store->max_request : LIMIT_REQUEST;
	r = blocks_new(s->store, &s->blocks);
	if (r < 0)
		return err_set(err, r, "No memory");
	r = follow_start(s->store, &s->follow);
	return r < 0 ? err_set(err, r, "Cannot start a thread") : 0;
}

static int
start_services(struct web *web, const struct web_store *stores, size_t n, struct err *err)
{
	int r = 0;

	web->services = calloc(n, sizeof *web->services);
	if (web->services == NULL)
		return err_set(err, -ENOMEM, "No memory");
	while (r == 0 && web->n < n) {
		r = start_service(&web->services[web->n], &stores[web->n], err);
		if (r < 0 && n > 1)
			err_prefix(err, "service %s", store_label(stores[web->n].store));
		web->n++;
	}
	return r;
}

int
web_start(const struct web_store *stores, size_t n, const struct web_options *options, struct web **ret_web,
	  struct err *err)
{
	struct web *web = calloc(1, sizeof *web);
	int r = -ENOMEM;

	if (web == NULL)
		return err_set(err, -ENOMEM, "No memory");
	web->options = *options;
	r = start_services(web, stores, n, err);
	if (r < 0)
		goto fail;
	if (web->options.threads == 0)
		web->options.threads = LIMIT_THREADS;
	if (web->options.threads > LIMIT_THREADS_MAX)
		web->options.threads = LIMIT_THREADS_MAX;
	fit_descriptors(web);
	if (options->cors_origins != NULL) {
		r = cors_check(options->cors_origins, err);
		if (r < 0)
			goto fail;
		web->cors_origins = strdup(options->cors_origins);
	}
	r = -ENOMEM;
	web->address = strdup(options->address != NULL ? options->address : "127.0.0.1");
	web->chunks = chunks_new(REPLY_CHUNK_SIZE, LIMIT_CHUNKS_KEPT);
	web->coded = lru_new(LIMIT_CODED, wado_free_coded);
	if (web->address == NULL || web->chunks == NULL || web->coded == NULL || pixels_cache_new(&web->pixels) < 0 ||
	    (options->cors_origins != NULL && web->cors_origins == NULL)) {
		err_set(err, r, "No memory");
		goto fail;
	}
	signal(SIGPIPE, SIG_IGN);
	r = watch_start(LIMIT_IDLE_MS, &web->watch);
	if (r < 0) {
		err_set(err, r, "Cannot start a thread");
		goto fail;
	}
	r = start_context(web, err);
	if (r < 0)
		goto fail;
	*ret_web = web;
	return 0;
fail:
	web_stop(web);
	return r;
}

unsigned
web_port(const struct web *w)
{
	return w->port;
}

void
web_stop(struct web *w)
{
	int64_t until = clock_monotonic() + (int64_t)LIMIT_STOP_MS * 1000000;
	size_t i;

	if (w == NULL)
		return;
	atomic_store(&w->stopping, true);
	while (w->context != NULL && atomic_load(&w->active) > 0 && clock_monotonic() < until)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	/* civetweb's threads look every two seconds whether they shall end. */
	if (w->context != NULL)
		socket_hang_up((int)w->port);
	mg_stop(w->context);
	for (i = 0; i < w->n; i++) {
		follow_stop(w->services[i].follow);
		blocks_free(w->services[i].blocks);
	}
	watch_stop(w->watch);
	pixels_cache_free(w->pixels);
	lru_free(w->coded);
	chunks_free(w->chunks);
	free(w->address);
	free(w->cors_origins);
	free(w->services);
	free(w);
}
