/* The work of an update: one study at a time, all of it or nothing.
 *
 * Order of effects; each holds after every step, also if we are killed there (tests/fault/update strikes):
 *
 *  (1) stage	For every instance a new file in staging, and, for the version stored first, a second name of its
 *		bytes there.  What the index will need to know of them goes to a spool, a file without a name, so
 *		memory does not grow with the study.  Until here nothing is changed; who finds the files after a
 *		kill removes them, since no row names them (recover.c).
 *  (2) sync	All of them durable.
 *  (3) swap	One transaction: rows, index entries, originals, feed and the operation's record.
 *  (4) name	The new files get the public names, the second names those of originals.  Until then readers find
 *		them in staging, as what was just stored.  After a kill recover.c does it.
 *
 * Between (1) and (3) others may store and delete.  What was replaced or deleted since it was staged is left as
 * they made it.  What came into the study is found by its watermark: then nothing is swapped, and (1) is done for
 * the new ones.  After PASSES of that, those that still come are not waited for.
 */
#include "store/update.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "catalog/codec.h"
#include "catalog/external.h"
#include "catalog/header.h"
#include "dicom/json.h"
#include "dicom/vr.h"
#include "store/update_internal.h"

/* How often newcomers are gone after. */
#define PASSES 8
/* Files named while the writer's lock is held once. */
#define NAME_ROUND 256
/* How often the record tells how far it is, ns. */
#define TELL_EVERY (500 * (int64_t)1000000)
/* A row and a header of one instance, in the spool. */
#define RECORD_MAX (HEADER_MAX + (4u << 20))
#define CHUNK (256 << 10)

/* What is known of a staged instance. */
struct staged {
	uint64_t instance, watermark;	/* the version it is made of */
	uint64_t original_stage;	/* 0: its original is where it is to be */
	struct instance_row row;
	struct slice study_attributes, series_attributes, header;
	char study_uid[UID_TEXT_MAX], series_uid[UID_TEXT_MAX];		/* that it is to have */
	char modality[MODALITY_TEXT_MAX];
};

struct run {
	struct store *st;
	unsigned char id[OPERATION_ID_LEN];
	const atomic_bool *stop;
	struct update_input input;
	struct update_progress progress;
	struct buf errors;		/* of this study and those before */
	size_t n_errors;		/* instances of this study that failed */
	size_t n_staged;
	const char *study_uid;
	uint64_t done, total;		/* instances, for who watches */
	int64_t told;			/* when */
	FILE *spool;
	struct buf record;
	struct series_base base;
	uint64_t base_id;
	uint64_t sequence;
	int64_t swap_ns;		/* how long others could not write */
};

/* -- the spool ------------------------------------------------------------ */

static int
spool_open(struct run *w)
{
	char name[BLOB_STAGE_MAX];
	uint64_t stage;
	int fd, r = stage_take(w->st, &stage);

	if (r < 0)
		return r;
	stage_name(name, stage, NULL);
	r = blob_stage_create(w->st->blobs, name, &fd);
	if (r < 0)
		return r;
	blob_stage_remove(w->st->blobs, name);
	w->spool = fdopen(fd, "w+");
	if (w->spool == NULL)
		close(fd);
	return w->spool == NULL ? -ENOMEM : 0;
}

static int
spool_put(struct run *w, const struct staged *s)
{
	struct buf row;
	uint32_t len;
	int r;

	buf_reset(&w->record);
	buf_init(&row, 2u << 20);
	instance_row_put(&s->row, &row);
	put_u64(&w->record, s->instance);
	put_u64(&w->record, s->watermark);
	put_u64(&w->record, s->original_stage);
	put_long(&w->record, buf_slice(&row));
	put_long(&w->record, s->study_attributes);
	put_long(&w->record, s->series_attributes);
	put_long(&w->record, s->header);
	put_short(&w->record, slice_str(s->study_uid));
	put_short(&w->record, slice_str(s->series_uid));
	put_short(&w->record, slice_str(s->modality));
	r = buf_error(&row) < 0 ? buf_error(&row) : buf_error(&w->record);
	buf_fini(&row);
	if (r < 0)
		return r;
	len = (uint32_t)w->record.len;
	errno = EIO;
	return fwrite(&len, sizeof len, 1, w->spool) == 1 && fwrite(w->record.data, len, 1, w->spool) == 1 ? 0 : -errno;
}

