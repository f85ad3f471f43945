/* import.c: files, folders, media and archives into the store.
 *
 * One thread finds the files (source.h), some read them and hand them to the store.
 * None waits for its own file's commit: each keeps a queue of tickets and looks
 * at the oldest when the queue is full, so that many files share one sync.
 *
 * What is done with is marked (store/import_operation.h) after its commit, some thousands in one transaction,
 * so that the same command goes on after an interruption.  With --move a source is removed after its commit.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/vec.h"
#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/source.h"
#include "store/import.h"
#include "store/import_operation.h"

/* Ceilings: a worker's open tickets, and what it reads at once. */
#define TICKETS_MAX 1024
#define READ_BYTES (1u << 20)
/* Marks of one transaction, and how long they wait for it, ns. */
#define MARKS_MAX 4096
#define MARKS_WAIT 250000000
/* Lines of the import-queue, likewise. */
#define EVENTS_MAX (4u << 20)
/* What unpacking may need beside what we have: the largest windows of zstd and xz as they are used. */
#define UNPACK_MEMORY ((rlim_t)2 << 30)

/* Bits of an import's request: another import if they differ. */
enum { HOW_REPLACE = 1, HOW_SKIP_FOREIGN = 2, HOW_LINK = 4, HOW_MOVE = 8, HOW_DISCARD = 16 };

enum outcome { STORED, REPLACED, UNCHANGED, REFUSED, SKIPPED };

struct import {
	struct store *st;
	struct source *source;
	struct import_operation *operation;
	struct ingest_options options;
	unsigned how;
	bool resumed, json;
	pthread_mutex_t lock;			/* guards all below but the buffers' writing; standard error */
	struct import_totals totals;		/* of all runs */
	struct import_totals marked;		/* of what is marked, or waits for it */
	uint64_t passed;			/* done with by earlier runs */
	uint64_t read, bytes_read;		/* files and bytes: for the bar */
	struct progress progress;
	struct buf refusals;			/* JSON, when json */
	struct buf events;			/* for the import-queue; wait with the marks */
	struct import_mark *marks;		/* wait to be written */
	size_t n_marks, cap_marks;
	int64_t written;			/* when some were, last; clock_monotonic */
	struct err trouble;			/* what ends all; num 0: nothing */
	pthread_mutex_t write_lock;		/* taken before lock; totals are written in their order */
};

/* A file on its way. */
struct file {
	char *path;
	size_t name_at;
	uint64_t size;
	bool copied;
	struct import_mark mark;		/* inode 0: it is not marked */
	struct stat sb;				/* of the source, for --move; nlink 0: an archive's entry */
};

struct pending {
	struct ticket *ticket;
	struct file file;
};

struct worker {
	struct import *im;
	pthread_t thread;
	unsigned char *bytes;
	bool same;				/* the last file was there already: the next may be, too */
	struct pending pending[TICKETS_MAX];	/* a ring */
	size_t first, count;
};

static atomic_bool interrupted;

static void
interrupt(int sig)
{
	interrupted = true;
	signal(sig, SIG_DFL);			/* the second one ends us at once */
}

/* -- what became of it ---------------------------------------------------- */

static void
count(struct import_totals *t, enum outcome outcome, const struct file *file)
{
	uint64_t *const counters[] = {
		[STORED] = &t->stored, [REPLACED] = &t->replaced, [UNCHANGED] = &t->unchanged,
		[REFUSED] = &t->refused, [SKIPPED] = &t->skipped,
	};

	++*counters[outcome];
	if (outcome != STORED && outcome != REPLACED)
		return;
	t->bytes += file->size;
	if (file->copied)
		t->copied += file->size;
}

/* The store cannot go on: nothing is wrong with the file. */
static bool
is_trouble(int num)
{
	switch (num) {
	case -ENOSPC:
	case -EDQUOT:
	case -EROFS:
	case -EIO:
	case -ENOMEM:
	case -EMFILE:
	case -ENFILE:
		return true;
	default:
		return false;
	}
}

static void
stop(struct import *im, const struct err *err)
{
	pthread_mutex_lock(&im->lock);
	if (im->trouble.num == 0)
		im->trouble = *err;
	pthread_mutex_unlock(&im->lock);
	interrupted = true;
	source_cancel(im->source);
}

