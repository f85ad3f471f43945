/* Making, opening and closing a store. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cond.h"
#include "base/io.h"
#include "base/log.h"
#include "store/import.h"
#include "store/internal.h"
#include "store/query_tags.h"

/* Contract 11.1: letters, digits, "-" and "."; here also "_", which partitions may have. */
bool
store_name_is_valid(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > STORE_NAME_MAX || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	    strcasecmp(name, STORE_HEALTH_DIR) == 0)
		return false;
	return strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._") == n;
}

static bool
is_empty_dir(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	bool empty = true;

	if (d == NULL)
		return true;
	while ((e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
		    strcmp(e->d_name, "lost+found") != 0)
			empty = false;
	closedir(d);
	return empty;
}

static int
join(char *path, size_t size, const char *dir, const char *rest)
{
	return (size_t)snprintf(path, size, "%s/%s", dir, rest) < size ? 0 : -ENAMETOOLONG;
}

static int
open_index(const char *dir, const char *name, bool create, bool read_only, size_t map_size, struct kv **ret_kv,
	   struct err *err)
{
	struct kv_options o = {
		.tables = schema_tables, .n_tables = TABLES, .map_size = map_size,
		.create = create, .read_only = read_only,
	};
	char index[4096];

	if (join(index, sizeof index, dir, name) < 0)
		return err_set(err, -ENAMETOOLONG, "the path of the store is too long");
	return kv_lmdb_open(index, &o, ret_kv, err);
}

static int
open_kv(const char *dir, bool create, bool read_only, size_t map_size, struct kv **ret_kv, struct err *err)
{
	return open_index(dir, "index", create, read_only, map_size, ret_kv, err);
}

int
store_init(const char *dir, const char *workspace, const char *service, struct err *err)
{
	struct kv *kv = NULL;
	char path[4096], data[4096];
	int r;

	if (workspace == NULL)
		workspace = "default";
	if (service == NULL)
		service = "dicom";
	if (!store_name_is_valid(workspace) || !store_name_is_valid(service))
		return err_set(err, -EINVAL,
			       "names of workspace and service are 1 to 64 letters, digits, '-', '_' and '.'");
	if (!is_empty_dir(dir))
		return err_set(err, -EEXIST, "%s is not empty", dir);
	snprintf(data, sizeof data, "AHDS/%s/dicom/%s/" STORE_DEFAULT_PARTITION, workspace, service);
	{
		const char *const parts[] = { "index", "staging", STORE_ERROR_CONTAINER, data };
		size_t i;

		for (i = 0; i < sizeof parts / sizeof *parts; i++) {
			r = join(path, sizeof path, dir, parts[i]);
			if (r == 0)
				r = io_mkdir_all(AT_FDCWD, path);
			if (r < 0)
				return err_set(err, r, "cannot make %s: %s", path, strerror(-r));
		}
	}
	r = open_kv(dir, true, false, 0, &kv, err);
	if (r == 0)
		r = catalog_init(kv, workspace, service, STORE_DEFAULT_PARTITION, err);
	kv_close(kv);
	return r;
}

static int
read_names(struct store *st, struct err *err)
{
	struct kv_txn *txn;
	char partitions[8], number[8];
	int r = kv_begin(st->kv, KV_READ, &txn);

	if (r < 0)
		return err_set(err, r, "cannot read the index: %s", strerror(-r));
	r = catalog_check_schema(txn, err);
	if (r == 0) {
		r = catalog_get_text(txn, "workspace", st->workspace, sizeof st->workspace);
		if (r == 0)
			r = catalog_get_text(txn, "service", st->service, sizeof st->service);
		if (r < 0)
			err_set(err, r, "the index lacks the names of the store");
	}
	if (r == 0) {
		r = catalog_get_text(txn, "partitions", partitions, sizeof partitions);
		st->partitions = r == 0;
		if (r == -ENOENT)
			r = 0;
		else if (r < 0)
			err_set(err, r, "cannot read the index: %s", strerror(-r));
	}
	if (r == 0 && catalog_get_text(txn, "number", number, sizeof number) == 0)
		st->number = (unsigned)strtoul(number, NULL, 10) & STORE_NUMBER_MAX;
	kv_abort(txn);
	snprintf(st->label, sizeof st->label, "%s-%s", st->workspace, st->service);
	return r;
}

int
store_lock_open(const char *dir, int how, int *ret_fd)
{
	char path[4096];
	int fd;

	if (join(path, sizeof path, dir, "open.lock") < 0)
		return -ENAMETOOLONG;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		return -errno;
	if (flock(fd, how | LOCK_NB) < 0) {
		close(fd);
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	}
	*ret_fd = fd;
	return 0;
}

static int
open_parts(struct store *st, const struct store_options *o, struct err *err)
{
	char data[4096], staging[4096];
	int r;

	st->dir = open(st->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (st->dir < 0)
		return err_set(err, -errno, "cannot open the store %s: %s", st->path, strerror(errno));
	r = store_lock_open(st->path, LOCK_SH, &st->open_lock);
	if (r < 0)
		return err_set(err, r, r == -EBUSY ? "the index is being rebuilt"
						   : "cannot lock the store %s: %s", st->path, strerror(-r));
	r = open_kv(st->path, false, false, o->map_size, &st->kv, err);
	if (r == 0)
		r = read_names(st, err);
	if (r < 0)
		return r;
	if ((size_t)snprintf(data, sizeof data, "%s/AHDS/%s/dicom/%s", st->path, st->workspace, st->service) >=
	    sizeof data || join(staging, sizeof staging, st->path, "staging") < 0)
		return err_set(err, -ENAMETOOLONG, "the path of the store is too long");
	r = blob_dir_open(data, staging, o->read_only, &st->blobs, err);
	return r < 0 ? r : tiers_open(st, err);
}

static struct store *
store_new(void)
{
	struct store *st = calloc(1, sizeof *st);

	if (st == NULL)
		return NULL;
	st->queue_end = &st->queue;
	st->open_lock = st->dir = -1;
	st->bases = base_cache_new();
	if (st->bases == NULL) {
		free(st);
		return NULL;
	}
	pthread_mutex_init(&st->lock, NULL);
	pthread_mutex_init(&st->claim_lock, NULL);
	pthread_mutex_init(&st->queues_lock, NULL);
	cond_init(&st->work);
	cond_init(&st->done);
	return st;
}

static int
start(struct store *st, struct err *err)
{
	int r;

	if (st->read_only)
		return 0;
	r = committer_start(st);
	if (r < 0)
		return err_set(err, r, "cannot start a thread: %s", strerror(-r));
	return recover(st, err);
}

int
store_open(const char *dir, const struct store_options *options, struct store **ret_store, struct err *err)
{
	static const struct store_options defaults;
	const struct store_options *o = options != NULL ? options : &defaults;
	struct store *st = store_new();
	int r;

	if (st == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	st->read_only = o->read_only;
	st->named = o->named;
	st->path = realpath(dir, NULL);
	if (st->path == NULL)
		r = err_set(err, -errno, "cannot open the store %s: %s", dir, strerror(errno));
	else
		r = open_parts(st, o, err);
	if (r == 0) {
		store_log_about(st);
		r = start(st, err);
		if (r == 0)
			wait_for_others(st);
		log_about(NULL);
	}
	if (r < 0) {
		store_close(st);
		return r;
	}
	*ret_store = st;
	return 0;
}

int
store_open_engines(struct kv *kv, struct blob_store *blobs, struct store **ret_store, struct err *err)
{
	struct store *st = store_new();
	int r;

	if (st == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	st->kv = kv;
	st->blobs = blobs;
	r = read_names(st, err);
	if (r == 0)
		r = start(st, err);
	if (r < 0) {
		store_close(st);
		return r;
	}
	*ret_store = st;
	return 0;
}

void
store_close(struct store *st)
{
	if (st == NULL)
		return;
	changes_stop(st);
	committer_stop(st);
	blob_close(st->blobs);
	kv_close(st->kv);
	base_cache_free(st->bases);
	free(st->tiers);
	if (st->dir >= 0)
		close(st->dir);
	if (st->open_lock >= 0)
		close(st->open_lock);
	pthread_cond_destroy(&st->done);
	pthread_cond_destroy(&st->work);
	pthread_mutex_destroy(&st->queues_lock);
	pthread_mutex_destroy(&st->claim_lock);
	pthread_mutex_destroy(&st->lock);
	free(st->path);
	free(st);
}

bool
store_partitions(const struct store *st)
{
	return st->partitions;
}

/* A new store has given out one id, that of the default partition. */
static int
enable_partitions(void *ctx, struct kv_txn *txn)
{
	struct catalog_counters c;
	int r = catalog_get_counters(txn, &c);

	(void)ctx;
	if (r == 0 && c.next_id > CATALOG_FIRST_ID + 1)
		r = -ENOTEMPTY;
	return r < 0 ? r : kv_put(txn, T_META, slice_str("partitions"), slice_str("on"));
}

int
store_enable_partitions(struct store *st, struct err *err)
{
	int r = kv_update(st->kv, enable_partitions, NULL);

	if (r == -ENOTEMPTY)
		return err_set(err, r, "partitions are turned on in an empty store only");
	if (r < 0)
		return err_set(err, r, "cannot write the index: %s", strerror(-r));
	st->partitions = true;
	return 0;
}

const char *
store_workspace(const struct store *st)
{
	return st->workspace;
}

const char *
store_service(const struct store *st)
{
	return st->service;
}

const char *
store_label(const struct store *st)
{
	return st->label;
}

void
store_log_about(const struct store *st)
{
	log_about(st->named ? st->label : NULL);
}

unsigned
store_number(const struct store *st)
{
	return st->number;
}

static int
put_number(void *ctx, struct kv_txn *txn)
{
	char text[8];

	snprintf(text, sizeof text, "%u", *(const unsigned *)ctx);
	return kv_put(txn, T_META, slice_str("number"), slice_str(text));
}

int
store_set_number(struct store *st, unsigned number, struct err *err)
{
	int r = kv_update(st->kv, put_number, &number);

	if (r < 0)
		return err_set(err, r, "cannot write the index: %s", strerror(-r));
	st->number = number;
	return 0;
}

const char *
store_path(const struct store *st)
{
	return st->path;
}

int
store_dir(const struct store *st)
{
	return st->dir;
}

/* -- rebuild -------------------------------------------------------------- */

/* The one entry of dir that is a directory. */
static int
only_child(const char *dir, char *name, size_t size)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0;

	if (d == NULL)
		return -errno;
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' && snprintf(name, size, "%s", e->d_name) < (int)size)
			n++;
	closedir(d);
	return n == 1 ? 0 : -EINVAL;
}

/* Workspace and service are the names of the directories. */
static int
find_names(const char *dir, char workspace[STORE_NAME_MAX + 1], char service[STORE_NAME_MAX + 1], struct err *err)
{
	char path[4096 + 256];
	int r;

	snprintf(path, sizeof path, "%.3800s/AHDS", dir);
	r = only_child(path, workspace, STORE_NAME_MAX + 1);
	if (r == 0) {
		snprintf(path, sizeof path, "%.3800s/AHDS/%s/dicom", dir, workspace);
		r = only_child(path, service, STORE_NAME_MAX + 1);
	}
	return r < 0 ? err_set(err, -EINVAL, "%s does not look like a store (AHDS/<workspace>/dicom/<service>)", dir) : 0;
}

static int
move_index(const char *dir, const char *from, const char *to)
{
	char a[4096], b[4096];

	if (join(a, sizeof a, dir, from) < 0 || join(b, sizeof b, dir, to) < 0)
		return -ENAMETOOLONG;
	return rename(a, b) < 0 && errno != ENOENT ? -errno : 0;
}

void
index_remove(const char *dir, const char *name)
{
	static const char *const files[] = { "data.mdb", "lock.mdb", "" };
	char path[4096 + 64];
	size_t i;

	for (i = 0; i < sizeof files / sizeof *files; i++) {
		snprintf(path, sizeof path, "%.3800s/%s/%s", dir, name, files[i]);
		if (files[i][0] != '\0')
			unlink(path);
		else
			rmdir(path);
	}
}

/* What files do not tell, from the old index as far as it can be read. */
struct kept {
	bool partitions;
	struct query_tags tags;
};

static int
read_kept(const char *dir, struct kept *k)
{
	struct kv_txn *txn;
	char text[8];
	struct kv *kv;
	int r = open_kv(dir, false, true, 0, &kv, NULL);

	if (r < 0)
		return r;
	r = kv_begin(kv, KV_READ, &txn);
	if (r == 0) {
		r = catalog_get_text(txn, "partitions", text, sizeof text);
		k->partitions = r == 0;
		if (r == 0 || r == -ENOENT)
			r = query_tags_load(txn, &k->tags);
		kv_abort(txn);
	}
	kv_close(kv);
	return r;
}

/* When it cannot, several directories are several partitions. */
static void
keep(const char *dir, const char *workspace, const char *service, struct kept *k)
{
	char path[4096 + 256], name[256];

	if (read_kept(dir, k) == 0)
		return;
	k->tags.n = 0;
	snprintf(path, sizeof path, "%.3800s/AHDS/%s/dicom/%s", dir, workspace, service);
	k->partitions = only_child(path, name, sizeof name) == -EINVAL;
}

/* The tags are added as if anew, when everything is there: an operation indexes it. */
static int
restore_tags(struct store *st, const struct query_tags *tags, struct err *err)
{
	static const char *const levels[] = {
		[LEVEL_STUDY] = "study", [LEVEL_SERIES] = "series", [LEVEL_INSTANCE] = "instance",
	};
	struct query_tag_spec specs[QUERY_TAGS_MAX];
	char paths[QUERY_TAGS_MAX][9], vrs[QUERY_TAGS_MAX][3], operation[OPERATION_TEXT_MAX];
	size_t i, n = 0;

	for (i = 0; i < tags->n; i++) {
		const struct query_tag *t = &tags->at[i];

		if (t->status == QUERY_TAG_DELETING)
			continue;
		tag_format(t->tag, paths[n]);
		snprintf(vrs[n], sizeof vrs[n], "%c%c", t->vr >> 8, t->vr & 0xFF);
		specs[n] = (struct query_tag_spec){ .path = paths[n], .vr = vrs[n], .level = levels[t->level],
						    .creator = t->creator };
		n++;
	}
	return n > 0 ? store_add_query_tags(st, specs, n, operation, err) : 0;
}

/* From the old index, set aside; nothing when it cannot be read. */
static int
restore_externals(struct store *st, const char *dir, struct err *err)
{
	struct kv *old;
	int r;

	if (open_index(dir, "index.old", false, true, 0, &old, NULL) < 0)
		return 0;
	r = external_restore(st, old, err);
	kv_close(old);
	return r;
}

int
store_rebuild(const char *dir, struct check_totals *ret_totals, struct err *err)
{
	struct check_options o = { .repair = true };
	char workspace[STORE_NAME_MAX + 1], service[STORE_NAME_MAX + 1], path[4096];
	struct store *st = NULL;
	struct kv *kv = NULL;
	struct kept *kept;
	int lock = -1, r;

	r = find_names(dir, workspace, service, err);
	if (r < 0)
		return r;
	r = store_lock_open(dir, LOCK_EX, &lock);
	if (r < 0)
		return err_set(err, r, r == -EBUSY ? "the store is in use: stop its daemon first"
						   : "cannot lock the store: %s", strerror(-r));
	kept = calloc(1, sizeof *kept);
	if (kept == NULL) {
		close(lock);
		return err_set(err, -ENOMEM, "out of memory");
	}
	keep(dir, workspace, service, kept);
	r = move_index(dir, "index", "index.old");
	if (r == 0 && join(path, sizeof path, dir, "index") == 0)
		r = io_mkdir_all(AT_FDCWD, path);
	if (r < 0)
		err_set(err, r, "cannot set the old index aside: %s", strerror(-r));
	if (r == 0)
		r = open_kv(dir, true, false, 0, &kv, err);
	if (r == 0)
		r = catalog_init(kv, workspace, service, STORE_DEFAULT_PARTITION, err);
	kv_close(kv);
	close(lock);
	if (r == 0)
		r = store_open(dir, NULL, &st, err);
	if (r == 0 && kept->partitions)
		r = store_enable_partitions(st, err);
	if (r == 0)
		r = store_check(st, &o, ret_totals, err);
	if (r == 0 && ret_totals->away > 0)
		r = err_set(err, -ENOMEDIUM, "%llu files lie in tiers that are not there; the index stays as it was",
			    (unsigned long long)ret_totals->away);
	o.repair = false;
	if (r == 0)
		r = store_check(st, &o, ret_totals, err);	/* what there is now */
	if (r == 0)
		r = restore_tags(st, &kept->tags, err);
	if (r == 0)
		r = restore_externals(st, dir, err);
	free(kept);
	store_close(st);
	if (r < 0) {
		index_remove(dir, "index");
		move_index(dir, "index.old", "index");
	} else
		index_remove(dir, "index.old");
	return r;
}
