#include "blob/blob_tier.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/copy.h"
#include "base/io.h"

/* The directory of copies that have no name yet. */
#define PARTS ".dicomlake-parts"
#define PATH_ROOM (BLOB_TIER_PATH_MAX + BLOB_NAME_MAX + 2)

/* -- directories ---------------------------------------------------------- */

int
tier_dirs_set(struct tier_dirs *t, unsigned tier, const char *dir, const char *mark)
{
	char *copy;

	if (tier == 0 || tier >= BLOB_TIERS || strlen(dir) >= BLOB_TIER_PATH_MAX || strlen(mark) >= sizeof t->mark)
		return -EINVAL;
	copy = strdup(dir);
	if (copy == NULL)
		return -ENOMEM;
	free(t->path[tier]);
	t->path[tier] = copy;
	strcpy(t->mark, mark);
	return 0;
}

void
tier_dirs_fini(struct tier_dirs *t)
{
	unsigned i;

	for (i = 0; i < BLOB_TIERS; i++)
		free(t->path[i]);
}

bool
tier_dirs_any(const struct tier_dirs *t)
{
	unsigned i;

	for (i = 0; i < BLOB_TIERS; i++)
		if (t->path[i] != NULL)
			return true;
	return false;
}

int
tier_path(const struct tier_dirs *t, unsigned tier, const char *name, char *path, size_t size)
{
	if (tier >= BLOB_TIERS || t->path[tier] == NULL)
		return -ENOMEDIUM;
	return (size_t)snprintf(path, size, "%s/%s", t->path[tier], name) < size ? 0 : -ENAMETOOLONG;
}

/* -- marks ---------------------------------------------------------------- */

int
tier_look(const struct tier_dirs *t, unsigned tier)
{
	char path[PATH_ROOM], mark[BLOB_TIER_MARK_MAX];
	ssize_t n;
	int fd, r = tier_path(t, tier, BLOB_TIER_MARK, path, sizeof path);

	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? -ENOMEDIUM : -errno;
	n = io_pread_all(fd, mark, sizeof mark, 0);
	close(fd);
	if (n < 0)
		return (int)n;
	return (size_t)n == strlen(t->mark) + 1 && memcmp(mark, t->mark, (size_t)n - 1) == 0 ? 0 : -EBUSY;
}

