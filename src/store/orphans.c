/* Files without rows, a bounded number at a time: one pass over the feed tells what they were.  In tiers, also files that
 * their names do not lead to: what lies there is ours alone. */
#include "store/orphans.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/tiers_internal.h"

/* Some 400 bytes each. */
#define GROUP 1024
/* A file has its public name soon after its row was written. */
#define SOON ((int64_t)60 * 1000000000)

struct orphan {
	char name[BLOB_NAME_MAX];
	uint64_t size, inode;
	int64_t changed;		/* ctime, ns */
	int64_t stored, deleted;	/* by the feed: the last of each; 0: never */
	bool superseded;		/* in a tier: its instance is there, and has other bytes, or these elsewhere */
};

struct hunt {
	struct store *st;
	const struct orphan_options *options;
	struct orphan_totals totals;
	struct orphan *at;
	size_t n;
	unsigned tier;			/* what is walked; 0: where the names are */
	struct err *err;
};

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct orphan *)a)->name, ((const struct orphan *)b)->name);
}

static int
look(struct hunt *s, const char *name, struct orphan *o)
{
	struct stat sb;
	int fd, r = s->tier != 0 ? blob_tier_open(s->st->blobs, name, s->tier, &fd) : blob_open(s->st->blobs, name, &fd);

	if (r < 0)
		return r;
	r = fstat(fd, &sb) < 0 ? -errno : 0;
	close(fd);
	if (r < 0)
		return r;
	*o = (struct orphan){ .size = (uint64_t)sb.st_size, .inode = (uint64_t)sb.st_ino, .changed = clock_ns(sb.st_ctim) };
	snprintf(o->name, sizeof o->name, "%s", name);
	return 0;
}

/* -- the feed ------------------------------------------------------------- */

static int
take_entry(void *ctx, const struct change_entry *e)
{
	struct hunt *s = ctx;
	const struct change *c = &e->change;
	struct orphan key, *o;

	instance_name(key.name, e->partition, c->study_uid, c->series_uid, c->sop_uid);
	o = bsearch(&key, s->at, s->n, sizeof *s->at, by_name);
	if (o == NULL)
		return 0;
	if (c->action == CHANGE_DELETE)
		o->deleted = c->time;
	else {
		o->stored = c->time;
		o->deleted = 0;
	}
	return 0;
}

/* Whoever changes a file, its mode or its links, changes its ctime, and nobody can set that.  In a tier it is that of
 * the move; but nobody else puts files there. */
static bool
is_ours(const struct hunt *s, const struct orphan *o)
{
	if (s->tier != 0)
		return o->superseded || o->deleted != 0;
	return o->stored != 0 && o->deleted != 0 && o->changed <= o->stored + SOON && o->changed < o->deleted;
}

/* -- removing ------------------------------------------------------------- */

static int
find_row(struct kv_txn *txn, const char *name)
{
	char part[4][UID_TEXT_MAX + 4];
	struct catalog_path path;

	return split_name(name, part) ? catalog_find_path(txn, part[0], part[1], part[2], part[3], &path) : -EINVAL;
}

/* Does its name lead to it? */
static bool
is_led(struct hunt *s, const char *name)
{
	unsigned tier;

	return blob_tier(s->st->blobs, name, &tier) == 0 && tier == s->tier;
}

/* While nobody can lead a name there: the writer's lock is held. */
static int
remove_from_tier(struct hunt *s, const struct orphan *o)
{
	struct kv_txn *txn;
	int r = kv_begin(s->st->kv, KV_WRITE, &txn);

	if (r < 0)
		return r;
	r = is_led(s, o->name) ? -EEXIST : blob_tier_drop(s->st->blobs, o->name);
	kv_abort(txn);
	return r;
}

/* While nobody can store it again: the writer's lock is held. */
static int
remove_one(struct hunt *s, const struct orphan *o)
{
	struct orphan now;
	struct kv_txn *txn;
	int r;

	if (s->tier != 0)
		return remove_from_tier(s, o);
	r = kv_begin(s->st->kv, KV_WRITE, &txn);
	if (r < 0)
		return r;
	r = find_row(txn, o->name);
	if (r == -ENOENT) {
		r = look(s, o->name, &now);
		if (r == 0 && now.inode == o->inode && now.changed == o->changed)
			r = blob_remove(s->st->blobs, o->name);
		else if (r == 0)
			r = -EEXIST;
	} else if (r == 0)
		r = -EEXIST;
	kv_abort(txn);
	return r;
}