/* Marks that wait, with the totals that count them. */
static void
write_marks(struct import *im)
{
	bool all;
	uint64_t found = source_found(im->source, &all);
	struct import_totals marked;
	struct import_mark *marks;
	struct err err = { 0 };
	struct buf events;
	size_t n;

	pthread_mutex_lock(&im->write_lock);
	pthread_mutex_lock(&im->lock);
	events = im->events;
	buf_init(&im->events, EVENTS_MAX);
	marks = im->marks;
	n = im->n_marks;
	marked = im->marked;
	found += im->passed;
	im->marks = NULL;
	im->n_marks = im->cap_marks = 0;
	im->written = clock_monotonic();
	pthread_mutex_unlock(&im->lock);
	store_record_imports(im->st, &events);
	buf_fini(&events);
	if (import_operation_note(im->operation, marks, n, &marked, found, &err) < 0)
		stop(im, &err);
	pthread_mutex_unlock(&im->write_lock);
	free(marks);
}

static bool
marks_are_due_locked(const struct import *im)
{
	return im->n_marks >= MARKS_MAX || im->events.len > EVENTS_MAX / 2 ||
		(im->n_marks + im->events.len > 0 && clock_monotonic() - im->written > MARKS_WAIT);
}

/* A name that the error-container can have: the last component when the path is too long for it. */
static const char *
kept_name(const char *name, char room[STORE_IMPORT_NAME_MAX + 1])
{
	const char *slash;

	if (store_import_path_is_valid(name))
		return name;
	slash = strrchr(name, '/');
	snprintf(room, STORE_IMPORT_NAME_MAX + 1, "%s", slash != NULL ? slash + 1 : name);
	return store_import_path_is_valid(room) ? room : "nameless";
}

static void
note_locked(struct import *im, enum outcome outcome, const struct file *file)
{
	char room[STORE_IMPORT_NAME_MAX + 1];

	count(&im->totals, outcome, file);
	if (outcome != SKIPPED)
		store_put_import(im->st, &im->events, kept_name(file->path + file->name_at, room), file->size);
	if (file->mark.inode == 0 ||
	    vec_room(&im->marks, &im->cap_marks, im->n_marks, sizeof *im->marks, 1024) < 0)
		return;
	im->marks[im->n_marks++] = file->mark;
	count(&im->marked, outcome, file);
}

static void
finish(struct import *im, enum outcome outcome, const struct file *file)
{
	bool due;

	pthread_mutex_lock(&im->lock);
	note_locked(im, outcome, file);
	due = marks_are_due_locked(im);
	pthread_mutex_unlock(&im->lock);
	if (due)
		write_marks(im);
}

