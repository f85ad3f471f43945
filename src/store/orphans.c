/* Files without rows, a bounded number at a time: one pass over the feed tells what they were. */
#include "store/orphans.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/internal.h"

/* Some 400 bytes each. */
#define GROUP 1024
/* A file has its public name soon after its row was written. */
#define SOON ((int64_t)60 * 1000000000)

struct orphan {
	char name[BLOB_NAME_MAX];
	uint64_t size, inode;
	int64_t changed;		/* ctime, ns */
	int64_t stored, deleted;	/* by the feed: the last of each; 0: never */
};

struct hunt {
	struct store *st;
	const struct orphan_options *options;
	struct orphan_totals totals;
	struct orphan *at;
	size_t n;
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
	int fd, r = blob_open(s->st->blobs, name, &fd);

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

/* Whoever changes a file, its mode or its links, changes its ctime, and nobody can set that. */
static bool
is_ours(const struct orphan *o)
{
	return o->stored != 0 && o->deleted != 0 && o->changed <= o->stored + SOON && o->changed < o->deleted;
}

/* -- removing ------------------------------------------------------------- */

static int
has_row(void *ctx, struct kv_txn *txn)
{
	const struct orphan *o = ctx;
	char parts[BLOB_NAME_MAX], *study, *series, *sop;
	struct catalog_path path;

	strcpy(parts, o->name);
	study = strchr(parts, '/');
	series = study != NULL ? strchr(study + 1, '/') : NULL;
	sop = series != NULL ? strchr(series + 1, '/') : NULL;
	if (sop == NULL || strlen(sop) < 5)
		return -EINVAL;
	*study++ = *series++ = *sop++ = '\0';
	sop[strlen(sop) - 4] = '\0';
	return catalog_find_path(txn, parts, study, series, sop, &path);
}

/* While nobody can store it again: the writer's lock is held. */
static int
remove_one(struct hunt *s, const struct orphan *o)
{
	struct orphan now;
	struct kv_txn *txn;
	int r = kv_begin(s->st->kv, KV_WRITE, &txn);

	if (r < 0)
		return r;
	r = has_row((void *)(uintptr_t)o, txn);
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
		bool ours = is_ours(o);

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
			s->options->report(s->options->ctx, o->name, o->size, ours);
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
	if (r == 0 && !options->dry_run)
		r = blob_sync_all(st->blobs);
	free(s.at);
	if (r == 0)
		*ret_totals = s.totals;
	return r;
}
