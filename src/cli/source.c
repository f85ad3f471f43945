#include "cli/source.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "cli/media.h"
#include "cli/walk.h"
#include "unpack/unpack.h"

/* Ceilings: items that wait to be taken (some 150 bytes each), and the bytes of entries among them; one in
 * staging counts as its open file. */
#define AHEAD_MAX 200000
#define BYTES_AHEAD_MAX (64u << 20)
#define STAGED_WEIGHT (1u << 20)
/* An entry up to this size is handed over in memory, so that several threads write. */
#define ENTRY_SMALL (256u << 10)
/* Longer names are cut when their entry is refused. */
#define ENTRY_NAME_MAX 1024

#define DICM_OFFSET 128

struct source {
	struct store *st;
	struct source_options options;
	struct source_events events;
	struct walk walk;
	size_t name_at;			/* of the operand that is gone through */
	unsigned char *chunk;		/* of ENTRY_SMALL bytes */
	pthread_mutex_t lock;		/* guards the rest */
	pthread_cond_t changed;
	struct source_item **ring;
	size_t first, count, bytes;
	uint64_t found;
	bool ended, cancelled;
};

/* -- the queue ------------------------------------------------------------ */

void
source_item_free(struct source_item *item)
{
	if (item == NULL)
		return;
	incoming_free(item->in);
	free(item->bytes);
	free(item->path);
	free(item);
}

static size_t
weight(const struct source_item *item)
{
	return item->in != NULL ? STAGED_WEIGHT : item->bytes != NULL ? (size_t)item->size : 0;
}

/* Takes item.  False when it was cancelled. */
static bool
put_item(struct source *s, struct source_item *item)
{
	size_t more = weight(item);
	bool go_on;

	pthread_mutex_lock(&s->lock);
	while ((s->count == AHEAD_MAX || (s->bytes > 0 && s->bytes + more > BYTES_AHEAD_MAX)) && !s->cancelled)
		pthread_cond_wait(&s->changed, &s->lock);
	go_on = !s->cancelled;
	if (go_on) {
		s->ring[(s->first + s->count++) % AHEAD_MAX] = item;
		s->bytes += more;
		s->found++;
		pthread_cond_broadcast(&s->changed);
	}
	pthread_mutex_unlock(&s->lock);
	if (!go_on)
		source_item_free(item);
	return go_on;
}

struct source_item *
source_next(struct source *s)
{
	struct source_item *item = NULL;

	pthread_mutex_lock(&s->lock);
	while (s->count == 0 && !s->ended && !s->cancelled)
		pthread_cond_wait(&s->changed, &s->lock);
	if (s->count > 0 && !s->cancelled) {
		item = s->ring[s->first];
		s->first = (s->first + 1) % AHEAD_MAX;
		s->bytes -= weight(item);
		if (s->count-- == AHEAD_MAX || weight(item) > 0)
			pthread_cond_broadcast(&s->changed);
	}
	pthread_mutex_unlock(&s->lock);
	return item;
}

