/* LMDB behind kv.h: the embedded default, and the only file that knows it.
 *
 * The map.  It is opened so large that it never fills (address space, no
 * memory and no disk); where the system gives less, smaller, and then it grows
 * by itself: a put that finds the map full returns -EAGAIN, and the next write
 * transaction doubles the map first.  LMDB unmaps the old map under whoever
 * reads it, so growing waits for this process's transactions to end
 * (map_lock); other processes notice at their next begin (MDB_MAP_RESIZED).
 *
 * Durability is LMDB's default: data and then meta page synced by each commit.
 *
 * Readers: MDB_NOTLS ties a reader slot to the transaction, not to the thread.
 * Slots of killed processes are cleared at open and when the table is full.
 */
#include "kv/kv.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lmdb.h>

#include "base/log.h"
#include "kv/kv_ops.h"

#define MAP_DEFAULT ((size_t)1 << 40)
#define MAP_LEAST ((size_t)1 << 24)
#define READERS_MAX 1024
#define TABLES_MAX 32
/* Zeros kept ahead of the last page. */
#define AHEAD_LEAST ((uint64_t)512 << 10)
#define AHEAD_MOST ((uint64_t)16 << 20)

struct lmdb {
	struct kv kv;
	MDB_env *env;
	MDB_dbi dbi[TABLES_MAX];
	unsigned n_tables;
	/* Held for reading while a transaction is open, for writing while the map
	 * is given another size. */
	pthread_rwlock_t map_lock;
	atomic_bool grow;		/* the map was full */
	bool ascending;
};

struct lmdb_txn {
	struct kv_txn txn;
	MDB_txn *mdb;
};

struct lmdb_range {
	struct kv_range range;
	MDB_cursor *cursor;
	unsigned char from[KV_KEY_MAX], to[KV_KEY_MAX];
	size_t from_len, to_len;
	enum kv_direction direction;
	uint64_t left;			/* UINT64_MAX: no limit */
	bool started;
};

static const struct kv_ops lmdb_ops;

static int
to_errno(struct lmdb *l, int rc)
{
	switch (rc) {
	case 0:
		return 0;
	case MDB_NOTFOUND:
		return -ENOENT;
	case MDB_KEYEXIST:
		return -EEXIST;
	case MDB_MAP_FULL:
		l->grow = true;
		return -EAGAIN;
	case MDB_BAD_VALSIZE:
		return -EINVAL;
	case MDB_READERS_FULL:
		return -EAGAIN;
	default:
		if (rc == ENOSPC || rc == ENOMEM || rc == EACCES || rc == EROFS || rc == ENOENT)
			return -rc;
		log_error("index failed: %s", mdb_strerror(rc));
		return -EIO;
	}
}

static struct lmdb *
lmdb_of(struct kv_txn *txn)
{
	return (struct lmdb *)txn->kv;
}

/* -- map ------------------------------------------------------------------ */

static int
map_resize(struct lmdb *l, size_t size)
{
	int rc;

	pthread_rwlock_wrlock(&l->map_lock);
	rc = mdb_env_set_mapsize(l->env, size);
	pthread_rwlock_unlock(&l->map_lock);
	return to_errno(l, rc);
}

static int
map_grow(struct lmdb *l)
{
	MDB_envinfo info;
	int r;

	mdb_env_info(l->env, &info);
	if (info.me_mapsize > SIZE_MAX / 4)
		return -ENOSPC;
	r = map_resize(l, info.me_mapsize * 2);
	if (r == 0) {
		l->grow = false;
		log_info("index map grown bytes=%zu", info.me_mapsize * 2);
	}
	return r;
}

/* Write zeros ahead of the pages LMDB will use next.  A commit that grows the
 * file makes the file system commit its journal, too: 700 us here where writing
 * over blocks that are there takes 200.  LMDB does not mind a file longer than
 * its last page.  Called while the writer's lock is held, so nobody else appends. */
