/* Check: the files against the index, and the index against the files.
 *
 * It may run beside a daemon.  A file that does not fit its row counts only when the row is still
 * the same afterwards.
 */
#include "store/check_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHUNK (1 << 20)

void
check_report(struct check *c, enum check_finding finding, const char *what, bool repaired)
{
	c->totals.findings++;
	if (repaired)
		c->totals.repaired++;
	if (c->options->report != NULL)
		c->options->report(c->options->ctx, finding, what, repaired);
}

/* -- repairs -------------------------------------------------------------- */

static void
wait_tickets(struct check *c)
{
	size_t i;

	for (i = 0; i < c->n_tickets; i++)
		ticket_wait(c->tickets[i], NULL, NULL);
	c->n_tickets = 0;
}

bool
check_adopt(struct check *c, const char *name)
{
	struct ticket *t;

	if (adopt_file(c->st, name, &t, NULL) < 0)
		return false;
	if (t == NULL)
		return true;
	if (c->n_tickets == CHECK_TICKETS)
		wait_tickets(c);
	c->tickets[c->n_tickets++] = t;
	return true;
}

/* -- files ---------------------------------------------------------------- */

static int
hash_fits(const struct store_file *f, bool *ret_fits)
{
	int r = store_file_verify(f, NULL, NULL);

	/* A disk that cannot read it: as good as changed. */
	*ret_fits = r != -ESTALE && r != -EIO;
	return *ret_fits ? r : 0;
}

static void
mend_file(struct check *c, const char *partition, const struct instance_info *info, enum check_finding finding)
{
	char name[BLOB_NAME_MAX];
	bool mended = false;

	instance_name(name, partition, info->study_uid, info->series_uid, info->sop_uid);
	if (c->options->repair) {
		mended = finding == CHECK_FILE_CHANGED && check_adopt(c, name);
		if (!mended)
			mended = store_delete_id(c->st, info->id, info->watermark, NULL) == 0;
	}
	check_report(c, finding, name, mended);
}

/* The version stored first, of an instance that was updated. */
static int
check_original_file(struct check *c, const char *partition, const struct instance_info *info)
{
	char name[BLOB_NAME_MAX];
	struct store_node now;
	struct store_file *f;
	bool fits = true, mended = false;
	int r = open_bytes(c->st, info->id, true, &f, NULL), fd;

	if (r == 0) {
		if (c->options->verify)
			r = hash_fits(f, &fits);
		store_file_close(f);
		if (r < 0 || fits)
			return r;
	}
	if (r < 0 && r != -ESTALE && r != -ENOENT)
		return r;
	r = store_get_node(c->st, info->id, &now);
	if (r == -ENOENT || (r == 0 && now.watermark != info->watermark))
		return 0;
	original_name(name, partition, info->study_uid, info->series_uid, info->sop_uid);
	r = blob_open(c->st->blobs, name, &fd);
	if (r == 0)
		close(fd);
	if (c->options->repair && r == 0)
		mended = adopt_original(c->st, name, NULL) == 0;
	if (c->options->repair && !mended)
		mended = forget_original(c->st, info->id) == 0;
	check_report(c, r == 0 ? CHECK_FILE_CHANGED : CHECK_FILE_MISSING, name, mended);
	return 0;
}

