/* Exports: the instances of a page, several at a time, then its place in the index (store/export.h). */
#include "ops/export.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/parallel.h"
#include "destination/token.h"
#include "net/http_client.h"
#include "ops/exporter.h"

#define JOBS 8
#define PATIENCE_MS 600000
/* A destination that refuses is asked again so often before its export has failed. */
#define REFUSALS 5
/* The log is put again with every page that adds to it, and when it is long when it has grown by a quarter. */
#define LOG_SMALL ((uint64_t)1 << 20)
#define ACCESS_MAX 65536
#define OBJECT_MAX (OPERATION_TEXT_MAX + EXPORT_IDENTIFIER_MAX + 32)
#define MEDIA_DICOM "application/dicom"
#define MEDIA_LOG "application/x-ndjson"

int
export_set_root(const struct export_settings *settings, struct destination_spec *spec, struct err *err)
{
	const char *p = settings->roots;
	size_t len;

	for (; p != NULL && *p != '\0'; p += len, p += *p == ',') {
		char *root;

		len = strcspn(p, ",");
		root = strndup(p, len);
		if (root == NULL)
			return err_set(err, -ENOMEM, "out of memory");
		if (destination_fits_root(spec, root)) {
			free(spec->root);
			spec->root = root;
			return 0;
		}
		free(root);
	}
	return err_set(err, -EINVAL, "%.200s lies below no directory that exports may go to", spec->uri);
}

