#include "fs/receive.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/copy.h"
#include "base/io.h"
#include "store/import.h"

struct receive {
	pthread_mutex_t lock;		/* guards all below; held across reads, writes and accept */
	struct store *st;
	struct incoming *in;		/* DIRTY or REFUSED: where writes go */
	struct behind *behind;		/* NULL: written at once */
	struct behind_file writes;
	int fd;				/* CLEAN: the bytes; -1 EMPTY */
	uint64_t size;
	int failed;			/* -errno of a write; 0 */
	int lost;			/* -errno of one that was said to have been done: this file is never whole */
	bool stored;			/* some bytes of it were accepted */
	int refused;			/* -errno of the last accept of just these bytes; 0 */
	struct err why;
	struct ingest_result what;
};

struct receive *
receive_new(struct store *st, struct behind *behind)
{
	struct receive *rc = calloc(1, sizeof *rc);

	if (rc == NULL)
		return NULL;
	pthread_mutex_init(&rc->lock, NULL);
	rc->st = st;
	rc->behind = behind;
	rc->fd = -1;
	return rc;
}

/* From here on the staging file has what was written. */
static int
finish_writes(struct receive *rc)
{
	int r = behind_finish(rc->behind, &rc->writes);

	if (r < 0)
		rc->failed = rc->lost = r;
	return r;
}

/* For whoever does anything but to write on. */
static void
lock_written(struct receive *rc)
{
	pthread_mutex_lock(&rc->lock);
	finish_writes(rc);
}