/* 1, or 0 at its end.  What is lent lives until the next. */
static int
spool_next(struct run *w, struct staged *s)
{
	struct reader in;
	struct slice row;
	uint32_t len;
	char *room;
	int r;

	if (fread(&len, sizeof len, 1, w->spool) != 1)
		return ferror(w->spool) ? -EIO : 0;
	buf_reset(&w->record);
	r = buf_reserve(&w->record, len, &room);
	if (r < 0)
		return r;
	if (fread(room, len, 1, w->spool) != 1)
		return -EIO;
	buf_grow(&w->record, len);
	reader_init(&in, buf_slice(&w->record));
	s->instance = get_u64(&in);
	s->watermark = get_u64(&in);
	s->original_stage = get_u64(&in);
	row = get_long(&in);
	s->study_attributes = get_long(&in);
	s->series_attributes = get_long(&in);
	s->header = get_long(&in);
	get_text(&in, s->study_uid, sizeof s->study_uid);
	get_text(&in, s->series_uid, sizeof s->series_uid);
	get_text(&in, s->modality, sizeof s->modality);
	r = in.bad ? -EIO : instance_row_get(row, &s->row);
	return r < 0 ? r : 1;
}

static void
remove_stage(struct store *st, uint64_t stage)
{
	char name[BLOB_STAGE_MAX];

	if (stage == 0)
		return;
	stage_name(name, stage, NULL);
	blob_stage_remove(st->blobs, name);
}

/* Nothing is to come of what was staged. */
static void
drop_staged(struct run *w)
{
	struct staged s;

	if (fflush(w->spool) != 0)
		log_warning("update: some staged files stay until the next start error=%s", strerror(errno));
	rewind(w->spool);
	while (spool_next(w, &s) > 0) {
		remove_stage(w->st, s.row.stage);
		remove_stage(w->st, s.original_stage);
	}
}

/* -- errors --------------------------------------------------------------- */

static void
add_line(struct run *w, const char *line)
{
	/* What is too much is left out whole. */
	if (w->errors.len + strlen(line) + 1 >= UPDATE_ERRORS_TEXT_MAX)
		return;
	buf_puts(&w->errors, line);
	buf_putc(&w->errors, '\n');
}

static void
fail_instance(struct run *w, const char *sop_uid, const struct err *err)
{
	char line[400];

	if (w->n_errors++ == 0) {
		snprintf(line, sizeof line, "Study %s was not updated", w->study_uid);
		add_line(w, line);
	}
	if (w->n_errors <= UPDATE_ERRORS_MAX) {
		snprintf(line, sizeof line, "Instance %s: %s", sop_uid, err_text(err));
		add_line(w, line);
	} else if (w->n_errors == UPDATE_ERRORS_MAX + 1)
		add_line(w, "There are more instances that could not be updated");
}

static void
fail_study(struct run *w, const char *why)
{
	char line[400];

	w->n_errors++;
	snprintf(line, sizeof line, "Study %s was not updated: %s", w->study_uid, why);
	add_line(w, line);
}

/* -- what changes --------------------------------------------------------- */

static const char *
value_of(const struct run *w, uint32_t tag)
{
	size_t i;

	for (i = 0; i < w->input.n_values; i++)
		if (w->input.values[i].tag == tag)
			return w->input.values[i].text;
	return NULL;
}

static bool
applies(const struct run *w, uint32_t tag, const struct instance_info *info)
{
	if (tag == TAG_SERIES_INSTANCE_UID)
		return strcmp(info->series_uid, w->input.series_uid) == 0;
	if (tag == TAG_SOP_INSTANCE_UID)
		return strcmp(info->series_uid, w->input.series_uid) == 0 && strcmp(info->sop_uid, w->input.sop_uid) == 0;
	return true;
}

/* The values that an instance gets, and the UIDs it has then.  Returns how many. */
static size_t
values_for(const struct run *w, const struct instance_info *info, struct change_value *values, struct dicom_identity *id)
{
	size_t i, n = 0;

	memset(id, 0, sizeof *id);
	strcpy(id->study_uid, info->study_uid);
	strcpy(id->series_uid, info->series_uid);
	strcpy(id->sop_uid, info->sop_uid);
	for (i = 0; i < w->input.n_values; i++) {
		const struct change_value *v = &w->input.values[i];
		char *uid = v->tag == TAG_STUDY_INSTANCE_UID ? id->study_uid :
			    v->tag == TAG_SERIES_INSTANCE_UID ? id->series_uid :
			    v->tag == TAG_SOP_INSTANCE_UID ? id->sop_uid : NULL;

		if (!applies(w, v->tag, info))
			continue;
		if (uid != NULL)
			snprintf(uid, UID_TEXT_MAX, "%s", v->text);
		values[n++] = *v;
	}
	return n;
}

static bool
is_moved(const struct instance_info *info, const struct dicom_identity *id)
{
	return strcmp(info->study_uid, id->study_uid) != 0 || strcmp(info->series_uid, id->series_uid) != 0 ||
	       strcmp(info->sop_uid, id->sop_uid) != 0;
}

