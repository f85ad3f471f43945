#include "ops/ops.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cond.h"
#include "base/log.h"
#include "ops/exporter.h"
#include "ops/kinds.h"
#include "store/export.h"
#include "store/operations.h"
#include "store/query_tags.h"

/* How often the work of others is looked for, ms. */
#define LOOK_MS 1000
/* A step that fails is tried again so often, that long apart, before its operation has failed. */
#define TRIES 10

/* Work that is done one after the other; each line beside the others. */
struct line {
	struct ops *ops;
	unsigned kinds;			/* bits: of these operations */
	struct exporter *exporter;	/* NULL: kinds[] says how */
	pthread_t thread;
	bool woken;			/* guarded by ops.lock */
};

struct ops {
	struct store *store;
	struct line lines[3];		/* exports last: they wait for others */
	size_t n_lines;
	pthread_mutex_t lock;		/* guards: line.woken, lock_fd, busy */
	pthread_cond_t wake;
	int lock_fd;			/* -1: not held */
	unsigned busy;			/* lines that work */
	atomic_bool ended;
};

/* Its bit among the kinds. */
#define EXPORTS (1u << STORE_OPERATION_EXPORT)
/* They may take days, and others are not to wait for them. */
#define TIERS (1u << STORE_OPERATION_TIER)

/* The step of an export is its exporter's. */
static const struct kind export_kind = { .name = "export" };

static const struct kind *const kinds[] = {
	[STORE_OPERATION_REINDEX] = &reindex_kind,
	[STORE_OPERATION_EXPORT] = &export_kind,
	[STORE_OPERATION_UPDATE] = &update_kind,
	[STORE_OPERATION_TIER] = &tier_kind,
};

/* -- one process at a time ------------------------------------------------ */

static int
lock_store(const struct ops *o)
{
	char path[4096];
	int fd;

	if ((size_t)snprintf(path, sizeof path, "%s/operations.lock", store_path(o->store)) >= sizeof path)
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0) {
		log_error("ops: cannot open %s error=%s", path, strerror(errno));
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return -1;		/* another process is at it */
	}
	return fd;
}

/* One lock for all lines. */
static bool
take_lock(struct ops *o)
{
	bool taken;

	pthread_mutex_lock(&o->lock);
	if (o->lock_fd < 0 && store_path(o->store) != NULL)
		o->lock_fd = lock_store(o);
	taken = o->lock_fd >= 0 || store_path(o->store) == NULL;
	o->busy += taken;
	pthread_mutex_unlock(&o->lock);
	return taken;
}

static void
drop_lock(struct ops *o)
{
	pthread_mutex_lock(&o->lock);
	if (--o->busy == 0 && o->lock_fd >= 0) {
		close(o->lock_fd);
		o->lock_fd = -1;
	}
	pthread_mutex_unlock(&o->lock);
}

/* -- the thread ----------------------------------------------------------- */

/* Wait until woken or the time is up.  false: the end. */
static bool
rest(struct line *l, int ms)
{
	struct timespec until = cond_deadline(ms);
	struct ops *o = l->ops;

	pthread_mutex_lock(&o->lock);
	while (!l->woken && !o->ended)
		if (pthread_cond_timedwait(&o->wake, &o->lock, &until) != 0)
			break;
	l->woken = false;
	pthread_mutex_unlock(&o->lock);
	return !o->ended;
}

/* A step of an operation in the ordinary way, tried so often. */
static int
try_step(struct ops *o, const char *id, const struct kind *kind, int *tries, struct err *err)
{
	int r = kind->step(o->store, id, &o->ended, err);

	if (r >= 0) {
		*tries = 0;
	} else if (r != -ENOENT && ++*tries == TRIES) {
		log_error("ops operation=%s kind=%s state=failed: %s", id, kind->name, err_text(err));
		store_fail_operation(o->store, id, err_text(err));
		return 0;
	}
	return r;
}

/* To the end of the operation, or ours.  false: ours. */
static bool
run(struct line *l, const char *id, const struct kind *kind)
{
	struct err err = { 0 };
	int64_t began = clock_monotonic();
	int r = 1, tries = 0;

	log_info("ops operation=%s kind=%s state=running", id, kind->name);
	while (r != 0) {
		err_clear(&err);
		r = l->exporter != NULL ? exporter_step(l->exporter, id, &err)
					: try_step(l->ops, id, kind, &tries, &err);
		if (r == -ENOENT)
			break;		/* somebody removed its record */
		/* Who waits to write gets in before the next step. */
		if (r != 0 && !rest(l, r < 0 ? LOOK_MS : 1))
			return false;
	}
	log_info("ops operation=%s kind=%s state=ended ms=%lld", id, kind->name,
		 (long long)((clock_monotonic() - began) / 1000000));
	return true;
}