int
receive_set_base(struct receive *rc, const struct store_file *file)
{
	int fd = fcntl(store_file_fd(file), F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	rc->fd = fd;
	rc->size = store_file_info(file)->size;
	return 0;
}

void
receive_free(struct receive *rc)
{
	if (rc == NULL)
		return;
	finish_writes(rc);
	incoming_free(rc->in);
	if (rc->fd >= 0)
		close(rc->fd);
	pthread_mutex_destroy(&rc->lock);
	free(rc);
}

/* Make sure there is a staging file that only we know, with the first keep
 * bytes of what is there now. */
static int
begin(struct receive *rc, uint64_t keep)
{
	struct incoming *in;
	struct err err;
	int r;

	rc->refused = 0;
	if (rc->in != NULL)
		return 0;
	err_clear(&err);
	r = incoming_new(rc->st, &in, &err);
	if (r < 0)
		return r;
	if (rc->fd >= 0 && keep > 0)
		r = copy_bytes(rc->fd, 0, incoming_fd(in), 0, keep < rc->size ? keep : rc->size, NULL);
	if (r < 0) {
		incoming_free(in);
		return r;
	}
	rc->in = in;
	if (keep < rc->size)
		rc->size = keep;
	if (rc->fd >= 0) {
		close(rc->fd);
		rc->fd = -1;
	}
	return 0;
}

ssize_t
receive_read(struct receive *rc, void *data, size_t len, uint64_t off)
{
	ssize_t n = 0;
	int fd;

	lock_written(rc);
	fd = rc->in != NULL ? incoming_fd(rc->in) : rc->fd;
	if (fd >= 0)
		n = io_pread_all(fd, data, len, off);
	pthread_mutex_unlock(&rc->lock);
	return n;
}

static int
put_bytes(struct receive *rc, const char *data, size_t len, uint64_t off)
{
	size_t behind = behind_write(rc->behind, &rc->writes, rc->in, data, len, off);
	int r;

	if (behind == len)
		return 0;
	r = finish_writes(rc);
	return r < 0 ? r : incoming_write_at(rc->in, data + behind, len - behind, off + behind);
}

ssize_t
receive_write(struct receive *rc, const void *data, size_t len, uint64_t off, bool append)
{
	int r;

	pthread_mutex_lock(&rc->lock);
	if (append)
		off = rc->size;
	r = rc->lost != 0 ? rc->lost : off + len < off ? -EFBIG : begin(rc, UINT64_MAX);
	if (r == 0)
		r = put_bytes(rc, data, len, off);
	if (r == 0 && off + len > rc->size)
		rc->size = off + len;
	if (r < 0)
		rc->failed = r;
	pthread_mutex_unlock(&rc->lock);
	return r < 0 ? r : (ssize_t)len;
}

int
receive_truncate(struct receive *rc, uint64_t size)
{
	int r = 0;

	lock_written(rc);
	if (size == 0)
		rc->lost = 0;
	if (size != rc->size) {
		r = begin(rc, size);
		if (r == 0)
			r = incoming_truncate(rc->in, size);
		if (r == 0)
			rc->size = size;
	}
	pthread_mutex_unlock(&rc->lock);
	return r;
}

int
receive_allocate(struct receive *rc, int mode, uint64_t off, uint64_t len)
{
	struct stat sb;
	int r;

	/* Holes punched or ranges moved are nothing a DICOM writer does. */
	if (mode != 0 && mode != FALLOC_FL_KEEP_SIZE)
		return -EOPNOTSUPP;
	lock_written(rc);
	r = begin(rc, UINT64_MAX);
	if (r == 0 && fallocate(incoming_fd(rc->in), mode, (off_t)off, (off_t)len) < 0)
		r = -errno;
	if (r == 0 && fstat(incoming_fd(rc->in), &sb) == 0)
		rc->size = (uint64_t)sb.st_size;
	pthread_mutex_unlock(&rc->lock);
	return r;
}

int
receive_sync(struct receive *rc)
{
	int r = 0;

	lock_written(rc);
	r = rc->lost;
	if (r == 0 && rc->in != NULL && fdatasync(incoming_fd(rc->in)) < 0)
		r = -errno;
	pthread_mutex_unlock(&rc->lock);
	return r;
}

uint64_t
receive_size(struct receive *rc)
{
	uint64_t size;

	pthread_mutex_lock(&rc->lock);
	size = rc->size;
	pthread_mutex_unlock(&rc->lock);
	return size;
}

static int
accept_locked(struct receive *rc, const struct ingest_options *how, int64_t mtime,
	      struct ingest_result *result, struct ticket **ret_ticket, struct err *err)
{
	struct ingest_options options = *how;
	int fd, r;

	if (rc->stored)
		options.same = INGEST_SAME_REPLACE;
	fd = fcntl(incoming_fd(rc->in), F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return err_set(err, -errno, "no descriptor left");
	if (mtime >= 0) {
		struct timespec times[2] = {
			{ .tv_nsec = UTIME_OMIT },
			clock_timespec(mtime),
		};

		futimens(fd, times);
	}
	r = incoming_accept(rc->in, &options, result, ret_ticket, err);
	if (r < 0) {
		close(fd);
		return r;
	}
	rc->in = NULL;			/* the store's now */
	rc->fd = fd;
	rc->stored = true;
	rc->failed = 0;
	return 1;
}

int
receive_accept(struct receive *rc, const struct ingest_options *options, int64_t mtime,
	       struct ingest_result *result, struct ticket **ret_ticket, struct err *err)
{
	int r = 0;

	memset(result, 0, sizeof *result);
	lock_written(rc);
	if (rc->lost != 0) {
		r = err_set_dicom(err, rc->lost, REASON_PROCESSING, 0, "it could not be written: %s", strerror(-rc->lost));
	} else if (rc->refused != 0) {
		r = rc->refused;
		*err = rc->why;
		*result = rc->what;
	} else if (rc->in != NULL && rc->size > 0) {
		r = accept_locked(rc, options, mtime, result, ret_ticket, err);
		if (r == -EBADMSG && rc->failed < 0)
			r = err_set_dicom(err, rc->failed, REASON_PROCESSING, 0, "it could not be written: %s",
					  strerror(-rc->failed));
		/* The same bytes would be refused again; a full disk or the
		 * like may have passed by the next time. */
		if (r == -EINVAL || r == -EBADMSG || r == -EFBIG) {
			rc->refused = r;
			rc->why = *err;
			rc->what = *result;
		}
	}
	pthread_mutex_unlock(&rc->lock);
	return r;
}

int
receive_refuse(struct receive *rc, const char *path, const struct ingest_result *result, const struct err *err)
{
	int fd, r = -EALREADY;

	lock_written(rc);
	if (rc->in != NULL) {
		r = store_refuse_import(rc->st, rc->failed == 0 ? incoming_fd(rc->in) : -1, path, result, err);
		if (r == 0 && rc->failed != 0)
			r = -ENODATA;
		/* What is linked there must not change: as after an accept. */
		fd = fcntl(incoming_fd(rc->in), F_DUPFD_CLOEXEC, 0);
		incoming_free(rc->in);
		rc->in = NULL;
		rc->fd = fd;
		if (fd < 0)
			rc->size = 0;
		rc->refused = rc->failed = rc->lost = 0;
	}
	pthread_mutex_unlock(&rc->lock);
	return r;
}