/* -EEXIST and why: what the study is to become is there already, or what is to move is not. */
static int
check_targets(struct run *w, struct kv_txn *txn, char why[200])
{
	const char *study = value_of(w, TAG_STUDY_INSTANCE_UID), *series = value_of(w, TAG_SERIES_INSTANCE_UID),
		   *sop = value_of(w, TAG_SOP_INSTANCE_UID);
	struct catalog_path p;
	int r;

	if (series != NULL || sop != NULL) {
		r = catalog_find_path(txn, w->input.partition, w->study_uid, w->input.series_uid,
				      sop != NULL ? w->input.sop_uid : NULL, &p);
		snprintf(why, 200, "it has no such %s", r == -ENOENT && p.series != 0 ? "instance" : "series");
		if (r < 0)
			return r == -ENOENT ? -EEXIST : r;
	}
	r = -ENOENT;

	if (study != NULL) {
		snprintf(why, 200, "study %s exists already", study);
		r = catalog_find_path(txn, w->input.partition, study, NULL, NULL, &p);
	}
	if (r == -ENOENT && series != NULL) {
		snprintf(why, 200, "series %s exists already", series);
		r = catalog_find_path(txn, w->input.partition, w->study_uid, series, NULL, &p);
	}
	if (r == -ENOENT && sop != NULL) {
		snprintf(why, 200, "instance %s exists already", sop);
		r = catalog_find_path(txn, w->input.partition, w->study_uid, w->input.series_uid, sop, &p);
	}
	return r == 0 ? -EEXIST : r == -ENOENT ? 0 : r;
}

/* Before anything is staged for nothing. */
static int
check_first(struct run *w, char why[200])
{
	struct catalog_path p;
	struct kv_txn *txn;
	int r = kv_begin(w->st->kv, KV_READ, &txn);

	if (r < 0)
		return r;
	r = catalog_find_path(txn, w->input.partition, w->study_uid, NULL, NULL, &p);
	r = r == -ENOENT ? 0 : r < 0 ? r : check_targets(w, txn, why);
	kv_abort(txn);
	return r;
}

/* -- (1) ------------------------------------------------------------------ */

struct sink {
	struct incoming *in;
	struct err *err;
};

static int
put(void *ctx, const void *data, size_t len)
{
	struct sink *s = ctx;

	return incoming_write(s->in, data, len, s->err);
}

static void
put_without_spaces(struct slice s, struct buf *out)
{
	const char *p = s.data;
	size_t i;

	for (i = 0; i < s.len; i++)
		if (p[i] != ' ')
			buf_putc(out, p[i]);
}

/* What is read from the new file is what was to be written: no text was lost in its character set, and no second
 * element of a broken file hides it. */
static int
check_texts(const struct job *job, const struct change_value *values, size_t n, struct err *err)
{
	struct buf got, is, want;
	struct slice element;
	size_t i;
	int r = 0;

	buf_init(&got, 1 << 20);
	buf_init(&is, 1 << 20);
	buf_init(&want, 1 << 20);
	for (i = 0; i < n && r == 0; i++) {
		enum vr_kind kind = vr_info(values[i].vr)->kind;

		if (kind != VR_TEXT && kind != VR_NAME && kind != VR_STRING)
			continue;
		buf_reset(&got);
		buf_reset(&is);
		buf_reset(&want);
		r = dicom_json_find(buf_slice(&job->json), values[i].tag, &element);
		if (r == 0)
			r = dicom_json_texts(element, &got);
		put_without_spaces(buf_slice(&got), &is);
		put_without_spaces(slice_str(values[i].text), &want);
		if (r < 0 || slice_compare(buf_slice(&is), buf_slice(&want)) != 0)
			r = err_set(err, -EBADMSG, "(%04x,%04x) is not read as it was written", TAG_GROUP(values[i].tag),
				    TAG_ELEMENT(values[i].tag));
	}
	buf_fini(&got);
	buf_fini(&is);
	buf_fini(&want);
	return r;
}

static int
write_new(struct run *w, const struct store_file *f, const struct change_value *values, size_t n,
	  struct incoming **ret_in, struct job **ret_job, struct err *err)
{
	struct ingest_options o = { .partition = w->input.partition, .rules = kept_rules(store_file_fd(f)),
				    .same = INGEST_SAME_REPLACE };
	struct sink sink = { .err = err };
	struct dicom *d = NULL;
	struct job *job = NULL;
	int r = dicom_read_fd(store_file_fd(f), &d, err);

