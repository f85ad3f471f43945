/* Blobs as files of a local directory: the embedded default.
 *
 * staging/<owner>/ belongs to one process, which holds a lock on
 * staging/<owner>/lock as long as it lives; the kernel lets it go at kill -9.
 */
#include "blob/blob.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/copy.h"
#include "base/io.h"
#include "base/log.h"
#include "blob/blob_ops.h"
#include "blob/blob_tier.h"

/* Up to this many files are synced one by one: cheaper than syncfs, which also
 * waits for what other programs wrote. */
#define SYNC_EACH_MAX 4
/* A claim that loses this many races against processes that tidy up. */
#define CLAIM_TRIES 100
/* A blob that is moved again and again while it is opened. */
#define OPEN_TRIES 8
/* A publish that loses this many races against rmdir gives up. */
#define PUBLISH_TRIES 100

struct dir {
	struct blob_store store;
	int data, staging;		/* directory descriptors */
	int owner_dir, lock;		/* ours; -1 before the claim */
	uint64_t owner;
	struct tier_dirs tiers;
};

static const struct blob_ops dir_ops;

static void
dir_close(struct blob_store *b)
{
	struct dir *d = (struct dir *)b;
	char path[64];

	if (d->lock >= 0) {
		/* rmdir refuses while something staged is left: a directory without a lock
		 * file counts as a dead owner's, and is recovered at the next open. */
		snprintf(path, sizeof path, "%016" PRIx64 "/lock", d->owner);
		unlinkat(d->staging, path, 0);
		snprintf(path, sizeof path, "%016" PRIx64, d->owner);
		unlinkat(d->staging, path, AT_REMOVEDIR);
		close(d->lock);
	}
	if (d->owner_dir >= 0)
		close(d->owner_dir);
	if (d->staging >= 0)
		close(d->staging);
	if (d->data >= 0)
		close(d->data);
	tier_dirs_fini(&d->tiers);
	free(d);
}