static int
check_file(void *ctx, const char *partition, const struct instance_info *info)
{
	struct check *c = ctx;
	struct store_node now;
	struct store_file *f;
	bool fits = true;
	char name[BLOB_NAME_MAX];
	int r, fd;

	instance_name(name, partition, info->study_uid, info->series_uid, info->sop_uid);
	r = open_bytes(c->st, info->id, false, &f, NULL);
	if (r == 0) {
		if (c->options->verify)
			r = hash_fits(f, &fits);
		store_file_close(f);
		if (r == 0 && fits) {
			check_row_tier(c, name, info);
			c->totals.instances++;
			c->totals.bytes += info->size;
			return info->updated ? check_original_file(c, partition, info) : 0;
		}
	}
	if (r == -ENOMEDIUM) {
		check_count_away(c, name, info->tier);
		return 0;
	}
	if (r < 0 && r != -ESTALE && r != -ENOENT)
		return r;
	r = store_get_node(c->st, info->id, &now);
	if (r == -ENOENT || (r == 0 && now.watermark != info->watermark))
		return 0;	/* it changed while we looked */
	if (r < 0)
		return r;
	r = blob_open(c->st->blobs, name, &fd);
	if (r == 0)
		close(fd);
	else if (check_lost_link(c, name, info))
		return 0;
	if (r == -ELOOP) {
		/* Somebody's link in its place: the bytes may be where it leads, and nobody knows but who made it. */
		check_report(c, CHECK_FILE_CHANGED, name, false);
		return 0;
	}
	mend_file(c, partition, info, r == 0 ? CHECK_FILE_CHANGED : CHECK_FILE_MISSING);
	return 0;
}

/* -- files without rows --------------------------------------------------- */

/* Without a row. */
static int
check_dead_link(struct check *c, const char *name)
{
	int fd, r = blob_open(c->st->blobs, name, &fd);

	if (r == 0) {
		close(fd);	/* it is there by now */
		return 0;
	}
	if (r == -ENOMEDIUM)
		check_count_away(c, name, STORE_HOT);
	else if (r == -ENOENT)
		check_report(c, CHECK_FILE_MISSING, name, c->options->repair && blob_remove(c->st->blobs, name) == 0);
	return 0;
}

static int
check_blob(void *ctx, const char *name, uint64_t size, int64_t mtime)
{
	struct check *c = ctx;
	uint64_t id, watermark;
	int r;

	(void)mtime;
	if (!file_is_of_instance(name))
		return 0;
	r = instance_of_file(c->st, name, &id, &watermark);
	if (r == -ENOENT && size == BLOB_AWAY)
		return check_dead_link(c, name);
	if (r == -ENOENT)
		check_report(c, CHECK_FILE_UNKNOWN, name, c->options->repair && check_adopt(c, name));
	return r == -ENOENT ? 0 : r;
}

/* When all instances are there. */
static int
check_original_blob(void *ctx, const char *name, uint64_t size, int64_t mtime)
{
	struct check *c = ctx;
	int r;

	(void)size;
	(void)mtime;
	if (!file_is_original(name))
		return 0;
	r = original_of_file(c->st, name);
	if (r == -ENOENT || r == -ESRCH)
		check_report(c, CHECK_FILE_UNKNOWN, name,
			     r == -ENOENT && c->options->repair && adopt_original(c->st, name, NULL) == 0);
	return r == -ENOENT || r == -ESRCH || r == -EALREADY ? 0 : r;
}

static int
check_stage(void *ctx, const char *stage, uint64_t owner, bool alive)
{
	struct check *c = ctx;

	if (!alive && owner != c->st->owner)
		check_report(c, CHECK_STAGING, stage, false);
	return 0;
}

int
store_check(struct store *st, const struct check_options *options, struct check_totals *ret_totals, struct err *err)
{
	struct check c = { .st = st, .options = options };
	int r;

	if (options->repair && st->read_only)
		return err_set(err, -EROFS, "the store is open for reading only");
	barrier(st);
	r = check_index(&c);
	if (r < 0)
		return err_set(err, r, "cannot read the index: %s", strerror(-r));
	r = each_instance(st, check_file, &c, err);
	if (r == 0) {
		r = blob_walk(st->blobs, check_blob, &c);
		if (r == 0)
			r = check_tiers(&c);
		wait_tickets(&c);
		if (r == 0)
			r = blob_walk(st->blobs, check_original_blob, &c);
		if (r == 0)
			r = blob_walk_staging(st->blobs, check_stage, &c);
		if (r < 0)
			err_set(err, r, "cannot walk the files: %s", strerror(-r));
	}
	check_report_away(&c);
	if (ret_totals != NULL)
		*ret_totals = c.totals;
	return r;
}