	if (r < 0)
		return r;
	r = incoming_new(w->st, &sink.in, err);
	if (r == 0)
		r = change_write(d, store_file_fd(f), values, n, put, &sink, err);
	dicom_free(d);
	if (r == 0)
		r = incoming_describe(sink.in, &o, &job, err);
	if (r == 0)
		r = check_texts(job, values, n, err);
	if (r < 0) {
		if (job != NULL)
			job_free(job);
		incoming_free(sink.in);
		return r;
	}
	*ret_in = sink.in;
	*ret_job = job;
	return 0;
}

/* Where files have one name only. */
static int
copy_bytes(struct store *st, int fd, const char *name)
{
	char *chunk = malloc(CHUNK);
	struct stat sb;
	uint64_t off = 0;
	ssize_t n = 0;
	int to, r = chunk == NULL ? -ENOMEM : blob_stage_create(st->blobs, name, &to);

	if (r < 0) {
		free(chunk);
		return r;
	}
	while (r == 0 && (n = io_pread_all(fd, chunk, CHUNK, off)) > 0) {
		r = io_write_all(to, chunk, (size_t)n);
		off += (uint64_t)n;
	}
	if (r == 0 && n < 0)
		r = (int)n;
	if (r == 0 && (fstat(fd, &sb) < 0 || futimens(to, (struct timespec[2]){ sb.st_atim, sb.st_mtim }) < 0))
		r = -errno;
	close(to);
	free(chunk);
	if (r < 0)
		blob_stage_remove(st->blobs, name);
	return r;
}

/* A second name for the version stored first. */
static int
hold_original(struct run *w, const struct store_file *f, bool moved, uint64_t *ret_stage, struct err *err)
{
	const struct instance_info *info = store_file_info(f);
	struct store_file *first = NULL;
	char name[BLOB_STAGE_MAX];
	int fd = store_file_fd(f), r = 0;

	*ret_stage = 0;
	if (info->updated && !moved)
		return 0;
	if (info->updated) {
		r = store_open_original(w->st, info->id, &first, err);
		if (r < 0)
			return r;
		fd = store_file_fd(first);
	}
	r = stage_take(w->st, ret_stage);
	if (r == 0) {
		stage_name(name, *ret_stage, NULL);
		r = blob_stage_link(w->st->blobs, fd, name);
		if (r == -EXDEV || r == -EPERM || r == -EOPNOTSUPP || r == -EMLINK || r == -ENOENT)
			r = copy_bytes(w->st, fd, name);
	}
	store_file_close(first);
	return r < 0 ? err_set(err, r, "its original cannot be kept: %s", strerror(-r)) : 0;
}

/* A series has one base for life. */
static int
load_base(struct run *w, struct kv_txn *txn, uint64_t series)
{
	int r;

	if (w->base.series == series)
		return 0;
	buf_reset(&w->base.json);
	w->base.series = 0;
	r = catalog_base(txn, series, &w->base.json, &w->base_id);
	if (r == 0)
		w->base.series = series;
	return r;
}

static int
compress(struct run *w, uint64_t instance, const struct job *job, struct buf *header)
{
	struct catalog_path p;
	struct kv_txn *txn;
	enum level level;
	int r = kv_begin(w->st->kv, KV_READ, &txn);

	if (r < 0)
		return r;
	r = catalog_path(txn, instance, &p, &level);
	if (r == 0)
		r = load_base(w, txn, p.series);
	kv_abort(txn);
	return r < 0 ? r : header_compress(buf_slice(&job->json), buf_slice(&w->base.json), header);
}

static int
spool_job(struct run *w, const struct instance_info *info, const struct job *job, uint64_t original_stage)
{
	struct staged s = {
		.instance = info->id, .watermark = info->watermark, .original_stage = original_stage, .row = job->row,
		.study_attributes = buf_slice(&job->study_attributes),
		.series_attributes = buf_slice(&job->series_attributes),
	};
	struct buf header;
	int r;

	buf_init(&header, HEADER_MAX + 64);
	r = compress(w, info->id, job, &header);
	s.header = buf_slice(&header);
	s.row.attributes = buf_slice(&job->instance_attributes);
	s.row.extended = slice_of("", 0);
	s.row.created = info->created;
	strcpy(s.study_uid, job->result.identity.study_uid);
	strcpy(s.series_uid, job->result.identity.series_uid);
	strcpy(s.modality, job->modality);
	if (r == 0)
		r = spool_put(w, &s);
	buf_fini(&header);
	return r;
}

