#include "fs/notify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/cond.h"
#include "base/log.h"

#define REMOVED_MAX 1024		/* removals of ours that the observer may still have to hear of */
#define OBSERVER_PATIENCE_MS 100
#define EXPIRY_MS 5000

struct item {
	struct item *next;
	uint64_t sequence;
	uint64_t parent;		/* 0: look for partitions that are local names */
	fuse_req_t req;
	char name[];
};

struct notifier {
	pthread_mutex_t lock;		/* guards all below; a leaf */
	pthread_cond_t work, progress;
	struct item *first, *last;
	uint64_t queued, done;		/* sequences */
	uint64_t current;		/* the directory the thread may be stuck on; 0 */
	struct hold *holds;
	uint64_t removed[REMOVED_MAX];	/* a ring of instances removed through the mount */
	unsigned n_removed;
	bool stop;
	pthread_t thread;
};

void
notify_dir(struct fs *fs, uint64_t dir, bool listing)
{
	if (dir != 0)
		fuse_lowlevel_notify_inval_inode(fs->mount->se, fs_outer(fs, dir), listing ? 0 : -1, 0);
}

/* -- the thread ----------------------------------------------------------- */

/* A directory made by mkdir beside the partitions: has the catalog got it by now? */
static void
adopt_partitions(struct fs *fs)
{
	char name[UID_TEXT_MAX];
	struct store_node found;
	struct node *top, *n;
	uint64_t after = 0;

	for (;;) {
		nodes_lock(fs->nodes);
		top = node_find_locked(fs->nodes, TREE_SERVICE);
		for (n = top->dirs; n != NULL && n->id <= after; n = n->next)
			;
		if (n != NULL) {
			after = n->id;
			snprintf(name, sizeof name, "%s", n->name);
		}
		nodes_unlock(fs->nodes);
		if (n == NULL)
			return;
		if (store_lookup(fs->st, STORE_ROOT_ID, name, &found) == 0) {
			nodes_lock(fs->nodes);
			top = node_find_locked(fs->nodes, TREE_SERVICE);
			n = node_add_catalog_locked(fs->nodes, top, found.id, STORE_PARTITION, name);
			if (n != NULL)
				node_review_locked(fs->nodes, n);
			nodes_unlock(fs->nodes);
		}
	}
}

static void
work_on(struct fs *fs, struct item *item)
{
	int r;

	if (item->parent == 0)
		adopt_partitions(fs);
	else {
		r = fuse_lowlevel_notify_inval_entry(fs->mount->se, fs_outer(fs, item->parent), item->name,
						     strlen(item->name));
		/* -ENOENT: the kernel had nothing; the others: it is going down */
		if (r < 0 && r != -ENOENT && r != -ENODEV && r != -EBADF && r != -ENOTCONN)
			log_debug("notify parent=%llu error=%s", (unsigned long long)item->parent, strerror(-r));
	}
	if (item->req != NULL)
		fuse_reply_err(item->req, 0);
}

static void *
run(void *arg)
{
	struct fs *fs = arg;
	struct notifier *nt = fs->notifier;
	struct timespec until = cond_deadline(EXPIRY_MS);
	struct item *item;

	pthread_setname_np(pthread_self(), "fs-notify");
	store_log_about(fs->st);
	pthread_mutex_lock(&nt->lock);
	while (!nt->stop || nt->first != NULL) {
		item = nt->first;
		if (item == NULL) {
			if (pthread_cond_timedwait(&nt->work, &nt->lock, &until) == 0)
				continue;
			until = cond_deadline(EXPIRY_MS);
			pthread_mutex_unlock(&nt->lock);
			nodes_lock(fs->nodes);
			nodes_expire_locked(fs->nodes, clock_monotonic());
			nodes_unlock(fs->nodes);
			pthread_mutex_lock(&nt->lock);
			continue;
		}
		nt->first = item->next;
		if (nt->first == NULL)
			nt->last = NULL;
		nt->current = item->parent;
		pthread_mutex_unlock(&nt->lock);
		work_on(fs, item);
		pthread_mutex_lock(&nt->lock);
		nt->current = 0;
		nt->done = item->sequence;
		pthread_cond_broadcast(&nt->progress);
		free(item);
	}
	pthread_mutex_unlock(&nt->lock);
	return NULL;
}

int
notify_start(struct fs *fs)
{
	struct notifier *nt = calloc(1, sizeof *nt);
	int r;

	if (nt == NULL)
		return -ENOMEM;
	pthread_mutex_init(&nt->lock, NULL);
	cond_init(&nt->work);
	cond_init(&nt->progress);
	fs->notifier = nt;
	r = pthread_create(&nt->thread, NULL, run, fs);
	if (r != 0) {
		fs->notifier = NULL;
		free(nt);
	}
	return -r;
}

