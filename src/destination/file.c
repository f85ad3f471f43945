/* A directory of this machine, below a root that is allowed.
 *
 * Every component below the root is opened for itself and never through a symbolic link, so nothing
 * that lies there leads out.  A file is written beside its place and renamed; destination_sync makes all durable.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "destination/private.h"

#define NAME_MAX_LEN 255
#define COPY_CHUNK (256 << 10)

struct directory {
	int fd;
};

/* The directory `path` names below fd, which is not closed; made when missing and wanted.  The caller closes it. */
static int
open_below(int fd, const char *path, bool make)
{
	char name[NAME_MAX_LEN + 1];
	int at = fcntl(fd, F_DUPFD_CLOEXEC, 0), next, r;
	size_t len;

	if (at < 0)
		return -errno;
	for (path += strspn(path, "/"); *path != '\0'; path += len, path += strspn(path, "/")) {
		len = strcspn(path, "/");
		if (len > NAME_MAX_LEN) {
			close(at);
			return -ENAMETOOLONG;
		}
		memcpy(name, path, len);
		name[len] = '\0';
		if (make && mkdirat(at, name, 0777) < 0 && errno != EEXIST) {
			r = -errno;
			close(at);
			return r;
		}
		next = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		r = -errno;
		close(at);
		if (next < 0)
			return r == -ELOOP ? -ENOTDIR : r;
		at = next;
	}
	return at;
}

/* What stands behind the root in a path, if it lies there. */
static const char *
below(const char *root, const char *path)
{
	size_t len = strlen(root);

	while (len > 1 && root[len - 1] == '/')
		len--;
	if (strncmp(path, root, len) != 0 || (len > 1 && path[len] != '\0' && path[len] != '/'))
		return NULL;
	return path + len;
}

bool
destination_fits_root(const struct destination_spec *spec, const char *root)
{
	return spec->kind == DESTINATION_FILE && root[0] == '/' && below(root, spec->uri + strlen("file://")) != NULL;
}

static int
file_open(struct destination *d, struct err *err)
{
	const char *path = d->spec->uri + strlen("file://"), *rest;
	struct directory *dir;
	int root, r;

	if (d->spec->root == NULL || (rest = below(d->spec->root, path)) == NULL)
		return err_set(err, -EINVAL, "%.200s lies below no directory that exports may go to", path);
	dir = calloc(1, sizeof *dir);
	if (dir == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	/* The root itself is the operator's: a symbolic link in it is meant. */
	root = open(d->spec->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = root < 0 ? -errno : open_below(root, rest, false);
	if (root >= 0)
		close(root);
	if (r < 0) {
		free(dir);
		return err_set(err, r == -ENOTDIR ? -ENOENT : r, "the directory %.200s: %s", path, strerror(-r));
	}
	dir->fd = r;
	d->state = dir;
	return 0;
}

static void
file_close(struct destination *d)
{
	struct directory *dir = d->state;

	close(dir->fd);
	free(dir);
}

static int
copy(int from, int to, uint64_t len)
{
	char *chunk;
	off_t off = 0;
	ssize_t n = 0;
	int r = 0;

	/* Shares the blocks, where the file system can. */
	while ((uint64_t)off < len && (n = copy_file_range(from, &off, to, NULL, len - (uint64_t)off, 0)) > 0)
		;
	if ((uint64_t)off == len)
		return 0;
	if (off > 0)
		return n < 0 ? -errno : -ESTALE;
	chunk = malloc(COPY_CHUNK);
	if (chunk == NULL)
		return -ENOMEM;
	while ((uint64_t)off < len && r == 0) {
		uint64_t left = len - (uint64_t)off;

		n = io_pread_all(from, chunk, left < COPY_CHUNK ? (size_t)left : COPY_CHUNK, (uint64_t)off);
		r = n < 0 ? (int)n : n == 0 ? -ESTALE : io_write_all(to, chunk, (size_t)n);
		off += n;
	}
	free(chunk);
	return r;
}

/* Into a name of its own, then in its place. */
static int
write_file(int dir, const char *name, int fd, uint64_t len)
{
	char part[NAME_MAX_LEN + 1];
	int to, r;

	if ((size_t)snprintf(part, sizeof part, ".%s.part", name) >= sizeof part)
		return -ENAMETOOLONG;
	/* What a killed run left. */
	if (unlinkat(dir, part, 0) < 0 && errno != ENOENT)
		return -errno;
	to = openat(dir, part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (to < 0)
		return -errno;
	r = copy(fd, to, len);
	if (close(to) < 0 && r == 0)
		r = -errno;
	if (r == 0 && renameat(dir, part, dir, name) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dir, part, 0);
	return r;
}

static int
file_put(struct destination *d, const char *object, const char *type, int fd, uint64_t len, struct err *err)
{
	const struct directory *dir = d->state;
	const char *slash = strrchr(object, '/');
	char *parent = strndup(object, slash != NULL ? (size_t)(slash - object) : 0);
	int at, r;

	(void)type;
	if (parent == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	at = open_below(dir->fd, parent, true);
	free(parent);
	r = at < 0 ? at : write_file(at, slash != NULL ? slash + 1 : object, fd, len);
	if (at >= 0)
		close(at);
	return r < 0 ? err_set(err, r, "%.100s/%.150s: %s", d->spec->uri, object, strerror(-r)) : 0;
}

static int
file_probe(struct destination *d, const char *object, struct err *err)
{
	return file_put(d, object, NULL, -1, 0, err);
}

/* One for all that were put since: an fsync of each file costs more. */
static int
file_sync(struct destination *d, struct err *err)
{
	const struct directory *dir = d->state;

	return syncfs(dir->fd) < 0 ? err_set(err, -errno, "%.200s: %s", d->spec->uri, strerror(errno)) : 0;
}

const struct destination_ops destination_file = {
	.open = file_open,
	.close = file_close,
	.probe = file_probe,
	.put = file_put,
	.sync = file_sync,
};