static int
stage_file(struct run *w, const struct store_file *f, struct err *err)
{
	const struct instance_info *info = store_file_info(f);
	struct change_value values[UPDATE_VALUES_MAX];
	struct dicom_identity id;
	size_t n = values_for(w, info, values, &id);
	struct incoming *in = NULL;
	struct job *job = NULL;
	uint64_t original = 0;
	int r;

	if (n == 0)
		return 0;
	r = write_new(w, f, values, n, &in, &job, err);
	if (r < 0)
		return r;
	if (strcmp(job->result.identity.study_uid, id.study_uid) != 0 ||
	    strcmp(job->result.identity.series_uid, id.series_uid) != 0 ||
	    strcmp(job->result.identity.sop_uid, id.sop_uid) != 0)
		r = err_set(err, -EBADMSG, "its UIDs are not those the index knows");
	if (r == 0)
		r = hold_original(w, f, is_moved(info, &id), &original, err);
	if (r == 0) {
		r = spool_job(w, info, job, original);
		if (r < 0 && r != -ENOENT)
			err_set(err, r, "it cannot be noted: %s", strerror(-r));
	}
	job_free(job);
	if (r < 0) {
		remove_stage(w->st, original);
		incoming_free(in);
		return r == -ENOENT ? 0 : r;	/* deleted meanwhile */
	}
	incoming_leave(in);
	w->n_staged++;
	step(STEP_UPDATE_STAGING);
	return 0;
}

static void
stage_instance(struct run *w, const struct instance_info *info)
{
	struct err err = { 0 };
	struct store_file *f;
	int r = store_open_file(w->st, info->id, &f, &err);

	if (r == -ENOENT)
		return;			/* deleted meanwhile */
	if (r == 0) {
		r = stage_file(w, f, &err);
		store_file_close(f);
	}
	if (r < 0)
		fail_instance(w, info->sop_uid, &err);
}

static int
tell_progress(void *ctx, struct kv_txn *txn)
{
	const struct run *w = ctx;
	struct operation_row row;
	int r = operation_get(txn, w->id, &row);

	if (r < 0)
		return r;
	row.status = OPERATION_RUNNING;
	row.updated = clock_now();
	row.done = w->done;
	row.total = w->total;
	return operation_put(txn, w->id, &row);
}

static bool
stopped(const struct run *w)
{
	return w->stop != NULL && atomic_load(w->stop);
}

/* Those of the study with watermarks from low on.  -ENOENT: it is not there; -ECANCELED. */
static int
stage_pass(struct run *w, uint64_t low)
{
	struct store_scope scope = { .partition = w->input.partition, .study_uid = w->study_uid };
	struct instance_info info;
	struct store_scan *scan;
	int64_t now;
	int r = store_scan_open(w->st, &scope, &scan, NULL, NULL);

	if (r < 0)
		return r;
	while (w->n_errors <= UPDATE_ERRORS_MAX && (r = store_scan_next(scan, &info, NULL)) > 0) {
		if (stopped(w)) {
			r = -ECANCELED;
			break;
		}
		if (info.watermark < low)
			continue;
		stage_instance(w, &info);
		w->done++;
		now = clock_monotonic();
		if (now - w->told > TELL_EVERY) {
			w->told = now;
			kv_update(w->st->kv, tell_progress, w);
		}
	}
	store_scan_close(scan);
	return r < 0 ? r : 0;
}

/* -- (3) ------------------------------------------------------------------ */

/* External metadata go with the study. */
struct move_external {
	struct kv_txn *txn;
	struct external at[16];
	char texts[16][1025];
	size_t n;
	uint32_t after;
};

static int
note_external(void *ctx, const struct external *e)
{
	struct move_external *m = ctx;

	if (e->tag <= m->after || e->text.len >= sizeof m->texts[0])
		return 0;
	memcpy(m->texts[m->n], e->text.data, e->text.len);
	m->at[m->n] = (struct external){ e->tag, e->vr, slice_of(m->texts[m->n], e->text.len) };
	return ++m->n == sizeof m->at / sizeof *m->at;
}

static int
copy_external(struct kv_txn *txn, uint64_t from, uint64_t to)
{
	struct move_external m = { .txn = txn };
	size_t i;
	int r;

	do {
		m.n = 0;
		r = external_each(txn, from, note_external, &m);
		for (i = 0; i < m.n && r >= 0; i++) {
			int e = external_put(txn, to, &m.at[i]);

			m.after = m.at[i].tag;
			r = e < 0 ? e : r;
		}
	} while (r > 0);
	return r;
}

struct swap {
	struct catalog_batch *batch;
	int64_t now;
	uint64_t old_study;
	uint64_t instances;
	struct buf json, original;
	bool externals_moved;
};