void
notify_stop(struct fs *fs)
{
	struct notifier *nt = fs->notifier;

	if (nt == NULL)
		return;
	pthread_mutex_lock(&nt->lock);
	nt->stop = true;
	pthread_cond_signal(&nt->work);
	pthread_mutex_unlock(&nt->lock);
	pthread_join(nt->thread, NULL);
	pthread_cond_destroy(&nt->work);
	pthread_cond_destroy(&nt->progress);
	pthread_mutex_destroy(&nt->lock);
	fs->notifier = NULL;
	free(nt);
}

static uint64_t
queue(struct fs *fs, uint64_t parent, const char *name, fuse_req_t req)
{
	struct notifier *nt = fs->notifier;
	size_t len = strlen(name) + 1;
	struct item *item = malloc(sizeof *item + len);
	uint64_t sequence;

	if (item == NULL) {
		/* The entry lingers; its node answers -ESTALE and is looked up again. */
		log_error("notify: out of memory");
		if (req != NULL)
			fuse_reply_err(req, 0);
		return 0;
	}
	item->next = NULL;
	item->parent = parent;
	item->req = req;
	memcpy(item->name, name, len);
	pthread_mutex_lock(&nt->lock);
	item->sequence = sequence = ++nt->queued;
	if (nt->last != NULL)
		nt->last->next = item;
	else
		nt->first = item;
	nt->last = item;
	pthread_cond_signal(&nt->work);
	pthread_mutex_unlock(&nt->lock);
	return sequence;
}

void
notify_entry(struct fs *fs, uint64_t parent, const char *name, fuse_req_t req)
{
	queue(fs, parent, name, req);
}

void
notify_gone_locked(void *ctx, uint64_t parent, const char *name)
{
	queue(ctx, parent, name, NULL);
}

/* -- handlers that wait for the observer ---------------------------------- */

void
notify_hold(struct fs *fs, struct hold *hold, uint64_t dir, uint64_t instance)
{
	struct notifier *nt = fs->notifier;

	pthread_mutex_lock(&nt->lock);
	hold->dir = dir;
	hold->next = nt->holds;
	nt->holds = hold;
	if (instance != 0)
		nt->removed[nt->n_removed++ % REMOVED_MAX] = instance;
	pthread_cond_broadcast(&nt->progress);
	pthread_mutex_unlock(&nt->lock);
}

void
notify_release(struct fs *fs, struct hold *hold)
{
	struct notifier *nt = fs->notifier;
	struct hold **p;

	pthread_mutex_lock(&nt->lock);
	for (p = &nt->holds; *p != hold; p = &(*p)->next)
		;
	*p = hold->next;
	pthread_mutex_unlock(&nt->lock);
}

static bool
is_stuck_locked(const struct notifier *nt)
{
	const struct hold *hold;

	for (hold = nt->holds; hold != NULL; hold = hold->next)
		if (hold->dir == nt->current)
			return true;
	return false;
}

static void
wait_done(struct notifier *nt, uint64_t sequence)
{
	struct timespec until = cond_deadline(OBSERVER_PATIENCE_MS);

	pthread_mutex_lock(&nt->lock);
	while (nt->done < sequence && !is_stuck_locked(nt))
		if (pthread_cond_timedwait(&nt->progress, &nt->lock, &until) != 0)
			break;
	pthread_mutex_unlock(&nt->lock);
}

static bool
was_removed_here(struct notifier *nt, uint64_t instance)
{
	bool found = false;
	size_t i;

	pthread_mutex_lock(&nt->lock);
	for (i = 0; i < REMOVED_MAX && !found; i++)
		found = nt->removed[i] == instance;
	pthread_mutex_unlock(&nt->lock);
	return found;
}

/* -- what was stored through the mount ------------------------------------ */

static struct node *
catalog_child_locked(struct fs *fs, const struct node *parent, const char *name)
{
	struct node *n;

	if (parent == NULL || parent->kind != NODE_CATALOG)
		return NULL;
	n = node_child_locked(fs->nodes, parent->id, name);
	return n != NULL && n->kind == NODE_CATALOG ? n : NULL;
}

void
notify_plan_locked(struct fs *fs, struct node *partition, const struct ingest_result *result, uint64_t dirs[3])
{
	const struct dicom_identity *identity = &result->identity;
	struct node *path[3];
	size_t i;

	path[0] = partition != NULL && partition->kind == NODE_CATALOG ? partition : NULL;
	path[1] = catalog_child_locked(fs, path[0], identity->study_uid);
	path[2] = catalog_child_locked(fs, path[1], identity->series_uid);
	for (i = 0; i < 3; i++) {
		/* What was there already of the next level is no news to it; an instance always is. */
		bool changes = i == 2 || result->known < STORE_STUDY + i;

		dirs[i] = path[i] != NULL && changes ? path[i]->id : 0;
		if (dirs[i] != 0)
			path[i]->u.catalog.unsettled++;
	}
}

