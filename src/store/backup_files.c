/* The files of a backup.  Each comes under a name of its own and is renamed: a file with a public name is
 * whole. */
#include "store/backup_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/fs.h>

#include "base/clock.h"
#include "base/copy.h"
#include "base/io.h"
#include "store/import.h"

#define PART "backup.part"
#define NEXT "backup.next"

/* -- directories ---------------------------------------------------------- */

static int
open_below(int dir, const char *path, int *ret_fd)
{
	int r = io_mkdir_all(dir, path);

	if (r < 0)
		return r;
	*ret_fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret_fd < 0 ? -errno : 0;
}

int
backup_files_open(struct backup_files *f, int dir, const char *workspace, const char *service)
{
	char data[4 * STORE_NAME_MAX];
	int r;

	f->dir = dir;
	f->data = f->next = f->parent_of = -1;
	snprintf(data, sizeof data, "AHDS/%s/dicom/%s", workspace, service);
	r = open_below(dir, data, &f->data);
	if (r == 0)
		r = open_below(dir, NEXT, &f->next);
	if (r == 0)
		r = io_mkdir_all(dir, "staging");
	if (r == 0)
		r = io_mkdir_all(dir, STORE_ERROR_CONTAINER);
	return r;
}

void
backup_files_close(struct backup_files *f)
{
	if (f->data >= 0)
		close(f->data);
	if (f->next >= 0)
		close(f->next);
	f->data = f->next = -1;
}

/* Files come in runs of one series. */
static int
make_parent(struct backup_files *f, int below, const char *name)
{
	char parent[BLOB_NAME_MAX];
	const char *slash = strrchr(name, '/');
	int r;

	snprintf(parent, sizeof parent, "%.*s", slash != NULL ? (int)(slash - name) : 0, name);
	if (parent[0] == '\0' || (below == f->parent_of && strcmp(parent, f->parent) == 0))
		return 0;
	r = io_mkdir_all(below, parent);
	if (r == 0) {
		strcpy(f->parent, parent);
		f->parent_of = below;
	}
	return r;
}

/* -- placing -------------------------------------------------------------- */

/* A new file like another: its blocks, or a copy of them. */
static int
make_file(struct backup_files *f, int from, bool clone)
{
	int r, fd = openat(f->dir, PART, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);

	if (fd < 0)
		return -errno;
	if (!clone)
		r = copy_file(from, fd, NULL);
	else
		r = ioctl(fd, FICLONE, from) < 0 ? -EOPNOTSUPP : copy_file_attributes(from, fd);
	close(fd);
	return r;
}

static int
remove_part(struct backup_files *f)
{
	return unlinkat(f->dir, PART, 0) < 0 && errno != ENOENT ? -errno : 0;
}

/* The same file by another name. */
static int
link_file(struct backup_files *f, int from)
{
	int r = remove_part(f);

	return r < 0 ? r : io_link(from, f->dir, PART);
}

/* In the way that costs least.  One that does not work here is not tried again, but for -ENOENT: this original
 * has no name any more. */
static int
make_part(struct backup_files *f, int from, const struct instance_info *info)
{
	int r = remove_part(f);

	if (r < 0)
		return r;
	if (f->share) {
		r = make_file(f, from, true);
		f->share = r == 0;
		if (r == 0) {
			f->totals->shared++;
			return 0;
		}
	}
	if (f->link) {
		r = link_file(f, from);
		f->link = r == 0 || r == -ENOENT;
		if (r == 0) {
			f->totals->shared++;
			return 0;
		}
	}
	r = make_file(f, from, false);
	f->totals->copied++;
	f->totals->copied_bytes += info->size;
	return r;
}

static bool
is_there(int below, const char *name, const struct instance_info *info)
{
	struct stat sb;

	return fstatat(below, name, &sb, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(sb.st_mode) &&
	       (uint64_t)sb.st_size == info->size && clock_ns(sb.st_mtim) == info->mtime;
}

int
backup_place(struct backup_files *f, const char *name, const struct store_file *file)
{
	const struct instance_info *info = store_file_info(file);
	int below = f->data, r;

	if (is_there(f->data, name, info)) {
		f->totals->present++;
		return 0;
	}
	/* The rows of the copy as it is may name another version. */
	if (!f->fresh && faccessat(f->data, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		below = f->next;
		if (is_there(below, name, info)) {
			f->totals->present++;
			return 0;
		}
	}
	r = make_part(f, store_file_fd(file), info);
	if (r == 0)
		r = make_parent(f, below, name);
	if (r == 0 && renameat(f->dir, PART, below, name) < 0)
		r = -errno;
	return r;
}

/* -- when the index is new ------------------------------------------------ */

int
backup_promote(struct backup_files *f, const char *name)
{
	if (renameat(f->next, name, f->data, name) == 0)
		return 1;
	return errno == ENOENT ? 0 : -errno;
}

/* The series and study go with their last file, and the partition stays. */
int
backup_remove(struct backup_files *f, const char *name)
{
	char path[BLOB_NAME_MAX], *slash;
	int i;

	if (unlinkat(f->data, name, 0) < 0)
		return errno == ENOENT ? 0 : -errno;
	f->totals->removed++;
	snprintf(path, sizeof path, "%s", name);
	for (i = file_is_original(name) ? -1 : 0; i < 2 && (slash = strrchr(path, '/')) != NULL; i++) {
		*slash = '\0';
		if (unlinkat(f->data, path, AT_REMOVEDIR) < 0)
			break;
	}
	f->parent_of = -1;
	return 0;
}

/* Partition, study, series, originals: no deeper. */
static int
clear(int dir, int depth)
{
	DIR *d = fdopendir(dir);
	struct dirent *e;
	int fd, r = 0;

	if (d == NULL) {
		r = -errno;
		close(dir);
		return r;
	}
	while (r == 0 && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (unlinkat(dirfd(d), e->d_name, 0) == 0 || depth == 0)
			continue;
		fd = openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		r = fd < 0 ? -errno : clear(fd, depth - 1);
		if (r == 0 && unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR) < 0)
			r = -errno;
	}
	closedir(d);
	return r;
}

int
backup_clear_next(struct backup_files *f)
{
	int fd = openat(f->dir, NEXT, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = fd < 0 ? -errno : clear(fd, 4);

	if (r == 0 && unlinkat(f->dir, NEXT, AT_REMOVEDIR) < 0)
		r = -errno;
	if (unlinkat(f->dir, PART, 0) < 0 && errno != ENOENT)
		r = -errno;
	f->parent_of = -1;
	return r;
}