/* What the moved instance was first, with its whole header in s->original. */
static int
original_of(struct run *w, struct swap *s, const struct catalog_path *p, const struct catalog_rows *rows,
	    uint64_t stage, struct original *o)
{
	struct kv_txn *txn = batch_txn(s->batch);
	int r;

	buf_reset(&s->original);
	if (rows->instance.flags & INSTANCE_UPDATED) {
		r = original_get(txn, p->series, p->instance, o);
		if (r == 0)
			r = catalog_read_original(txn, &w->base, p->series, p->instance, &s->original);
	} else {
		*o = (struct original){ .row = rows->instance };
		strcpy(o->study_uid, rows->study.uid);
		strcpy(o->series_uid, rows->series.uid);
		r = catalog_read_header(txn, &w->base, p->series, p->instance, &s->original);
	}
	o->row.stage = stage;
	o->header = buf_slice(&s->original);
	return r;
}

static int
swap_one(struct run *w, struct swap *s, const struct staged *staged)
{
	struct kv_txn *txn = batch_txn(s->batch);
	struct catalog_entry e = {
		.partition = w->input.partition, .study_uid = staged->study_uid, .series_uid = staged->series_uid,
		.row = &staged->row, .study_attributes = staged->study_attributes,
		.series_attributes = staged->series_attributes, .modality = staged->modality,
		.header = staged->header, .same = BATCH_SAME_REPLACE, .update = true,
		.original_stage = staged->original_stage, .now = s->now,
	};
	struct catalog_put_result res;
	struct catalog_rows rows;
	struct catalog_path p;
	struct original original;
	enum level level;
	bool moved;
	int r = catalog_path(txn, staged->instance, &p, &level);

	if (r == 0)
		r = catalog_rows(txn, &p, &rows);
	if (r == -ENOENT || (r == 0 && rows.instance.watermark != staged->watermark))
		return 0;		/* others were there since; what they left stays */
	if (r < 0)
		return r;
	moved = strcmp(rows.study.uid, staged->study_uid) != 0 || strcmp(rows.series.uid, staged->series_uid) != 0 ||
		strcmp(rows.instance.uid, staged->row.uid) != 0;
	r = load_base(w, txn, p.series);
	if (r == 0 && moved)
		r = original_of(w, s, &p, &rows, staged->original_stage, &original);
	if (r < 0)
		return r;
	buf_reset(&s->json);
	r = header_expand(staged->header, buf_slice(&w->base.json), &s->json);
	if (r < 0)
		return r;
	e.json = buf_slice(&s->json);
	e.base_id = w->base_id;
	if (moved) {
		e.moved = &original;
		e.same = BATCH_SAME_REFUSE;
	}
	r = batch_put(s->batch, &e, &res);
	if (r == 0)
		w->sequence = res.sequence;
	if (r == 0 && moved && p.study != res.path.study && !s->externals_moved) {
		r = copy_external(txn, p.study, res.path.study);
		s->externals_moved = true;
	}
	if (r == 0 && moved)
		r = batch_remove(s->batch, &p, s->now, &w->sequence);
	if (r == 0)
		s->instances++;
	return r;
}

static int
put_record(struct run *w, struct kv_txn *txn, bool failed, uint64_t instances)
{
	struct update_progress p = w->progress;
	struct operation_row row;
	struct buf cursor, input;
	int r = operation_get(txn, w->id, &row);

	if (r < 0)
		return r;
	buf_init(&cursor, UPDATE_ERRORS_TEXT_MAX + 4096);
	buf_init(&input, 4u << 20);
	p.next++;
	p.failed += failed;
	p.updated += !failed && instances > 0;
	p.instances += instances;
	p.done = w->done;
	p.errors = buf_slice(&w->errors);
	row.updated = clock_now();
	row.done = w->done;
	row.total = w->total;
	row.status = OPERATION_RUNNING;
	if (p.next == w->input.n_studies) {
		row.status = p.failed > 0 ? OPERATION_FAILED : OPERATION_SUCCEEDED;
		if (p.failed > 0)
			snprintf(row.why, sizeof row.why, "%llu of %zu studies could not be updated",
				 (unsigned long long)p.failed, w->input.n_studies);
	}
	r = update_progress_put(&p, &cursor);
	if (r == 0)
		r = update_input_put(&w->input, &input);
	row.cursor = buf_slice(&cursor);
	row.input = buf_slice(&input);
	if (r == 0)
		r = operation_put(txn, w->id, &row);
	buf_fini(&cursor);
	buf_fini(&input);
	return r;
}