static int
set(char **to, const char *text, struct err *err)
{
	char *copy = text != NULL ? strdup(text) : NULL;

	if (text != NULL && copy == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	free(*to);
	*to = copy;
	return 0;
}

int
export_take_s3_access(const struct export_settings *settings, struct destination_spec *spec, struct err *err)
{
	int r = set(&spec->endpoint, settings->s3_endpoint, err);

	if (r == 0)
		r = set(&spec->region, settings->s3_region, err);
	if (r == 0)
		r = set(&spec->account, settings->s3_id, err);
	if (r == 0)
		r = set(&spec->key, settings->s3_key, err);
	if (r == 0)
		r = set(&spec->session, settings->s3_session, err);
	if (r == 0 && (spec->account == NULL || spec->key == NULL) && !settings->no_credential)
		r = err_set(err, -EINVAL, "there is no access key for S3 here");
	return r;
}

/* -- what an export needs of the world ------------------------------------ */

struct world {
	struct http_client *http;
	struct tokens *tokens;
	struct destination_context context;
};

static void
world_close(struct world *w)
{
	tokens_free(w->tokens);
	http_client_free(w->http);
	*w = (struct world){ 0 };
}

static int
world_open(struct world *w, const struct export_settings *settings, const atomic_bool *stop, struct err *err)
{
	const struct http_client_options options = { .ca_file = settings->ca_file, .stop = stop };
	int r = http_client_new(&options, &w->http, err);

	if (r == 0)
		r = tokens_new(w->http, settings->identity_endpoint, &w->tokens, err);
	w->context = (struct destination_context){ .http = w->http, .tokens = w->tokens };
	if (r < 0)
		world_close(w);
	return r;
}

/* -- begin ---------------------------------------------------------------- */

static int
probe(const struct export_settings *settings, const struct destination_spec *spec, const char *id, struct err *err)
{
	struct destination *d = NULL;
	struct world world = { 0 };
	char object[OBJECT_MAX];
	int r = world_open(&world, settings, NULL, err);

	if (r < 0)
		return r;
	snprintf(object, sizeof object, EXPORT_LOG_FORMAT, id);
	r = destination_open(spec, &world.context, &d, err);
	if (r == 0)
		r = destination_probe(d, object, err);
	destination_close(d);
	world_close(&world);
	/* Contract 9.3: whatever keeps us from it is told to the one who named it. */
	if (r < 0 && err != NULL)
		err->num = -EINVAL;
	return r < 0 ? -EINVAL : 0;
}

int
export_begin(struct store *st, const struct export_settings *settings, const struct destination_spec *spec,
	     const struct export_request *request, char ret_id[OPERATION_TEXT_MAX], struct err *err)
{
	struct export_request rq = *request;
	char id[OPERATION_TEXT_MAX];
	struct buf access;
	int r = store_check_export(st, request, err);

	if (r == 0 && (r = store_new_operation(id)) < 0)
		err_set(err, r, "cannot make an id: %s", strerror(-r));
	if (r == 0)
		r = probe(settings, spec, id, err);
	if (r < 0)
		return r;
	buf_init(&access, ACCESS_MAX);
	if (destination_spec_write(spec, &access) < 0)
		r = err_set(err, -EINVAL, "the destination is too long");
	rq.access = buf_slice(&access);
	rq.uri = spec->uri;
	if (r == 0)
		r = store_begin_export(st, id, &rq, err);
	if (access.data != NULL)
		explicit_bzero(access.data, access.len);
	buf_fini(&access);
	if (r == 0)
		strcpy(ret_id, id);
	return r;
}

/* -- the work ------------------------------------------------------------- */

struct exporter {
	struct store *store;
	const struct export_settings *settings;
	const atomic_bool *stop;
	struct world world;
	/* Of the export being worked on: */
	char id[OPERATION_TEXT_MAX];	/* "": none */
	struct destination_spec spec;
	struct destination *destination;
	uint64_t log_put;		/* bytes of its log that are there */
	int64_t failing;		/* clock_monotonic since when it cannot be reached; 0: it can */
	unsigned refusals;
	struct export_page page;
};

int
exporter_new(struct store *st, const struct export_settings *settings, const atomic_bool *stop,
	     struct exporter **ret_exporter, struct err *err)
{
	struct exporter *x = calloc(1, sizeof *x);
	int r;

	if (x == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	x->store = st;
	x->settings = settings;
	x->stop = stop;
	r = world_open(&x->world, settings, stop, err);
	if (r < 0) {
		free(x);
		return r;
	}
	*ret_exporter = x;
	return 0;
}

static void
leave(struct exporter *x)
{
	destination_close(x->destination);
	destination_spec_fini(&x->spec);
	x->destination = NULL;
	x->id[0] = '\0';
	x->log_put = 0;
	x->failing = 0;
	x->refusals = 0;
}

void
exporter_free(struct exporter *x)
{
	if (x == NULL)
		return;
	leave(x);
	world_close(&x->world);
	free(x);
}

/* What it needs to get there. */
static int
enter(struct exporter *x, struct err *err)
{
	struct buf access;
	int r;

	if (x->destination != NULL)
		return 0;
	destination_spec_fini(&x->spec);
	buf_init(&access, ACCESS_MAX);
	r = store_export_access(x->store, x->id, &access, err);
	if (r == 0)
		r = destination_spec_read(access.data, access.len, &x->spec, err);
	if (r == 0)
		r = destination_open(&x->spec, &x->world.context, &x->destination, err);
	if (access.data != NULL)
		explicit_bzero(access.data, access.len);
	buf_fini(&access);
	return r;
}

/* What becomes of each item of a page. */
struct batch {
	struct exporter *x;
	struct {
		uint64_t bytes;
		char skipped[200];	/* why; "": it was put */
	} of[EXPORT_PAGE];
	pthread_mutex_t lock;		/* guards err */
	struct err err;
};

static int
put_item(void *ctx, size_t i)
{
	struct batch *b = ctx;
	const struct export_item *item = &b->x->page.items[i];
	struct store_file *file = NULL;
	struct err err = { 0 };
	char object[OBJECT_MAX];
	int r;

	if (item->instance == 0) {
		snprintf(b->of[i].skipped, sizeof b->of[i].skipped, "%s", item->why);
		return 0;
	}
	if (atomic_load(b->x->stop))
		return -ECANCELED;
	snprintf(object, sizeof object, EXPORT_OBJECT_FORMAT, b->x->id, item->identifier);
	r = store_open_file(b->x->store, item->instance, &file, &err);
	/* Deleted since the page was read, or contract 11.5. */
	if (r == -ENOENT)
		r = err_set(&err, -ESTALE, "the instance was deleted meanwhile");
	if (r == 0) {
		b->of[i].bytes = store_file_info(file)->size;
		r = destination_put(b->x->destination, object, MEDIA_DICOM, store_file_fd(file), b->of[i].bytes, &err);
		store_file_close(file);
	}
	if (r == -ESTALE) {
		snprintf(b->of[i].skipped, sizeof b->of[i].skipped, "%s", err_text(&err));
		return 0;
	}
	if (r < 0) {
		pthread_mutex_lock(&b->lock);
		if (b->err.num == 0)
			b->err = err;
		pthread_mutex_unlock(&b->lock);
	}
	return r;
}

static void
put_line(const struct export_item *item, const char *why, struct buf *out)
{
	char now[CLOCK_TEXT_MAX];

	clock_format(clock_now(), now);
	buf_printf(out, "{\"timestamp\":\"%s\",\"identifier\":", now);
	buf_put_json_string(out, item->identifier, strlen(item->identifier));
	buf_puts(out, ",\"error\":");
	buf_put_json_string(out, why, strlen(why));
	buf_puts(out, "}\n");
}

/* Count the page, and add its lines to the log. */
static int
settle(struct exporter *x, const struct batch *b, struct err *err)
{
	struct export_page *page = &x->page;
	struct export_results *results = &page->results;
	char object[OBJECT_MAX];
	struct buf lines;
	int fd = -1, r;
	size_t i;

	buf_init(&lines, EXPORT_PAGE * 4096);
	for (i = 0; i < page->n; i++)
		if (b->of[i].skipped[0] != '\0') {
			put_line(&page->items[i], b->of[i].skipped, &lines);
			results->skipped++;
		} else {
			results->exported++;
			results->bytes += b->of[i].bytes;
		}
	r = buf_error(&lines);
	if (r == 0 && (lines.len > 0 || (page->last && results->log > x->log_put))) {
		r = store_export_log(x->store, x->id, results->log, &fd, err);
		if (r == 0 && (r = io_write_all(fd, lines.data, lines.len)) == 0 && fdatasync(fd) < 0)
			r = -errno;
		results->log += lines.len;
		if (r == 0 && (page->last || results->log < LOG_SMALL || results->log - x->log_put > x->log_put / 4)) {
			snprintf(object, sizeof object, EXPORT_LOG_FORMAT, x->id);
			r = destination_put(x->destination, object, MEDIA_LOG, fd, results->log, err);
			if (r == 0)
				x->log_put = results->log;
		}
		if (fd >= 0)
			close(fd);
	}
	buf_fini(&lines);
	return r;
}

static int
export_page(struct exporter *x, struct err *err)
{
	unsigned jobs = x->settings->jobs != 0 ? x->settings->jobs : JOBS;
	struct batch *b = calloc(1, sizeof *b);
	int r;

	if (b == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	b->x = x;
	pthread_mutex_init(&b->lock, NULL);
	r = parallel_run(x->page.n, jobs, put_item, b);
	if (r < 0)
		*err = b->err;
	if (r == 0)
		r = settle(x, b, err);
	if (r == 0)
		r = destination_sync(x->destination, err);
	if (r == 0)
		r = store_export_advance(x->store, x->id, &x->page, err);
	pthread_mutex_destroy(&b->lock);
	free(b);
	return r;
}

/* It could not be done now: is it given up? */
static int
endure(struct exporter *x, int r, const struct err *err)
{
	int64_t now = clock_monotonic();
	uint64_t patience = x->settings->patience_ms != 0 ? x->settings->patience_ms : PATIENCE_MS;
	bool over;

	if (x->failing == 0) {
		x->failing = now;
		log_warning("ops operation=%s kind=export state=waiting: %s", x->id, err_text(err));
	}
	/* Out of reach, or full: it may come back. */
	if (r == -EAGAIN || r == -ENOSPC || r == -EDQUOT)
		over = (uint64_t)(now - x->failing) / 1000000 >= patience;
	else
		over = ++x->refusals >= REFUSALS;
	if (!over)
		return -EAGAIN;
	log_error("ops operation=%s kind=export state=failed: %s", x->id, err_text(err));
	store_fail_operation(x->store, x->id, err_text(err));
	leave(x);
	store_export_clean(x->store);
	return 0;
}

int
exporter_step(struct exporter *x, const char *id, struct err *err)
{
	int r;

	if (strcmp(x->id, id) != 0) {
		leave(x);
		snprintf(x->id, sizeof x->id, "%s", id);
	}
	r = store_export_page(x->store, id, &x->page, err);
	if (r == 1 && (r = enter(x, err)) == 0 && (r = export_page(x, err)) == 0) {
		x->failing = 0;
		x->refusals = 0;
		if (!x->page.last)
			return 1;
	}
	if (r == -ECANCELED && atomic_load(x->stop))
		return 1;
	if (r == -ENOENT && store_operation(x->store, id, NULL, NULL, NULL) == -ENOENT)
		return r;		/* somebody removed its record */
	if (r < 0)
		return endure(x, r, err);
	leave(x);
	store_export_clean(x->store);
	return 0;
}
