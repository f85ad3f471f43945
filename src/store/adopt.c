/* Files of the data directory that somebody put there, changed or removed: what they are to the
 * index, and how they get into it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "store/internal.h"

#define CHUNK (1 << 20)

/* -- what a file is ------------------------------------------------------- */

bool
file_is_of_instance(const char *name)
{
	/* The service's own probe (contract 11.4), and what instances were first. */
	return strncmp(name, STORE_HEALTH_DIR "/", strlen(STORE_HEALTH_DIR "/")) != 0 &&
	       strstr(name, "/" BLOB_ORIGINALS "/") == NULL;
}

/* "partition/study/series/instance.dcm" in its parts.  false: it is no public name. */
bool
split_name(const char *name, char part[4][UID_TEXT_MAX + 4])
{
	const char *p = name, *slash;
	size_t len;
	int i;

	for (i = 0; i < 4; i++, p = slash + 1) {
		slash = i < 3 ? strchr(p, '/') : p + strlen(p);
		if (slash == NULL || (size_t)(slash - p) >= sizeof part[i])
			return false;
		memcpy(part[i], p, (size_t)(slash - p));
		part[i][slash - p] = '\0';
	}
	len = strlen(part[3]);
	if (len < 5 || strcmp(part[3] + len - 4, ".dcm") != 0)
		return false;
	part[3][len - 4] = '\0';
	return true;
}

bool
is_being_removed(struct kv_txn *txn, const char *sop_uid)
{
	struct reclaim_entry e;
	struct kv_range *g;
	struct slice k, v;
	bool found = false;

	if (kv_range_open(txn, T_RECLAIM, slice_of(NULL, 0), slice_of(NULL, 0), KV_ASCENDING, 0, &g) < 0)
		return false;
	while (!found && kv_range_next(g, &k, &v) > 0)
		found = reclaim_entry_get(v, &e) == 0 && strcmp(e.sop_uid, sop_uid) == 0;
	kv_range_close(g);
	return found;
}

int
instance_of_file(struct store *st, const char *name, uint64_t *ret_id, uint64_t *ret_watermark)
{
	char part[4][UID_TEXT_MAX + 4];
	struct catalog_path path;
	struct instance_row row;
	struct kv_txn *txn;
	int r;

	*ret_id = *ret_watermark = 0;
	if (!split_name(name, part))
		return -ENOENT;
	r = kv_begin(st->kv, KV_READ, &txn);
	if (r < 0)
		return r;
	r = catalog_find_path(txn, part[0], part[1], part[2], part[3], &path);
	if (r == 0)
		r = catalog_instance(txn, path.series, path.instance, &row);
	if (r == 0) {
		*ret_id = path.instance;
		*ret_watermark = row.watermark;
	} else if (r == -ENOENT && is_being_removed(txn, part[3]))
		r = 0;
	kv_abort(txn);
	return r;
}

/* -- indexing it ---------------------------------------------------------- */

/* Its bytes as those of a new instance. */
static int
copy_in(struct store *st, int fd, struct incoming **ret_in, struct err *err)
{
	char *chunk = malloc(CHUNK);
	struct incoming *in = NULL;
	struct stat sb;
	uint64_t off = 0;
	ssize_t n;
	int r = chunk == NULL ? err_set(err, -ENOMEM, "out of memory") : incoming_new(st, &in, err);

	while (r == 0 && (n = io_pread_all(fd, chunk, CHUNK, off)) != 0) {
		r = n < 0 ? err_set(err, (int)n, "cannot read the file: %s", strerror((int)-n))
			  : incoming_write(in, chunk, (size_t)n, err);
		off += (uint64_t)n;
	}
	if (r == 0 && fstat(fd, &sb) == 0) {
		struct timespec times[2] = { sb.st_atim, sb.st_mtim };

		futimens(incoming_fd(in), times);
	}
	free(chunk);
	if (r < 0)
		incoming_free(in);
	*ret_in = r == 0 ? in : NULL;
	return r;
}

/* Another place than its UIDs say: taken in anew, and this file dropped. */
static int
move_in(struct store *st, const char *partition, const char *name, int fd, struct err *err)
{
	struct ingest_options o = { .partition = partition, .rules = VALIDATE_PLAIN, .same = INGEST_SAME_REPLACE };
	struct ingest_result result;
	struct incoming *in;
	struct ticket *t;
	int r = copy_in(st, fd, &in, err);

	if (r < 0)
		return r;
	r = incoming_accept(in, &o, &result, &t, err);
	if (r < 0)
		incoming_free(in);
	else
		r = ticket_wait(t, NULL, err);
	return r < 0 ? r : blob_remove(st->blobs, name);
}

int
adopt_file(struct store *st, const char *name, struct ticket **ret_ticket, struct err *err)
{
	char partition[STORE_NAME_MAX + 1];
	const char *slash = strchr(name, '/');
	struct ingest_result result;
	int fd, r;

	*ret_ticket = NULL;
	if (slash != NULL && slash - name > STORE_NAME_MAX)
		return err_set(err, -EINVAL, "the file is in no partition");
	r = blob_open(st->blobs, name, &fd);
	if (r < 0)
		return err_set(err, r, "cannot open the file: %s", strerror(-r));
	snprintf(partition, sizeof partition, "%.*s", slash != NULL ? (int)(slash - name) : (int)sizeof partition,
		 slash != NULL ? name : STORE_DEFAULT_PARTITION);
	r = index_in_place(st, partition, name, fd, &result, ret_ticket, err);
	if (r == 0)
		return 0;	/* fd is the ticket's */
	if (r == -EXDEV)
		r = move_in(st, partition, name, fd, err);
	close(fd);
	return r;
}