void
source_cancel(struct source *s)
{
	pthread_mutex_lock(&s->lock);
	s->cancelled = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

static bool
is_cancelled(struct source *s)
{
	bool cancelled;

	pthread_mutex_lock(&s->lock);
	cancelled = s->cancelled;
	pthread_mutex_unlock(&s->lock);
	if (!cancelled && s->events.is_stopped(s->events.ctx)) {
		source_cancel(s);
		cancelled = true;
	}
	return cancelled;
}

uint64_t
source_found(struct source *s, bool *ret_all)
{
	uint64_t found;

	pthread_mutex_lock(&s->lock);
	found = s->found;
	*ret_all = s->ended;
	pthread_mutex_unlock(&s->lock);
	return found;
}

/* -- files ---------------------------------------------------------------- */

enum source_kind
source_guess(const void *head, size_t len)
{
	static const char directory_uid[] = "1.2.840.10008.1.3.10";
	const char *p = head;

	if (len < DICM_OFFSET + 4 || memcmp(p + DICM_OFFSET, "DICM", 4) != 0)
		return SOURCE_FOREIGN;
	/* PS3.10 8: of the class Media Storage Directory */
	return memmem(p + DICM_OFFSET, len - DICM_OFFSET, directory_uid, sizeof directory_uid - 1) != NULL ?
		SOURCE_DICOMDIR : SOURCE_DICOM;
}

static void
refuse_for(struct source *s, const char *path, const struct err *err)
{
	/* The operand itself may be shorter than what is below it. */
	s->events.refuse(s->events.ctx, path, s->name_at < strlen(path) ? path + s->name_at : path, err);
}

static void
refuse(struct source *s, const char *path, int num, const char *why)
{
	struct err err = { 0 };

	err_set(&err, num, "%s", why);
	refuse_for(s, path, &err);
}

static void
refuse_path(void *ctx, const char *path, const char *why)
{
	refuse(ctx, path, -EINVAL, why);
}

/* Takes path. */
static bool
put_file(void *ctx, char *path)
{
	struct source *s = ctx;
	struct source_item *item = path != NULL ? calloc(1, sizeof *item) : NULL;

	if (item == NULL) {
		refuse(s, path != NULL ? path : "", -ENOMEM, strerror(ENOMEM));
		free(path);
		return true;
	}
	item->path = path;
	item->name_at = s->name_at;
	return put_item(s, item);
}

/* -- archives ------------------------------------------------------------- */

/* "ARCHIVE/ENTRY", without what tar puts before a name to say where it is unpacked.  NULL: no memory. */
static char *
entry_path(const char *archive, const char *name)
{
	char *path;

	while (*name == '/' || (name[0] == '.' && name[1] == '/'))
		name++;
	return asprintf(&path, "%s/%.*s", archive, ENTRY_NAME_MAX, name) < 0 ? NULL : path;
}

static bool
leads_out(const char *name)
{
	size_t n;

	for (;; name += n + 1) {
		n = strcspn(name, "/");
		if (n == 2 && name[0] == '.' && name[1] == '.')
			return true;
		if (name[n] == '\0')
			return false;
	}
}

static const char *
trouble_of(const struct unpack_entry *e)
{
	if (e->kind == UNPACK_LINK)
		return "a link, which is not followed";
	if (e->kind != UNPACK_FILE)
		return "not a regular file";
	if (e->encrypted)
		return "it is encrypted";
	if (e->name[0] == '\0')
		return "it has no name";
	if (strlen(e->name) > ENTRY_NAME_MAX)
		return "its name is too long";
	return leads_out(e->name) ? "its name leads out of the archive" : NULL;
}

/* The rest of an entry of which the chunk is full.  0, or the error of the entry or archive. */
static int
stage_entry(struct source *s, struct unpack *u, struct source_item *item, size_t first, struct err *err)
{
	ssize_t n = (ssize_t)first;
	int r = incoming_new(s->st, &item->in, err);

	while (r == 0 && n > 0) {
		r = incoming_write(item->in, s->chunk, (size_t)n, err);
		item->size += (uint64_t)n;
		if (r == 0 && is_cancelled(s))
			r = -ECANCELED;
		if (r == 0)
			n = unpack_read(u, s->chunk, ENTRY_SMALL, err);
		if (n < 0)
			r = (int)n;
	}
	return r;
}

/* Until the chunk is full or the entry ends: the count. */
static ssize_t
read_first(struct source *s, struct unpack *u, struct err *err)
{
	size_t len = 0;
	ssize_t n = 1;

	while (len < ENTRY_SMALL && n > 0) {
		n = unpack_read(u, s->chunk + len, ENTRY_SMALL - len, err);
		if (n < 0)
			return n;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

/* Read an entry into item.  1: it is one for the queue; 0: it was passed over; or -errno. */
static int
read_entry(struct source *s, struct unpack *u, struct source_item *item, struct err *err)
{
	ssize_t n = read_first(s, u, err);
	int r;

	if (n < 0)
		return (int)n;
	/* A DICOMDIR tells of its neighbours, which come by themselves. */
	if (source_guess(s->chunk, (size_t)n) == SOURCE_DICOMDIR ||
	    (s->options.skip_foreign && source_guess(s->chunk, (size_t)n) == SOURCE_FOREIGN)) {
		s->events.skip(s->events.ctx, &item->mark);
		return 0;
	}
	if ((size_t)n == ENTRY_SMALL) {
		r = stage_entry(s, u, item, (size_t)n, err);
		return r < 0 ? r : 1;
	}
	item->bytes = malloc(n > 0 ? (size_t)n : 1);
	if (item->bytes == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	memcpy(item->bytes, s->chunk, (size_t)n);
	item->size = (uint64_t)n;
	return 1;
}

/* false: cancelled, or no more can be read of the archive (r says why). */
static bool
one_entry(struct source *s, struct unpack *u, const char *archive, const struct unpack_entry *e,
	  const struct import_mark *mark, int *r, struct err *err)
{
	const char *trouble = trouble_of(e);
	struct source_item *item;

	if (e->kind == UNPACK_FOLDER || s->events.is_done(s->events.ctx, mark))
		return true;
	item = calloc(1, sizeof *item);
	if (item != NULL)
		item->path = entry_path(archive, e->name);
	if (item == NULL || item->path == NULL) {
		free(item);
		*r = err_set(err, -ENOMEM, "out of memory");
		return false;
	}
	item->name_at = s->name_at;
	item->mark = *mark;
	if (trouble != NULL) {
		refuse(s, item->path, -EINVAL, trouble);
		source_item_free(item);
		return true;
	}
	*r = read_entry(s, u, item, err);
	if (*r > 0)
		return put_item(s, item);
	if (*r < 0 && *r != -ECANCELED)
		refuse_for(s, item->path, err);
	source_item_free(item);
	/* This one only: the next may be well. */
	if (*r == -ENODATA)
		*r = 0;
	return *r == 0;
}

/* Takes u. */
static bool
read_archive(struct source *s, const char *archive, const struct stat *sb, struct unpack *u)
{
	struct import_mark mark = {
		.device = sb->st_dev, .inode = sb->st_ino, .size = (uint64_t)sb->st_size,
		.mtime = clock_ns(sb->st_mtim), .ctime = clock_ns(sb->st_ctim),
	};
	struct unpack_entry e;
	struct err err = { 0 };
	bool go_on = true;
	int r = 0;

	if (clock_now() - mark.ctime < IMPORT_MARK_AGE)
		mark.device = mark.inode = 0;
	while (go_on && !is_cancelled(s) && (r = unpack_next(u, &e, &err)) > 0) {
		mark.entry++;
		go_on = one_entry(s, u, archive, &e, &mark, &r, &err);
	}
	unpack_close(u);
	if (r < 0 && r != -ECANCELED)
		refuse_for(s, archive, &err);
	return !is_cancelled(s);
}

/* -- operands ------------------------------------------------------------- */

/* Where the last component begins; at the end when it is "." or "..", or there is none. */
static size_t
last_component(const char *path)
{
	size_t end = strlen(path), at;

	while (end > 0 && path[end - 1] == '/')
		end--;
	for (at = end; at > 0 && path[at - 1] != '/'; at--)
		;
	if (end == at || (end - at == 1 && path[at] == '.') || (end - at == 2 && path[at] == '.' && path[at + 1] == '.'))
		return strlen(path) + (path[0] == '\0' || path[strlen(path) - 1] != '/');
	return at;
}

/* What the DICOMDIR `name` of a folder names; as media_run. */
static int
read_media(struct source *s, const char *folder, const char *name, struct err *err)
{
	struct media m = { put_file, refuse_path, s };

	return media_run(&m, folder, name, err);
}

/* One whose DICOMDIR is of no use is a folder as any other, and its DICOMDIR is refused as any other file. */
static bool
read_folder(struct source *s, const char *path)
{
	char *name = s->options.skip_foreign ? NULL : media_find(path);
	int r = name != NULL ? read_media(s, path, name, NULL) : -ENOENT;

	free(name);
	return r < 0 ? walk_folder(&s->walk, path) : r > 0;
}

static bool
read_file(struct source *s, const char *path)
{
	char head[SOURCE_HEAD], *copy;
	const char *folder;
	struct unpack *u = NULL;
	enum source_kind kind;
	struct err err = { 0 };
	struct stat sb;
	bool go_on;
	ssize_t n;
	int r, fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0) {
		refuse(s, path, -errno, strerror(errno));
		return true;
	}
	n = io_pread_all(fd, head, sizeof head, 0);
	kind = n > 0 ? source_guess(head, (size_t)n) : SOURCE_FOREIGN;
	if (kind == SOURCE_DICOMDIR && !s->options.skip_foreign) {
		close(fd);
		copy = strdup(path);
		if (copy == NULL)
			return true;
		folder = dirname(copy);
		s->name_at = last_component(folder);
		r = read_media(s, folder, path + last_component(path), &err);
		free(copy);
		if (r >= 0)
			return r > 0;
		s->name_at = last_component(path);
		refuse_for(s, path, &err);
		return true;
	}
	r = kind == SOURCE_FOREIGN && fstat(fd, &sb) == 0 ? unpack_open(fd, &u, &err) : -EINVAL;
	if (r == 0)
		go_on = read_archive(s, path, &sb, u);
	else if (r == -EINVAL)
		go_on = put_file(s, strdup(path));
	else {
		refuse_for(s, path, &err);
		go_on = true;
	}
	close(fd);
	return go_on;
}

/* Does the file or folder lie in the store? */
static bool
lies_in_store(const struct source *s, const char *path)
{
	char real[PATH_MAX], store[PATH_MAX];

	return realpath(path, real) != NULL && realpath(s->options.store_path, store) != NULL && io_is_below(real, store);
}

static bool
read_operand(struct source *s, const char *path)
{
	struct stat sb;

	s->name_at = last_component(path);
	if (stat(path, &sb) < 0) {
		refuse(s, path, -errno, strerror(errno));
	} else if (lies_in_store(s, path)) {
		refuse(s, path, -EINVAL, "it lies in the store itself");
	} else if (S_ISDIR(sb.st_mode)) {
		return read_folder(s, path);
	} else if (!S_ISREG(sb.st_mode)) {
		refuse(s, path, -EINVAL, "not a regular file");
	} else {
		return read_file(s, path);
	}
	return true;
}

void
source_run(struct source *s, char *const *operands, int count)
{
	bool go_on = true;
	int i;

	for (i = 0; i < count && go_on; i++)
		go_on = read_operand(s, operands[i]);
	pthread_mutex_lock(&s->lock);
	s->ended = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

/* -- life ----------------------------------------------------------------- */

int
source_new(struct store *st, const struct source_options *options, const struct source_events *events,
	   struct source **ret_source)
{
	struct source *s = calloc(1, sizeof *s);

	if (s == NULL)
		return -ENOMEM;
	s->st = st;
	s->options = *options;
	s->events = *events;
	s->walk = (struct walk){ .file = put_file, .refuse = refuse_path, .ctx = s };
	s->ring = calloc(AHEAD_MAX, sizeof *s->ring);
	s->chunk = malloc(ENTRY_SMALL);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->changed, NULL);
	if (s->ring == NULL || s->chunk == NULL) {
		source_free(s);
		return -ENOMEM;
	}
	if (stat(options->store_path, &s->walk.avoid) < 0)
		memset(&s->walk.avoid, 0, sizeof s->walk.avoid);
	*ret_source = s;
	return 0;
}

void
source_free(struct source *s)
{
	if (s == NULL)
		return;
	for (; s->count > 0; s->count--) {
		source_item_free(s->ring[s->first]);
		s->first = (s->first + 1) % AHEAD_MAX;
	}
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	free(s->chunk);
	free(s->ring);
	free(s);
}