static void
file_extend(struct lmdb *l)
{
	static const char zeros[64 << 10];
	MDB_envinfo info;
	MDB_stat st;
	struct stat sb;
	mdb_filehandle_t fd;
	uint64_t used, to, off;

	mdb_env_info(l->env, &info);
	mdb_env_stat(l->env, &st);
	used = (uint64_t)(info.me_last_pgno + 1) * st.ms_psize;
	if (mdb_env_get_fd(l->env, &fd) != 0 || fstat(fd, &sb) < 0 ||
	    (uint64_t)sb.st_size >= used + AHEAD_LEAST)
		return;
	to = used + used / 16 + 2 * AHEAD_LEAST;
	if (to > used + AHEAD_MOST)
		to = used + AHEAD_MOST;
	off = (uint64_t)sb.st_size > used ? (uint64_t)sb.st_size : used;
	/* A full disk is LMDB's to find out, at the commit. */
	for (; off < to; off += sizeof zeros)
		if (pwrite(fd, zeros, sizeof zeros, (off_t)off) != sizeof zeros)
			break;
}

/* -- life ----------------------------------------------------------------- */

static void
lmdb_close(struct kv *kv)
{
	struct lmdb *l = (struct lmdb *)kv;

	if (l->env != NULL)
		mdb_env_close(l->env);
	pthread_rwlock_destroy(&l->map_lock);
	free(l);
}

static int
open_env(struct lmdb *l, const char *dir, size_t map_size, unsigned flags)
{
	int rc;

	/* Sanitizers and small machines do not give the whole map: take half, and
	 * half again. */
	for (;; map_size /= 2) {
		rc = mdb_env_create(&l->env);
		if (rc != 0)
			return rc;
		mdb_env_set_maxdbs(l->env, TABLES_MAX);
		mdb_env_set_maxreaders(l->env, READERS_MAX);
		mdb_env_set_mapsize(l->env, map_size);
		rc = mdb_env_open(l->env, dir, flags, 0666);
		if (rc == 0)
			return 0;
		mdb_env_close(l->env);
		l->env = NULL;
		if (rc != ENOMEM || map_size / 2 < MAP_LEAST)
			return rc;
	}
}

static int
open_tables(struct lmdb *l, const struct kv_options *options, bool create)
{
	MDB_txn *txn;
	unsigned i;
	int rc;

	rc = mdb_txn_begin(l->env, NULL, create ? 0 : MDB_RDONLY, &txn);
	if (rc != 0)
		return rc;
	for (i = 0; i < options->n_tables; i++) {
		rc = mdb_dbi_open(txn, options->tables[i], create ? MDB_CREATE : 0, &l->dbi[i]);
		if (rc != 0) {
			mdb_txn_abort(txn);
			return rc;
		}
	}
	return mdb_txn_commit(txn);
}

