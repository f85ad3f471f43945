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
#include "ops/kinds.h"
#include "store/operations.h"
#include "store/query_tags.h"

/* How often the work of others is looked for, ms. */
#define LOOK_MS 1000
/* A step that fails is tried again so often, that long apart, before its operation has failed. */
#define TRIES 10

struct ops {
	struct store *store;
	int lock_fd;			/* -1: not held */
	pthread_t thread;
	pthread_mutex_t lock;		/* guards: woken */
	pthread_cond_t wake;
	bool woken;
	atomic_bool ended;
};

static const struct kind *const kinds[] = {
	[STORE_OPERATION_REINDEX] = &reindex_kind,
	[STORE_OPERATION_UPDATE] = &update_kind,
};

/* -- one process at a time ------------------------------------------------ */

static bool
take_lock(struct ops *o)
{
	char path[4096];
	int fd;

	if (o->lock_fd >= 0 || store_path(o->store) == NULL)
		return true;
	if ((size_t)snprintf(path, sizeof path, "%s/operations.lock", store_path(o->store)) >= sizeof path)
		return false;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0) {
		log_error("ops: cannot open %s error=%s", path, strerror(errno));
		return false;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return false;		/* another process is at it */
	}
	o->lock_fd = fd;
	return true;
}

static void
drop_lock(struct ops *o)
{
	if (o->lock_fd >= 0)
		close(o->lock_fd);
	o->lock_fd = -1;
}

/* -- the thread ----------------------------------------------------------- */

/* Wait until woken or the time is up.  false: the end. */
static bool
rest(struct ops *o, int ms)
{
	struct timespec until = cond_deadline(ms);
	bool ended;

	pthread_mutex_lock(&o->lock);
	while (!o->woken && !o->ended)
		if (pthread_cond_timedwait(&o->wake, &o->lock, &until) != 0)
			break;
	o->woken = false;
	ended = o->ended;
	pthread_mutex_unlock(&o->lock);
	return !ended;
}

/* To the end of the operation, or ours.  false: ours. */
static bool
run(struct ops *o, const char *id, const struct kind *kind)
{
	struct err err = { 0 };
	int64_t began = clock_monotonic();
	int r = 1, tries = 0;

	log_info("ops operation=%s kind=%s state=running", id, kind->name);
	while (r != 0) {
		err_clear(&err);
		r = kind->step(o->store, id, &o->ended, &err);
		if (r == -ENOENT)
			break;		/* somebody removed its record */
		if (r < 0 && ++tries == TRIES) {
			log_error("ops operation=%s kind=%s state=failed: %s", id, kind->name, err_text(&err));
			store_fail_operation(o->store, id, err_text(&err));
			return true;
		}
		tries = r < 0 ? tries : 0;
		/* Who waits to write gets in before the next step. */
		if (r != 0 && !rest(o, r < 0 ? LOOK_MS : 1))
			return false;
	}
	log_info("ops operation=%s kind=%s state=ended ms=%lld", id, kind->name,
		 (long long)((clock_monotonic() - began) / 1000000));
	return true;
}

/* Everything there is to do.  false: the end. */
static bool
run_all(struct ops *o)
{
	char id[OPERATION_TEXT_MAX];
	enum operation_kind kind;
	int r;

	r = store_finish_deleted_tags(o->store);
	while (r == 0 && (r = store_next_operation(o->store, id, &kind)) == 0) {
		if ((size_t)kind >= sizeof kinds / sizeof *kinds || kinds[kind] == NULL)
			return true;		/* a later version's: it can wait */
		if (!run(o, id, kinds[kind]))
			return false;
	}
	if (r < 0 && r != -ENOENT)
		log_error("ops: cannot look for operations error=%s", strerror(-r));
	return true;
}

/* A look costs a read transaction; only work costs the lock. */
static bool
has_work(struct ops *o)
{
	char id[OPERATION_TEXT_MAX];
	enum operation_kind kind;

	return store_next_operation(o->store, id, &kind) == 0 || store_has_deleted_tags(o->store);
}

static void *
ops_main(void *ctx)
{
	struct ops *o = ctx;
	bool running = true;

	while (running) {
		if (has_work(o) && take_lock(o)) {
			running = run_all(o);
			drop_lock(o);
		}
		running = running && rest(o, LOOK_MS);
	}
	return NULL;
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
	r = -pthread_create(&o->thread, NULL, ops_main, o);
	if (r < 0) {
		free(o);
		return err_set(err, r, "cannot start a thread: %s", strerror(-r));
	}
	*ret_ops = o;
	return 0;
}

void
ops_wake(struct ops *o)
{
	if (o == NULL)
		return;
	pthread_mutex_lock(&o->lock);
	o->woken = true;
	pthread_cond_signal(&o->wake);
	pthread_mutex_unlock(&o->lock);
}

void
ops_stop(struct ops *o)
{
	if (o == NULL)
		return;
	pthread_mutex_lock(&o->lock);
	o->ended = true;
	pthread_cond_signal(&o->wake);
	pthread_mutex_unlock(&o->lock);
	pthread_join(o->thread, NULL);
	drop_lock(o);
	pthread_cond_destroy(&o->wake);
	pthread_mutex_destroy(&o->lock);
	free(o);
}
