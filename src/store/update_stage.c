/* (1) of update_run.c: new files in staging. */
#include "store/update_run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/copy.h"
#include "dicom/json.h"
#include "dicom/vr.h"

/* How often the record tells how far it is, ns. */
#define TELL_EVERY (500 * (int64_t)1000000)

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
copy_to_stage(struct store *st, int fd, const char *name)
{
	int to, r = blob_stage_create(st->blobs, name, &to);

	if (r < 0)
		return r;
	r = copy_file(fd, to, NULL);
	close(to);
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
			r = copy_to_stage(w->st, fd, name);
	}
	store_file_close(first);
	return r < 0 ? err_set(err, r, "its original cannot be kept: %s", strerror(-r)) : 0;
}

/* A series has one base for life: that of the run may be of another transaction. */
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
		r = catalog_load_base(txn, &w->base, p.series);
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
		r = update_spool_put(w, &s);
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
		update_remove_stage(w->st, original);
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
		update_fail_instance(w, info->sop_uid, &err);
}

static bool
stopped(const struct run *w)
{
	return w->stop != NULL && atomic_load(w->stop);
}

/* Those of the study with watermarks from low on.  -ENOENT: it is not there; -ECANCELED. */
int
update_stage(struct run *w, uint64_t low)
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
			kv_update(w->st->kv, update_tell_progress, w);
		}
	}
	store_scan_close(scan);
	return r < 0 ? r : 0;
}