/* 0: done; 1: there are newcomers, from *ret_high of the last pass on; -EEXIST and why. */
static int
swap(struct run *w, uint64_t high, bool last_pass, uint64_t *ret_instances, char why[200])
{
	struct swap s = { .now = clock_now() };
	struct study_row study;
	struct catalog_path p;
	struct staged staged;
	int64_t began;
	int r = batch_begin(w->st->kv, &s.batch);

	if (r < 0)
		return r;
	began = clock_monotonic();
	buf_init(&s.json, HEADER_MAX);
	buf_init(&s.original, HEADER_MAX);
	w->base.series = 0;
	rewind(w->spool);
	r = catalog_find_path(batch_txn(s.batch), w->input.partition, w->study_uid, NULL, NULL, &p);
	if (r == 0)
		r = catalog_study(batch_txn(s.batch), p.partition, p.study, &study);
	if (r == 0 && study.max_watermark >= high && !last_pass)
		r = 1;
	if (r == 0)
		r = check_targets(w, batch_txn(s.batch), why);
	if (r == -ENOENT)
		r = 0;			/* deleted meanwhile, like all that was staged */
	if (r == 0)
		while ((r = spool_next(w, &staged)) > 0 && (r = swap_one(w, &s, &staged)) == 0)
			;
	if (r == 0)
		r = put_record(w, batch_txn(s.batch), false, s.instances);
	buf_fini(&s.json);
	buf_fini(&s.original);
	if (r != 0) {
		batch_abort(s.batch);
		return r;
	}
	step(STEP_UPDATE_WRITTEN);
	*ret_instances = s.instances;
	r = batch_commit(s.batch);
	w->swap_ns = clock_monotonic() - began;
	return r;
}

/* -- (4) ------------------------------------------------------------------ */

/* Is the staged file what the index has for its UIDs? */
static bool
is_current(struct kv_txn *txn, const struct run *w, const struct staged *s, uint64_t *ret_instance)
{
	struct instance_row row;
	struct catalog_path p;

	if (catalog_find_path(txn, w->input.partition, s->study_uid, s->series_uid, s->row.uid, &p) < 0 ||
	    catalog_instance(txn, p.series, p.instance, &row) < 0)
		return false;
	*ret_instance = p.instance;
	return row.stage == s->row.stage;
}

static int
name_one(struct run *w, struct kv_txn *txn, const struct staged *s)
{
	char stage[BLOB_STAGE_MAX], name[BLOB_NAME_MAX];
	uint64_t instance;
	int r = 0;

	if (!is_current(txn, w, s, &instance)) {
		remove_stage(w->st, s->row.stage);
		if (s->original_stage != 0 && staged_get(txn, s->original_stage, &instance) == -ENOENT)
			remove_stage(w->st, s->original_stage);
		return 0;
	}
	if (s->original_stage != 0)
		r = publish_original(w->st, txn, instance, s->original_stage);
	if (r < 0 && r != -ENOENT)
		return r;
	stage_name(stage, s->row.stage, NULL);
	instance_name(name, w->input.partition, s->study_uid, s->series_uid, s->row.uid);
	r = blob_publish(w->st->blobs, stage, name);
	step(STEP_UPDATE_NAMING);
	return r;
}

/* What fails here the next start does; readers find the files in staging. */
static void
name_files(struct run *w)
{
	struct staged s;
	struct kv_txn *txn;
	int r, n, named;

	rewind(w->spool);
	do {
		r = kv_begin(w->st->kv, KV_WRITE, &txn);
		for (n = 0; r == 0 && n < NAME_ROUND && (r = spool_next(w, &s)) > 0; n++) {
			named = name_one(w, txn, &s);
			if (named < 0)
				log_error("update: a file stays in staging sop=%s error=%s", s.row.uid, strerror(-named));
			r = 0;
		}
		if (r == 0 && n > 0)
			r = kv_commit(txn);
		else
			kv_abort(txn);
	} while (r == 0 && n == NAME_ROUND);
	if (r < 0)
		log_error("update: files stay in staging error=%s", strerror(-r));
}

/* -- a study -------------------------------------------------------------- */

static int
next_watermark(struct run *w, uint64_t *ret_watermark)
{
	struct catalog_counters c;
	struct kv_txn *txn;
	int r;

	barrier(w->st);
	r = kv_begin(w->st->kv, KV_READ, &txn);
	if (r < 0)
		return r;
	r = catalog_get_counters(txn, &c);
	kv_abort(txn);
	*ret_watermark = c.next_watermark;
	return r;
}

static int
fail_record(void *ctx, struct kv_txn *txn)
{
	return put_record(ctx, txn, true, 0);
}

