#include "cli/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/vec.h"

/* How deep folders may lie: a descriptor each. */
#define DEPTH_MAX 200

struct name {
	ino_t inode;
	unsigned char type;
	char *text;
};

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

static bool walk_directory(const struct walk *w, int fd, const char *path, int depth);

static bool
walk_entry(const struct walk *w, int dirfd, const char *dir, const struct name *name, int depth)
{
	unsigned char type = name->type;
	bool go_on = true;
	struct stat st;
	char *path;
	int fd;

	if (asprintf(&path, "%s%s%s", dir, dir[strlen(dir) - 1] == '/' ? "" : "/", name->text) < 0) {
		w->refuse(w->ctx, dir, strerror(ENOMEM));
		return true;
	}
	if (type == DT_UNKNOWN) {
		if (fstatat(dirfd, name->text, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			w->refuse(w->ctx, path, strerror(errno));
			goto out;
		}
		type = S_ISREG(st.st_mode) ? DT_REG : S_ISDIR(st.st_mode) ? DT_DIR :
			S_ISLNK(st.st_mode) ? DT_LNK : DT_FIFO;
	}
	if (type == DT_REG) {
		go_on = w->file(w->ctx, path);
		path = NULL;
	} else if (type == DT_DIR) {
		fd = depth == DEPTH_MAX ? (errno = ELOOP, -1) :
			openat(dirfd, name->text, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			w->refuse(w->ctx, path, strerror(errno));
		else
			go_on = walk_directory(w, fd, path, depth + 1);
	} else {
		w->refuse(w->ctx, path, type == DT_LNK ? "a symbolic link, which is not followed" : "not a regular file");
	}
out:
	free(path);
	return go_on;
}

/* Takes fd. */
static bool
walk_directory(const struct walk *w, int fd, const char *path, int depth)
{
	struct name *names = NULL;
	ssize_t count = 0, i;
	bool go_on = true;
	struct stat st;
	DIR *dir;
	int pass;

	if (fstat(fd, &st) == 0 && st.st_dev == w->avoid.st_dev && st.st_ino == w->avoid.st_ino) {
		w->refuse(w->ctx, path, "the store itself");
		close(fd);
		return true;
	}
	dir = fdopendir(fd);
	if (dir == NULL) {
		w->refuse(w->ctx, path, strerror(errno));
		close(fd);
		return true;
	}
	count = read_names(dir, &names);
	if (count < 0)
		w->refuse(w->ctx, path, strerror((int)-count));
	/* Files first: a folder's own files lie together. */
	for (pass = 0; pass < 2; pass++)
		for (i = 0; i < count && go_on; i++)
			if ((names[i].type == DT_DIR) == (pass == 1))
				go_on = walk_entry(w, fd, path, &names[i], depth);
	for (i = 0; i < count; i++)
		free(names[i].text);
	free(names);
	closedir(dir);
	return go_on;
}

bool
walk_folder(const struct walk *w, const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		w->refuse(w->ctx, path, strerror(errno));
		return true;
	}
	return walk_directory(w, fd, path, 0);
}