int
kv_lmdb_open(const char *dir, const struct kv_options *options, struct kv **ret_kv, struct err *err)
{
	struct lmdb *l;
	struct stat st;
	char file[4096];
	int rc, dead = 0;

	if (options->n_tables > TABLES_MAX || strlen(dir) > sizeof file - 16)
		return err_set(err, -EINVAL, "index: bad arguments");
	strcpy(file, dir);
	strcat(file, "/data.mdb");
	if (!options->create && stat(file, &st) < 0)
		return err_set(err, -errno, "no index at %s", dir);
	l = calloc(1, sizeof *l);
	if (l == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	l->kv.ops = &lmdb_ops;
	l->n_tables = options->n_tables;
	l->ascending = options->ascending;
	pthread_rwlock_init(&l->map_lock, NULL);
	rc = open_env(l, dir, options->map_size != 0 ? options->map_size : MAP_DEFAULT,
		      MDB_NOTLS | (options->read_only ? MDB_RDONLY : 0));
	if (rc == 0) {
		mdb_reader_check(l->env, &dead);
		if (dead > 0)
			log_info("index: cleared readers of killed processes count=%d", dead);
		rc = open_tables(l, options, options->create);
		/* Written by a program that did not have all of them yet. */
		if (rc == MDB_NOTFOUND && !options->read_only)
			rc = open_tables(l, options, true);
	}
	if (rc != 0) {
		lmdb_close(&l->kv);
		return err_set(err, rc == MDB_NOTFOUND || rc == ENOENT ? -ENOENT : rc > 0 ? -rc : -EIO,
			       "cannot open the index at %s: %s", dir, mdb_strerror(rc));
	}
	*ret_kv = &l->kv;
	return 0;
}

/* -- transactions --------------------------------------------------------- */

static int
lmdb_begin(struct kv *kv, enum kv_mode mode, struct kv_txn **ret_txn)
{
	struct lmdb *l = (struct lmdb *)kv;
	struct lmdb_txn *t;
	int rc, tries, r, dead;

	t = malloc(sizeof *t);
	if (t == NULL)
		return -ENOMEM;
	t->txn.kv = kv;
	for (tries = 0;; tries++) {
		if (mode == KV_WRITE && l->grow) {
			r = map_grow(l);
			if (r < 0) {
				free(t);
				return r;
			}
		}
		pthread_rwlock_rdlock(&l->map_lock);
		rc = mdb_txn_begin(l->env, NULL, mode == KV_READ ? MDB_RDONLY : 0, &t->mdb);
		if (rc == 0) {
			if (mode == KV_WRITE)
				file_extend(l);
			*ret_txn = &t->txn;
			return 0;
		}
		pthread_rwlock_unlock(&l->map_lock);
		if (tries > 10)
			break;
		if (rc == MDB_MAP_RESIZED)
			map_resize(l, 0);
		else if (rc == MDB_READERS_FULL)
			mdb_reader_check(l->env, &dead);
		else
			break;
	}
	free(t);
	return to_errno(l, rc);
}

static void
txn_end(struct lmdb_txn *t)
{
	pthread_rwlock_unlock(&lmdb_of(&t->txn)->map_lock);
	free(t);
}

static int
lmdb_commit(struct kv_txn *txn)
{
	struct lmdb_txn *t = (struct lmdb_txn *)txn;
	int r = to_errno(lmdb_of(txn), mdb_txn_commit(t->mdb));

	txn_end(t);
	return r;
}

static void
lmdb_abort(struct kv_txn *txn)
{
	struct lmdb_txn *t = (struct lmdb_txn *)txn;

	mdb_txn_abort(t->mdb);
	txn_end(t);
}

static MDB_val
val(struct slice s)
{
	return (MDB_val){ .mv_size = s.len, .mv_data = (void *)(uintptr_t)s.data };
}

static int
lmdb_get(struct kv_txn *txn, unsigned table, struct slice key, struct slice *ret_value)
{
	struct lmdb_txn *t = (struct lmdb_txn *)txn;
	struct lmdb *l = lmdb_of(txn);
	MDB_val k = val(key), v;
	int rc = mdb_get(t->mdb, l->dbi[table], &k, &v);

	if (rc != 0)
		return to_errno(l, rc);
	*ret_value = slice_of(v.mv_data, v.mv_size);
	return 0;
}

static int
lmdb_put(struct kv_txn *txn, unsigned table, struct slice key, struct slice value, bool fresh)
{
	struct lmdb_txn *t = (struct lmdb_txn *)txn;
	struct lmdb *l = lmdb_of(txn);
	MDB_val k = val(key), v = val(value);

	return to_errno(l, mdb_put(t->mdb, l->dbi[table], &k, &v, (fresh ? MDB_NOOVERWRITE : 0) | (l->ascending ? MDB_APPEND : 0)));
}

static int
lmdb_del(struct kv_txn *txn, unsigned table, struct slice key)
{
	struct lmdb_txn *t = (struct lmdb_txn *)txn;
	struct lmdb *l = lmdb_of(txn);
	MDB_val k = val(key);

	return to_errno(l, mdb_del(t->mdb, l->dbi[table], &k, NULL));
}

/* -- ranges --------------------------------------------------------------- */

static int
lmdb_range_open(struct kv_txn *txn, unsigned table, struct slice from, struct slice to,
		enum kv_direction direction, uint64_t limit, struct kv_range **ret_range)
{
	struct lmdb_txn *t = (struct lmdb_txn *)txn;
	struct lmdb *l = lmdb_of(txn);
	struct lmdb_range *g = malloc(sizeof *g);
	int rc;

	if (g == NULL)
		return -ENOMEM;
	g->range.txn = txn;
	g->from_len = from.len;
	g->to_len = to.len;
	if (from.len > 0)
		memcpy(g->from, from.data, from.len);
	if (to.len > 0)
		memcpy(g->to, to.data, to.len);
	g->direction = direction;
	g->left = limit == 0 ? UINT64_MAX : limit;
	g->started = false;
	rc = mdb_cursor_open(t->mdb, l->dbi[table], &g->cursor);
	if (rc != 0) {
		free(g);
		return to_errno(l, rc);
	}
	*ret_range = &g->range;
	return 0;
}

static int
range_first(struct lmdb_range *g, MDB_val *k, MDB_val *v)
{
	int rc;

	if (g->direction == KV_ASCENDING) {
		if (g->from_len == 0)
			return mdb_cursor_get(g->cursor, k, v, MDB_FIRST);
		*k = val(slice_of(g->from, g->from_len));
		return mdb_cursor_get(g->cursor, k, v, MDB_SET_RANGE);
	}
	if (g->to_len == 0)
		return mdb_cursor_get(g->cursor, k, v, MDB_LAST);
	*k = val(slice_of(g->to, g->to_len));
	rc = mdb_cursor_get(g->cursor, k, v, MDB_SET_RANGE);
	if (rc == MDB_NOTFOUND)
		return mdb_cursor_get(g->cursor, k, v, MDB_LAST);
	if (rc != 0)
		return rc;
	return mdb_cursor_get(g->cursor, k, v, MDB_PREV);
}

static int
lmdb_range_next(struct kv_range *range, struct slice *ret_key, struct slice *ret_value)
{
	struct lmdb_range *g = (struct lmdb_range *)range;
	struct slice key;
	MDB_val k, v;
	int rc;

	if (g->left == 0)
		return 0;
	if (!g->started)
		rc = range_first(g, &k, &v);
	else
		rc = mdb_cursor_get(g->cursor, &k, &v, g->direction == KV_ASCENDING ? MDB_NEXT : MDB_PREV);
	g->started = true;
	if (rc == MDB_NOTFOUND) {
		g->left = 0;
		return 0;
	}
	if (rc != 0)
		return to_errno(lmdb_of(range->txn), rc);
	key = slice_of(k.mv_data, k.mv_size);
	if (g->direction == KV_ASCENDING
	    ? g->to_len > 0 && slice_compare(key, slice_of(g->to, g->to_len)) >= 0
	    : slice_compare(key, slice_of(g->from, g->from_len)) < 0) {
		g->left = 0;
		return 0;
	}
	if (g->left != UINT64_MAX)
		g->left--;
	*ret_key = key;
	*ret_value = slice_of(v.mv_data, v.mv_size);
	return 1;
}

static void
lmdb_range_close(struct kv_range *range)
{
	struct lmdb_range *g = (struct lmdb_range *)range;

	mdb_cursor_close(g->cursor);
	free(g);
}

/* -- status --------------------------------------------------------------- */

static int
count_reader(const char *line, void *ctx)
{
	/* The list begins with a heading, or says "(no active readers)". */
	if (line[0] == ' ' && strstr(line, "pid") == NULL)
		++*(unsigned *)ctx;
	return 0;
}

static int
lmdb_status(struct kv *kv, struct kv_status *ret_status)
{
	struct lmdb *l = (struct lmdb *)kv;
	MDB_envinfo info;
	MDB_stat st;
	unsigned readers = 0;

	pthread_rwlock_rdlock(&l->map_lock);
	mdb_env_info(l->env, &info);
	mdb_env_stat(l->env, &st);
	mdb_reader_list(l->env, count_reader, &readers);
	pthread_rwlock_unlock(&l->map_lock);
	ret_status->size = info.me_mapsize;
	ret_status->used = (uint64_t)(info.me_last_pgno + 1) * st.ms_psize;
	ret_status->readers = readers;
	ret_status->readers_max = info.me_maxreaders;
	return 0;
}

static uint64_t
lmdb_version(struct kv *kv)
{
	struct lmdb *l = (struct lmdb *)kv;
	MDB_envinfo info;

	pthread_rwlock_rdlock(&l->map_lock);
	mdb_env_info(l->env, &info);
	pthread_rwlock_unlock(&l->map_lock);
	return info.me_last_txnid;
}

static const struct kv_ops lmdb_ops = {
	.close = lmdb_close,
	.begin = lmdb_begin,
	.commit = lmdb_commit,
	.abort = lmdb_abort,
	.get = lmdb_get,
	.put = lmdb_put,
	.del = lmdb_del,
	.range_open = lmdb_range_open,
	.range_next = lmdb_range_next,
	.range_close = lmdb_range_close,
	.status = lmdb_status,
	.version = lmdb_version,
};
