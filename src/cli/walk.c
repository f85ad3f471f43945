#include "cli/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/vec.h"

/* Ceilings: names that wait to be taken (some 100 bytes each), and how deep folders
 * may lie (a descriptor each). */
#define AHEAD_MAX 200000
#define DEPTH_MAX 200

struct walk {
	dev_t avoid_dev;
	ino_t avoid_ino;
	pthread_mutex_t lock;		/* guards the rest */
	pthread_cond_t changed;
	char **ring;
	size_t first, count;
	uint64_t found;
	bool ended, cancelled;
};

struct name {
	ino_t inode;
	unsigned char type;
	char *text;
};

struct walker {
	struct walk *w;
	void (*refuse)(void *ctx, const char *path, const char *why);
	void *ctx;
};

int
walk_new(const char *avoid, struct walk **ret_walk)
{
	struct walk *w = calloc(1, sizeof *w);
	struct stat st;

	if (w == NULL)
		return -ENOMEM;
	w->ring = calloc(AHEAD_MAX, sizeof *w->ring);
	if (w->ring == NULL) {
		free(w);
		return -ENOMEM;
	}
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	if (stat(avoid, &st) == 0) {
		w->avoid_dev = st.st_dev;
		w->avoid_ino = st.st_ino;
	}
	*ret_walk = w;
	return 0;
}

void
walk_free(struct walk *w)
{
	if (w == NULL)
		return;
	for (; w->count > 0; w->count--) {
		free(w->ring[w->first]);
		w->first = (w->first + 1) % AHEAD_MAX;
	}
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
	free(w->ring);
	free(w);
}

/* Takes path.  False when the walk was cancelled. */
static bool
put_file(struct walk *w, char *path)
{
	bool go_on;

	pthread_mutex_lock(&w->lock);
	while (w->count == AHEAD_MAX && !w->cancelled)
		pthread_cond_wait(&w->changed, &w->lock);
	go_on = !w->cancelled;
	if (go_on) {
		w->ring[(w->first + w->count++) % AHEAD_MAX] = path;
		w->found++;
		pthread_cond_broadcast(&w->changed);
	} else {
		free(path);
	}
	pthread_mutex_unlock(&w->lock);
	return go_on;
}

char *
walk_next(struct walk *w)
{
	char *path = NULL;

	pthread_mutex_lock(&w->lock);
	while (w->count == 0 && !w->ended && !w->cancelled)
		pthread_cond_wait(&w->changed, &w->lock);
	if (w->count > 0 && !w->cancelled) {
		path = w->ring[w->first];
		w->first = (w->first + 1) % AHEAD_MAX;
		if (w->count-- == AHEAD_MAX)
			pthread_cond_broadcast(&w->changed);
	}
	pthread_mutex_unlock(&w->lock);
	return path;
}

