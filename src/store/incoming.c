/* Receiving and accepting: everything about one instance that can be done
 * before and beside the commits of others.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "catalog/header.h"
#include "dicom/json.h"
#include "store/internal.h"

#define PREAMBLE 128
#define HASH_CHUNK (256 << 10)
/* What a file says of itself when the index leaves attributes out, so that an index made again does, too. */
#define RULES_NAME "user.dicomlake.rules"
#define RULES_V2 "v2"

struct incoming {
	struct store *st;
	int fd;
	uint64_t stage;
	char name[BLOB_STAGE_MAX];	/* where the file is now */
	struct hash_stream *hash;	/* of the first `written` bytes; NULL: not begun, or not known */
	uint64_t written;
	bool shared;			/* its file is somebody else's, too: never written to */
};

static int
new_incoming(struct store *st, struct incoming **ret_in, struct err *err)
{
	struct incoming *in = calloc(1, sizeof *in);
	int r;

	if (in == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	in->st = st;
	in->fd = -1;
	r = stage_take(st, &in->stage);
	if (r < 0) {
		free(in);
		return err_set(err, r, "cannot stage a file: %s", strerror(-r));
	}
	stage_name(in->name, in->stage, NULL);
	*ret_in = in;
	return 0;
}

int
incoming_new(struct store *st, struct incoming **ret_in, struct err *err)
{
	struct incoming *in;
	int r = new_incoming(st, &in, err);

	if (r < 0)
		return r;
	r = blob_stage_create(st->blobs, in->name, &in->fd);
	if (r < 0) {
		free(in);
		return err_set(err, r, "cannot stage a file: %s", strerror(-r));
	}
	*ret_in = in;
	return 0;
}

int
incoming_adopt(struct store *st, const char *stage_file, struct incoming **ret_in)
{
	struct incoming *in;
	int r = new_incoming(st, &in, NULL);

	if (r < 0)
		return r;
	r = blob_stage_rename(st->blobs, stage_file, in->name);
	if (r == 0)
		r = blob_stage_open(st->blobs, in->name, &in->fd);
	if (r < 0) {
		free(in);
		return r;
	}
	*ret_in = in;
	return 0;
}

int
incoming_write(struct incoming *in, const void *data, size_t len, struct err *err)
{
	int r;

	if (in->hash == NULL && in->written == 0)
		in->hash = hash_stream_new();
	if (in->hash == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	r = io_write_all(in->fd, data, len);
	if (r < 0)
		return err_set(err, r, "cannot write to staging: %s", strerror(-r));
	hash_stream_add(in->hash, data, len);
	in->written += len;
	return 0;
}

/* What was hashed is not what is there. */
static void
forget_hash(struct incoming *in)
{
	hash_stream_free(in->hash);
	in->hash = NULL;
	in->written = UINT64_MAX;	/* nothing begins there */
}

int
incoming_write_at(struct incoming *in, const void *data, size_t len, uint64_t off)
{
	int r = io_pwrite_all(in->fd, data, len, off);

	if (in->written == 0 && off == 0 && in->hash == NULL)
		in->hash = hash_stream_new();
	if (r == 0 && in->hash != NULL && off == in->written) {
		hash_stream_add(in->hash, data, len);
		in->written += len;
	} else
		forget_hash(in);
	return r;
}

int
incoming_truncate(struct incoming *in, uint64_t size)
{
	if (in->written > 0)
		forget_hash(in);
	return ftruncate(in->fd, (off_t)size) < 0 ? -errno : 0;
}

int
incoming_share(struct incoming *in, int fd, bool clone)
{
	char shared[BLOB_STAGE_MAX];
	uint64_t stage;
	int r, own;

	if (clone)
		return ioctl(in->fd, FICLONE, fd) < 0 ? -errno : 0;
	/* Under another name first, so that what is there stays when it cannot be had. */
	r = stage_take(in->st, &stage);
	if (r < 0)
		return r;
	stage_name(shared, stage, NULL);
	r = blob_stage_link(in->st->blobs, fd, shared);
	if (r < 0)
		return r;
	r = blob_stage_open(in->st->blobs, shared, &own);
	if (r < 0) {
		blob_stage_remove(in->st->blobs, shared);
		return r;
	}
	blob_stage_remove(in->st->blobs, in->name);
	close(in->fd);
	in->fd = own;
	in->stage = stage;
	in->shared = true;
	strcpy(in->name, shared);
	return 0;
}

int
incoming_fd(struct incoming *in)
{
	return in->fd;
}

static void
incoming_finish(struct incoming *in)
{
	hash_stream_free(in->hash);
	free(in);
}

void
incoming_free(struct incoming *in)
{
	if (in == NULL)
		return;
	if (in->fd >= 0)
		close(in->fd);
	blob_stage_remove(in->st->blobs, in->name);
	incoming_finish(in);
}

/* -- accept --------------------------------------------------------------- */

static int
zero_preamble(struct incoming *in, struct err *err)
{
	static const char zeros[PREAMBLE];
	char head[PREAMBLE];

	if (in->shared)
		return err_set(err, -EINVAL, "the preamble of a shared file cannot be cleared");
	if (io_pread_all(in->fd, head, sizeof head, 0) != sizeof head || memcmp(head, zeros, sizeof head) == 0)
		return 0;
	if (pwrite(in->fd, zeros, sizeof zeros, 0) != sizeof zeros)
		return err_set(err, -EIO, "cannot clear the preamble");
	forget_hash(in);
	return 0;
}

static int
hash_file(struct incoming *in, uint64_t size, unsigned char hash[HASH_LEN])
{
	struct hash_stream *h;
	char *chunk;
	uint64_t off = 0;
	ssize_t n = 0;

	if (in->hash != NULL && in->written == size) {
		hash_stream_get(in->hash, hash);
		return 0;
	}
	h = hash_stream_new();
	chunk = malloc(HASH_CHUNK);
	while (h != NULL && chunk != NULL && off < size) {
		n = io_pread_all(in->fd, chunk, HASH_CHUNK, off);
		if (n <= 0)
			break;
		hash_stream_add(h, chunk, (size_t)n);
		off += (uint64_t)n;
	}
	if (h == NULL || chunk == NULL)
		n = -ENOMEM;
	else if (off != size && n >= 0)
		n = -EIO;
	else
		hash_stream_get(h, hash);
	hash_stream_free(h);
	free(chunk);
	return n < 0 ? (int)n : 0;
}

void
job_free(struct job *job)
{
	if (job->fd >= 0)
		close(job->fd);
	buf_fini(&job->study_attributes);
	buf_fini(&job->series_attributes);
	buf_fini(&job->instance_attributes);
	buf_fini(&job->json);
	buf_fini(&job->header);
	buf_fini(&job->bytes);
	dicom_free(job->d);
	free(job);
}

void
job_unref(struct store *st, struct job *job)
{
	bool last;

	pthread_mutex_lock(&st->lock);
	last = --job->refs == 0;
	pthread_mutex_unlock(&st->lock);
	if (last)
		job_free(job);
}

static struct job *
job_new(struct store *st)
{
	struct job *job = calloc(1, sizeof *job);

	if (job == NULL)
		return NULL;
	job->store = st;
	job->fd = -1;
	job->refs = 2;
	buf_init(&job->study_attributes, 128 << 10);
	buf_init(&job->series_attributes, 128 << 10);
	buf_init(&job->instance_attributes, 128 << 10);
	buf_init(&job->json, HEADER_MAX);
	buf_init(&job->header, HEADER_MAX + 64);
	buf_init(&job->bytes, LARGE_MIN);
	return job;
}

/* The instance is there already: 0, and *ret_unchanged when its bytes are the same. */
static int
accept_again(struct job *job, uint64_t instance, const struct instance_row *row, bool *ret_unchanged, struct err *err)
{
	bool same = row->size == job->row.size && memcmp(row->hash, job->row.hash, HASH_LEN) == 0;

	job->result.outcome = INGEST_UNCHANGED;
	job->result.id = instance;
	job->result.watermark = row->watermark;
	if (job->same == INGEST_SAME_REFUSE || (job->same == INGEST_SAME_KEEP && !same))
		return err_set_dicom(err, -EEXIST, REASON_EXISTS, 0, "the instance exists already");
	*ret_unchanged = same;
	return 0;
}

/* Look for the same instance, and compress the header against its series' base. */
static int
compare(struct store *st, struct job *job, enum validate_rules rules, bool *ret_unchanged, struct err *err)
{
	const struct dicom_identity *id = &job->result.identity;
	struct partition_row partition;
	struct instance_row row;
	struct catalog_path p;
	struct kv_txn *txn;
	int r;

	*ret_unchanged = false;
	r = kv_begin(st->kv, KV_READ, &txn);
	if (r < 0)
		return err_set_dicom(err, r, REASON_PROCESSING, 0, "cannot read the index: %s", strerror(-r));
	if (rules == VALIDATE_V1) {
		r = query_tags_check(txn, buf_slice(&job->json), err);
		if (r < 0) {
			kv_abort(txn);
			return r == -EINVAL ? r : err_set_dicom(err, r, REASON_PROCESSING, 0, "cannot read the index: %s",
								strerror(-r));
		}
	}
	r = catalog_find_path(txn, job->partition, id->study_uid, id->series_uid, id->sop_uid, &p);
	if (r == -ENOENT)
		r = 0;
	job->result.known = p.series != 0 ? STORE_SERIES : p.study != 0 ? STORE_STUDY : p.partition != 0 ? STORE_PARTITION
			  : STORE_ROOT;
	if (r == 0 && p.partition != 0 && (r = catalog_partition(txn, p.partition, &partition)) == 0)
		strcpy(job->partition, partition.name);		/* names of files are made of its own spelling */
	job->series = p.series;
	if (r == 0 && p.instance != 0)
		r = catalog_instance(txn, p.series, p.instance, &row);
	kv_abort(txn);
	if (r < 0)
		err_set_dicom(err, r, REASON_PROCESSING, 0, "cannot read the index: %s", strerror(-r));
	else if (p.instance != 0)
		r = accept_again(job, p.instance, &row, ret_unchanged, err);
	if (r == 0 && !*ret_unchanged && !job->described_later)
		r = job_compress(st, job, err);
	return r;
}

/* Contract 2.5, steps 2 to 7. */
static int
validate(struct job *job, struct dicom *d, const struct ingest_options *o, struct err *err)
{
	struct dicom_warnings own = { 0 }, *warnings = o->warnings != NULL ? o->warnings : &own;
	struct ingest_result *result = &job->result;
	int r;

	r = dicom_identify(d, o->rules, o->study_uid, &result->identity, err);
	if (r < 0)
		return r;
	result->several = dicom_has_several(d, o->rules);
	if (o->rules == VALIDATE_V2) {
		r = dicom_check_values(d, warnings);
		if (r < 0)
			err_set(err, r, "out of memory");
		if (warnings->n > 0)
			result->warning_reason = WARNING_ATTRIBUTES;
		job->dropped = warnings->n > 0;
	}
	dicom_warnings_fini(&own);
	if (dicom_is_implicit(d))
		result->warning_reason = WARNING_CLASS;		/* wins (contract 2.8) */
	return r;
}

/* The committer's thread describes what nobody waits for, beside the one that accepts the next; unless it has
 * more to do than that.  What could still go wrong then is only what goes wrong with a large header. */
static bool
may_describe_later(struct store *st, const struct job *job, const struct ingest_options *o)
{
	uint64_t header = job->row.pixel_offset != 0 ? job->row.pixel_offset : job->row.size;

	return o->survive_kill && !o->waits && o->rules == VALIDATE_PLAIN && header <= DESCRIBE_LATER_MAX &&
		committer_has_time(st);
}

static int
prepare(struct incoming *in, const struct ingest_options *o, struct job *job, struct err *err)
{
	struct stat sb;
	int r;

	if (o->zero_preamble) {
		r = zero_preamble(in, err);
		if (r < 0)
			return r;
	}
	if (fstat(in->fd, &sb) < 0)
		return err_set_dicom(err, -errno, REASON_PROCESSING, 0, "cannot read staging");
	job->row.size = (uint64_t)sb.st_size;
	job->row.mtime = clock_ns(sb.st_mtim);
	job->row.stage = in->stage;
	r = dicom_read_fd(in->fd, &job->d, err);
	if (r < 0)
		return r;
	job_measure(job);
	r = validate(job, job->d, o, err);
	job->described_later = r == 0 && may_describe_later(in->st, job, o);
	if (r == 0 && !job->described_later)
		r = job_describe(job, err);
	if (r < 0)
		return r;
	if (job->dropped && !job->in_place && !in->shared && fsetxattr(in->fd, RULES_NAME, RULES_V2, strlen(RULES_V2), 0) < 0)
		log_debug("store: cannot keep the rules of a file error=%s", strerror(errno));
	r = hash_file(in, job->row.size, job->row.hash);
	if (r < 0)
		return err_set_dicom(err, r, REASON_PROCESSING, 0, "cannot read staging: %s", strerror(-r));
	return 0;
}

/* A large file, while the round before is still being synced.  What fails here the round finds out. */
static void
begin_sync(struct incoming *in, const struct ingest_options *o, struct job *job)
{
	if (o->waits)
		job->synced = blob_sync(in->st->blobs, &in->fd, 1) == 0;
	else
		sync_file_range(in->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

/* A job for a partition whose name a caller gives; what it is made of comes by prepare. */
static int
begin(struct store *st, const char *partition, enum ingest_same same, struct job **ret_job, struct err *err)
{
	struct job *job;

	if (!store_name_is_valid(partition))
		return err_set(err, -EINVAL, "a partition name is 1 to 64 letters, digits, '_', '-' and '.'");
	job = job_new(st);
	if (job == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	strcpy(job->partition, partition);
	job->same = same;
	*ret_job = job;
	return 0;
}

/* Takes fd. */
static void
submit(struct store *st, struct job *job, int fd, bool unchanged, bool waits, struct ticket **ret_ticket)
{
	job->fd = fd;
	*ret_ticket = (struct ticket *)job;
	if (unchanged) {
		job->done = true;
		job->refs = 1;
	} else
		committer_queue(st, job, waits);
}

int
incoming_accept(struct incoming *in, const struct ingest_options *o, struct ingest_result *result,
		struct ticket **ret_ticket, struct err *err)
{
	struct store *st = in->st;
	char accepted[BLOB_STAGE_MAX];
	struct job *job;
	bool unchanged;
	int r;

	step(STEP_RECEIVED);
	r = begin(st, o->partition != NULL ? o->partition : STORE_DEFAULT_PARTITION, o->same, &job, err);
	if (r < 0)
		return r;
	r = prepare(in, o, job, err);
	if (r == 0)
		r = compare(st, job, o->rules, &unchanged, err);
	if (r == 0 && !unchanged && o->survive_kill) {
		stage_name(accepted, in->stage, job->partition);
		r = blob_stage_rename(st->blobs, in->name, accepted);
		if (r < 0)
			err_set_dicom(err, r, REASON_PROCESSING, 0, "cannot stage a file: %s", strerror(-r));
		else {
			job->accepted = true;
			job->row.flags |= INSTANCE_ACCEPTED_STAGE;
		}
	}
	*result = job->result;
	if (r < 0) {
		st->refused++;
		job_free(job);
		return r;
	}
	step(STEP_ACCEPTED);
	if (job->row.size >= LARGE_MIN && !unchanged)
		begin_sync(in, o, job);
	job->stage = in->stage;
	if (unchanged)
		blob_stage_remove(st->blobs, in->name);
	submit(st, job, in->fd, unchanged, o->waits, ret_ticket);
	incoming_finish(in);
	return 0;
}

int
store_has_same(struct store *st, const char *partition, int fd, const void *data, size_t len,
	       struct ingest_result *result)
{
	struct ingest_result found = { .outcome = INGEST_UNCHANGED };
	const struct dicom_identity *id = &found.identity;
	struct incoming in = { .st = st, .fd = fd };
	unsigned char hash[HASH_LEN];
	struct instance_row row;
	struct catalog_path p;
	struct dicom *d = NULL;
	struct kv_txn *txn;
	struct stat sb;
	bool same;

	if (fd >= 0 && fstat(fd, &sb) < 0)
		return 0;
	if ((fd >= 0 ? dicom_read_fd(fd, &d, NULL) : dicom_read_mem(data, len, &d, NULL)) < 0)
		return 0;
	same = dicom_identify(d, VALIDATE_PLAIN, NULL, &found.identity, NULL) == 0;
	dicom_free(d);
	if (!same || kv_begin(st->kv, KV_READ, &txn) < 0)
		return 0;
	same = catalog_find_path(txn, partition != NULL ? partition : STORE_DEFAULT_PARTITION, id->study_uid,
				 id->series_uid, id->sop_uid, &p) == 0 &&
		catalog_instance(txn, p.series, p.instance, &row) == 0 &&
		row.size == (fd >= 0 ? (uint64_t)sb.st_size : len);
	kv_abort(txn);
	if (!same)
		return 0;
	if (fd < 0)
		hash_bytes(data, len, hash);
	else if (hash_file(&in, row.size, hash) < 0)
		return 0;
	if (memcmp(hash, row.hash, HASH_LEN) != 0)
		return 0;
	found.id = p.instance;
	found.watermark = row.watermark;
	*result = found;
	return 1;
}

static int
describe_file(struct incoming *in, const struct ingest_options *o, bool in_place, struct job **ret_job, struct err *err)
{
	struct job *job;
	int r = begin(in->st, o->partition, o->same, &job, err);

	if (r < 0)
		return r;
	job->in_place = in_place;
	r = prepare(in, o, job, err);
	if (r < 0) {
		job_free(job);
		return r;
	}
	*ret_job = job;
	return 0;
}

int
incoming_describe(struct incoming *in, const struct ingest_options *o, struct job **ret_job, struct err *err)
{
	return describe_file(in, o, false, ret_job, err);
}

int
describe_in_place(struct store *st, const char *partition, int fd, struct job **ret_job, struct err *err)
{
	struct ingest_options o = { .partition = partition, .rules = kept_rules(fd), .same = INGEST_SAME_REPLACE };
	struct incoming in = { .st = st, .fd = fd };

	return describe_file(&in, &o, true, ret_job, err);
}

void
incoming_leave(struct incoming *in)
{
	struct stat sb;

	/* A large one is on its way to the disk while the next is being written. */
	if (fstat(in->fd, &sb) == 0 && sb.st_size >= LARGE_MIN)
		sync_file_range(in->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	close(in->fd);
	incoming_finish(in);
}

/* The rules it was stored by. */
enum validate_rules
kept_rules(int fd)
{
	char value[8];
	ssize_t n = fgetxattr(fd, RULES_NAME, value, sizeof value);

	return n == strlen(RULES_V2) && memcmp(value, RULES_V2, strlen(RULES_V2)) == 0 ? VALIDATE_V2 : VALIDATE_PLAIN;
}

enum validate_rules
incoming_kept_rules(struct incoming *in)
{
	return kept_rules(in->fd);
}

int
index_in_place(struct store *st, const char *partition, const char *name, int fd, struct ingest_result *result,
	       struct ticket **ret_ticket, struct err *err)
{
	struct ingest_options o = { .partition = partition, .rules = kept_rules(fd), .same = INGEST_SAME_REPLACE };
	struct incoming in = { .st = st, .fd = fd };
	char right[BLOB_NAME_MAX];
	unsigned tier;
	bool unchanged = false;
	struct job *job;
	int r;

	r = begin(st, partition, o.same, &job, err);
	if (r < 0)
		return r;
	job->in_place = true;
	r = prepare(&in, &o, job, err);
	if (r == 0)
		r = compare(st, job, o.rules, &unchanged, err);
	if (r == 0) {
		instance_name(right, partition, job->result.identity.study_uid, job->result.identity.series_uid,
			      job->result.identity.sop_uid);
		if (strcmp(right, name) != 0)
			r = err_set(err, -EXDEV, "the file belongs at %s", right);
		else if (blob_tier(st->blobs, name, &tier) == 0)
			instance_row_set_tier(&job->row, tier);
	}
	*result = job->result;
	if (r < 0) {
		job_free(job);
		return r;
	}
	submit(st, job, fd, unchanged, false, ret_ticket);
	return 0;
}