static void
print_refusal_locked(struct import *im, const char *path, const char *why, const struct ingest_result *result)
{
	progress_clear(&im->progress);
	if (im->json) {
		buf_puts(&im->refusals, im->refusals.len > 0 ? ",\n{\"path\":" : "{\"path\":");
		buf_put_json_string(&im->refusals, path, strlen(path));
		buf_puts(&im->refusals, ",\"reason\":");
		buf_put_json_string(&im->refusals, why, strlen(why));
		if (result->identity.sop_uid[0] != '\0') {
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

/* fd: its bytes, or -1. */
static void
refuse(struct import *im, const struct file *file, const char *name, int fd, const struct ingest_result *result,
       const struct err *err)
{
	char room[STORE_IMPORT_NAME_MAX + 1];
	const char *why = err_text(err);
	struct err full = { 0 };
	int r;

	if (is_trouble(err->num)) {
		stop(im, err);
		return;
	}
	if (err->num == -EEXIST)
		why = "the instance is there already, with other bytes (--replace puts this one in its place)";
	r = store_refuse_import(im->st, (im->how & HOW_DISCARD) == 0 ? fd : -1, kept_name(name, room), result, err);
	if (is_trouble(r)) {
		err_set(&full, r, "a refused file cannot be kept: %s", strerror(-r));
		stop(im, &full);
		return;
	}
	pthread_mutex_lock(&im->lock);
	note_locked(im, REFUSED, file);
	print_refusal_locked(im, file->path, why, result);
	pthread_mutex_unlock(&im->lock);
}

/* Of the source's thread. */
static void
source_refuses(void *ctx, const char *path, const char *name, const struct err *err)
{
	struct file file = { .path = (char *)path, .name_at = (size_t)(name - path) };
	struct ingest_result nothing = { 0 };

	refuse(ctx, &file, name, -1, &nothing, err);
}

static bool
source_is_done(void *ctx, const struct import_mark *mark)
{
	struct import *im = ctx;
	bool done = import_operation_has(im->operation, mark);

	if (done) {
		pthread_mutex_lock(&im->lock);
		im->passed++;
		pthread_mutex_unlock(&im->lock);
	}
	return done;
}

static void
source_skips(void *ctx, const struct import_mark *mark)
{
	struct file file = { .mark = *mark };

	finish(ctx, SKIPPED, &file);
}

static bool
is_stopped(void *ctx)
{
	(void)ctx;
	return interrupted;
}

/* -- one file ------------------------------------------------------------- */

/* The bar counts files read: their commits come in heaps. */
static void
note_read(struct import *im, uint64_t size)
{
	bool all;
	uint64_t found = source_found(im->source, &all);

	pthread_mutex_lock(&im->lock);
	im->read++;
	im->bytes_read += size;
	progress_draw(&im->progress, im->read, found, all, im->bytes_read);
	pthread_mutex_unlock(&im->lock);
}

/* What is stored durably need not be here any more, unless somebody has changed it since. */
static void
remove_source(struct import *im, const struct file *file)
{
	struct stat now;

	if ((im->how & HOW_MOVE) == 0 || file->sb.st_nlink == 0)
		return;
	if (lstat(file->path, &now) < 0 || now.st_dev != file->sb.st_dev || now.st_ino != file->sb.st_ino ||
	    now.st_size != file->sb.st_size || clock_ns(now.st_mtim) != clock_ns(file->sb.st_mtim))
		return;
	if (unlink(file->path) < 0) {
		pthread_mutex_lock(&im->lock);
		progress_clear(&im->progress);
		cli_print_safe(stderr, file->path, strlen(file->path));
		fprintf(stderr, ": stored, but not removed: %s\n", strerror(errno));
		pthread_mutex_unlock(&im->lock);
	}
}

static void
wait_oldest(struct worker *wk)
{
	struct pending *p = &wk->pending[wk->first];
	struct ingest_result result = { 0 };
	struct import *im = wk->im;
	struct err err = { 0 };
	int fd = -1, r;

	r = ticket_wait_fd(p->ticket, &result, &fd, &err);
	if (r < 0) {
		err.num = r;
		refuse(im, &p->file, p->file.path + p->file.name_at, fd, &result, &err);
	} else {
		remove_source(im, &p->file);
		finish(im, result.outcome == INGEST_UNCHANGED ? UNCHANGED : result.outcome == INGEST_REPLACED ? REPLACED : STORED,
		       &p->file);
	}
	if (fd >= 0)
		close(fd);
	free(p->file.path);
	wk->first = (wk->first + 1) % TICKETS_MAX;
	wk->count--;
}

/* A file by stat(2).  A link made by us changes its ctime, so that does not count then. */
static struct import_mark
mark_of(const struct import *im, const struct stat *sb)
{
	bool shared = (im->how & (HOW_LINK | HOW_MOVE)) != 0;
	int64_t changed = shared ? clock_ns(sb->st_mtim) : clock_ns(sb->st_ctim);

	if (clock_now() - changed < IMPORT_MARK_AGE)
		return (struct import_mark){ 0 };
	return (struct import_mark){
		.device = sb->st_dev, .inode = sb->st_ino, .size = (uint64_t)sb->st_size,
		.mtime = clock_ns(sb->st_mtim), .ctime = shared ? 0 : changed,
	};
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
		/* EIO of the source is not that of the store. */
		if (n < 0)
			return err_set(err, -EREMOTEIO, "%s", strerror(errno));
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

/* The bytes of an open file, shared if that is wanted and can be.  A clone is the safer, a link what moving means. */
static int
take_bytes(struct worker *wk, int fd, struct incoming *in, struct file *file, struct err *err)
{
	unsigned how = wk->im->how;
	bool shared = false;

	if (how & HOW_MOVE)
		shared = incoming_share(in, fd, false) == 0 || incoming_share(in, fd, true) == 0;
	else if (how & HOW_LINK)
		shared = incoming_share(in, fd, true) == 0 || incoming_share(in, fd, false) == 0;
	file->copied = !shared;
	return shared ? 0 : copy_bytes(wk, fd, in, &file->size, err);
}

static bool
is_passed_over(struct import *im, int fd)
{
	char head[SOURCE_HEAD];
	ssize_t n = pread(fd, head, sizeof head, 0);
	enum source_kind kind = n > 0 ? source_guess(head, (size_t)n) : SOURCE_FOREIGN;

	return (im->how & HOW_SKIP_FOREIGN) != 0 && kind != SOURCE_DICOM;
}

/* What is there already need not be staged to find out; looking for it would cost what is new its time. */
static bool
is_there(struct worker *wk, int fd, const struct source_item *item, struct file *file)
{
	struct import *im = wk->im;
	struct ingest_result result;

	wk->same = wk->same && store_has_same(im->st, im->options.partition, fd, item != NULL ? item->bytes : NULL,
					      (size_t)file->size, &result) == 1;
	if (wk->same) {
		remove_source(im, file);
		finish(im, UNCHANGED, file);
	}
	return wk->same;
}

/* Into staging.  1: it is there; 0: nothing is to be done; or -errno. */
static int
receive_file(struct worker *wk, struct file *file, struct incoming **ret_in, struct err *err)
{
	struct import *im = wk->im;
	int r, fd;

	/* A name may have become something else since the walk. */
	fd = open(file->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "%s", strerror(errno));
	if (fstat(fd, &file->sb) < 0 || !S_ISREG(file->sb.st_mode)) {
		close(fd);
		return err_set(err, -EINVAL, "not a regular file");
	}
	file->size = (uint64_t)file->sb.st_size;
	file->mark = mark_of(im, &file->sb);
	if (file->mark.inode != 0 && source_is_done(im, &file->mark)) {
		r = 0;
	} else if (is_passed_over(im, fd)) {
		finish(im, SKIPPED, file);
		r = 0;
	} else if (is_there(wk, fd, NULL, file)) {
		r = 0;
	} else {
		r = incoming_new(im->st, ret_in, err);
		if (r == 0)
			r = take_bytes(wk, fd, *ret_in, file, err);
		r = r < 0 ? r : 1;
	}
	close(fd);
	return r;
}

static int
receive_entry(struct worker *wk, struct source_item *item, struct file *file, struct incoming **ret_in, struct err *err)
{
	int r;

	file->size = item->size;
	file->copied = true;
	file->mark = item->mark;
	if (item->in != NULL) {
		*ret_in = item->in;
		item->in = NULL;
		return 1;
	}
	if (is_there(wk, -1, item, file))
		return 0;
	r = incoming_new(wk->im->st, ret_in, err);
	if (r == 0 && item->size > 0)
		r = incoming_write(*ret_in, item->bytes, (size_t)item->size, err);
	return r < 0 ? r : 1;
}

/* Why it was refused, better than the store knows it. */
static void
explain(int fd, struct err *err)
{
	char head[SOURCE_HEAD];
	ssize_t n = io_pread_all(fd, head, sizeof head, 0);

	if (err->num == -EINVAL && n > 0 && source_guess(head, (size_t)n) == SOURCE_DICOMDIR)
		err_set_dicom(err, err->num, err->reason, 0, "a DICOMDIR, which is no instance");
}

/* Takes item. */
static void
import_item(struct worker *wk, struct source_item *item)
{
	struct import *im = wk->im;
	struct file file = { .path = item->path, .name_at = item->name_at };
	bool is_entry = item->bytes != NULL || item->in != NULL;
	struct ingest_result result = { 0 };
	struct ticket *ticket = NULL;
	struct incoming *in = NULL;
	struct err err = { 0 };
	int r;

	item->path = NULL;
	r = is_entry ? receive_entry(wk, item, &file, &in, &err) : receive_file(wk, &file, &in, &err);
	source_item_free(item);
	if (r > 0) {
		r = incoming_accept(in, &im->options, &result, &ticket, &err);
		if (r == 0) {
			in = NULL;			/* consumed */
			wk->same = result.outcome == INGEST_UNCHANGED;
			wk->pending[(wk->first + wk->count++) % TICKETS_MAX] = (struct pending){ ticket, file };
		} else {
			err.num = r;
			explain(incoming_fd(in), &err);
		}
	}
	note_read(im, file.size);
	if (r < 0)
		refuse(im, &file, file.path + file.name_at, in != NULL && r != -EREMOTEIO ? incoming_fd(in) : -1, &result, &err);
	incoming_free(in);
	if (ticket == NULL)
		free(file.path);
	else if (wk->count == TICKETS_MAX)
		wait_oldest(wk);
}

static void *
work(void *arg)
{
	struct worker *wk = arg;
	struct source_item *item;

	while (!interrupted && (item = source_next(wk->im->source)) != NULL)
		import_item(wk, item);
	if (interrupted)
		source_cancel(wk->im->source);
	while (wk->count > 0)
		wait_oldest(wk);
	return NULL;
}

/* -- the command ---------------------------------------------------------- */

static void
print_summary(struct import *im, double seconds, bool quiet)
{
	const struct import_totals *t = &im->totals;
	char bytes[CLI_BYTES_MAX], copied[CLI_BYTES_MAX];

	if (im->json) {
		printf("{\"operation\":\"%s\",\"stored\":%" PRIu64 ",\"replaced\":%" PRIu64 ",\"unchanged\":%" PRIu64
		       ",\"refused\":%" PRIu64 ",\"skipped\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"copied\":%" PRIu64
		       ",\"seconds\":%.3f,\"refusals\":[%s]}\n", import_operation_id(im->operation), t->stored, t->replaced,
		       t->unchanged, t->refused, t->skipped, t->bytes, t->copied, seconds,
		       im->refusals.len > 0 ? im->refusals.data : "");
		return;
	}
	if (quiet)
		return;
	printf("%" PRIu64 " stored, %" PRIu64 " replaced, %" PRIu64 " unchanged, %" PRIu64 " refused, %" PRIu64
	       " skipped; %s in %.1f s", t->stored, t->replaced, t->unchanged, t->refused, t->skipped,
	       cli_format_bytes(t->bytes, bytes), seconds);
	if ((im->how & (HOW_LINK | HOW_MOVE)) != 0)
		printf(", %s of them copied", cli_format_bytes(t->copied, copied));
	putchar('\n');
}

static int
run_workers(struct import *im, unsigned jobs, char *const *paths, int n_paths, struct err *err)
{
	struct worker **workers = calloc(jobs, sizeof *workers);
	unsigned i, running = 0;
	int r = 0;

	for (i = 0; workers != NULL && i < jobs; i++) {
		workers[i] = calloc(1, sizeof **workers);
		if (workers[i] == NULL)
			break;
		workers[i]->im = im;
		workers[i]->same = im->resumed;
		workers[i]->bytes = malloc(READ_BYTES);
		if (workers[i]->bytes == NULL ||
		    pthread_create(&workers[i]->thread, NULL, work, workers[i]) != 0)
			break;
		running++;
	}
	if (running == 0)
		r = err_set(err, -ENOMEM, "cannot start a thread");
	else
		source_run(im->source, paths, n_paths);
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

/* What a hostile archive makes a decompressor ask for must not take the machine's memory. */
static void
bound_memory(void)
{
	struct rlimit data;
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");
	bool known = f != NULL && fscanf(f, "%*u %*u %*u %*u %*u %lu", &pages) == 1;

	if (f != NULL)
		fclose(f);
	if (!known || getrlimit(RLIMIT_DATA, &data) < 0)
		return;
	data.rlim_cur = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + UNPACK_MEMORY;
	if (data.rlim_max == RLIM_INFINITY || data.rlim_cur < data.rlim_max)
		setrlimit(RLIMIT_DATA, &data);
}

/* What is asked for, by paths that mean the same from everywhere. */
static int
begin_operation(struct import *im, char *const *paths, int n_paths, struct err *err)
{
	struct import_request request = { .partition = im->options.partition, .how = im->how };
	char **absolute = calloc((size_t)n_paths, sizeof *absolute);
	int i, r = absolute == NULL ? err_set(err, -ENOMEM, "out of memory") : 0;

	for (i = 0; i < n_paths && r == 0; i++) {
		absolute[i] = realpath(paths[i], NULL);
		/* One that is not there is told of later. */
		if (absolute[i] == NULL && (absolute[i] = strdup(paths[i])) == NULL)
			r = err_set(err, -ENOMEM, "out of memory");
	}
	request.paths = (const char *const *)absolute;
	request.n_paths = (size_t)n_paths;
	if (r == 0)
		r = import_operation_begin(im->st, &request, &im->operation, &im->totals, &im->resumed, err);
	im->marked = im->totals;
	im->written = clock_monotonic();
	if (r == 0 && im->resumed)
		fprintf(stderr, "dicomlake: going on where this import was interrupted\n");
	for (i = 0; absolute != NULL && i < n_paths; i++)
		free(absolute[i]);
	free(absolute);
	return r;
}

/* What it came to: CLI_DONE, CLI_FAILED, or -errno. */
static int
end_operation(struct import *im, struct err *err)
{
	if (im->trouble.num != 0) {
		*err = im->trouble;
		err_prefix(err, "the import has stopped (the same command goes on with it)");
		return im->trouble.num;
	}
	if (interrupted)
		return err_set(err, -EINTR, "interrupted; what is counted as stored is stored, and the same command goes on with it");
	if (import_operation_finish(im->operation, &im->totals, err) < 0)
		return -EIO;
	if (buf_error(&im->refusals) != 0)
		return err_set(err, buf_error(&im->refusals), "too many refusals for one JSON text");
	return im->totals.refused > 0 ? CLI_FAILED : CLI_DONE;
}

static unsigned
how_of(const struct conf *conf)
{
	return (conf_flag(conf, OPT_REPLACE) ? HOW_REPLACE : 0) | (conf_flag(conf, OPT_SKIP_FOREIGN) ? HOW_SKIP_FOREIGN : 0) |
		(conf_flag(conf, OPT_LINK) ? HOW_LINK : 0) | (conf_flag(conf, OPT_MOVE) ? HOW_MOVE : 0) |
		(conf_flag(conf, OPT_DISCARD_REFUSED) ? HOW_DISCARD : 0);
}

int
command_import(struct conf *conf, int argc, char **argv, struct err *err)
{
	struct import im = {
		.how = how_of(conf),
		.options = {
			.rules = VALIDATE_PLAIN,
			.same = conf_flag(conf, OPT_REPLACE) ? INGEST_SAME_REPLACE : INGEST_SAME_KEEP,
		},
		.json = conf_flag(conf, OPT_JSON),
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.write_lock = PTHREAD_MUTEX_INITIALIZER,
	};
	const struct source_options source_options = {
		.store_path = argv[0], .skip_foreign = conf_flag(conf, OPT_SKIP_FOREIGN),
	};
	const struct source_events events = { source_refuses, source_is_done, source_skips, is_stopped, &im };
	bool quiet = conf_flag(conf, OPT_QUIET);
	int64_t started = clock_monotonic();
	int r;

	if (cli_partition(conf, &im.options.partition, err) < 0)
		return CLI_USAGE;
	if (conf_flag(conf, OPT_LINK) && conf_flag(conf, OPT_MOVE)) {
		err_set(err, -EINVAL, "--link leaves files where they are, --move does not: one of them only");
		return CLI_USAGE;
	}
	r = store_open(argv[0], NULL, &im.st, err);
	if (r < 0)
		return r;
	buf_init(&im.refusals, CLI_JSON_MAX);
	buf_init(&im.events, EVENTS_MAX);
	progress_init(&im.progress, !quiet);
	r = source_new(im.st, &source_options, &events, &im.source);
	if (r < 0)
		err_set(err, r, "no memory");
	else
		r = begin_operation(&im, argv + 1, argc - 1, err);
	if (r < 0)
		goto out;
	bound_memory();
	if (signal(SIGINT, SIG_IGN) != SIG_IGN)
		signal(SIGINT, interrupt);
	signal(SIGTERM, interrupt);
	r = run_workers(&im, (unsigned)conf_number(conf, OPT_JOBS), argv + 1, argc - 1, err);
	progress_clear(&im.progress);
	write_marks(&im);
	if (r == 0) {
		print_summary(&im, (double)(clock_monotonic() - started) / 1e9, quiet);
		r = end_operation(&im, err);
	}
out:
	import_operation_close(im.operation);
	free(im.marks);
	buf_fini(&im.refusals);
	buf_fini(&im.events);
	source_free(im.source);
	store_close(im.st);
	return r;
}