static int
open_dir(const char *path, bool make)
{
	int r, fd;

	if (make) {
		r = io_mkdir_all(AT_FDCWD, path);
		if (r < 0)
			return r;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int
blob_dir_open(const char *data_dir, const char *staging_dir, bool read_only,
	      struct blob_store **ret_blobs, struct err *err)
{
	struct dir *d = malloc(sizeof *d);
	int r;

	if (d == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	*d = (struct dir){ .store.ops = &dir_ops, .data = -1, .staging = -1, .owner_dir = -1, .lock = -1 };
	r = d->data = open_dir(data_dir, !read_only);
	if (r < 0) {
		err_set(err, r, "cannot open %s: %s", data_dir, strerror(-r));
		goto fail;
	}
	r = d->staging = open_dir(staging_dir, !read_only);
	if (r < 0) {
		err_set(err, r, "cannot open %s: %s", staging_dir, strerror(-r));
		goto fail;
	}
	*ret_blobs = &d->store;
	return 0;
fail:
	dir_close(&d->store);
	return r;
}

/* -- owners --------------------------------------------------------------- */

/* 1: it went meanwhile, to dir_tidy_staging of another process, for which it had no owner yet. */
static int
try_claim(struct dir *d, const char *name, bool again)
{
	struct stat st;

	if (mkdirat(d->staging, name, 0777) < 0 && !(again && errno == EEXIST))
		return -errno;
	d->owner_dir = openat(d->staging, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->owner_dir < 0)
		return errno == ENOENT ? 1 : -errno;
	d->lock = openat(d->owner_dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (d->lock < 0)
		return errno == ENOENT ? 1 : -errno;
	if (flock(d->lock, LOCK_EX) < 0 || fstat(d->lock, &st) < 0)
		return -errno;
	return st.st_nlink == 0;
}

static int
dir_claim(struct blob_store *b, uint64_t owner)
{
	struct dir *d = (struct dir *)b;
	char name[32];
	int tries, r = 1;

	snprintf(name, sizeof name, "%016" PRIx64, owner);
	for (tries = 0; r == 1 && tries < CLAIM_TRIES; tries++) {
		r = try_claim(d, name, tries > 0);
		if (r == 0)
			break;
		if (d->lock >= 0)
			close(d->lock);
		if (d->owner_dir >= 0)
			close(d->owner_dir);
		d->lock = d->owner_dir = -1;
	}
	if (r != 0)
		return r > 0 ? -EAGAIN : r;
	d->owner = owner;
	return 0;
}

/* Take the lock of an owner.  -EBUSY: somebody holds it; -ENOENT: a directory without lock file has no owner. */
static int
lock_owner(struct dir *d, const char *name, int *ret_fd)
{
	char path[64];
	int fd;

	snprintf(path, sizeof path, "%.32s/lock", name);
	fd = openat(d->staging, path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -ENOENT;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		close(fd);
		return -EBUSY;
	}
	*ret_fd = fd;
	return 0;
}

static bool
owner_lives(struct dir *d, const char *name)
{
	int fd, r = lock_owner(d, name, &fd);

	if (r == 0)
		close(fd);
	return r == -EBUSY;
}

static DIR *
open_list(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list;

	if (fd < 0)
		return NULL;
	list = fdopendir(fd);
	if (list == NULL)
		close(fd);
	return list;
}

static int
walk_owner(struct dir *d, const char *name, uint64_t owner, bool alive,
	   int (*fn)(void *, const char *, uint64_t, bool), void *ctx)
{
	DIR *list = open_list(d->staging, name);
	struct dirent *e;
	char stage[BLOB_STAGE_MAX];
	int r = 0;

	if (list == NULL)
		return errno == ENOENT ? 0 : -errno;
	while (r == 0 && (e = readdir(list)) != NULL) {
		if (e->d_name[0] == '.' || strcmp(e->d_name, "lock") == 0)
			continue;
		if (snprintf(stage, sizeof stage, "%s/%s", name, e->d_name) >= (int)sizeof stage)
			continue;
		r = fn(ctx, stage, owner, alive);
	}
	closedir(list);
	return r;
}

static int
dir_walk_staging(struct blob_store *b, int (*fn)(void *, const char *, uint64_t, bool), void *ctx)
{
	struct dir *d = (struct dir *)b;
	DIR *list = open_list(d->staging, ".");
	struct dirent *e;
	uint64_t owner;
	char *end;
	int r = 0;

	if (list == NULL)
		return -errno;
	while (r == 0 && (e = readdir(list)) != NULL) {
		owner = strtoull(e->d_name, &end, 16);
		if (*end != '\0' || end == e->d_name)
			continue;
		r = walk_owner(d, e->d_name, owner,
			       !(d->lock >= 0 && owner == d->owner) && owner_lives(d, e->d_name), fn, ctx);
	}
	closedir(list);
	return r;
}

static int
dir_tidy_staging(struct blob_store *b)
{
	struct dir *d = (struct dir *)b;
	DIR *list = open_list(d->staging, ".");
	struct dirent *e;
	char path[64];
	int fd, r;

	if (list == NULL)
		return -errno;
	while ((e = readdir(list)) != NULL) {
		if (e->d_name[0] == '.' || strlen(e->d_name) > 32)
			continue;
		if (d->lock >= 0 && strtoull(e->d_name, NULL, 16) == d->owner)
			continue;
		r = lock_owner(d, e->d_name, &fd);
		if (r == -EBUSY)
			continue;
		/* Only while we hold it: somebody may be just claiming it. */
		snprintf(path, sizeof path, "%.32s/lock", e->d_name);
		if (r == 0)
			unlinkat(d->staging, path, 0);
		unlinkat(d->staging, e->d_name, AT_REMOVEDIR);	/* not empty: stays */
		if (r == 0)
			close(fd);
	}
	closedir(list);
	return 0;
}

/* -- stages --------------------------------------------------------------- */

static int
dir_stage_create(struct blob_store *b, const char *stage, int *ret_fd)
{
	int fd = openat(((struct dir *)b)->staging, stage, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static int
dir_stage_open(struct blob_store *b, const char *stage, int *ret_fd)
{
	int fd = openat(((struct dir *)b)->staging, stage, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static int
dir_stage_link(struct blob_store *b, int fd, const char *stage)
{
	return io_link(fd, ((struct dir *)b)->staging, stage);
}

static int
dir_stage_rename(struct blob_store *b, const char *from, const char *to)
{
	struct dir *d = (struct dir *)b;

	return renameat(d->staging, from, d->staging, to) < 0 ? -errno : 0;
}

static int
dir_stage_remove(struct blob_store *b, const char *stage)
{
	return unlinkat(((struct dir *)b)->staging, stage, 0) < 0 ? -errno : 0;
}

static int
dir_sync_all(struct blob_store *b)
{
	return syncfs(((struct dir *)b)->staging) < 0 ? -errno : 0;
}

static int
dir_sync(struct blob_store *b, const int *fds, size_t n)
{
	size_t i;

	if (n > SYNC_EACH_MAX)
		return dir_sync_all(b);
	/* Syncing a new file makes its name durable, too, on every file system of
	 * Linux with a journal or a log (the entry is in the same transaction); a sync
	 * of the directory after it is one more flush of the disk for nothing. */
	for (i = 0; i < n; i++)
		if (fsync(fds[i]) < 0)
			return -errno;
	return 0;
}

/* -- names ---------------------------------------------------------------- */

/* A reader of it either has it open or looks where the name leads next. */
static void
remove_from_tier(struct dir *d, unsigned tier, const char *name)
{
	int r = tier_remove(&d->tiers, tier, name);

	if (r < 0 && r != -ENOENT)
		log_warning("tier: what was removed stays in %s file=%s error=%s", d->tiers.path[tier], name, strerror(-r));
}

/* What was stored under a name goes, if it lies in a tier: first, so that there is still the link to go by for
 * who does it again after a kill. */
static void
remove_led(struct dir *d, const char *name)
{
	unsigned tier;

	if (tier_dirs_any(&d->tiers) && tier_of_link(&d->tiers, d->data, name, &tier) == 0)
		remove_from_tier(d, tier, name);
}

static int
place(struct dir *d, const char *stage, const char *name)
{
	char parent[BLOB_NAME_MAX];
	const char *slash = strrchr(name, '/');
	struct stat st;
	int tries, r;

	if (slash == NULL || (size_t)(slash - name) >= sizeof parent)
		return -EINVAL;
	memcpy(parent, name, (size_t)(slash - name));
	parent[slash - name] = '\0';
	for (tries = 0; tries < PUBLISH_TRIES; tries++) {
		if (renameat(d->staging, stage, d->data, name) == 0)
			return 0;
		if (errno != ENOENT)
			return -errno;
		if (fstatat(d->staging, stage, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return -errno;
		r = io_mkdir_all(d->data, parent);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	return -ENOENT;
}

static int
dir_publish(struct blob_store *b, const char *stage, const char *name)
{
	struct dir *d = (struct dir *)b;

	remove_led(d, name);
	return place(d, stage, name);
}

static int
dir_open(struct blob_store *b, const char *name, int *ret_fd)
{
	struct dir *d = (struct dir *)b;
	unsigned tier, before = 0;
	int tries, fd, r = -ENOENT;

	/* It may be moved between two looks. */
	for (tries = 0; tries < OPEN_TRIES; tries++) {
		fd = openat(d->data, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0) {
			*ret_fd = fd;
			return 0;
		}
		if (errno != ELOOP)
			return errno == ENOTDIR ? -ENOENT : -errno;
		r = tier_of_link(&d->tiers, d->data, name, &tier);
		if (r == -EINVAL || r == -ENOENT)
			continue;
		if (r < 0)
			return r;
		r = tier_open(&d->tiers, tier, name, ret_fd);
		if (r != -ENOENT || tier == before)
			return r;
		before = tier;
	}
	return r;
}

static int
dir_remove(struct blob_store *b, const char *name)
{
	struct dir *d = (struct dir *)b;
	char path[BLOB_NAME_MAX];
	char *slash;
	size_t len = strlen(name);
	int levels, r = 0;

	if (len >= sizeof path)
		return -EINVAL;
	memcpy(path, name, len + 1);
	remove_led(d, name);
	if (unlinkat(d->data, path, 0) < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			return -errno;
		r = -ENOENT;	/* somebody else removed it; its directories may be left */
	}
	/* An empty study, series or BLOB_ORIGINALS directory is nobody's; the partition's stays. */
	for (levels = 0; levels < 3 && (slash = strrchr(path, '/')) != NULL; levels++) {
		*slash = '\0';
		if (strchr(path, '/') == NULL || unlinkat(d->data, path, AT_REMOVEDIR) < 0)
			break;
	}
	return r;
}

struct walk {
	int data;			/* where the names are */
	const struct tier_dirs *tiers;	/* whose links are followed; NULL: a tier is walked */
	int (*fn)(void *ctx, const char *name, uint64_t size, int64_t mtime);
	void *ctx;
	char path[BLOB_NAME_MAX];
};

/* Links that are none of ours are somebody's. */
static int
walk_link(struct walk *w)
{
	char path[BLOB_TIER_PATH_MAX + BLOB_NAME_MAX + 2];
	struct stat st;
	unsigned tier;
	int r = tier_of_link(w->tiers, w->data, w->path, &tier);

	if (r == 0)
		r = tier_path(w->tiers, tier, w->path, path, sizeof path);
	if (r < 0)
		return 0;
	if (lstat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return w->fn(w->ctx, w->path, BLOB_AWAY, 0);
	return w->fn(w->ctx, w->path, (uint64_t)st.st_size, clock_ns(st.st_mtim));
}

static int
walk_dir(struct walk *w, int parent, const char *name, size_t len, int depth)
{
	DIR *list = open_list(parent, name);
	struct dirent *e;
	struct stat st;
	int r = 0;
	size_t n;

	if (list == NULL)
		return errno == ENOENT ? 0 : -errno;
	while (r == 0 && (e = readdir(list)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    (w->tiers == NULL && depth == 0 && e->d_name[0] == '.'))
			continue;
		n = strlen(e->d_name);
		if (len + n + 2 > BLOB_NAME_MAX)
			continue;	/* no name of ours is that long */
		if (fstatat(dirfd(list), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;	/* gone meanwhile */
		if (len > 0)
			w->path[len] = '/';
		memcpy(w->path + len + (len > 0), e->d_name, n + 1);
		if (S_ISDIR(st.st_mode) && (depth < 3 || (depth == 3 && strcmp(e->d_name, BLOB_ORIGINALS) == 0)))
			r = walk_dir(w, dirfd(list), e->d_name, len + (len > 0) + n, depth + 1);
		else if (S_ISREG(st.st_mode) && (depth > 0 || w->tiers != NULL))
			r = w->fn(w->ctx, w->path, (uint64_t)st.st_size, clock_ns(st.st_mtim));
		else if (S_ISLNK(st.st_mode) && w->tiers != NULL)
			r = walk_link(w);
		w->path[len] = '\0';
	}
	closedir(list);
	return r;
}

static int
dir_walk(struct blob_store *b, int (*fn)(void *, const char *, uint64_t, int64_t), void *ctx)
{
	struct dir *d = (struct dir *)b;
	struct walk w = { .data = d->data, .tiers = &d->tiers, .fn = fn, .ctx = ctx };

	return walk_dir(&w, d->data, ".", 0, 0);
}

/* -- tiers ---------------------------------------------------------------- */

static int
dir_tier_set(struct blob_store *b, unsigned tier, const char *path, const char *mark)
{
	return tier_dirs_set(&((struct dir *)b)->tiers, tier, path, mark);
}

static int
dir_tier_look(struct blob_store *b, unsigned tier)
{
	return tier == 0 ? 0 : tier_look(&((struct dir *)b)->tiers, tier);
}

static int
dir_tier_begin(struct blob_store *b, unsigned tier)
{
	return tier_begin(&((struct dir *)b)->tiers, tier);
}

static int
dir_tier(struct blob_store *b, const char *name, unsigned *ret_tier)
{
	struct dir *d = (struct dir *)b;
	int r = tier_of_link(&d->tiers, d->data, name, ret_tier);

	if (r == -EINVAL) {
		*ret_tier = 0;
		r = 0;
	}
	return r;
}

static int
dir_tier_copy(struct blob_store *b, int fd, unsigned tier, const char *stage, const atomic_bool *stop, int *ret_fd)
{
	struct dir *d = (struct dir *)b;
	int to, r;

	if (tier != 0)
		return tier_copy(&d->tiers, tier, stage, fd, stop, ret_fd);
	to = openat(d->staging, stage, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (to < 0)
		return -errno;
	r = copy_file(fd, to, stop);
	if (r < 0) {
		close(to);
		dir_stage_remove(b, stage);
		return r;
	}
	*ret_fd = to;
	return 0;
}

static int
dir_tier_place(struct blob_store *b, const char *name, unsigned tier, const char *stage)
{
	return tier == 0 ? 0 : tier_place(&((struct dir *)b)->tiers, tier, stage, name);
}

static int
dir_tier_forget(struct blob_store *b, unsigned tier, const char *stage)
{
	return tier == 0 ? dir_stage_remove(b, stage) : tier_forget(&((struct dir *)b)->tiers, tier, stage);
}

static int
dir_tier_tidy(struct blob_store *b)
{
	const struct tier_dirs *tiers = &((struct dir *)b)->tiers;
	unsigned i;
	int r = 0, one;

	for (i = 1; i < BLOB_TIERS; i++)
		if (tier_look(tiers, i) == 0 && (one = tier_tidy(tiers, i)) < 0)
			r = one;
	return r;
}

/* Is what lies there the file that is open as fd? */
static bool
is_file(const char *path, int fd)
{
	struct stat there, open;

	return fstatat(AT_FDCWD, path, &there, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &open) == 0 &&
	       S_ISREG(there.st_mode) && there.st_ino == open.st_ino && there.st_dev == open.st_dev;
}

static int
dir_tier_lead(struct blob_store *b, const char *name, unsigned tier, const char *stage, int copy)
{
	char target[BLOB_TIER_PATH_MAX + BLOB_NAME_MAX + 2];
	struct dir *d = (struct dir *)b;
	int r;

	if (tier == 0)
		return place(d, stage, name);
	r = tier_path(&d->tiers, tier, name, target, sizeof target);
	if (r < 0)
		return r;
	if (!is_file(target, copy))
		return -ENOENT;
	if (symlinkat(target, d->staging, stage) < 0)
		return -errno;
	r = place(d, stage, name);
	if (r < 0)
		dir_stage_remove(b, stage);
	return r;
}

static int
dir_tier_drop(struct blob_store *b, const char *name)
{
	struct dir *d = (struct dir *)b;
	unsigned i, led = 0;

	if (!tier_dirs_any(&d->tiers))
		return 0;
	if (tier_of_link(&d->tiers, d->data, name, &led) < 0)
		led = 0;
	for (i = 1; i < BLOB_TIERS; i++)
		if (i != led && d->tiers.path[i] != NULL && tier_look(&d->tiers, i) == 0)
			remove_from_tier(d, i, name);
	return 0;
}

static int
dir_tier_open(struct blob_store *b, const char *name, unsigned tier, int *ret_fd)
{
	return tier_open(&((struct dir *)b)->tiers, tier, name, ret_fd);
}

static int
dir_tier_walk(struct blob_store *b, unsigned tier, int (*fn)(void *, const char *, uint64_t, int64_t), void *ctx)
{
	const struct tier_dirs *tiers = &((struct dir *)b)->tiers;
	struct walk w = { .fn = fn, .ctx = ctx };
	int r = tier_look(tiers, tier);

	return r < 0 ? r : walk_dir(&w, AT_FDCWD, tiers->path[tier], 0, 0);
}

static const struct blob_tier_ops dir_tier_ops = {
	.set = dir_tier_set,
	.look = dir_tier_look,
	.begin = dir_tier_begin,
	.tier = dir_tier,
	.copy = dir_tier_copy,
	.place = dir_tier_place,
	.forget = dir_tier_forget,
	.tidy = dir_tier_tidy,
	.lead = dir_tier_lead,
	.drop = dir_tier_drop,
	.open = dir_tier_open,
	.walk = dir_tier_walk,
};

static int
dir_watch(struct blob_store *b, struct blob_watch **ret_watch)
{
	return blob_watch_tree(((struct dir *)b)->data, ret_watch);
}

static const struct blob_ops dir_ops = {
	.close = dir_close,
	.claim = dir_claim,
	.stage_create = dir_stage_create,
	.stage_open = dir_stage_open,
	.stage_link = dir_stage_link,
	.stage_rename = dir_stage_rename,
	.stage_remove = dir_stage_remove,
	.sync = dir_sync,
	.sync_all = dir_sync_all,
	.publish = dir_publish,
	.open = dir_open,
	.remove = dir_remove,
	.walk = dir_walk,
	.walk_staging = dir_walk_staging,
	.tidy_staging = dir_tidy_staging,
	.watch = dir_watch,
	.tiers = &dir_tier_ops,
};
