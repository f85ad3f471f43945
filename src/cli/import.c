/* import.c: files and folders into the store.
 *
 * One thread walks the folders, some read files and hand them to the store.
 * None waits for its own file's commit: each keeps a queue of tickets and looks
 * at the oldest when the queue is full, so that many files share one sync.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/walk.h"

/* Ceilings: a worker's open tickets, and what it reads at once. */
#define TICKETS_MAX 1024
#define READ_BYTES (1u << 20)

#define DICM_OFFSET 128

struct totals {
	uint64_t stored, replaced, unchanged, refused, skipped;
	uint64_t bytes;				/* of those stored or replaced */
	uint64_t read, bytes_read;		/* files and bytes: for the bar */
};

struct import {
	struct store *st;
	struct walk *walk;
	struct ingest_options options;
	bool skip_foreign, json;
	pthread_mutex_t lock;			/* guards: totals, progress, refusals, standard error */
	struct totals totals;
	struct progress progress;
	struct buf refusals;			/* JSON, when json */
};

struct pending {
	struct ticket *ticket;
	char *path;
	uint64_t size;
};

struct worker {
	struct import *im;
	pthread_t thread;
	unsigned char *bytes;
	struct pending pending[TICKETS_MAX];	/* a ring */
	size_t first, count;
};

static atomic_bool interrupted;

static void
interrupt(int sig)
{
	(void)sig;
	interrupted = true;
	signal(SIGINT, SIG_DFL);		/* the second one ends us at once */
}

static void
refuse_locked(struct import *im, const char *path, const char *why, const struct ingest_result *result)
{
	progress_clear(&im->progress);
	im->totals.refused++;
	if (im->json) {
		buf_puts(&im->refusals, im->refusals.len > 0 ? ",\n{\"path\":" : "{\"path\":");
		buf_put_json_string(&im->refusals, path, strlen(path));
		buf_puts(&im->refusals, ",\"reason\":");
		buf_put_json_string(&im->refusals, why, strlen(why));
		if (result != NULL && result->identity.sop_uid[0] != '\0') {
			buf_puts(&im->refusals, ",\"sopInstanceUid\":");
			buf_put_json_string(&im->refusals, result->identity.sop_uid, strlen(result->identity.sop_uid));
		}
		buf_putc(&im->refusals, '}');
	}
	cli_print_safe(stderr, path, strlen(path));
	fputs(": ", stderr);
	cli_print_safe(stderr, why, strlen(why));
	fputc('\n', stderr);
}

static void
refuse_path(void *ctx, const char *path, const char *why)
{
	struct import *im = ctx;

	pthread_mutex_lock(&im->lock);
	refuse_locked(im, path, why, NULL);
	pthread_mutex_unlock(&im->lock);
}

static void
finish_file(struct import *im, const char *path, uint64_t size, int r, const struct ingest_result *result,
	    const struct err *err)
{
	struct totals *t = &im->totals;

	pthread_mutex_lock(&im->lock);
	if (r == -EEXIST) {
		refuse_locked(im, path, "the instance is there already, with other bytes (--replace puts this one in its place)",
			      result);
	} else if (r < 0) {
		refuse_locked(im, path, err_text(err), result);
	} else if (result->outcome == INGEST_UNCHANGED) {
		t->unchanged++;
	} else {
		t->bytes += size;
		if (result->outcome == INGEST_REPLACED)
			t->replaced++;
		else
			t->stored++;
	}
	pthread_mutex_unlock(&im->lock);
}

/* The bar counts files read: their commits come in heaps. */
static void
note_read(struct import *im, uint64_t size)
{
	struct totals *t = &im->totals;
	bool all;
	uint64_t found = walk_found(im->walk, &all);

	pthread_mutex_lock(&im->lock);
	t->read++;
	t->bytes_read += size;
	progress_draw(&im->progress, t->read, found, all, t->bytes_read);
	pthread_mutex_unlock(&im->lock);
}