void
walk_cancel(struct walk *w)
{
	pthread_mutex_lock(&w->lock);
	w->cancelled = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

uint64_t
walk_found(struct walk *w, bool *ret_all)
{
	uint64_t found;

	pthread_mutex_lock(&w->lock);
	found = w->found;
	*ret_all = w->ended;
	pthread_mutex_unlock(&w->lock);
	return found;
}

static int
compare_names(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	return x->inode < y->inode ? -1 : x->inode > y->inode;
}

/* Read a whole directory: -errno or the count. */
static ssize_t
read_names(DIR *dir, struct name **ret_names)
{
	struct name *names = NULL;
	size_t count = 0, room = 0;
	struct dirent *e;
	int r = 0;

	while (errno = 0, (e = readdir(dir)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		r = vec_room(&names, &room, count, sizeof *names, 256);
		if (r < 0)
			break;
		names[count].inode = e->d_ino;
		names[count].type = e->d_type;
		names[count].text = strdup(e->d_name);
		if (names[count].text == NULL) {
			r = -ENOMEM;
			break;
		}
		count++;
	}
	if (r == 0 && errno != 0)
		r = -errno;
	if (r < 0) {
		while (count > 0)
			free(names[--count].text);
		free(names);
		return r;
	}
	if (count > 0)
		qsort(names, count, sizeof *names, compare_names);
	*ret_names = names;
	return (ssize_t)count;
}

static bool walk_directory(struct walker *wk, int fd, const char *path, int depth);

static bool
walk_entry(struct walker *wk, int dirfd, const char *dir, const struct name *name, int depth)
{
	unsigned char type = name->type;
	bool go_on = true;
	struct stat st;
	char *path;
	int fd;

	if (asprintf(&path, "%s%s%s", dir, dir[strlen(dir) - 1] == '/' ? "" : "/", name->text) < 0) {
		wk->refuse(wk->ctx, dir, strerror(ENOMEM));
		return true;
	}
	if (type == DT_UNKNOWN) {
		if (fstatat(dirfd, name->text, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			wk->refuse(wk->ctx, path, strerror(errno));
			goto out;
		}
		type = S_ISREG(st.st_mode) ? DT_REG : S_ISDIR(st.st_mode) ? DT_DIR :
			S_ISLNK(st.st_mode) ? DT_LNK : DT_FIFO;
	}
	if (type == DT_REG) {
		go_on = put_file(wk->w, path);
		path = NULL;
	} else if (type == DT_DIR) {
		fd = depth == DEPTH_MAX ? (errno = ELOOP, -1) :
			openat(dirfd, name->text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			wk->refuse(wk->ctx, path, strerror(errno));
		else
			go_on = walk_directory(wk, fd, path, depth + 1);
	} else {
		wk->refuse(wk->ctx, path, type == DT_LNK ? "a symbolic link, which is not followed" : "not a regular file");
	}
out:
	free(path);
	return go_on;
}

/* Takes fd. */
static bool
walk_directory(struct walker *wk, int fd, const char *path, int depth)
{
	struct name *names = NULL;
	ssize_t count = 0, i;
	bool go_on = true;
	struct stat st;
	DIR *dir;
	int pass;

	if (fstat(fd, &st) == 0 && st.st_dev == wk->w->avoid_dev && st.st_ino == wk->w->avoid_ino) {
		wk->refuse(wk->ctx, path, "the store itself");
		close(fd);
		return true;
	}
	dir = fdopendir(fd);
	if (dir == NULL) {
		wk->refuse(wk->ctx, path, strerror(errno));
		close(fd);
		return true;
	}
	count = read_names(dir, &names);
	if (count < 0)
		wk->refuse(wk->ctx, path, strerror((int)-count));
	/* Files first: a folder's own files lie together. */
	for (pass = 0; pass < 2; pass++)
		for (i = 0; i < count && go_on; i++)
			if ((names[i].type == DT_DIR) == (pass == 1))
				go_on = walk_entry(wk, fd, path, &names[i], depth);
	for (i = 0; i < count; i++)
		free(names[i].text);
	free(names);
	closedir(dir);
	return go_on;
}

void
walk_run(struct walk *w, char *const *paths, int count,
	 void (*refuse)(void *ctx, const char *path, const char *why), void *ctx)
{
	struct walker wk = { .w = w, .refuse = refuse, .ctx = ctx };
	bool go_on = true;
	struct stat st;
	char *copy;
	int fd, i;

	for (i = 0; i < count && go_on; i++) {
		if (stat(paths[i], &st) < 0) {
			refuse(ctx, paths[i], strerror(errno));
		} else if (S_ISDIR(st.st_mode)) {
			fd = open(paths[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			if (fd < 0)
				refuse(ctx, paths[i], strerror(errno));
			else
				go_on = walk_directory(&wk, fd, paths[i], 0);
		} else if (!S_ISREG(st.st_mode)) {
			refuse(ctx, paths[i], "not a regular file");
		} else {
			copy = strdup(paths[i]);
			if (copy == NULL)
				refuse(ctx, paths[i], strerror(ENOMEM));
			else
				go_on = put_file(w, copy);
		}
	}
	pthread_mutex_lock(&w->lock);
	w->ended = true;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}