int
tier_begin(const struct tier_dirs *t, unsigned tier)
{
	char path[PATH_ROOM], part[PATH_ROOM];
	int fd, r = tier_path(t, tier, BLOB_TIER_MARK, path, sizeof path);

	if (r == 0)
		r = tier_path(t, tier, BLOB_TIER_MARK "-part", part, sizeof part);
	if (r < 0)
		return r;
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? -ENOMEDIUM : -errno;
	r = io_write_all(fd, t->mark, strlen(t->mark));
	if (r == 0)
		r = io_write_all(fd, "\n", 1);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	close(fd);
	/* Not over one that is there. */
	if (r == 0 && link(part, path) < 0)
		r = -errno;
	unlink(part);
	fd = r == 0 ? open(t->path[tier], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (fd >= 0 && fsync(fd) < 0)
		r = -errno;
	if (fd >= 0)
		close(fd);
	return r;
}

/* What is not found: is it the file that is gone, or all of them? */
static int
why_not(const struct tier_dirs *t, unsigned tier, int error)
{
	return (error == ENOENT || error == ENOTDIR) && tier_look(t, tier) == 0 ? -ENOENT
		: error == ENOENT || error == ENOTDIR || error == ESTALE || error == ENOTCONN ? -ENOMEDIUM : -error;
}

/* -- files ---------------------------------------------------------------- */

int
tier_of_link(const struct tier_dirs *t, int dir, const char *name, unsigned *ret_tier)
{
	char target[PATH_ROOM], path[PATH_ROOM];
	ssize_t n = readlinkat(dir, name, target, sizeof target - 1);
	unsigned i;

	if (n < 0)
		return errno == ENOTDIR ? -ENOENT : -errno;
	target[n] = '\0';
	for (i = 1; i < BLOB_TIERS; i++)
		if (tier_path(t, i, name, path, sizeof path) == 0 && strcmp(target, path) == 0) {
			*ret_tier = i;
			return 0;
		}
	return -ELOOP;
}

int
tier_open(const struct tier_dirs *t, unsigned tier, const char *name, int *ret_fd)
{
	char path[PATH_ROOM];
	int fd, r = tier_path(t, tier, name, path, sizeof path);

	if (r < 0)
		return r;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return why_not(t, tier, errno);
	*ret_fd = fd;
	return 0;
}

static int
make_parent(char *path)
{
	char *slash = strrchr(path, '/');
	int r;

	*slash = '\0';
	r = io_mkdir_all(AT_FDCWD, path);
	*slash = '/';
	return r;
}

/* PARTS/OWNER-COUNT */
static int
part_path(const struct tier_dirs *t, unsigned tier, const char *stage, char *path, size_t size)
{
	char name[sizeof PARTS + 1 + BLOB_STAGE_MAX], *p;

	snprintf(name, sizeof name, PARTS "/%s", stage);
	for (p = name + sizeof PARTS; *p != '\0'; p++)
		if (*p == '/')
			*p = '-';
	return tier_path(t, tier, name, path, size);
}

int
tier_copy(const struct tier_dirs *t, unsigned tier, const char *stage, int from, const atomic_bool *stop, int *ret_fd)
{
	char part[PATH_ROOM];
	int to, r = tier_look(t, tier);

	if (r == 0)
		r = part_path(t, tier, stage, part, sizeof part);
	if (r == 0)
		r = make_parent(part);
	if (r < 0)
		return r;
	to = open(part, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (to < 0)
		return -errno;
	r = copy_file(from, to, stop);
	if (r < 0) {
		unlink(part);
		close(to);
		return r;
	}
	*ret_fd = to;
	return 0;
}

int
tier_place(const struct tier_dirs *t, unsigned tier, const char *stage, const char *name)
{
	char path[PATH_ROOM], part[PATH_ROOM];
	int r = tier_path(t, tier, name, path, sizeof path);

	if (r == 0)
		r = part_path(t, tier, stage, part, sizeof part);
	if (r < 0)
		return r;
	if (rename(part, path) == 0)
		return 0;
	r = errno == ENOENT ? make_parent(path) : -errno;
	return r < 0 ? r : rename(part, path) < 0 ? -errno : 0;
}

int
tier_forget(const struct tier_dirs *t, unsigned tier, const char *stage)
{
	char part[PATH_ROOM];
	int r = part_path(t, tier, stage, part, sizeof part);

	return r < 0 ? r : unlink(part) < 0 ? -errno : 0;
}

int
tier_tidy(const struct tier_dirs *t, unsigned tier)
{
	char path[PATH_ROOM];
	struct dirent *e;
	DIR *list;
	int r = tier_path(t, tier, PARTS, path, sizeof path);

	if (r < 0)
		return r;
	list = opendir(path);
	if (list == NULL)
		return errno == ENOENT ? 0 : -errno;
	while ((e = readdir(list)) != NULL)
		if (e->d_name[0] != '.' && unlinkat(dirfd(list), e->d_name, 0) < 0)
			r = -errno;
	closedir(list);
	return r;
}

int
tier_remove(const struct tier_dirs *t, unsigned tier, const char *name)
{
	char path[PATH_ROOM], *slash;
	int i, r = tier_path(t, tier, name, path, sizeof path);

	if (r < 0)
		return r;
	if (unlink(path) < 0)
		return why_not(t, tier, errno);
	/* The series, the study, and for an original its directory; the partition stays. */
	for (i = 0; i < 3 && (slash = strrchr(path, '/')) != NULL; i++) {
		*slash = '\0';
		if (strlen(path) <= strlen(t->path[tier]) || strchr(path + strlen(t->path[tier]) + 1, '/') == NULL ||
		    rmdir(path) < 0)
			break;
	}
	return 0;
}
