/* Exports: begun, looked at page by page, and ended.
 *
 * What must hold (tests/fault/export checks it):
 *  (1) What gives access is durable, in a file of its own, before the operation is seen, and is wiped after
 *      the operation was seen to have ended.
 *  (2) The cursor moves in the transaction of the counts it stands for, after the page's instances were put and
 *      the log of what was skipped is durable; so a page that was not counted is put again, whole.
 *  (3) Lines of the log beyond what was counted are cut off before a page is done again.
 */
#include "store/export.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "catalog/codec.h"
#include "store/export_internal.h"

/* Below the store: one file an export that has not ended, and its log. */
#define DIRECTORY "exports"
#define LOG_SUFFIX ".log"
#define ACCESS_MAX 65536
/* Identifiers whose instances are counted beforehand, for the one who waits. */
#define COUNTED_MAX 10000

/* -- bytes ---------------------------------------------------------------- */

int
export_input_put(const struct export_input *in, struct buf *out)
{
	put_u8(out, (uint8_t)in->source);
	put_short(out, slice_str(in->partition));
	put_u64(out, (uint64_t)in->since);
	put_u64(out, (uint64_t)in->until);
	put_u32(out, in->n_values);
	put_long(out, in->uri);
	return buf_error(out);
}

int
export_input_get(struct slice value, struct export_input *in)
{
	struct reader r;

	reader_init(&r, value);
	in->source = (enum export_source)get_u8(&r);
	get_text(&r, in->partition, sizeof in->partition);
	in->since = (int64_t)get_u64(&r);
	in->until = (int64_t)get_u64(&r);
	in->n_values = get_u32(&r);
	in->uri = get_long(&r);
	return r.bad || in->source < EXPORT_IDENTIFIERS || in->source > EXPORT_CHANGES ? -EIO : 0;
}

int
export_cursor_put(const struct export_cursor *c, struct buf *out)
{
	put_u32(out, c->value);
	put_u64(out, c->node);
	put_u64(out, c->study);
	put_u64(out, c->series);
	put_u64(out, c->instance);
	put_u64(out, c->before);
	put_u64(out, c->sequence);
	put_u64(out, c->results.exported);
	put_u64(out, c->results.skipped);
	put_u64(out, c->results.bytes);
	put_u64(out, c->results.log);
	return buf_error(out);
}

int
export_cursor_get(struct slice value, struct export_cursor *c)
{
	struct reader r;

	*c = (struct export_cursor){ 0 };
	if (value.len == 0)
		return 0;
	reader_init(&r, value);
	c->value = get_u32(&r);
	c->node = get_u64(&r);
	c->study = get_u64(&r);
	c->series = get_u64(&r);
	c->instance = get_u64(&r);
	c->before = get_u64(&r);
	c->sequence = get_u64(&r);
	c->results.exported = get_u64(&r);
	c->results.skipped = get_u64(&r);
	c->results.bytes = get_u64(&r);
	c->results.log = get_u64(&r);
	return r.bad ? -EIO : 0;
}

/* -- files ---------------------------------------------------------------- */