void
notify_ingested(struct fs *fs, uint64_t partition, const uint64_t dirs[3])
{
	size_t i;

	if (partition == 0)
		notify_dir(fs, TREE_SERVICE, true);
	for (i = 0; i < 3; i++)
		notify_dir(fs, dirs[i], true);
}

/* -- what anybody changed ------------------------------------------------- */

struct plan {
	uint64_t dirs[3];		/* to be told of; 0: the kernel does not know it */
	bool listing[3];
	bool new_partition;
};

static void
follow_create_locked(struct fs *fs, const struct change *c, struct node *partition)
{
	struct node *study, *series;

	/* What users made under these names is the catalog's now. */
	if (partition == NULL || partition->kind != NODE_CATALOG)
		return;
	study = node_child_locked(fs->nodes, partition->id, c->study_uid);
	if (study == NULL || (study->kind != NODE_CATALOG && study->kind != NODE_DIR))
		return;
	study = node_add_catalog_locked(fs->nodes, partition, c->study_id, STORE_STUDY, c->study_uid);
	if (study == NULL)
		return;
	series = node_child_locked(fs->nodes, study->id, c->series_uid);
	if (series != NULL && series->kind == NODE_DIR) {
		series = node_add_catalog_locked(fs->nodes, study, c->series_id, STORE_SERIES, c->series_uid);
		if (series != NULL)
			node_review_locked(fs->nodes, series);
	}
	node_review_locked(fs->nodes, study);
}

/* `rm -r` comes back to remove the directory it has just emptied. */
static void
keep_vanished_locked(struct fs *fs, uint64_t id)
{
	struct node *n = node_find_locked(fs->nodes, id);

	if (n != NULL)
		node_vanish_locked(fs->nodes, n,
				   clock_monotonic() + INT64_C(1000000000) * ALIAS_VANISH_SECONDS);
}

/* It is new to the kernel. */
static bool
comes(const struct change *c)
{
	return c->action == CHANGE_CREATE || c->moved;
}

static void
plan_change_locked(struct fs *fs, const struct change *c, bool here, struct plan *plan)
{
	const uint64_t ids[3] = { c->partition_id, c->study_id, c->series_id };
	struct node *partition = node_find_locked(fs->nodes, c->partition_id);
	size_t i;

	for (i = 0; i < 3; i++)
		if (node_find_locked(fs->nodes, ids[i]) != NULL)
			plan->dirs[i] = ids[i];
	plan->new_partition = partition == NULL;
	plan->listing[0] = c->study_appeared || c->study_vanished;
	plan->listing[1] = c->series_appeared || c->series_vanished;
	plan->listing[2] = c->action != CHANGE_UPDATE || c->moved;
	if (comes(c)) {
		follow_create_locked(fs, c, partition);
		return;
	}
	alias_drop_instance_locked(fs->nodes, c->instance_id, c->action == CHANGE_UPDATE ? c->watermark : 0);
	if (c->series_vanished && here)
		keep_vanished_locked(fs, c->series_id);
	if (c->study_vanished && here)
		keep_vanished_locked(fs, c->study_id);
}

void
notify_change(void *ctx, const struct change *c)
{
	struct fs *fs = ctx;
	struct plan plan = { .new_partition = false };
	char file[UID_TEXT_MAX + sizeof TREE_SUFFIX];
	uint64_t sequence = 0;
	bool here = c->action == CHANGE_DELETE && was_removed_here(fs->notifier, c->instance_id);
	size_t i;

	nodes_lock(fs->nodes);
	plan_change_locked(fs, c, here, &plan);
	nodes_unlock(fs->nodes);

	if (plan.new_partition) {
		notify_dir(fs, TREE_SERVICE, true);
		if (comes(c))
			sequence = queue(fs, 0, "", NULL);
	}
	/* What is kept of originals is in the attributes of all of them. */
	for (i = 0; i < 3; i++)
		if (plan.listing[i] || c->action != CHANGE_CREATE)
			notify_dir(fs, plan.dirs[i], plan.listing[i]);
	if (!comes(c) && !here && plan.dirs[2] != 0) {
		strcpy(file, c->sop_uid);
		strcat(file, TREE_SUFFIX);
		sequence = queue(fs, c->series_id, file, NULL);
	}
	if (c->series_vanished && !here && plan.dirs[1] != 0)
		sequence = queue(fs, c->study_id, c->series_uid, NULL);
	if (c->study_vanished && !here && plan.dirs[0] != 0)
		sequence = queue(fs, c->partition_id, c->study_uid, NULL);
	if (sequence != 0 && !here)
		wait_done(fs->notifier, sequence);
}