static void
wait_oldest(struct worker *wk)
{
	struct pending *p = &wk->pending[wk->first];
	struct ingest_result result = { 0 };
	struct err err = { 0 };
	int r;

	r = ticket_wait(p->ticket, &result, &err);
	finish_file(wk->im, p->path, p->size, r, &result, &err);
	free(p->path);
	wk->first = (wk->first + 1) % TICKETS_MAX;
	wk->count--;
}

enum kind { KIND_FOREIGN, KIND_DICOMDIR, KIND_DICOM };

/* A guess from the first bytes.  A DICOMDIR (PS3.10 8) has the class Media Storage Directory. */
static enum kind
guess_kind(int fd)
{
	static const char directory_uid[] = "1.2.840.10008.1.3.10";
	char head[1024];
	ssize_t n;

	n = pread(fd, head, sizeof head, 0);
	if (n < DICM_OFFSET + 4 || memcmp(head + DICM_OFFSET, "DICM", 4) != 0)
		return KIND_FOREIGN;
	return memmem(head + DICM_OFFSET, (size_t)n - DICM_OFFSET, directory_uid, sizeof directory_uid - 1) != NULL ?
		KIND_DICOMDIR : KIND_DICOM;
}

static int
copy_bytes(struct worker *wk, int fd, struct incoming *in, uint64_t *ret_size, struct err *err)
{
	uint64_t size = 0;
	ssize_t n;
	int r;

	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	for (;;) {
		n = read(fd, wk->bytes, READ_BYTES);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, -errno, "%s", strerror(errno));
		if (n == 0)
			break;
		r = incoming_write(in, wk->bytes, (size_t)n, err);
		if (r < 0)
			return r;
		size += (uint64_t)n;
	}
	*ret_size = size;
	return 0;
}

/* Takes path. */
static void
import_file(struct worker *wk, char *path)
{
	struct import *im = wk->im;
	struct ingest_result result = { 0 };
	struct ticket *ticket = NULL;
	struct incoming *in = NULL;
	struct err err = { 0 };
	uint64_t size = 0;
	int fd, r;

	/* A name may have become something else since the walk. */
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0) {
		r = err_set(&err, -errno, "%s", strerror(errno));
		goto out;
	}
	if (im->skip_foreign && guess_kind(fd) != KIND_DICOM) {
		pthread_mutex_lock(&im->lock);
		im->totals.skipped++;
		pthread_mutex_unlock(&im->lock);
		note_read(im, 0);
		close(fd);
		free(path);
		return;
	}
	r = incoming_new(im->st, &in, &err);
	if (r < 0)
		goto out;
	r = copy_bytes(wk, fd, in, &size, &err);
	if (r < 0)
		goto out;
	r = incoming_accept(in, &im->options, &result, &ticket, &err);
	if (r == 0)
		in = NULL;			/* consumed */
	else if (r == -EINVAL && guess_kind(fd) == KIND_DICOMDIR)
		err_set(&err, r, "a DICOMDIR, which is no instance");
out:
	incoming_free(in);
	if (fd >= 0)
		close(fd);
	note_read(im, size);
	if (ticket == NULL) {
		finish_file(im, path, size, r, &result, &err);
		free(path);
		return;
	}
	wk->pending[(wk->first + wk->count++) % TICKETS_MAX] = (struct pending){ ticket, path, size };
	if (wk->count == TICKETS_MAX)
		wait_oldest(wk);
}

static void *
work(void *arg)
{
	struct worker *wk = arg;
	char *path;

	while (!interrupted && (path = walk_next(wk->im->walk)) != NULL)
		import_file(wk, path);
	if (interrupted)
		walk_cancel(wk->im->walk);
	while (wk->count > 0)
		wait_oldest(wk);
	return NULL;
}

