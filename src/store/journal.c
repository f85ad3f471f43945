/* The journal: bytes of small files, kept in the transaction that names them.
 *
 * A small instance costs a sync of its file and then one of the index, and the
 * first is as dear as the second.  So when few small files are in a round
 * their bytes go into the index with their rows, and the files, written but not
 * synced, are made durable later, many at once:
 *
 *	settle	sync everything; then remove the entries that were there before
 *	restore	(at open) a file that does not fit its current row is made again from its entry
 *
 *  (1) An entry goes only after a sync that began when its file was whole: the
 *      transaction that wrote it had committed, and the file was written before that.
 *  (2) An entry of a row that was replaced or removed is nobody's: it is not restored.
 *
 * A kill -9 leaves the files in the page cache, so restore finds them whole; only a
 * power cut takes them.  Entries of a killed process go with the next settle of any process.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "base/vec.h"
#include "store/internal.h"

/* -- writing -------------------------------------------------------------- */

static bool
is_small(const struct job *job)
{
	return job->row.size < LARGE_MIN && !job->in_place;
}

int
journal_load(struct job **jobs, size_t n)
{
	size_t i, small = 0;
	char *room;
	ssize_t got;
	int r;

	for (i = 0; i < n; i++)
		small += is_small(jobs[i]);
	if (small > JOURNAL_FILES_MAX)
		return 0;
	for (i = 0; i < n; i++) {
		struct job *job = jobs[i];

		if (!is_small(job) || job->bytes.len > 0)
			continue;
		r = buf_reserve(&job->bytes, job->row.size, &room);
		if (r < 0)
			return r;
		got = io_pread_all(job->fd, room, job->row.size, 0);
		if (got < 0 || (uint64_t)got != job->row.size)
			return got < 0 ? (int)got : -EIO;
		buf_grow(&job->bytes, (size_t)got);
	}
	return 0;
}

/* -- settling ------------------------------------------------------------- */

static int
latest_entry(struct store *st, uint64_t *ret_watermark)
{
	struct kv_range *g = NULL;
	struct kv_txn *txn;
	struct slice k, v;
	int r = kv_begin(st->kv, KV_READ, &txn);

	if (r < 0)
		return r;
	r = kv_range_open(txn, T_JOURNAL, slice_of(NULL, 0), slice_of(NULL, 0), KV_DESCENDING, 1, &g);
	if (r == 0)
		r = kv_range_next(g, &k, &v);
	*ret_watermark = r > 0 ? read_u64(k.data) : 0;
	kv_range_close(g);
	kv_abort(txn);
	return r < 0 ? r : 0;
}

static int
remove_entries(void *ctx, struct kv_txn *txn)
{
	struct key to = key_of_1(*(const uint64_t *)ctx + 1);
	uint64_t all = UINT64_MAX;

	return catalog_delete_range(txn, T_JOURNAL, slice_of(NULL, 0), key_slice(&to), &all);
}

int
journal_settle(struct store *st)
{
	uint64_t watermark;
	int r = latest_entry(st, &watermark);

	if (r == 0)
		r = blob_sync_all(st->blobs);
	step(STEP_SETTLED);
	if (r == 0)
		r = kv_update(st->kv, remove_entries, &watermark);
	if (r < 0)
		log_error("journal: not settled, it will be tried again error=%s", strerror(-r));
	return r;
}

/* -- restoring ------------------------------------------------------------ */

struct place {
	char name[BLOB_NAME_MAX], stage[BLOB_STAGE_MAX];
	struct instance_row row;
};

/* Where the file of an entry should be; -ENOENT when its row is no more (2). */
static int
find_place(struct kv_txn *txn, uint64_t watermark, uint64_t instance, struct place *place)
{
	struct catalog_rows rows;
	struct catalog_path p;
	int r = catalog_instance_rows(txn, instance, &p, &rows);

	if (r == -EISDIR || (r == 0 && rows.instance.watermark != watermark))
		return -ENOENT;
	if (r < 0)
		return r;
	place->row = rows.instance;
	instance_names(&rows, place->name, place->stage);
	return 0;
}

