#include "cli/media.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/vec.h"
#include "dicom/dicomdir.h"

#define DICOMDIR "DICOMDIR"

/* -- one directory -------------------------------------------------------- */

/* Names of one directory, in the order that disregards case.  Files of a series lie together, so the one
 * that was read last is kept. */
struct listing {
	char *path;			/* of it; NULL: none yet */
	char **names;
	size_t n, cap;
};

static void
listing_fini(struct listing *l)
{
	while (l->n > 0)
		free(l->names[--l->n]);
	free(l->names);
	free(l->path);
	*l = (struct listing){ 0 };
}

static int
compare(const void *a, const void *b)
{
	return strcasecmp(*(char *const *)a, *(char *const *)b);
}

static int
listing_read(struct listing *l, const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), r = 0;
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;

	listing_fini(l);
	if (dir == NULL) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return r;
	}
	while (r == 0 && (e = readdir(dir)) != NULL) {
		r = vec_room(&l->names, &l->cap, l->n, sizeof *l->names, 256);
		if (r == 0 && (l->names[l->n] = strdup(e->d_name)) == NULL)
			r = -ENOMEM;
		l->n += r == 0;
	}
	closedir(dir);
	if (r == 0 && (l->path = strdup(path)) == NULL)
		r = -ENOMEM;
	if (r == 0 && l->n > 0)
		qsort(l->names, l->n, sizeof *l->names, compare);
	if (r < 0)
		listing_fini(l);
	return r;
}

static const char *
listing_find(const struct listing *l, const char *name)
{
	char *const *found = l->n > 0 ? bsearch(&name, l->names, l->n, sizeof *l->names, compare) : NULL;

	return found != NULL ? *found : NULL;
}

char *
media_find(const char *folder)
{
	struct listing l = { 0 };
	const char *name = listing_read(&l, folder) == 0 ? listing_find(&l, DICOMDIR) : NULL;
	char *copy = name != NULL ? strdup(name) : NULL;

	listing_fini(&l);
	return copy;
}

/* -- names to files ------------------------------------------------------- */

/* Add a component of path (its first len bytes are a directory), as it is spelled there.  -ENOENT. */
static int
add_component(struct listing *last, char **path, const char *name)
{
	const char *real = name;
	struct stat sb;
	char *longer;
	int r;

	if (asprintf(&longer, "%s/%s", *path, name) < 0)
		return -ENOMEM;
	if (lstat(longer, &sb) < 0) {
		if (last->path == NULL || strcmp(last->path, *path) != 0) {
			r = listing_read(last, *path);
			if (r < 0) {
				free(longer);
				return r;
			}
		}
		real = listing_find(last, name);
		free(longer);
		if (real == NULL)
			return -ENOENT;
		if (asprintf(&longer, "%s/%s", *path, real) < 0)
			return -ENOMEM;
		if (lstat(longer, &sb) < 0) {
			free(longer);
			return -errno;
		}
	}
	free(*path);
	*path = longer;
	return S_ISLNK(sb.st_mode) ? -ELOOP : 0;
}

/* The path of a file below folder: free() it. */
static int
resolve(struct listing *last, const char *folder, const char *file, char **ret_path)
{
	char *path = strdup(folder), *rest = strdup(file), *name, *save = NULL;
	int r = path == NULL || rest == NULL ? -ENOMEM : 0;

	for (name = r == 0 ? strtok_r(rest, "/", &save) : NULL; name != NULL && r == 0; name = strtok_r(NULL, "/", &save))
		r = add_component(last, &path, name);
	free(rest);
	if (r < 0) {
		free(path);
		return r;
	}
	*ret_path = path;
	return 0;
}

static bool
one_file(const struct media *m, struct listing *last, const char *folder, const char *file)
{
	char *path;
	int r = resolve(last, folder, file, &path);

	if (r == 0)
		return m->file(m->ctx, path);
	if (asprintf(&path, "%s/%s", folder, file) < 0)
		path = NULL;
	m->refuse(m->ctx, path != NULL ? path : file, r == -ENOENT || r == -ENOTDIR ? "the DICOMDIR names it, but it is not there" :
		  r == -ELOOP ? "a symbolic link, which is not followed" : strerror(-r));
	free(path);
	return true;
}

int
media_run(const struct media *m, const char *folder, const char *name, struct err *err)
{
	char file[DICOMDIR_FILE_MAX], *path;
	struct listing last = { 0 };
	struct dicom *d = NULL;
	bool go_on = true, any = false;
	uint32_t i;
	int fd, r;

	if (asprintf(&path, "%s/%s", folder, name) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		r = err_set(err, -errno, "%s", strerror(errno));
	else
		r = dicom_read_fd(fd, &d, err);
	if (r == 0 && !dicomdir_is(d))
		r = err_set(err, -EINVAL, "it is called DICOMDIR, but it is none");
	for (i = 0; r >= 0 && go_on; i++) {
		r = dicomdir_file(d, i, file);
		any |= r > 0;
		if (r > 0) {
			go_on = one_file(m, &last, folder, file);
		} else if (r == -EINVAL) {
			m->refuse(m->ctx, path, "the DICOMDIR names what can be no file below it");
			r = 0;
		}
	}
	if (r == -ENOENT && d != NULL)
		r = any ? 0 : err_set(err, -ENODATA, "the DICOMDIR names no files");	/* the end of its records */
	listing_fini(&last);
	dicom_free(d);
	if (fd >= 0)
		close(fd);
	free(path);
	return r < 0 ? r : go_on;
}
