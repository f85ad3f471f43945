/* What was refused in the import-container is kept in the error-container.
 *
 *  (1) A file gets its name there by link(2), when it is whole: a kill leaves it whole or not
 *      at all, and nothing to clear away.
 *  (2) First the file, then its report, then the line in the queue: each names only what is there.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "store/import.h"
#include "store/internal.h"

#define REPORT_MAX QUEUE_LINE_MAX
#define PLACE_TRIES 100			/* others who refuse the same name at the same time */
#define COPY_CHUNK (256 << 10)
#define FULL_PATH_MAX (sizeof STORE_ERROR_CONTAINER + STORE_IMPORT_PATH_MAX + sizeof STORE_IMPORT_REPORT)

const struct ingest_options store_import_options = {
	.rules = VALIDATE_V2,
	.same = INGEST_SAME_KEEP,	/* a folder that is put there again is no error */
	.survive_kill = true,
};

bool
store_import_path_is_valid(const char *path)
{
	const char *p = path;
	size_t len = strlen(path), n;

	if (len == 0 || len > STORE_IMPORT_PATH_MAX)
		return false;
	for (;;) {
		n = strcspn(p, "/");
		if (n == 0 || n > STORE_IMPORT_NAME_MAX || (n == 1 && p[0] == '.') ||
		    (n == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		if (p[n] == '\0')
			return true;
		p += n + 1;
	}
}

/* The path below the store's directory. */
static int
full_path(char full[FULL_PATH_MAX], const char *path, const char *suffix)
{
	if (!store_import_path_is_valid(path))
		return -EINVAL;
	snprintf(full, FULL_PATH_MAX, "%s/%s%s", STORE_ERROR_CONTAINER, path, suffix);
	return 0;
}

/* -- making room ---------------------------------------------------------- */

static int
remove_entry(const char *path, const struct stat *sb, int type, struct FTW *ftw)
{
	(void)sb;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* What has the name goes: the latest wins. */
static int
clear_name(struct store *st, const char *full)
{
	char absolute[4096 + FULL_PATH_MAX];

	if (unlinkat(st->dir, full, 0) == 0 || errno == ENOENT || errno == ENOTDIR)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	if ((size_t)snprintf(absolute, sizeof absolute, "%s/%s", st->path, full) >= sizeof absolute)
		return -ENAMETOOLONG;
	return nftw(absolute, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == 0 ? 0 : -errno;
}

/* The directories above it; a file where one must be goes. */
static int
make_parents(struct store *st, const char *full)
{
	char dir[FULL_PATH_MAX];
	char *slash;

	snprintf(dir, sizeof dir, "%s", full);
	for (slash = strchr(dir, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		struct stat sb;

		*slash = '\0';
		if (mkdirat(st->dir, dir, 0777) < 0) {
			if (errno != EEXIST)
				return -errno;
			if (fstatat(st->dir, dir, &sb, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISDIR(sb.st_mode) &&
			    (unlinkat(st->dir, dir, 0) < 0 || mkdirat(st->dir, dir, 0777) < 0))
				return -errno;
		}
		*slash = '/';
	}
	return 0;
}

/* -- placing -------------------------------------------------------------- */

static int
link_fd(struct store *st, int fd, const char *full)
{
	int i, r = 0;

	for (i = 0; i < PLACE_TRIES; i++) {
		r = make_parents(st, full);
		if (r == 0)
			r = clear_name(st, full);
		if (r == 0)
			r = io_link(fd, st->dir, full);
		/* Somebody else placed one of that name meanwhile, or removed the directory; but when
		 * that is said twice, it is the file that has no name any more. */
		if (r != -EEXIST && (r != -ENOENT || i > 0))
			break;
	}
	return r;
}

static int
open_unnamed(struct store *st, int *ret_fd)
{
	int fd = openat(st->dir, "import", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static int
copy_bytes(int from, int to)
{
	char *chunk = malloc(COPY_CHUNK);
	uint64_t off = 0;
	ssize_t n;
	int r = chunk != NULL ? 0 : -ENOMEM;

	while (r == 0) {
		n = io_pread_all(from, chunk, COPY_CHUNK, off);
		if (n <= 0) {
			r = (int)n;
			break;
		}
		r = io_write_all(to, chunk, (size_t)n);
		off += (uint64_t)n;
	}
	free(chunk);
	return r;
}

/* By link; by copy when its name in staging has gone, or lies on another file system. */
static int
place_file(struct store *st, int fd, const char *full)
{
	struct stat sb;
	int copy = -1, r;

	r = link_fd(st, fd, full);
	if (r != -ENOENT && r != -EXDEV && r != -EPERM && r != -EMLINK)
		return r;
	r = open_unnamed(st, &copy);
	if (r == 0)
		r = copy_bytes(fd, copy);
	if (r == 0 && fstat(fd, &sb) == 0)
		futimens(copy, (const struct timespec[2]){ sb.st_atim, sb.st_mtim });
	if (r == 0)
		r = link_fd(st, copy, full);
	if (copy >= 0)
		close(copy);
	return r;
}

static int
place_report(struct store *st, const char *full, const struct buf *report)
{
	int fd = -1, r = buf_error(report);

	if (r < 0)
		return r;
	r = open_unnamed(st, &fd);
	if (r < 0)
		return r;
	r = io_write_all(fd, report->data, report->len);
	if (r == 0)
		r = link_fd(st, fd, full);
	close(fd);
	return r;
}

/* -- the verbs ------------------------------------------------------------ */

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

int
store_refuse_import(struct store *st, int fd, const char *path, const struct ingest_result *result,
		    const struct err *err)
{
	char file[FULL_PATH_MAX], report[FULL_PATH_MAX];
	struct err why = *err;
	struct buf b;
	int r;

	if (st->read_only || st->path == NULL)
		return -EROFS;
	r = full_path(file, path, "");
	if (r == 0)
		r = full_path(report, path, STORE_IMPORT_REPORT);
	if (r < 0)
		return r;
	if (fd >= 0)
		r = place_file(st, fd, file);
	if (r < 0)
		err_set_dicom(&why, err->num, err->reason, err->tag, "%s; it could not be kept: %s", err_text(err),
			      strerror(-r));
	buf_init(&b, REPORT_MAX);
	queue_put_refusal(&b, "import", base_name(path), path, result, &why);
	if (r == 0 && fd >= 0) {
		int s = place_report(st, report, &b);

		if (s < 0)
			log_error("import: cannot write the report of a refused file: %s", strerror(-s));
	}
	if (queue_append(st, STORE_ERROR_QUEUE, &b) < 0)
		log_error("import: cannot write to the error-queue");
	buf_fini(&b);
	return r;
}

/* text with the value of "name" replaced. */
static void
put_replaced(struct buf *b, const char *text, const char *name, const char *from, const char *to)
{
	struct buf old;
	const char *at = NULL;

	buf_init(&old, REPORT_MAX);
	buf_printf(&old, "\"%s\":", name);
	buf_put_json_string(&old, from, strlen(from));
	if (buf_error(&old) == 0)
		at = strstr(text, old.data);
	if (at != NULL) {
		buf_put(b, text, (size_t)(at - text));
		buf_printf(b, "\"%s\":", name);
		buf_put_json_string(b, to, strlen(to));
		text = at + old.len;
	}
	buf_puts(b, text);
	buf_fini(&old);
}

static int
rename_report(struct store *st, const char *from, const char *to)
{
	char old[FULL_PATH_MAX], new[FULL_PATH_MAX], text[REPORT_MAX + 1];
	struct buf named, b;
	ssize_t n = 0;
	int fd, r;

	full_path(old, from, STORE_IMPORT_REPORT);
	full_path(new, to, STORE_IMPORT_REPORT);
	fd = openat(st->dir, old, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = io_pread_all(fd, text, REPORT_MAX, 0);
	close(fd);
	if (n < 0)
		return (int)n;
	text[n] = '\0';
	buf_init(&named, REPORT_MAX);
	buf_init(&b, REPORT_MAX);
	put_replaced(&named, text, "name", base_name(from), base_name(to));
	if (buf_error(&named) == 0)
		put_replaced(&b, named.data, "path", from, to);
	r = b.len > 0 ? place_report(st, new, &b) : -EIO;
	if (r == 0) {
		unlinkat(st->dir, old, 0);
		r = queue_append(st, STORE_ERROR_QUEUE, &b);
	}
	buf_fini(&b);
	buf_fini(&named);
	return r;
}

int
store_rename_refused(struct store *st, const char *from, const char *to)
{
	char old[FULL_PATH_MAX], new[FULL_PATH_MAX];
	int r;

	r = full_path(old, from, "");
	if (r == 0)
		r = full_path(new, to, "");
	if (r == 0)
		r = make_parents(st, new);
	if (r == 0 && faccessat(st->dir, old, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		r = -errno;
	if (r == 0 && renameat(st->dir, old, st->dir, new) < 0) {
		r = errno == EISDIR ? clear_name(st, new) : -errno;
		if (r == 0 && renameat(st->dir, old, st->dir, new) < 0)
			r = -errno;
	}
	return r == 0 ? rename_report(st, from, to) : r;
}

int
store_open_refused(struct store *st, const char *path, int *ret_fd)
{
	char full[FULL_PATH_MAX];
	int fd, r = full_path(full, path, "");

	if (r < 0)
		return r;
	fd = openat(st->dir, full, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

/* -- a whole file for a door that waits ----------------------------------- */

static bool
is_refusal(int num)
{
	return num == -EINVAL || num == -EBADMSG || num == -EFBIG || num == -EEXIST;
}

int
store_import(struct store *st, struct incoming *in, const char *path, struct ingest_result *result, struct err *err)
{
	struct ingest_options o = store_import_options;
	struct ticket *ticket = NULL;
	struct stat sb;
	int fd = -1, r;

	if (fstat(incoming_fd(in), &sb) < 0) {
		r = err_set(err, -errno, "cannot read staging: %s", strerror(errno));
		incoming_free(in);
		return r;
	}
	if (sb.st_size == 0) {
		incoming_free(in);
		return 0;
	}
	o.waits = true;
	r = incoming_accept(in, &o, result, &ticket, err);
	if (r < 0)
		fd = fcntl(incoming_fd(in), F_DUPFD_CLOEXEC, 0);
	else
		r = ticket_wait_fd(ticket, result, &fd, err);
	if (r == 0 || is_refusal(r))
		store_record_import(st, path, (uint64_t)sb.st_size);
	if (is_refusal(r))
		/* While it has its name in staging still: it is linked. */
		r = store_refuse_import(st, fd, path, result, err) == 0 ? 1 : err_set(err, -EIO, "a refused file cannot be kept");
	if (fd >= 0)
		close(fd);
	if (ticket == NULL)
		incoming_free(in);
	return r;
}

/* -- looking -------------------------------------------------------------- */

int
store_remove_refused(struct store *st, const char *path)
{
	char full[FULL_PATH_MAX], *slash;
	int r = full_path(full, path, STORE_IMPORT_REPORT);

	if (r < 0)
		return r;
	unlinkat(st->dir, full, 0);
	full_path(full, path, "");
	if (unlinkat(st->dir, full, 0) < 0)
		return errno == ENOTDIR ? -ENOENT : -errno;
	while ((slash = strrchr(full, '/')) != NULL && (size_t)(slash - full) > strlen(STORE_ERROR_CONTAINER)) {
		*slash = '\0';
		if (unlinkat(st->dir, full, AT_REMOVEDIR) < 0)
			break;
	}
	return 0;
}

struct listing {
	char path[FULL_PATH_MAX];
	int (*fn)(void *ctx, const char *path, uint64_t size, int64_t mtime);
	void *ctx;
};

static int
compare_names(const void *a, const void *b)
{
	return strcmp((*(struct dirent *const *)a)->d_name, (*(struct dirent *const *)b)->d_name);
}

/* A directory's names that may have something after `after`, whose part below it is `rest`; NULL: all. */
static int
list_directory(struct listing *l, int fd, size_t len, const char *rest)
{
	size_t part = rest != NULL ? strcspn(rest, "/") : 0, n;
	struct dirent **names = NULL;
	int count, i, r = 0, cmp, below;
	struct stat sb;

	count = scandirat(fd, ".", &names, NULL, NULL);
	if (count < 0)
		return errno == ENOENT ? 0 : -errno;
	qsort(names, (size_t)count, sizeof *names, compare_names);
	for (i = 0; i < count && r == 0; i++) {
		const char *name = names[i]->d_name;

		n = strlen(name);
		cmp = rest == NULL ? 1 : strncmp(name, rest, part);
		if (rest != NULL && cmp == 0)
			cmp = n > part;
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || cmp < 0 || len + n + 2 > sizeof l->path ||
		    fstatat(fd, name, &sb, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		l->path[len] = '/';
		memcpy(l->path + len + 1, name, n + 1);
		if (S_ISDIR(sb.st_mode) && (below = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) >= 0) {
			r = list_directory(l, below, len + 1 + n, cmp > 0 || rest[part] == '\0' ? NULL : rest + part + 1);
			close(below);
		} else if (S_ISREG(sb.st_mode) && cmp > 0) {
			r = l->fn(l->ctx, l->path + sizeof STORE_ERROR_CONTAINER, (uint64_t)sb.st_size, clock_ns(sb.st_mtim));
		}
		l->path[len] = '\0';
	}
	while (count > 0)
		free(names[--count]);
	free(names);
	return r;
}

int
store_list_refused(struct store *st, const char *after,
		   int (*fn)(void *ctx, const char *path, uint64_t size, int64_t mtime), void *ctx)
{
	struct listing l = { .fn = fn, .ctx = ctx };
	int fd = openat(st->dir, STORE_ERROR_CONTAINER, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	strcpy(l.path, STORE_ERROR_CONTAINER);
	r = list_directory(&l, fd, strlen(l.path), after[0] != '\0' ? after : NULL);
	close(fd);
	return r;
}