static bool
is_export(const struct line *l)
{
	return l->exporter != NULL;
}

/* Of the many kinds, and what else there is. */
static bool
is_main(const struct line *l)
{
	return (l->kinds & 1u << STORE_OPERATION_REINDEX) != 0;
}

/* Everything there is to do.  false: the end. */
static bool
run_all(struct line *l)
{
	struct store *st = l->ops->store;
	char id[OPERATION_TEXT_MAX];
	enum operation_kind kind;
	int r;

	r = is_main(l) ? store_finish_deleted_tags(st) : 0;
	while (r == 0 && (r = store_next_operation(st, l->kinds, id, &kind)) == 0) {
		if ((size_t)kind >= sizeof kinds / sizeof *kinds || kinds[kind] == NULL)
			return true;		/* a later version's: it can wait */
		if (!run(l, id, kinds[kind]))
			return false;
	}
	if (r < 0 && r != -ENOENT)
		log_error("ops: cannot look for operations error=%s", strerror(-r));
	return true;
}

/* A look costs a read transaction; only work costs the lock. */
static bool
has_work(struct line *l)
{
	struct store *st = l->ops->store;
	char id[OPERATION_TEXT_MAX];
	enum operation_kind kind;

	return store_next_operation(st, l->kinds, id, &kind) == 0 || (is_main(l) && store_has_deleted_tags(st));
}

static void *
line_main(void *ctx)
{
	struct line *l = ctx;
	bool running = true;

	store_log_about(l->ops->store);
	/* Of an export that had ended when its process was killed. */
	if (is_export(l))
		store_export_clean(l->ops->store);
	while (running) {
		if (has_work(l) && take_lock(l->ops)) {
			running = run_all(l);
			drop_lock(l->ops);
		}
		running = running && rest(l, LOOK_MS);
	}
	return NULL;
}

static int
start_line(struct ops *o, unsigned which, struct exporter *exporter, struct err *err)
{
	struct line *l = &o->lines[o->n_lines];
	int r;

	*l = (struct line){ .ops = o, .kinds = which, .exporter = exporter };
	r = -pthread_create(&l->thread, NULL, line_main, l);
	if (r < 0)
		return err_set(err, r, "cannot start a thread: %s", strerror(-r));
	o->n_lines++;
	return 0;
}

/* -- life ----------------------------------------------------------------- */

int
ops_start(struct store *st, struct ops **ret_ops, struct err *err)
{
	struct ops *o = calloc(1, sizeof *o);
	int r;

	if (o == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	o->store = st;
	o->lock_fd = -1;
	pthread_mutex_init(&o->lock, NULL);
	cond_init(&o->wake);
	r = start_line(o, ~(EXPORTS | TIERS), NULL, err);
	if (r == 0)
		r = start_line(o, TIERS, NULL, err);
	if (r < 0) {
		ops_stop(o);
		return r;
	}
	*ret_ops = o;
	return 0;
}

int
ops_run_exports(struct ops *o, const struct export_settings *settings, struct err *err)
{
	struct exporter *x;
	int r = exporter_new(o->store, settings, &o->ended, &x, err);

	if (r < 0)
		return r;
	r = start_line(o, EXPORTS, x, err);
	if (r < 0)
		exporter_free(x);
	return r;
}

void
ops_wake(struct ops *o)
{
	size_t i;

	if (o == NULL)
		return;
	pthread_mutex_lock(&o->lock);
	for (i = 0; i < o->n_lines; i++)
		o->lines[i].woken = true;
	pthread_cond_broadcast(&o->wake);
	pthread_mutex_unlock(&o->lock);
}

void
ops_stop(struct ops *o)
{
	if (o == NULL)
		return;
	pthread_mutex_lock(&o->lock);
	o->ended = true;
	pthread_cond_broadcast(&o->wake);
	pthread_mutex_unlock(&o->lock);
	while (o->n_lines > 0) {
		struct line *l = &o->lines[--o->n_lines];

		pthread_join(l->thread, NULL);
		exporter_free(l->exporter);
	}
	pthread_cond_destroy(&o->wake);
	pthread_mutex_destroy(&o->lock);
	free(o);
}