/* The directory, made for its owner alone when it is not there; the caller closes it. */
static int
open_directory(struct store *st, bool make)
{
	int fd;

	if (st->dir < 0)
		return -ENOTSUP;
	if (make && mkdirat(st->dir, DIRECTORY, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(st->dir, DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int
write_access(struct store *st, const char *id, struct slice access)
{
	int dir = open_directory(st, true), fd, r;

	if (dir < 0)
		return dir;
	fd = openat(dir, id, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	r = fd < 0 ? -errno : io_write_all(fd, access.data, access.len);
	if (r == 0 && (fsync(fd) < 0 || fsync(dir) < 0 || fsync(st->dir) < 0))
		r = -errno;
	if (fd >= 0 && close(fd) < 0 && r == 0)
		r = -errno;
	if (fd >= 0 && r < 0)
		unlinkat(dir, id, 0);
	close(dir);
	return r;
}

/* Overwritten first, for those who look at the disk; a file system that copies on write keeps it all the same. */
static void
wipe_file(int dir, const char *name)
{
	static const char zeros[4096];
	struct stat st;
	int fd = openat(dir, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	off_t off;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= ACCESS_MAX) {
		for (off = 0; off < st.st_size; off += (off_t)sizeof zeros)
			if (pwrite(fd, zeros, sizeof zeros, off) < 0)
				break;
		fdatasync(fd);
	}
	if (fd >= 0)
		close(fd);
	unlinkat(dir, name, 0);
}

int
store_export_access(struct store *st, const char *id, struct buf *out, struct err *err)
{
	int dir = open_directory(st, false), fd = -1, r = dir;
	ssize_t n = 0;
	char *room;

	if (dir >= 0) {
		fd = openat(dir, id, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		r = fd < 0 ? -errno : buf_reserve(out, ACCESS_MAX, &room);
		close(dir);
	}
	if (r == 0) {
		n = io_pread_all(fd, room, ACCESS_MAX, 0);
		r = n < 0 ? (int)n : 0;
	}
	if (fd >= 0)
		close(fd);
	if (r < 0)
		return err_set(err, r, "what gives access to the destination cannot be read: %s", strerror(-r));
	buf_grow(out, (size_t)n);
	return 0;
}

int
store_export_log(struct store *st, const char *id, uint64_t len, int *ret_fd, struct err *err)
{
	char name[OPERATION_TEXT_MAX + sizeof LOG_SUFFIX];
	int dir = open_directory(st, true), fd = -1, r = dir;

	snprintf(name, sizeof name, "%s" LOG_SUFFIX, id);
	if (dir >= 0) {
		fd = openat(dir, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		r = fd < 0 || ftruncate(fd, (off_t)len) < 0 || lseek(fd, 0, SEEK_END) < 0 ? -errno : 0;
		close(dir);
	}
	if (r < 0) {
		if (fd >= 0)
			close(fd);
		return err_set(err, r, "the log of an export cannot be kept: %s", strerror(-r));
	}
	*ret_fd = fd;
	return 0;
}

/* Begun by somebody, and not recorded yet: how long that may be so, ns. */
#define BEGUN ((int64_t)60 * 1000000000)

/* Is the operation over that a file is named after? */
static bool
is_over(struct store *st, const char *name, int64_t mtime)
{
	unsigned char id[OPERATION_ID_LEN];
	char text[OPERATION_TEXT_MAX];
	struct operation_row row;
	struct kv_txn *txn;
	int r;

	snprintf(text, sizeof text, "%.*s", OPERATION_TEXT_MAX - 1, name);
	if (operation_parse(text, id) < 0 || kv_begin(st->kv, KV_READ, &txn) < 0)
		return false;
	r = operation_get(txn, id, &row);
	kv_abort(txn);
	return r == -ENOENT ? clock_now() - mtime > BEGUN : r == 0 && operation_is_finished(&row);
}

int
store_export_clean(struct store *st)
{
	int fd = open_directory(st, false);
	struct dirent *entry;
	struct stat status;
	DIR *dir;

	if (fd < 0)
		return fd == -ENOENT || fd == -ENOTSUP ? 0 : fd;
	dir = fdopendir(fd);
	if (dir == NULL) {
		close(fd);
		return -errno;
	}
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.' && fstatat(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
		    is_over(st, entry->d_name, clock_ns(status.st_mtim)))
			wipe_file(fd, entry->d_name);
	closedir(dir);
	return 0;
}

/* -- begin ---------------------------------------------------------------- */

int
store_check_export(struct store *st, const struct export_request *rq, struct err *err)
{
	struct export_identifier id;
	struct export_query *query;
	size_t i;
	int r;

	switch (rq->source) {
	case EXPORT_IDENTIFIERS:
		if (rq->n_values == 0)
			return err_set(err, -EINVAL, "no identifier is given");
		for (i = 0; i < rq->n_values; i++) {
			r = export_identifier_parse(rq->values[i], strlen(rq->values[i]), &id, err);
			if (r < 0)
				return r;
		}
		return 0;
	case EXPORT_EVERYTHING:
		return 0;
	case EXPORT_QUERY:
		r = export_query_new(st, rq->values, rq->n_values, &query, err);
		if (r == 0)
			export_query_free(query);
		return r;
	case EXPORT_CHANGES:
		return rq->until > rq->since ? 0 : err_set(err, -EINVAL, "endTime must be later than startTime");
	}
	return err_set(err, -EINVAL, "no source");
}

int
store_new_operation(char ret_id[OPERATION_TEXT_MAX])
{
	unsigned char id[OPERATION_ID_LEN];
	int r = operation_new_id(id);

	if (r == 0)
		operation_format(id, ret_id);
	return r;
}

struct beginning {
	unsigned char id[OPERATION_ID_LEN];
	const struct export_request *rq;
	struct export_input input;
	struct export_cursor cursor;
	uint64_t total;
};

static int
begin(void *ctx, struct kv_txn *txn)
{
	const struct beginning *b = ctx;
	struct operation_row row = { .type = OPERATION_EXPORT, .total = b->total };
	struct buf input, cursor;
	uint32_t i;
	int r;

	buf_init(&input, ACCESS_MAX);
	buf_init(&cursor, 256);
	r = export_input_put(&b->input, &input);
	if (r == 0)
		r = export_cursor_put(&b->cursor, &cursor);
	row.input = buf_slice(&input);
	row.cursor = buf_slice(&cursor);
	for (i = 0; i < b->input.n_values && r == 0; i++)
		r = operation_value_put(txn, b->id, i, b->rq->values[i]);
	if (r == 0)
		r = operation_begin(txn, b->id, &row);
	buf_fini(&input);
	buf_fini(&cursor);
	return r;
}

static int
take_first(void *ctx, const struct change_entry *e)
{
	*(uint64_t *)ctx = e->change.sequence - 1;
	return 1;
}

static int
count(struct beginning *b, struct store *st)
{
	const struct export_request *rq = b->rq;
	struct scope_totals totals;
	struct export_identifier id;
	struct store_scan *scan;
	size_t i;

	for (i = 0; i < (rq->source == EXPORT_EVERYTHING ? 1 : rq->n_values) && i < COUNTED_MAX; i++) {
		struct store_scope scope = { .partition = b->input.partition };
		int r = 0;

		if (rq->source == EXPORT_IDENTIFIERS) {
			r = export_identifier_parse(rq->values[i], strlen(rq->values[i]), &id, NULL);
			scope.study_uid = id.uids[0];
			scope.series_uid = id.n > 1 ? id.uids[1] : NULL;
			scope.sop_uid = id.n > 2 ? id.uids[2] : NULL;
		}
		if (r == 0)
			r = store_scan_open(st, &scope, &scan, &totals, NULL);
		if (r == 0) {
			store_scan_close(scan);
			b->total += totals.instances;
		} else if (r == -ENOENT) {
			b->total++;		/* skipped once */
		} else {
			return r;
		}
	}
	return 0;
}

int
store_begin_export(struct store *st, const char *id, const struct export_request *rq, struct err *err)
{
	const struct changes_query window = { .from = CHANGES_BY_TIME, .since = rq->since, .until = rq->until, .limit = 1 };
	struct beginning b = { .rq = rq, .input = { .source = rq->source, .since = rq->since, .until = rq->until,
						    .uri = slice_str(rq->uri), .n_values = (uint32_t)rq->n_values } };
	struct store_node partition;
	int r;

	if (st->read_only)
		return err_set(err, -EROFS, "the store is open for reading only");
	r = store_check_export(st, rq, err);
	if (r < 0)
		return r;
	if (rq->n_values > INT32_MAX || operation_parse(id, b.id) < 0 || rq->access.len > ACCESS_MAX)
		return err_set(err, -EINVAL, "an export of that size is not possible");
	r = store_find_partition(st, rq->partition != NULL ? rq->partition : STORE_DEFAULT_PARTITION, &partition);
	if (r < 0)
		return err_set(err, r, r == -ENOENT ? "no such partition" : "cannot read the index: %s", strerror(-r));
	snprintf(b.input.partition, sizeof b.input.partition, "%s", partition.name);
	if (rq->source == EXPORT_CHANGES) {
		b.cursor.sequence = INT64_MAX;		/* none: at the feed's end */
		r = store_changes(st, &window, take_first, &b.cursor.sequence, err);
		r = r > 0 ? 0 : r;
	} else if (rq->source != EXPORT_QUERY) {
		r = count(&b, st);
	}
	if (r == 0)
		r = write_access(st, id, rq->access);
	if (r == 0)
		r = kv_update(st->kv, begin, &b);
	return r < 0 ? err_set(err, r, "cannot begin an export: %s", strerror(-r)) : 0;
}

/* -- pages ---------------------------------------------------------------- */

/* The row, decoded and copied: 1; 0: it has ended. */
static int
read_row(struct store *st, const unsigned char id[OPERATION_ID_LEN], struct export_input *input, struct export_cursor *cursor)
{
	struct operation_row row;
	struct kv_txn *txn;
	int r = kv_begin(st->kv, KV_READ, &txn);

	if (r < 0)
		return r;
	r = operation_get(txn, id, &row);
	if (r == 0 && row.type != OPERATION_EXPORT)
		r = -EINVAL;
	if (r == 0)
		r = operation_is_finished(&row) ? 0 : 1;
	if (r == 1 && (export_input_get(row.input, input) < 0 || export_cursor_get(row.cursor, cursor) < 0))
		r = -EIO;
	input->uri = slice_of(NULL, 0);
	kv_abort(txn);
	return r;
}

int
store_export_page(struct store *st, const char *id, struct export_page *page, struct err *err)
{
	unsigned char bytes[OPERATION_ID_LEN];
	struct export_input input;
	struct err own = { 0 };
	int r = operation_parse(id, bytes);

	if (r == 0)
		r = read_row(st, bytes, &input, &page->next);
	if (r == 1) {
		page->results = page->next.results;
		r = export_page_fill(st, bytes, &input, page, &own);
		r = r < 0 ? r : 1;
	}
	if (r < 0)
		return own.num == r ? err_set(err, r, "%s", err_text(&own))
				    : err_set(err, r, "cannot read the index: %s", strerror(-r));
	return r;
}

struct advance {
	unsigned char id[OPERATION_ID_LEN];
	const struct export_page *page;
};

static int
advance(void *ctx, struct kv_txn *txn)
{
	const struct advance *a = ctx;
	struct export_cursor next = a->page->next;
	struct export_input in;
	struct operation_row row;
	struct buf cursor, input;
	int r = operation_get(txn, a->id, &row);

	if (r == 0 && operation_is_finished(&row))
		return 0;
	if (r == 0)
		r = export_input_get(row.input, &in);
	if (r < 0)
		return r;
	buf_init(&cursor, 256);
	buf_init(&input, ACCESS_MAX);
	next.results = a->page->results;
	r = export_cursor_put(&next, &cursor);
	if (r == 0)
		r = buf_put(&input, row.input.data, row.input.len);	/* its slices go with the writes */
	row.input = buf_slice(&input);
	row.cursor = buf_slice(&cursor);
	row.status = a->page->last ? OPERATION_SUCCEEDED : OPERATION_RUNNING;
	row.done = next.results.exported + next.results.skipped;
	row.updated = clock_now();
	if (r == 0 && a->page->last)
		r = operation_values_drop(txn, a->id, UINT32_MAX);
	else if (r == 0 && in.source == EXPORT_IDENTIFIERS)
		r = operation_values_drop(txn, a->id, next.value);
	if (r == 0)
		r = operation_put(txn, a->id, &row);
	buf_fini(&cursor);
	buf_fini(&input);
	if (r == 0)
		step(STEP_EXPORTING);
	return r;
}

int
store_export_advance(struct store *st, const char *id, const struct export_page *page, struct err *err)
{
	struct advance a = { .page = page };
	int r = operation_parse(id, a.id);

	if (r == 0)
		r = kv_update(st->kv, advance, &a);
	if (r == 0)
		step(STEP_EXPORTED);
	return r < 0 ? err_set(err, r, "cannot write the index: %s", strerror(-r)) : 0;
}