static void
print_summary(struct import *im, double seconds, bool quiet)
{
	const struct totals *t = &im->totals;
	char bytes[CLI_BYTES_MAX];

	if (im->json) {
		printf("{\"stored\":%" PRIu64 ",\"replaced\":%" PRIu64 ",\"unchanged\":%" PRIu64
		       ",\"refused\":%" PRIu64 ",\"skipped\":%" PRIu64 ",\"bytes\":%" PRIu64
		       ",\"seconds\":%.3f,\"refusals\":[%s]}\n", t->stored, t->replaced, t->unchanged,
		       t->refused, t->skipped, t->bytes, seconds, im->refusals.len > 0 ? im->refusals.data : "");
		return;
	}
	if (quiet)
		return;
	printf("%" PRIu64 " stored, %" PRIu64 " replaced, %" PRIu64 " unchanged, %" PRIu64 " refused, %" PRIu64
	       " skipped; %s in %.1f s\n", t->stored, t->replaced, t->unchanged, t->refused, t->skipped,
	       cli_format_bytes(t->bytes, bytes), seconds);
}

static int
run_workers(struct import *im, unsigned jobs, char *const *paths, int count, struct err *err)
{
	struct worker **workers = calloc(jobs, sizeof *workers);
	unsigned i, running = 0;
	int r = 0;

	for (i = 0; workers != NULL && i < jobs; i++) {
		workers[i] = calloc(1, sizeof **workers);
		if (workers[i] == NULL)
			break;
		workers[i]->im = im;
		workers[i]->bytes = malloc(READ_BYTES);
		if (workers[i]->bytes == NULL ||
		    pthread_create(&workers[i]->thread, NULL, work, workers[i]) != 0)
			break;
		running++;
	}
	if (running == 0)
		r = err_set(err, -ENOMEM, "cannot start a thread");
	else
		walk_run(im->walk, paths, count, refuse_path, im);
	for (i = 0; workers != NULL && i < jobs; i++) {
		if (workers[i] == NULL)
			continue;
		if (i < running)
			pthread_join(workers[i]->thread, NULL);
		free(workers[i]->bytes);
		free(workers[i]);
	}
	free(workers);
	return r;
}

int
command_import(struct conf *conf, int argc, char **argv, struct err *err)
{
	struct import im = {
		.options = {
			.rules = VALIDATE_PLAIN,
			.same = conf_flag(conf, OPT_REPLACE) ? INGEST_SAME_REPLACE : INGEST_SAME_KEEP,
		},
		.skip_foreign = conf_flag(conf, OPT_SKIP_FOREIGN),
		.json = conf_flag(conf, OPT_JSON),
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	bool quiet = conf_flag(conf, OPT_QUIET);
	int64_t started = clock_monotonic();
	int r;

	if (cli_partition(conf, &im.options.partition, err) < 0)
		return CLI_USAGE;
	r = store_open(argv[0], NULL, &im.st, err);
	if (r < 0)
		return r;
	r = walk_new(argv[0], &im.walk);
	if (r < 0) {
		err_set(err, r, "no memory");
		goto out;
	}
	buf_init(&im.refusals, CLI_JSON_MAX);
	progress_init(&im.progress, !quiet);
	if (signal(SIGINT, SIG_IGN) != SIG_IGN)
		signal(SIGINT, interrupt);
	r = run_workers(&im, (unsigned)conf_number(conf, OPT_JOBS), argv + 1, argc - 1, err);
	progress_clear(&im.progress);
	if (r == 0) {
		print_summary(&im, (double)(clock_monotonic() - started) / 1e9, quiet);
		if (interrupted)
			r = err_set(err, -EINTR, "interrupted; what is counted as stored is stored");
		else if (buf_error(&im.refusals) != 0)
			r = err_set(err, buf_error(&im.refusals), "too many refusals for one JSON text");
		else if (im.totals.refused > 0)
			r = CLI_FAILED;
	}
	buf_fini(&im.refusals);
out:
	walk_free(im.walk);
	store_close(im.st);
	return r;
}