static int
settle(struct hunt *s)
{
	struct changes_query q = { .from = CHANGES_BY_SEQUENCE, .limit = UINT64_MAX };
	size_t i;
	int r;

	if (s->n == 0)
		return 0;
	qsort(s->at, s->n, sizeof *s->at, by_name);
	r = store_changes(s->st, &q, take_entry, s, s->err);
	for (i = 0; i < s->n && r == 0; i++) {
		struct orphan *o = &s->at[i];
		bool ours = is_ours(s, o);

		if (ours && !s->options->dry_run)
			r = remove_one(s, o);
		if (r == -EEXIST || r == -ENOENT) {
			r = 0;		/* it came to something meanwhile */
			continue;
		}
		if (r < 0)
			return err_set(s->err, r, "%s: %s", o->name, strerror(-r));
		if (ours) {
			s->totals.removed++;
			s->totals.bytes += o->size;
		} else
			s->totals.kept++;
		if (s->options->report != NULL)
			s->options->report(s->options->ctx, s->tier != 0 ? s->st->tiers->dirs[s->tier] : NULL, o->name, o->size, ours);
	}
	s->n = 0;
	return r;
}

/* -- the walk ------------------------------------------------------------- */

static int
one_file(void *ctx, const char *name, uint64_t size, int64_t mtime)
{
	struct hunt *s = ctx;
	uint64_t id, watermark;
	int r;

	(void)size;
	(void)mtime;
	if (!file_is_of_instance(name))
		return 0;
	r = instance_of_file(s->st, name, &id, &watermark);
	if (r != -ENOENT)
		return r;
	r = look(s, name, &s->at[s->n]);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return ++s->n == GROUP ? settle(s) : 0;
}

static int
one_tier_file(void *ctx, const char *name, uint64_t size, int64_t mtime)
{
	struct hunt *s = ctx;
	struct orphan *o = &s->at[s->n];
	uint64_t id, watermark;
	struct store_file *f;
	int r;

	(void)size;
	(void)mtime;
	if (is_led(s, name))
		return 0;
	r = instance_of_file(s->st, name, &id, &watermark);
	if (r < 0 && r != -ENOENT)
		return r;
	if (look(s, name, o) < 0)
		return 0;
	/* Only beside bytes that are well. */
	if (r == 0 && id != 0 && open_bytes(s->st, id, false, &f, NULL) == 0) {
		o->superseded = true;
		store_file_close(f);
	}
	return ++s->n == GROUP ? settle(s) : 0;
}

static int
walk_tiers(struct hunt *s)
{
	int r = 0;

	if (tier_is_moving(s->st))
		return 0;
	for (s->tier = 1; s->tier < STORE_TIERS && r == 0; s->tier++) {
		if (blob_tier_look(s->st->blobs, s->tier) < 0)
			continue;
		r = blob_tier_walk(s->st->blobs, s->tier, one_tier_file, s);
		if (r == 0)
			r = settle(s);
	}
	return r;
}

int
store_reclaim(struct store *st, const struct orphan_options *options, struct orphan_totals *ret_totals, struct err *err)
{
	struct hunt s = { .st = st, .options = options, .err = err };
	int r;

	if (!options->dry_run && st->read_only)
		return err_set(err, -EROFS, "the store is open for reading only");
	s.at = malloc(GROUP * sizeof *s.at);
	if (s.at == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	barrier(st);
	/* What deletes that were killed still have to do. */
	r = options->dry_run ? 0 : reclaim_all(st);
	if (r == 0)
		r = blob_walk(st->blobs, one_file, &s);
	if (r < 0)
		err_set(err, r, "cannot walk the files: %s", strerror(-r));
	else
		r = settle(&s);
	if (r == 0) {
		r = walk_tiers(&s);
		if (r < 0)
			err_set(err, r, "cannot walk the tiers: %s", strerror(-r));
	}
	if (r == 0 && !options->dry_run)
		r = blob_sync_all(st->blobs);
	free(s.at);
	if (r == 0)
		*ret_totals = s.totals;
	return r;
}
