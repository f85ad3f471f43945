#include "store/file_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/vec.h"
#include "store/tiers_internal.h"

/* By then whoever made the change through the store, in any process, has told the index. */
#define WAIT_MS 1000
/* More changes than these at a time: all files are looked at. */
#define DUE_MAX 100000

struct due {
	int64_t when;			/* monotonic ns */
	char *name;
};

struct file_watch {
	struct store *st;
	struct blob_watch *blobs;
	pthread_t thread;
	atomic_bool ended;
	struct due *due;		/* in the order of their times; those before next are done */
	size_t next, n, cap;
	uint64_t seen;			/* files, of a look at all */
};

/* -- one file ------------------------------------------------------------- */

static bool
is_there(struct store *st, const char *name)
{
	int fd, r = blob_open(st->blobs, name, &fd);

	if (r == 0)
		close(fd);
	/* A link in its place, or a tier that is away: the file has not gone. */
	return r != -ENOENT;
}

static void
adopt(struct file_watch *w, const char *name)
{
	struct ticket *t = NULL;
	struct err err = { 0 };
	int r = adopt_file(w->st, name, &t, &err);

	if (r == 0 && t != NULL)
		r = ticket_wait(t, NULL, &err);
	if (r == 0) {
		log_info("watch file=%s state=indexed", name);
		return;
	}
	if (r == -ENOENT)
		return;			/* gone meanwhile */
	log_warning("watch file=%s state=refused: %s", name, err_text(&err));
	store_record_refusal(w->st, "watch", name, NULL, &err);
}

/* Not the bytes have gone, but the link to them: a directory of links may have been renamed. */
static bool
lead_back(struct file_watch *w, const char *name, uint64_t id)
{
	struct instance_info info;
	unsigned tier;

	if (instance_now(w->st, id, &info) < 0 || !tier_find(w->st, name, &info, &tier) ||
	    tier_lead_back(w->st, name, tier) < 0)
		return false;
	log_warning("watch file=%s state=linked: its link was removed, and its bytes are in the tier %s", name,
		    store_tier_name((enum store_tier)tier));
	return true;
}

/* Bring the index to what there is. */
static void
look_at(struct file_watch *w, const char *name)
{
	struct store_file *f;
	uint64_t id, watermark;
	int r;

	if (!file_is_of_instance(name))
		return;
	r = instance_of_file(w->st, name, &id, &watermark);
	if (r == -ENOENT) {
		adopt(w, name);
		return;
	}
	if (r < 0 || id == 0)
		return;
	r = open_bytes(w->st, id, false, &f, NULL);
	if (r == 0)
		store_file_close(f);
	else if (r == -ESTALE && is_there(w->st, name))
		adopt(w, name);
	else if (r == -ESTALE && lead_back(w, name, id))
		return;
	else if (r == -ESTALE && store_delete_id(w->st, id, watermark, NULL) == 0)
		log_info("watch file=%s state=deleted", name);
}

/* -- all of them ---------------------------------------------------------- */

static int
look_at_file(void *ctx, const char *name, uint64_t size, int64_t mtime)
{
	struct file_watch *w = ctx;

	(void)size;
	(void)mtime;
	w->seen++;
	look_at(w, name);
	return w->ended;
}

static int
look_for_file(void *ctx, const char *partition, const struct instance_info *info)
{
	struct file_watch *w = ctx;
	char name[BLOB_NAME_MAX];

	instance_name(name, partition, info->study_uid, info->series_uid, info->sop_uid);
	if (!is_there(w->st, name))
		look_at(w, name);
	return w->ended;
}

static void
forget_due(struct file_watch *w)
{
	while (w->next < w->n)
		free(w->due[w->next++].name);
	w->next = w->n = 0;
}

static void
look_at_all(struct file_watch *w)
{
	int64_t began = clock_monotonic();
	struct err err = { 0 };
	int r;

	forget_due(w);
	w->seen = 0;
	r = blob_walk(w->st->blobs, look_at_file, w);
	if (r < 0)
		log_error("watch: cannot walk the files error=%s", strerror(-r));
	/* Without a single file it is the disk that is missing. */
	if (r == 0 && w->seen > 0 && each_instance(w->st, look_for_file, w, &err) < 0)
		log_error("watch: %s", err_text(&err));
	log_info("watch files=%llu state=followed ms=%lld", (unsigned long long)w->seen,
		 (long long)((clock_monotonic() - began) / 1000000));
}

/* -- the thread ----------------------------------------------------------- */

static void
note(struct file_watch *w, const char *name)
{
	struct due d = { .when = clock_monotonic() + (int64_t)WAIT_MS * 1000000 };

	if (w->next * 2 >= w->n && w->next > 0) {
		w->n -= w->next;
		memmove(w->due, w->due + w->next, w->n * sizeof *w->due);
		w->next = 0;
	}
	if (w->n > w->next && strcmp(w->due[w->n - 1].name, name) == 0) {
		w->due[w->n - 1].when = d.when;	/* still at it */
		return;
	}
	d.name = strdup(name);
	if (w->n == DUE_MAX || d.name == NULL || vec_room(&w->due, &w->cap, w->n, sizeof *w->due, 256) < 0) {
		free(d.name);
		look_at_all(w);
		return;
	}
	w->due[w->n++] = d;
}

/* Those whose time has come.  How long the next one has, ms; -1: there is none. */
static int
do_due(struct file_watch *w)
{
	int64_t now = clock_monotonic();

	for (; w->next < w->n && !w->ended; w->next++) {
		struct due *d = &w->due[w->next];

		if (d->when > now)
			return (int)((d->when - now) / 1000000) + 1;
		look_at(w, d->name);
		free(d->name);
	}
	return -1;
}

static void *
follow(void *ctx)
{
	struct file_watch *w = ctx;
	char name[BLOB_NAME_MAX];
	int r;

	store_log_about(w->st);
	look_at_all(w);
	while (!w->ended) {
		r = blob_watch_next(w->blobs, do_due(w), name);
		if (r > 0)
			note(w, name);
		else if (r == -EOVERFLOW)
			look_at_all(w);
		else if (r < 0) {
			log_error("watch: no longer following the files error=%s", strerror(-r));
			break;
		}
	}
	return NULL;
}

int
file_watch_start(struct store *st, struct file_watch **ret_watch, struct err *err)
{
	struct file_watch *w = calloc(1, sizeof *w);
	int r = w == NULL ? -ENOMEM : blob_watch_open(st->blobs, &w->blobs);

	if (r == 0) {
		w->st = st;
		r = -pthread_create(&w->thread, NULL, follow, w);
	}
	if (r < 0) {
		if (w != NULL)
			blob_watch_close(w->blobs);
		free(w);
		return err_set(err, r, "cannot watch the files: %s", strerror(-r));
	}
	*ret_watch = w;
	return 0;
}

void
file_watch_stop(struct file_watch *w)
{
	if (w == NULL)
		return;
	w->ended = true;
	blob_watch_wake(w->blobs);
	pthread_join(w->thread, NULL);
	forget_due(w);
	free(w->due);
	blob_watch_close(w->blobs);
	free(w);
}
