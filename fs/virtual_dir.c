/* Listing virtual directories.
 *
 * The entries of a query directory are found a batch at a time and kept while it is open.  Where
 * a listing goes on is said by the id of the study before, so none is missed or told twice when others
 * come and go between.
 */
#include "fs/virtual.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/query.h"

#define BATCH 512			/* 40 kB while a directory is read */
#define OFFSET_END (UINT64_C(1) << 48)	/* past every id: offsets rise as ids fall */

struct entry {
	uint64_t id;
	int64_t mtime;
	char uid[UID_TEXT_MAX];
};

struct open_dir {
	struct open_dir *prev, *next;	/* in the list of all */
	pthread_mutex_t lock;		/* guards all below */
	struct query_dir dir;
	bool lists;			/* it has conditions */
	uint64_t before;		/* the batch is of what has lower ids; 0: of all */
	bool complete;			/* nothing comes after it */
	size_t n;
	struct entry *batch;		/* NULL: not read yet, or to its end */
};

static void
list_put(struct open_dirs *all, struct open_dir *d)
{
	pthread_mutex_lock(&all->lock);
	d->prev = NULL;
	d->next = all->first;
	if (d->next != NULL)
		d->next->prev = d;
	all->first = d;
	pthread_mutex_unlock(&all->lock);
}

static void
list_del(struct open_dirs *all, struct open_dir *d)
{
	pthread_mutex_lock(&all->lock);
	if (d->next != NULL)
		d->next->prev = d->prev;
	if (d->prev != NULL)
		d->prev->next = d->next;
	else
		all->first = d->next;
	pthread_mutex_unlock(&all->lock);
}

static void
open_dir_free(struct open_dirs *all, struct open_dir *d)
{
	list_del(all, d);
	pthread_mutex_destroy(&d->lock);
	free(d->batch);
	free(d);
}

void
open_dirs_free(struct open_dirs *all)
{
	while (all->first != NULL)
		open_dir_free(all, all->first);
}

void
virtual_opendir(fuse_req_t req, struct fs *fs, uint64_t ino, struct fuse_file_info *fi)
{
	struct open_dir *d = calloc(1, sizeof *d);
	struct stat sb;
	int r = d != NULL ? virtual_getattr(fs, ino, &sb) : -ENOMEM;

	if (r < 0) {
		free(d);
		fuse_reply_err(req, -r);
		return;
	}
	d->lists = virtual_query_dir(fs, ino, &d->dir) == 0 && d->dir.depth > 0;
	pthread_mutex_init(&d->lock, NULL);
	list_put(virtual_open_dirs(fs), d);
	fi->fh = (uint64_t)(uintptr_t)d;
	if (fuse_reply_open(req, fi) != 0)
		open_dir_free(virtual_open_dirs(fs), d);
}

void
virtual_releasedir(fuse_req_t req, struct fs *fs, struct fuse_file_info *fi)
{
	open_dir_free(virtual_open_dirs(fs), (struct open_dir *)(uintptr_t)fi->fh);
	fuse_reply_err(req, 0);
}

static void
drop_batch(struct open_dir *d)
{
	free(d->batch);
	d->batch = NULL;
	d->n = 0;
	d->complete = false;
}

static int
note_entry(void *ctx, const struct store_node *node)
{
	struct open_dir *d = ctx;
	struct entry *e = &d->batch[d->n++];

	e->id = node->id;
	e->mtime = node->mtime;
	strcpy(e->uid, node->name);
	return 0;
}

