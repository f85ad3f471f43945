/* Files of the data directory that are what instances were first (catalog/original.h): whose they are, and how an
 * index that does not know them gets to. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "store/internal.h"

#define MARK "/" BLOB_ORIGINALS "/"

bool
file_is_original(const char *name)
{
	return strstr(name, MARK) != NULL;
}

/* The instance whose original a file is by its name, as the parts of the public one. */
static bool
split_original(const char *name, char part[4][UID_TEXT_MAX + 4])
{
	const char *mark = strstr(name, MARK);
	char public[BLOB_NAME_MAX];

	if (mark == NULL || strlen(name) >= sizeof public)
		return false;
	memcpy(public, name, (size_t)(mark - name));
	strcpy(public + (mark - name), mark + strlen(MARK) - 1);
	return split_name(public, part);
}

static int
find_instance(struct kv_txn *txn, const char *name, struct catalog_path *path)
{
	char part[4][UID_TEXT_MAX + 4];
	int r;

	if (!split_original(name, part))
		return -ESRCH;
	r = catalog_find_path(txn, part[0], part[1], part[2], part[3], path);
	if (r == -ENOENT)
		r = is_being_removed(txn, part[3]) ? -EALREADY : -ESRCH;
	return r;
}

int
original_of_file(struct store *st, const char *name)
{
	struct catalog_path path;
	struct instance_row row;
	struct kv_txn *txn;
	int r = kv_begin(st->kv, KV_READ, &txn);

	if (r < 0)
		return r;
	r = find_instance(txn, name, &path);
	if (r == 0)
		r = catalog_instance(txn, path.series, path.instance, &row);
	if (r == 0 && !(row.flags & INSTANCE_UPDATED))
		r = is_being_removed(txn, row.uid) ? -EALREADY : -ENOENT;
	kv_abort(txn);
	return r;
}

struct setting {
	struct catalog_path path;
	const struct original *original;
};

static int
set_original(void *ctx, struct catalog_batch *batch)
{
	const struct setting *s = ctx;

	return batch_set_original(batch, &s->path, s->original);
}

static int
adopt(struct store *st, const char *name, int fd, struct err *err)
{
	char part[4][UID_TEXT_MAX + 4];
	struct original o = { .header = { "", 0 } };
	struct setting s = { .original = &o };
	struct job *job = NULL;
	struct kv_txn *txn;
	int r = split_original(name, part) ? 0 : err_set(err, -ESRCH, "it is no original");

	if (r == 0)
		r = describe_in_place(st, part[0], fd, &job, err);
	if (r < 0)
		return r;
	r = kv_begin(st->kv, KV_READ, &txn);
	if (r == 0) {
		r = find_instance(txn, name, &s.path);
		kv_abort(txn);
	}
	o.row = job->row;
	o.row.stage = 0;
	o.row.attributes = o.row.extended = slice_of("", 0);
	strcpy(o.study_uid, job->result.identity.study_uid);
	strcpy(o.series_uid, job->result.identity.series_uid);
	o.header = buf_slice(&job->json);
	if (r == 0)
		r = batch_update(st->kv, set_original, &s);
	job_free(job);
	return r < 0 ? err_set(err, r, "it cannot be kept as an original: %s", strerror(-r)) : 0;
}

int
adopt_original(struct store *st, const char *name, struct err *err)
{
	int fd, r = blob_open(st->blobs, name, &fd);

	if (r < 0)
		return err_set(err, r, "cannot open the file: %s", strerror(-r));
	r = adopt(st, name, fd, err);
	close(fd);
	return r;
}

int
forget_original(struct store *st, uint64_t instance)
{
	struct setting s = { .original = NULL };
	struct kv_txn *txn;
	enum level level;
	int r = kv_begin(st->kv, KV_READ, &txn);

	if (r < 0)
		return r;
	r = catalog_path(txn, instance, &s.path, &level);
	kv_abort(txn);
	return r < 0 ? r : batch_update(st->kv, set_original, &s);
}
