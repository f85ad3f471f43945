/* Changes of a tree of files, by inotify: one watch a directory, new directories as they come. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/vec.h"
#include "blob/blob_ops.h"

/* A hard link to a file comes as IN_CREATE alone. */
#define EVENTS (IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_CREATE | IN_ONLYDIR | IN_DONT_FOLLOW)
/* Directories below the tree's own that hold blobs or their directories. */
#define DEPTH_MAX 3

struct watched {
	int wd;
	char name[];			/* "" for the tree's own */
};

struct blob_watch {
	int dir;			/* borrowed */
	int inotify, wake;
	void *watched;			/* tsearch tree of struct watched, by wd */
	bool full;			/* the kernel took no more watches; it was said */
	/* Names found in directories that had come before their watch. */
	char **found;
	size_t n_found, cap_found;
	char events[64 * 1024] __attribute__((aligned(__alignof__(struct inotify_event))));
	size_t at, end;			/* of events, what is left to look at */
};

static int
by_wd(const void *a, const void *b)
{
	int x = ((const struct watched *)a)->wd, y = ((const struct watched *)b)->wd;

	return x < y ? -1 : x > y;
}

/* -- directories ---------------------------------------------------------- */

static int
remember(struct blob_watch *w, int wd, const char *name)
{
	struct watched *entry = malloc(sizeof *entry + strlen(name) + 1), **found;

	if (entry == NULL)
		return -ENOMEM;
	entry->wd = wd;
	strcpy(entry->name, name);
	found = tsearch(entry, &w->watched, by_wd);
	if (found == NULL) {
		free(entry);
		return -ENOMEM;
	}
	if (*found != entry) {		/* watched already; it may have been renamed */
		free(*found);
		*found = entry;
	}
	return 0;
}

static void
forget(struct blob_watch *w, int wd)
{
	struct watched key = { .wd = wd }, **found = tfind(&key, &w->watched, by_wd), *entry;

	if (found == NULL)
		return;
	entry = *found;
	tdelete(entry, &w->watched, by_wd);
	free(entry);
}

static int
add_watch(struct blob_watch *w, const char *name)
{
	char path[BLOB_NAME_MAX + 64];
	int wd;

	snprintf(path, sizeof path, "/proc/self/fd/%d/%s", w->dir, *name == '\0' ? "." : name);
	wd = inotify_add_watch(w->inotify, path, EVENTS);
	if (wd >= 0)
		return remember(w, wd, name);
	if (errno == ENOENT || errno == ENOTDIR)
		return 0;		/* gone meanwhile */
	if (!w->full)
		log_warning("watch: cannot watch all directories, see fs.inotify.max_user_watches error=%s", strerror(errno));
	w->full = true;
	return 0;
}

static unsigned
depth_of(const char *name)
{
	unsigned depth = *name != '\0';

	for (; *name != '\0'; name++)
		depth += *name == '/';
	return depth;
}

static int
note_found(struct blob_watch *w, const char *name)
{
	char *copy = strdup(name);

	if (copy == NULL || vec_room(&w->found, &w->cap_found, w->n_found, sizeof *w->found, 64) < 0) {
		free(copy);
		return -ENOMEM;
	}
	w->found[w->n_found++] = copy;
	return 0;
}

/* Watch a directory and those below it, and note the files in them if they are new to who asks.
 * Watched first, so that what comes meanwhile is found at least once. */