/* The batch of what has lower ids than before. */
static int
find_batch(fuse_req_t req, struct fs *fs, struct open_dir *d, uint64_t before)
{
	struct search_report report;
	int r;

	if (d->batch == NULL)
		d->batch = malloc(BATCH * sizeof *d->batch);
	if (d->batch == NULL)
		return -ENOMEM;
	d->before = before;
	d->n = 0;
	/* One search looks at so many headers at most; there may be no match among those. */
	do {
		r = virtual_search(fs, &d->dir, NULL, before, BATCH, &report, note_entry, d);
		before = report.next;
		if (r == 0 && d->n == 0 && report.cut && fuse_req_interrupted(req))
			r = -EINTR;
	} while (r == 0 && d->n == 0 && report.cut);
	d->complete = !report.cut && d->n < BATCH;
	if (r < 0)
		drop_batch(d);
	return r;
}

/* The first entry with a lower id than before: 1, or 0 there is none. */
static int
next_entry(fuse_req_t req, struct fs *fs, struct open_dir *d, uint64_t before, const struct entry **ret_entry)
{
	bool known = (d->n > 0 || d->complete) && (d->before == 0 || (before != 0 && before <= d->before));
	size_t i;
	int r;

	for (i = 0; known && i < d->n; i++)
		if (before == 0 || d->batch[i].id < before) {
			*ret_entry = &d->batch[i];
			return 1;
		}
	if (known && d->complete)
		return 0;
	r = find_batch(req, fs, d, before);
	if (r < 0 || d->n == 0)
		return r < 0 ? r : 0;
	*ret_entry = &d->batch[0];
	return 1;
}

struct listing {
	struct fs *fs;
	fuse_req_t req;
	bool plus;
	char *data;
	size_t len, size;
};

static bool
add(struct listing *l, const char *name, const struct fuse_entry_param *e, uint64_t off)
{
	size_t room = l->size - l->len, n;
	struct fuse_entry_param shown;

	e = fs_show(l->fs, e, &shown);
	if (l->plus)
		n = fuse_add_direntry_plus(l->req, l->data + l->len, room, name, e, (off_t)off);
	else
		n = fuse_add_direntry(l->req, l->data + l->len, room, name, &e->attr, (off_t)off);
	if (n > room)
		return false;
	l->len += n;
	return true;
}

static int
list_locked(struct fs *fs, struct open_dir *d, struct listing *l, uint64_t off)
{
	uint64_t before = off > TREE_OFFSET_DOTDOT ? OFFSET_END - off : 0;
	const struct entry *entry = NULL;
	struct fuse_entry_param e;
	struct store_node study;
	int r = 0;

	if (before == 0)
		drop_batch(d);		/* from the beginning: as it is now */
	while (d->lists && (r = next_entry(l->req, fs, d, before, &entry)) > 0) {
		before = entry->id;
		study = (struct store_node){ .id = entry->id, .mtime = entry->mtime };
		strcpy(study.name, entry->uid);
		virtual_link_entry(fs, &d->dir, &study, &e);
		if (!add(l, entry->uid, &e, OFFSET_END - before))
			return 0;
	}
	if (r == 0 && l->len == 0)
		drop_batch(d);		/* that was the end */
	return r;
}

void
virtual_readdir(fuse_req_t req, struct fs *fs, uint64_t ino, size_t size, uint64_t off, bool plus,
		struct fuse_file_info *fi)
{
	struct open_dir *d = (struct open_dir *)(uintptr_t)fi->fh;
	struct listing l = { .fs = fs, .req = req, .plus = plus, .size = size };
	struct fuse_entry_param e = { .ino = 0 };
	bool room = true;
	int r = 0;

	l.data = fs_scratch(size);
	if (l.data == NULL) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	e.attr.st_mode = S_IFDIR;
	e.attr.st_ino = ino;
	if (off < TREE_OFFSET_DOT)
		room = add(&l, ".", &e, TREE_OFFSET_DOT);
	if (room && off < TREE_OFFSET_DOTDOT)
		room = add(&l, "..", &e, TREE_OFFSET_DOTDOT);
	if (room) {
		pthread_mutex_lock(&d->lock);
		r = list_locked(fs, d, &l, off);
		pthread_mutex_unlock(&d->lock);
	}
	if (r < 0 && l.len == 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_buf(req, l.data, l.len);
}