static bool
holds(int fd, struct slice bytes)
{
	char *got = malloc(bytes.len + 1);
	bool same = got != NULL && io_pread_all(fd, got, bytes.len + 1, 0) == (ssize_t)bytes.len &&
		    memcmp(got, bytes.data, bytes.len) == 0;

	free(got);
	return same;
}

static bool
is_whole(struct store *st, const struct place *place, struct slice bytes)
{
	bool whole = false;
	int fd;

	if (blob_open(st->blobs, place->name, &fd) == 0) {
		whole = holds(fd, bytes);
		close(fd);
	}
	if (!whole && blob_stage_open(st->blobs, place->stage, &fd) == 0) {
		whole = holds(fd, bytes);
		close(fd);
	}
	return whole;
}

static int
make_again(struct store *st, const char *stage, const struct place *place, struct slice bytes)
{
	struct timespec times[2] = { clock_timespec(place->row.mtime), clock_timespec(place->row.mtime) };
	int fd, r;

	r = blob_stage_create(st->blobs, stage, &fd);
	if (r < 0)
		return r;
	r = io_write_all(fd, bytes.data, bytes.len);
	if (r == 0 && futimens(fd, times) < 0)
		r = -errno;
	close(fd);
	if (r == 0)
		r = blob_publish(st->blobs, stage, place->name);
	if (r < 0)
		blob_stage_remove(st->blobs, stage);
	else
		blob_stage_remove(st->blobs, place->stage);	/* what is left of it */
	return r;
}

/* Entries whose file is not whole, by their watermarks. */
struct damage {
	uint64_t *watermarks;
	size_t n, room;
};

static int
find_damage(struct store *st, struct kv_txn *txn, struct damage *d)
{
	struct place place;
	struct kv_range *g;
	struct slice k, v;
	int r = kv_range_open(txn, T_JOURNAL, slice_of(NULL, 0), slice_of(NULL, 0), KV_ASCENDING, 0, &g);

	if (r < 0)
		return r;
	while ((r = kv_range_next(g, &k, &v)) > 0) {
		uint64_t watermark = read_u64(k.data);

		r = v.len < 8 ? -EIO : find_place(txn, watermark, read_u64(v.data), &place);
		if (r == -ENOENT)
			continue;
		if (r < 0)
			break;
		if (is_whole(st, &place, slice_of((const char *)v.data + 8, v.len - 8)))
			continue;
		r = vec_room(&d->watermarks, &d->room, d->n, sizeof *d->watermarks, 64);
		if (r < 0)
			break;
		d->watermarks[d->n++] = watermark;
	}
	kv_range_close(g);
	return r;
}

/* Under the writer's lock: nobody replaces or removes it while it is made again. */
static int
restore_one(struct store *st, uint64_t watermark)
{
	struct key key = key_of_1(watermark);
	char stage[BLOB_STAGE_MAX];
	struct place place;
	struct kv_txn *txn;
	struct slice v;
	uint64_t number;
	int r = stage_take(st, &number);

	if (r < 0)
		return r;
	stage_name(stage, number, NULL);
	r = kv_begin(st->kv, KV_WRITE, &txn);
	if (r < 0)
		return r;
	r = kv_get(txn, T_JOURNAL, key_slice(&key), &v);
	if (r == 0)
		r = find_place(txn, watermark, read_u64(v.data), &place);
	if (r == 0) {
		v = slice_of((const char *)v.data + 8, v.len - 8);
		if (!is_whole(st, &place, v))
			r = make_again(st, stage, &place, v);
	}
	kv_abort(txn);
	return r == -ENOENT ? 0 : r;
}

int
journal_restore(struct store *st)
{
	struct damage d = { 0 };
	struct kv_txn *txn;
	size_t i;
	int r = kv_begin(st->kv, KV_READ, &txn);

	if (r < 0)
		return r;
	r = find_damage(st, txn, &d);
	kv_abort(txn);
	for (i = 0; i < d.n && r == 0; i++)
		r = restore_one(st, d.watermarks[i]);
	if (d.n > 0 && r == 0) {
		log_info("restored files that a power cut took count=%zu", d.n);
		r = journal_settle(st);
	}
	free(d.watermarks);
	return r;
}