static int
add_tree(struct blob_watch *w, const char *name, bool note)
{
	char below[BLOB_NAME_MAX];
	struct dirent *e;
	struct stat sb;
	DIR *list;
	int r, fd;

	if (depth_of(name) > DEPTH_MAX)
		return 0;
	r = add_watch(w, name);
	if (r < 0)
		return r;
	fd = openat(w->dir, *name == '\0' ? "." : name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return 0;		/* gone meanwhile */
	list = fdopendir(fd);
	if (list == NULL) {
		close(fd);
		return -ENOMEM;
	}
	while (r == 0 && (e = readdir(list)) != NULL) {
		if (e->d_name[0] == '.' ||
		    (size_t)snprintf(below, sizeof below, "%s%s%s", name, *name == '\0' ? "" : "/", e->d_name) >= sizeof below)
			continue;
		if (e->d_type == DT_UNKNOWN && fstatat(fd, e->d_name, &sb, AT_SYMLINK_NOFOLLOW) == 0)
			e->d_type = S_ISDIR(sb.st_mode) ? DT_DIR : S_ISREG(sb.st_mode) ? DT_REG : DT_LNK;
		if (e->d_type == DT_DIR)
			r = add_tree(w, below, note);
		else if (note && e->d_type == DT_REG)
			r = note_found(w, below);
	}
	closedir(list);
	return r;
}

/* -- events --------------------------------------------------------------- */

/* Not the creation of a file that is going to be written, whose end comes, but that of a link. */
static bool
is_link(struct blob_watch *w, const char *name)
{
	struct stat sb;

	return fstatat(w->dir, name, &sb, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(sb.st_mode) && sb.st_nlink > 1;
}

/* 1: *name may have changed; 0: nothing of interest. */
static int
take_event(struct blob_watch *w, const struct inotify_event *event, char name[BLOB_NAME_MAX])
{
	struct watched key = { .wd = event->wd }, **found;

	if ((event->mask & IN_Q_OVERFLOW) != 0)
		return -EOVERFLOW;
	if ((event->mask & IN_IGNORED) != 0) {
		forget(w, event->wd);
		return 0;
	}
	found = tfind(&key, &w->watched, by_wd);
	if (found == NULL || event->len == 0 || event->name[0] == '.' ||
	    (size_t)snprintf(name, BLOB_NAME_MAX, "%s%s%s", (*found)->name, (*found)->name[0] == '\0' ? "" : "/",
			     event->name) >= BLOB_NAME_MAX)
		return 0;
	if ((event->mask & IN_ISDIR) == 0)
		return (event->mask & IN_CREATE) == 0 || is_link(w, name);
	if ((event->mask & (IN_CREATE | IN_MOVED_TO)) != 0)
		return add_tree(w, name, true);
	/* What lay in a directory that was moved away: its watches tell of another place now. */
	return (event->mask & IN_MOVED_FROM) != 0 ? -EOVERFLOW : 0;
}

/* 1, 0 as blob_watch_next; 2 when nothing is buffered. */
static int
next_buffered(struct blob_watch *w, char name[BLOB_NAME_MAX])
{
	const struct inotify_event *event;
	int r = 0;

	while (r == 0) {
		if (w->n_found > 0) {
			snprintf(name, BLOB_NAME_MAX, "%s", w->found[--w->n_found]);
			free(w->found[w->n_found]);
			return 1;
		}
		if (w->at == w->end)
			return 2;
		event = (const struct inotify_event *)(w->events + w->at);
		w->at += sizeof *event + event->len;
		r = take_event(w, event, name);
	}
	return r;
}

int
blob_watch_next(struct blob_watch *w, int timeout_ms, char name[BLOB_NAME_MAX])
{
	struct pollfd fds[2] = { { .fd = w->inotify, .events = POLLIN }, { .fd = w->wake, .events = POLLIN } };
	ssize_t n;
	int r;

	for (;;) {
		r = next_buffered(w, name);
		if (r != 2)
			return r;
		r = poll(fds, 2, timeout_ms);
		if (r == 0 || (fds[1].revents & POLLIN) != 0)
			return 0;
		if (r < 0 && errno != EINTR)
			return -errno;
		n = read(w->inotify, w->events, sizeof w->events);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		w->at = 0;
		w->end = n > 0 ? (size_t)n : 0;
	}
}

void
blob_watch_wake(struct blob_watch *w)
{
	eventfd_write(w->wake, 1);
}

/* -- life ----------------------------------------------------------------- */

void
blob_watch_close(struct blob_watch *w)
{
	if (w == NULL)
		return;
	while (w->n_found > 0)
		free(w->found[--w->n_found]);
	free(w->found);
	while (w->watched != NULL)
		forget(w, (*(struct watched **)w->watched)->wd);
	if (w->inotify >= 0)
		close(w->inotify);
	if (w->wake >= 0)
		close(w->wake);
	free(w);
}

int
blob_watch_tree(int dir, struct blob_watch **ret_watch)
{
	struct blob_watch *w = calloc(1, sizeof *w);
	int r;

	if (w == NULL)
		return -ENOMEM;
	w->dir = dir;
	w->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = w->inotify < 0 || w->wake < 0 ? -errno : add_tree(w, "", false);
	if (r < 0) {
		blob_watch_close(w);
		return r;
	}
	*ret_watch = w;
	return 0;
}
