/* A hot backup.
 *
 * The file "backup" of the copy says how far it is (struct state), and is replaced by renaming:
 *
 *	running		files come; the index, if there is one, is that of the backup before
 *	swapping	"index.new" is durable, and so are all files it names: it takes the place of "index", then
 *			new versions of replaced files take theirs, and deleted ones go
 *	complete
 *
 * Files are copied while the store is in use, in the order of the feed, each as it is now; a later change of
 * it is a later entry of the feed, and is looked at again.  At last, with few entries left, a read
 * transaction is held: the files that these entries name are copied as it sees them, and then the index.  A
 * file that was replaced or deleted in between shows as another version: what did it is in the feed behind
 * the transaction, so a new one is begun from there.  So:
 *
 *  (1) Every row of index.new names a file that is durable in the copy, of that very version.
 *  (2) The index of the backup before goes on to name files that are there, until the swap.
 *  (3) From the swap on the original is not needed.
 */
#include "store/backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "store/backup_internal.h"

/* Changes that may be left when the transaction begins. */
#define FEW 256
/* Transactions begun anew.  One is, when a file it needs goes in the moment it was begun. */
#define TRIES 1000

enum phase { RUNNING, SWAPPING, COMPLETE };
static const char *const phases[] = { [RUNNING] = "running", [SWAPPING] = "swapping", [COMPLETE] = "complete" };

struct state {
	enum phase phase;
	uint64_t from;			/* files are looked at from the change after this one */
	uint64_t to;			/* of the index; 0: there is none */
	uint64_t next;			/* from, of the next backup */
};

struct backup {
	struct store *st;
	const char *dir;
	int dir_fd, lock;
	const char *kind;		/* "backup" or "restore": neither is mistaken for the other */
	const struct backup_options *options;
	struct state state;
	struct backup_files files;
	struct backup_totals totals;
	uint64_t seen;			/* the last change that was looked at */
	uint64_t last;			/* that there is, as far as known */
	uint64_t began;
	uint64_t first_unreadable;	/* UINT64_MAX: none */
	bool missed;			/* by the transaction */
	struct store *copy;		/* open while its files are settled */
	struct err *err;
};

/* -- state ---------------------------------------------------------------- */

