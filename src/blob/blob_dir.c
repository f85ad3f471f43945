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
#include "base/io.h"
#include "blob/blob_ops.h"

/* Up to this many files are synced one by one: cheaper than syncfs, which also
 * waits for what other programs wrote. */
#define SYNC_EACH_MAX 4
/* A publish that loses this many races against rmdir gives up. */
#define PUBLISH_TRIES 100

struct dir {
	struct blob_store store;
	int data, staging;		/* directory descriptors */
	int owner_dir, lock;		/* ours; -1 before the claim */
	uint64_t owner;
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

static int
dir_claim(struct blob_store *b, uint64_t owner)
{
	struct dir *d = (struct dir *)b;
	char name[32];

	snprintf(name, sizeof name, "%016" PRIx64, owner);
	if (mkdirat(d->staging, name, 0777) < 0)
		return -errno;
	d->owner_dir = openat(d->staging, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->owner_dir < 0)
		return -errno;
	d->lock = openat(d->owner_dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (d->lock < 0)
		return -errno;
	if (flock(d->lock, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	d->owner = owner;
	return 0;
}

/* Does somebody hold the lock?  A directory without lock file has no owner. */
static bool
owner_lives(struct dir *d, const char *name)
{
	char path[64];
	bool lives;
	int fd;

	snprintf(path, sizeof path, "%.32s/lock", name);
	fd = openat(d->staging, path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	lives = flock(fd, LOCK_EX | LOCK_NB) < 0;
	close(fd);
	return lives;
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

	if (list == NULL)
		return -errno;
	while ((e = readdir(list)) != NULL) {
		if (e->d_name[0] == '.' || strlen(e->d_name) > 32)
			continue;
		if (d->lock >= 0 && strtoull(e->d_name, NULL, 16) == d->owner)
			continue;
		if (owner_lives(d, e->d_name))
			continue;
		snprintf(path, sizeof path, "%.32s/lock", e->d_name);
		unlinkat(d->staging, path, 0);
		unlinkat(d->staging, e->d_name, AT_REMOVEDIR);	/* not empty: stays */
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
	int fd = openat(((struct dir *)b)->staging, stage, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static int
dir_stage_link(struct blob_store *b, int fd, const char *stage)
{
	char path[40];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, path, ((struct dir *)b)->staging, stage, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
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

static int
dir_publish(struct blob_store *b, const char *stage, const char *name)
{
	struct dir *d = (struct dir *)b;
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
		if (fstatat(d->staging, stage, &st, 0) < 0)
			return -errno;
		r = io_mkdir_all(d->data, parent);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	return -ENOENT;
}

static int
dir_open(struct blob_store *b, const char *name, int *ret_fd)
{
	int fd = openat(((struct dir *)b)->data, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOTDIR ? -ENOENT : -errno;
	*ret_fd = fd;
	return 0;
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

static int
walk_dir(int parent, const char *name, char *path, size_t len, int depth,
	 int (*fn)(void *, const char *, uint64_t, int64_t), void *ctx)
{
	DIR *list = open_list(parent, name);
	struct dirent *e;
	struct stat st;
	int r = 0;
	size_t n;

	if (list == NULL)
		return errno == ENOENT ? 0 : -errno;
	while (r == 0 && (e = readdir(list)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		n = strlen(e->d_name);
		if (len + n + 2 > BLOB_NAME_MAX)
			continue;	/* no name of ours is that long */
		if (fstatat(dirfd(list), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;	/* gone meanwhile */
		if (len > 0)
			path[len] = '/';
		memcpy(path + len + (len > 0), e->d_name, n + 1);
		if (S_ISDIR(st.st_mode) && (depth < 3 || (depth == 3 && strcmp(e->d_name, BLOB_ORIGINALS) == 0)))
			r = walk_dir(dirfd(list), e->d_name, path, len + (len > 0) + n, depth + 1, fn, ctx);
		else if (S_ISREG(st.st_mode))
			r = fn(ctx, path, (uint64_t)st.st_size,
			       clock_ns(st.st_mtim));
		path[len] = '\0';
	}
	closedir(list);
	return r;
}

static int
dir_walk(struct blob_store *b, int (*fn)(void *, const char *, uint64_t, int64_t), void *ctx)
{
	char path[BLOB_NAME_MAX] = "";

	return walk_dir(((struct dir *)b)->data, ".", path, 0, 0, fn, ctx);
}

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
};