/* All passes up to the swap: 0 it is done, 1 the study failed; -ECANCELED, or what ends the step. */
static int
stage_and_swap(struct run *w, uint64_t *ret_instances)
{
	uint64_t low = 0, high = 0;
	char why[200] = "";
	int r = 1, pass;

	for (pass = 0; r == 1; pass++) {
		r = next_watermark(w, &high);
		if (r == 0)
			r = check_first(w, why);
		if (r == -EEXIST)
			break;
		if (r == 0)
			r = stage_pass(w, low);
		if (r == -ENOENT)
			r = 0;
		if (r < 0)
			return r;
		if (w->n_errors > 0)
			return 1;
		if (fflush(w->spool) != 0)
			return -errno;
		if (w->n_staged > 0)
			r = blob_sync_all(w->st->blobs);
		if (r < 0)
			return r;
		step(STEP_UPDATE_STAGED);
		r = swap(w, high, pass + 1 >= PASSES, ret_instances, why);
		fseek(w->spool, 0, SEEK_END);
		low = high;
	}
	if (r == -EEXIST) {
		fail_study(w, why[0] != '\0' ? why : "what its UIDs are to be exists already");
		return 1;
	}
	return r;
}

/* 0: its outcome is recorded. */
static int
update_study(struct run *w)
{
	uint64_t instances = 0;
	int r, tries = 0;

	w->study_uid = w->input.studies[w->progress.next];
	r = spool_open(w);
	if (r < 0)
		return r;
	do
		r = stage_and_swap(w, &instances);
	while (r == -EAGAIN && w->n_errors == 0 && ++tries < 10 && (drop_staged(w), rewind(w->spool), 1) &&
	       ftruncate(fileno(w->spool), 0) == 0);
	if (r == 0) {
		step(STEP_UPDATED);
		changes_wake(w->st);
		name_files(w);
		reclaim_all(w->st);
		wait_observed(w->st, w->sequence);
	} else {
		drop_staged(w);
		if (r == 1)
			r = kv_update(w->st->kv, fail_record, w);
	}
	fclose(w->spool);
	w->spool = NULL;
	log_info("update study=%s state=%s instances=%llu swap_ms=%lld", w->study_uid, r == -ECANCELED ? "stopped" :
		 r < 0 || w->n_errors > 0 ? "failed" : "updated", (unsigned long long)instances,
		 (long long)(w->swap_ns / 1000000));
	return r;
}

/* -- a step --------------------------------------------------------------- */

/* How many instances there are to go over. */
static int
count_total(struct run *w, struct kv_txn *txn)
{
	struct catalog_rows rows;
	struct catalog_path p;
	size_t i;
	int r;

	for (i = 0; i < w->input.n_studies; i++) {
		r = catalog_find_path(txn, w->input.partition, w->input.studies[i], NULL, NULL, &p);
		if (r == 0)
			r = catalog_rows(txn, &p, &rows);
		if (r < 0 && r != -ENOENT)
			return r;
		w->total += r == 0 ? rows.study.instances : 0;
	}
	return 0;
}

static int
read_record(struct run *w, bool *ret_finished)
{
	struct operation_row row;
	struct kv_txn *txn;
	int r = kv_begin(w->st->kv, KV_READ, &txn);

	if (r < 0)
		return r;
	r = operation_get(txn, w->id, &row);
	if (r == 0)
		r = update_progress_get(row.cursor, &w->progress);
	if (r == 0)
		r = buf_put(&w->errors, w->progress.errors.data, w->progress.errors.len);
	if (r == 0)
		r = update_input_get(row.input, &w->input);
	if (r == 0) {
		w->progress.errors = slice_of("", 0);
		*ret_finished = operation_is_finished(&row);
		w->done = w->progress.done;
		w->total = row.total;
		if (row.status == OPERATION_NOT_STARTED)
			r = count_total(w, txn);
	}
	kv_abort(txn);
	return r;
}

static int
run_step(struct run *w)
{
	bool finished = false;
	int r = read_record(w, &finished);

	if (r < 0 || finished)
		return r;
	r = kv_update(w->st->kv, tell_progress, w);
	if (r == 0)
		r = update_study(w);
	if (r == -ECANCELED)
		return 1;
	return r < 0 ? r : w->progress.next + 1 < w->input.n_studies;
}

int
store_update_step(struct store *st, const char *operation, const atomic_bool *stop, struct err *err)
{
	struct run w = { .st = st, .stop = stop };
	int r = operation_parse(operation, w.id);

	if (r < 0)
		return err_set(err, r, "the id of an operation has 32 hexadecimal digits");
	buf_init(&w.record, RECORD_MAX);
	buf_init(&w.base.json, HEADER_MAX);
	buf_init(&w.errors, UPDATE_ERRORS_TEXT_MAX);
	r = run_step(&w);
	update_input_fini(&w.input);
	buf_fini(&w.errors);
	buf_fini(&w.record);
	buf_fini(&w.base.json);
	return r < 0 ? err_set(err, r, "cannot update: %s", strerror(-r)) : r;
}