/* 1: there is one; 0: none. */
static int
read_state(struct backup *b, const char *kind)
{
	char text[256], is[16], phase[16];
	struct state *s = &b->state;
	int fd = openat(b->dir_fd, "backup", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	n = io_pread_all(fd, text, sizeof text - 1, 0);
	close(fd);
	if (n < 0)
		return (int)n;
	text[n] = '\0';
	if (sscanf(text, "dicomlake-%15s %15s %" SCNu64 " %" SCNu64 " %" SCNu64, is, phase, &s->from, &s->to, &s->next) != 5 ||
	    strcmp(is, kind) != 0)
		return -EBADMSG;
	for (s->phase = RUNNING; s->phase <= COMPLETE; s->phase++)
		if (strcmp(phase, phases[s->phase]) == 0)
			return 1;
	return -EBADMSG;
}

static int
write_state(struct backup *b)
{
	const struct state *s = &b->state;
	char text[256];
	int fd = openat(b->dir_fd, "backup.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666), n, r;

	if (fd < 0)
		return -errno;
	n = snprintf(text, sizeof text, "dicomlake-%s %s %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", b->kind, phases[s->phase],
		     s->from, s->to, s->next);
	r = io_write_all(fd, text, (size_t)n);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	close(fd);
	if (r == 0 && renameat(b->dir_fd, "backup.new", b->dir_fd, "backup") < 0)
		r = -errno;
	if (r == 0 && fsync(b->dir_fd) < 0)
		r = -errno;
	return r;
}

static int
say(struct backup *b, int r, const char *what)
{
	return r < 0 ? err_set(b->err, r, "%s: cannot %s: %s", b->dir, what, strerror(-r)) : 0;
}

/* -- the directory -------------------------------------------------------- */

static bool
is_empty(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;
	bool empty = d != NULL;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && strcmp(e->d_name, "lost+found") != 0 &&
		    strcmp(e->d_name, "backup.lock") != 0 && strcmp(e->d_name, "backup.new") != 0)
			empty = false;
	if (d != NULL)
		closedir(d);
	else if (fd >= 0)
		close(fd);
	return empty;
}

/* Where it is refused, nothing of it stays. */
static void
leave(struct backup *b)
{
	unlinkat(b->dir_fd, "backup.lock", 0);
}

/* A copy below its original would copy itself. */
static int
check_place(struct backup *b)
{
	char *path = realpath(b->dir, NULL);
	bool inside = path != NULL && io_is_below(path, store_path(b->st));

	free(path);
	if (inside) {
		leave(b);
		rmdir(b->dir);
	}
	return inside ? err_set(b->err, -EINVAL, "%s lies in the store itself", b->dir) : 0;
}

static int
open_dir(struct backup *b, bool make)
{
	int r = make ? io_mkdir_all(AT_FDCWD, b->dir) : 0;

	if (r == 0) {
		b->dir_fd = open(b->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = b->dir_fd < 0 ? -errno : 0;
	}
	if (r < 0)
		return err_set(b->err, r, "%s: %s", b->dir, strerror(-r));
	b->lock = openat(b->dir_fd, "backup.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (b->lock < 0)
		return say(b, -errno, "make backup.lock");
	if (flock(b->lock, LOCK_EX | LOCK_NB) < 0)
		return err_set(b->err, -EBUSY, "%s: another backup or restore is at it", b->dir);
	return 0;
}

/* -- the feed ------------------------------------------------------------- */

static int
one_change(void *ctx, const struct change_entry *e)
{
	*(struct change *)ctx = e->change;
	return 0;
}

static int
find_change(struct store *st, uint64_t sequence, struct change *ret, struct err *err)
{
	struct changes_query q = { .from = CHANGES_BY_SEQUENCE, .after = sequence - 1, .limit = 1 };

	*ret = (struct change){ .sequence = 0 };
	return store_changes(st, &q, one_change, ret, err);
}

static bool
is_same(const struct change *a, const struct change *b)
{
	return a->sequence == b->sequence && a->time == b->time && a->action == b->action && a->watermark == b->watermark &&
	       strcmp(a->sop_uid, b->sop_uid) == 0;
}

/* What is there must be the beginning of what comes. */
static int
check_history(struct backup *b)
{
	const struct store_options o = { .read_only = true };
	struct store_status status;
	struct store *copy = NULL;
	struct change there, here;
	bool same = true;
	int r;

	r = store_open(b->dir, &o, &copy, b->err);
	if (r == 0)
		r = store_get_status(copy, &status, b->err);
	if (r == 0 && (strcmp(store_workspace(copy), store_workspace(b->st)) != 0 ||
		       strcmp(store_service(copy), store_service(b->st)) != 0))
		same = false;
	if (r == 0 && status.sequence != b->state.to)
		r = err_set(b->err, -EINVAL, "%s was changed since it was backed up to; use a new directory", b->dir);
	if (r == 0 && same && b->state.to > 0) {
		r = find_change(copy, b->state.to, &there, b->err);
		if (r == 0)
			r = find_change(b->st, b->state.to, &here, b->err);
		same = is_same(&there, &here);
	}
	store_close(copy);
	if (r == 0 && !same)
		r = err_set(b->err, -EINVAL, "%s is a backup of another store, or this one's index was rebuilt; use a new directory", b->dir);
	return r;
}

/* -- files ---------------------------------------------------------------- */

static int
look_up(struct backup *b)
{
	if (b->options->stop != NULL && *b->options->stop)
		return err_set(b->err, -ECANCELED, "interrupted; do it again to go on");
	if (b->options->progress != NULL)
		b->options->progress(b->options->ctx, b->seen - b->began, b->last - b->began, b->totals.bytes);
	return 0;
}

static int
no_file(struct backup *b, const struct change *c, const char *name, int r, const struct err *why)
{
	if (r == -ENOENT) {
		b->missed = true;
		return 0;
	}
	if (r == -ESTALE || r == -ENOMEDIUM) {
		b->totals.unreadable++;
		if (c->sequence < b->first_unreadable)
			b->first_unreadable = c->sequence;
		if (b->options->unreadable != NULL)
			b->options->unreadable(b->options->ctx, name);
		return 0;
	}
	return err_set(b->err, r, "%s: %s", name, err_text(why));
}

static int
place(struct backup *b, const char *name, const struct store_file *file)
{
	int r = backup_place(&b->files, name, file);

	if (r < 0)
		return err_set(b->err, r, "%s: %s", name, strerror(-r));
	b->totals.bytes += store_file_info(file)->size;
	return 0;
}

/* What an updated instance was first. */
static int
copy_original(struct backup *b, const struct change *c, const char *partition)
{
	char name[BLOB_NAME_MAX];
	struct store_file *file;
	struct err why = { 0 };
	int r = open_bytes(b->st, c->instance_id, true, &file, &why);

	original_name(name, partition, c->study_uid, c->series_uid, c->sop_uid);
	if (r < 0)
		return no_file(b, c, name, r, &why);
	r = place(b, name, file);
	store_file_close(file);
	return r;
}

/* The bytes of an instance; watermark 0: whatever version there is. */
static int
copy_instance(struct backup *b, const struct change *c, const char *partition, uint64_t watermark)
{
	char name[BLOB_NAME_MAX];
	struct store_file *file;
	struct err why = { 0 };
	bool updated = false;
	int r = open_bytes(b->st, c->instance_id, false, &file, &why);

	instance_name(name, partition, c->study_uid, c->series_uid, c->sop_uid);
	if (r < 0)
		return no_file(b, c, name, r, &why);
	if (watermark != 0 && store_file_info(file)->watermark != watermark) {
		b->missed = true;
	} else {
		updated = store_file_info(file)->updated;
		r = place(b, name, file);
	}
	store_file_close(file);
	return r == 0 && updated ? copy_original(b, c, partition) : r;
}

static int
copy_change(void *ctx, const struct change_entry *e)
{
	struct backup *b = ctx;
	int r = look_up(b);

	if (r == 0 && e->state == CHANGE_CURRENT)
		r = copy_instance(b, &e->change, e->partition, 0);
	b->seen = e->change.sequence;
	return r;
}

static int
latest(struct backup *b, uint64_t *ret_sequence)
{
	struct store_status status;
	int r = store_get_status(b->st, &status, b->err);

	*ret_sequence = r == 0 ? status.sequence : 0;
	return r;
}

/* Until few changes are left. */
static int
follow(struct backup *b)
{
	struct changes_query q = { .from = CHANGES_BY_SEQUENCE };
	int r;

	while ((r = latest(b, &b->last)) == 0 && b->last - b->seen > FEW) {
		q.after = b->seen;
		q.limit = b->last - b->seen;
		r = store_changes(b->st, &q, copy_change, b, b->err);
		if (r < 0)
			break;
	}
	return r;
}

/* -- the moment ----------------------------------------------------------- */

/* An entry, as the transaction sees what it is about. */
static int
copy_entry(struct backup *b, struct kv_txn *txn, uint64_t sequence, struct slice value)
{
	struct partition_row partition;
	struct catalog_path path;
	struct instance_row row;
	struct feed_entry e;
	struct change c;
	int r = feed_entry_get(value, &e);

	if (r == 0)
		r = catalog_partition(txn, e.partition, &partition);
	if (r < 0)
		return say(b, r == -ENOENT ? -EIO : r, "read the index");
	r = catalog_find_path(txn, partition.name, e.study_uid, e.series_uid, e.sop_uid, &path);
	if (r == 0)
		r = catalog_instance(txn, path.series, path.instance, &row);
	if (r == -ENOENT || (r == 0 && row.watermark != e.watermark))
		return 0;	/* deleted; or a later entry is about it */
	if (r < 0)
		return say(b, r, "read the index");
	change_of_entry(sequence, &e, &c);
	return copy_instance(b, &c, partition.name, row.watermark);
}

static int
copy_entries(struct backup *b, struct kv_txn *txn, uint64_t last)
{
	struct key from = key_of_1(b->seen + 1);
	struct kv_range *g;
	struct slice k, v;
	int r = kv_range_open(txn, T_FEED, key_slice(&from), slice_of(NULL, 0), KV_ASCENDING, 0, &g);

	if (r < 0)
		return say(b, r, "read the index");
	while ((r = kv_range_next(g, &k, &v)) > 0) {
		r = look_up(b);
		if (r == 0)
			r = copy_entry(b, txn, read_u64(k.data), v);
		if (r < 0)
			break;
	}
	kv_range_close(g);
	b->seen = last;
	return r;
}

/* 1: index.new is there; 0: a file was missed. */
static int
take_moment(struct backup *b)
{
	struct catalog_counters c;
	struct partition_row sums;
	struct kv_txn *txn;
	uint64_t n;
	int r;

	b->missed = false;
	r = kv_begin(b->st->kv, KV_READ, &txn);
	if (r < 0)
		return say(b, r, "read the index");
	r = catalog_get_counters(txn, &c);
	if (r == 0)
		r = catalog_total(txn, &sums, &n);
	if (r < 0)
		say(b, r, "read the index");
	if (r == 0)
		r = copy_entries(b, txn, c.sequence);
	if (r == 0 && !b->missed) {
		b->totals.instances = sums.instances;
		b->totals.bytes = sums.bytes;
		b->totals.sequence = c.sequence;
		r = backup_copy_index(txn, b->dir, "index.new", b->err);
	}
	kv_abort(txn);
	return r < 0 ? r : !b->missed;
}

static int
gather(struct backup *b)
{
	int i, r = 0;

	b->began = b->seen = b->state.from;
	for (i = 0; i < TRIES && r == 0; i++) {
		r = follow(b);
		if (r == 0)
			r = take_moment(b);
	}
	if (r == 0)
		return err_set(b->err, -EAGAIN, "instances are replaced too fast");
	if (r > 0 && syncfs(b->dir_fd) < 0)
		return say(b, -errno, "sync it");
	return r < 0 ? r : 0;
}

/* -- the swap ------------------------------------------------------------- */

/* The copy as a store: nobody has it open. */
static int
lock_copy(struct backup *b, int *ret_lock)
{
	int r = store_lock_open(b->dir, LOCK_EX, ret_lock);

	return r < 0 ? err_set(b->err, r, r == -EBUSY ? "%s is open as a store" : "%s: cannot lock it", b->dir) : 0;
}

static int
swap_index(struct backup *b)
{
	int lock, r;

	if (faccessat(b->dir_fd, "index.new", F_OK, 0) < 0)
		return errno == ENOENT ? 0 : say(b, -errno, "look for index.new");	/* it was done */
	r = lock_copy(b, &lock);
	if (r < 0)
		return r;
	if (faccessat(b->dir_fd, "index", F_OK, 0) == 0) {
		index_remove(b->dir, "index.old");
		if (renameat(b->dir_fd, "index", b->dir_fd, "index.old") < 0)
			r = -errno;
	}
	if (r == 0 && renameat(b->dir_fd, "index.new", b->dir_fd, "index") < 0)
		r = -errno;
	if (r == 0 && fsync(b->dir_fd) < 0)
		r = -errno;
	close(lock);
	return say(b, r, "swap the index");
}

static int
settle_change(void *ctx, const struct change_entry *e)
{
	struct backup *b = ctx;
	const struct change *c = &e->change;
	char name[BLOB_NAME_MAX], original[BLOB_NAME_MAX];
	int r = 0;

	instance_name(name, e->partition, c->study_uid, c->series_uid, c->sop_uid);
	original_name(original, e->partition, c->study_uid, c->series_uid, c->sop_uid);
	if (e->state == CHANGE_CURRENT) {
		r = backup_promote(&b->files, name);
		if (r >= 0)
			r = backup_promote(&b->files, original);
		if (r >= 0 && original_of_file(b->copy, original) == -ENOENT)
			r = backup_remove(&b->files, original);
	} else if (e->state == CHANGE_DELETED) {
		r = backup_remove(&b->files, name);
		if (r >= 0)
			r = backup_remove(&b->files, original);
	}
	return r < 0 ? err_set(b->err, r, "%s: %s", name, strerror(-r)) : 0;
}

/* By the feed of the copy itself. */
static int
settle_files(struct backup *b)
{
	const struct store_options o = { .read_only = true };
	struct changes_query q = { .from = CHANGES_BY_SEQUENCE, .after = b->state.from, .limit = UINT64_MAX };
	int r = store_open(b->dir, &o, &b->copy, b->err);

	if (r == 0)
		r = backup_files_open(&b->files, b->dir_fd, store_workspace(b->copy), store_service(b->copy));
	if (r == 0)
		r = store_changes(b->copy, &q, settle_change, b, b->err);
	if (r == 0)
		r = say(b, backup_clear_next(&b->files), "clear backup.next");
	backup_files_close(&b->files);
	store_close(b->copy);
	b->copy = NULL;
	return r;
}

/* From `swapping` to `complete`. */
static int
finish(struct backup *b)
{
	int r = swap_index(b);

	if (r == 0)
		r = settle_files(b);
	if (r < 0)
		return r;
	index_remove(b->dir, "index.old");
	if (syncfs(b->dir_fd) < 0)
		return say(b, -errno, "sync it");
	b->state.phase = COMPLETE;
	b->state.from = b->state.next;
	return say(b, write_state(b), "write its state");
}

/* -- verbs ---------------------------------------------------------------- */

/* What a backup before has left, if there was one. */
static int
prepare(struct backup *b)
{
	int lock, r = read_state(b, b->kind);

	if (r == -EBADMSG || (r == 0 && !is_empty(b->dir_fd))) {
		leave(b);
		return err_set(b->err, -EEXIST, "%s is not empty, and not of a %s before", b->dir, b->kind);
	}
	if (r < 0)
		return say(b, r, "read its state");
	if (r == 1 && b->state.phase == SWAPPING)
		r = finish(b);
	if (r < 0)
		return r;
	if (faccessat(b->dir_fd, "index", F_OK, 0) == 0) {
		r = lock_copy(b, &lock);
		if (r < 0)
			return r;
		close(lock);
		r = check_history(b);
		if (r < 0)
			return r;
	} else {
		b->files.fresh = true;
		b->state = (struct state){ .phase = RUNNING };
	}
	b->state.phase = RUNNING;
	return say(b, write_state(b), "write its state");
}

static int
run(struct backup *b, bool link)
{
	int r = open_dir(b, true);

	if (r == 0)
		r = check_place(b);
	if (r == 0)
		r = prepare(b);
	if (r < 0)
		return r;
	b->files.totals = &b->totals;
	b->files.share = !b->options->copy;
	b->files.link = link && !b->options->copy;
	r = say(b, backup_files_open(&b->files, b->dir_fd, store_workspace(b->st), store_service(b->st)), "make its directories");
	if (r == 0)
		r = gather(b);
	backup_files_close(&b->files);
	if (r < 0)
		return r;
	b->state.phase = SWAPPING;
	b->state.to = b->totals.sequence;
	b->state.next = b->first_unreadable <= b->totals.sequence ? b->first_unreadable - 1 : b->totals.sequence;
	r = say(b, write_state(b), "write its state");
	return r < 0 ? r : finish(b);
}

static void
fini(struct backup *b)
{
	if (b->lock >= 0)
		close(b->lock);
	if (b->dir_fd >= 0)
		close(b->dir_fd);
}

int
store_backup(struct store *st, const char *dir, const struct backup_options *options, struct backup_totals *ret_totals,
	     struct err *err)
{
	struct backup b = {
		.st = st, .dir = dir, .dir_fd = -1, .lock = -1, .kind = "backup", .options = options, .files.totals = &b.totals,
		.first_unreadable = UINT64_MAX, .err = err,
	};
	int r = run(&b, true);

	fini(&b);
	if (r == 0)
		*ret_totals = b.totals;
	return r;
}

/* A backup that a kill left in its swap is brought to its end; one that never came so far is none. */
static int
finish_backup(const char *dir, struct err *err)
{
	static const struct backup_options none;
	struct backup b = {
		.dir = dir, .dir_fd = -1, .lock = -1, .kind = "backup", .options = &none, .files.totals = &b.totals, .err = err,
	};
	int r = open_dir(&b, false);

	if (r == 0) {
		r = read_state(&b, b.kind);
		if (r == 0)
			leave(&b);
		if (r == 0 || r == -EBADMSG || (r > 0 && b.state.phase == RUNNING && faccessat(b.dir_fd, "index", F_OK, 0) < 0))
			r = err_set(err, -ENOENT, "%s holds no whole backup", dir);
		else if (r < 0)
			say(&b, r, "read its state");
		else
			r = b.state.phase == SWAPPING ? finish(&b) : 0;
	}
	fini(&b);
	return r;
}

int
store_restore(const char *dir, const char *target, const struct backup_options *options, struct backup_totals *ret_totals,
	      struct err *err)
{
	const struct store_options o = { .read_only = true };
	struct backup b = {
		.dir = target, .dir_fd = -1, .lock = -1, .kind = "restore", .options = options, .files.totals = &b.totals,
		.first_unreadable = UINT64_MAX, .err = err,
	};
	int r = finish_backup(dir, err);

	if (r == 0)
		r = store_open(dir, &o, &b.st, err);
	if (r == 0)
		r = run(&b, false);
	/* It is a store like any other now. */
	if (r == 0 && (unlinkat(b.dir_fd, "backup", 0) < 0 || unlinkat(b.dir_fd, "backup.lock", 0) < 0 || fsync(b.dir_fd) < 0))
		r = say(&b, -errno, "end the restore");
	fini(&b);
	store_close(b.st);
	if (r == 0)
		*ret_totals = b.totals;
	return r;
}
