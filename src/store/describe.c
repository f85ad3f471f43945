/* What the index says of an instance, made of its data set. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "catalog/header.h"
#include "dicom/json.h"
#include "store/internal.h"

static uint32_t
number(const struct dicom *d, uint32_t tag)
{
	double v;

	return dicom_number(d, tag, &v) == 0 && v > 0 && v < UINT32_MAX ? (uint32_t)v : 0;
}

/* What retrieving needs to know, whatever else may be wrong with those attributes. */
void
job_measure(struct job *job)
{
	const struct dicom *d = job->d;
	const struct dicom_element *pixels = dicom_find(d, TAG_PIXEL_DATA);
	struct instance_row *row = &job->row;

	row->rows = number(d, TAG_ROWS);
	row->columns = number(d, TAG_COLUMNS);
	row->frames = number(d, TAG_NUMBER_OF_FRAMES);
	row->pixel_offset = pixels != NULL ? pixels->offset : 0;
}

/* Everything else the index wants to know of a data set. */
int
job_describe(struct job *job, struct err *err)
{
	const struct dicom_identity *id = &job->result.identity;
	struct instance_row *row = &job->row;
	const struct dicom *d = job->d;
	int r;

	strcpy(row->uid, id->sop_uid);
	strcpy(row->class_uid, id->class_uid);
	snprintf(row->xfer_uid, sizeof row->xfer_uid, "%s", dicom_xfer_uid(d));
	dicom_text_first(d, TAG_MODALITY, job->modality, sizeof job->modality);
	r = attributes_extract(d, LEVEL_STUDY, &job->study_attributes);
	if (r == 0)
		r = attributes_extract(d, LEVEL_SERIES, &job->series_attributes);
	if (r == 0)
		r = attributes_extract(d, LEVEL_INSTANCE, &job->instance_attributes);
	if (r == 0)
		r = dicom_write_json(d, &job->json);
	dicom_free(job->d);
	job->d = NULL;
	if (r == -EMSGSIZE)
		return err_set_dicom(err, -EFBIG, REASON_INVALID, 0, "the header is too large");
	if (r < 0)
		return err_set_dicom(err, r, REASON_PROCESSING, 0, "cannot read the header: %s", strerror(-r));
	return 0;
}

/* The base of a series that exists, and what names it (0: it has none). */
static int
find_base(struct store *st, struct job *job, struct buf *base)
{
	const struct dicom_identity *id = &job->result.identity;
	struct kv_txn *txn;
	int r;

	job->base_id = base_cache_get(st->bases, job->partition, id->study_uid, id->series_uid, base);
	if (job->base_id != 0 || job->series == 0)
		return 0;
	r = kv_begin(st->kv, KV_READ, &txn);
	if (r < 0)
		return r;
	r = catalog_base(txn, job->series, base, &job->base_id);
	kv_abort(txn);
	if (job->base_id != 0)
		base_cache_offer(st->bases, job->partition, id->study_uid, id->series_uid, buf_slice(base));
	return r;
}

int
job_compress(struct store *st, struct job *job, struct err *err)
{
	const struct dicom_identity *id = &job->result.identity;
	struct buf base;
	int r;

	buf_init(&base, HEADER_MAX);
	r = find_base(st, job, &base);
	/* A new series: the first to come here is going to be its base. */
	if (r == 0 && job->base_id == 0) {
		job->base_id = base_cache_get(st->bases, job->partition, id->study_uid, id->series_uid, &base);
		if (job->base_id == 0)
			base_cache_offer(st->bases, job->partition, id->study_uid, id->series_uid, buf_slice(&job->json));
	}
	if (r == 0)
		r = header_compress(buf_slice(&job->json), buf_slice(&base), &job->header);
	buf_fini(&base);
	return r < 0 ? err_set_dicom(err, r, REASON_PROCESSING, 0, "cannot store the header: %s", strerror(-r)) : 0;
}
