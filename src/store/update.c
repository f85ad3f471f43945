/* What an update is asked, and its record. */
#include "store/update.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "catalog/codec.h"
#include "dicom/vr.h"
#include "dicom/vr_rules.h"
#include "store/update_internal.h"

/* ------------------------------------------------------------ values ---- */

/* Contract 6.2. */
static const uint32_t allowed[] = {
	TAG_SOP_INSTANCE_UID, TAG_ACCESSION_NUMBER, TAG_REFERRING_PHYSICIAN_NAME, TAG_STUDY_DESCRIPTION,
	TAG_PATIENT_NAME, TAG_PATIENT_ID,
	0x00100021,	/* IssuerOfPatientID */
	0x00100022,	/* TypeOfPatientID */
	TAG_PATIENT_BIRTH_DATE,
	0x00100032,	/* PatientBirthTime */
	TAG_PATIENT_SEX,
	0x00100200,	/* QualityControlSubject */
	0x00101000,	/* OtherPatientIDs */
	0x00101001,	/* OtherPatientNames */
	0x00101005,	/* PatientBirthName */
	0x00101010,	/* PatientAge */
	0x00101020,	/* PatientSize */
	0x00101030,	/* PatientWeight */
	0x00101040,	/* PatientAddress */
	0x00101060,	/* PatientMotherBirthName */
	0x00101080,	/* MilitaryRank */
	0x00101081,	/* BranchOfService */
	0x00101090,	/* MedicalRecordLocator */
	0x00102150,	/* CountryOfResidence */
	0x00102152,	/* RegionOfResidence */
	0x00102154,	/* PatientTelephoneNumbers */
	0x00102160,	/* EthnicGroup */
	0x00102180,	/* Occupation */
	0x001021F0,	/* PatientReligiousPreference */
	0x00102201,	/* PatientSpeciesDescription */
	0x00102292,	/* PatientBreedDescription */
	0x00102295,	/* BreedRegistrationNumber */
	0x00102297,	/* ResponsiblePerson */
	0x00102298,	/* ResponsiblePersonRole */
	0x00102299,	/* ResponsibleOrganization */
	0x00104000,	/* PatientComments */
	TAG_STUDY_INSTANCE_UID, TAG_SERIES_INSTANCE_UID,
	0x00403001,	/* ConfidentialityConstraintOnPatientDataDescription */
};

/* Those that some dictionaries have no more. */
static uint16_t
vr_of(uint32_t tag)
{
	const struct tag_entry *entry = tag_find(tag);

	return entry != NULL ? entry->vr : 0;
}

static bool
is_allowed(uint32_t tag)
{
	size_t i;

	for (i = 0; i < sizeof allowed / sizeof *allowed; i++)
		if (allowed[i] == tag)
			return true;
	return false;
}

static struct charset
in_utf8(const void *ctx)
{
	(void)ctx;
	return charset_parse("ISO_IR 192", 10);
}

static const char *
check_text(uint32_t tag, uint16_t vr, const char *text)
{
	size_t len = strlen(text), n, i;
	struct dicom_element el = { .tag = tag, .vr = vr, .value = { text, len }, .length = len };
	struct buf scratch;
	const char *why;

	if (text[strspn(text, " \\")] == '\0')
		return "it cannot be made empty";
	for (i = 0; i < len; i += n) {
		n = utf8_sequence(text + i, len - i);
		if (n == 0)
			return "not UTF-8";
		if (text[i] == '\033')
			return "a control character";
	}
	buf_init(&scratch, 1 << 20);
	why = vr_check_full(&el, &(struct vr_text){ in_utf8, NULL, &scratch });
	buf_fini(&scratch);
	return why;
}

const char *
store_check_update(const struct update_value *v)
{
	uint16_t vr = vr_of(v->tag);

	if (!is_allowed(v->tag) || vr == 0)
		return "it cannot be updated";
	if (v->vr != 0 && v->vr != vr)
		return "it has another value representation";
	if (vr == VR('U', 'I'))
		return uid_is_valid(v->text, strlen(v->text)) ? NULL : "not a UID";
	return check_text(v->tag, vr, v->text);
}

/* ------------------------------------------------------------ record ---- */

int
update_input_put(const struct update_input *in, struct buf *b)
{
	size_t i;

	put_short(b, slice_str(in->partition));
	put_u16(b, (uint16_t)in->n_studies);
	for (i = 0; i < in->n_studies; i++)
		put_short(b, slice_str(in->studies[i]));
	put_short(b, slice_str(in->series_uid));
	put_short(b, slice_str(in->sop_uid));
	put_u16(b, (uint16_t)in->n_values);
	for (i = 0; i < in->n_values; i++) {
		put_u32(b, in->values[i].tag);
		put_u16(b, in->values[i].vr);
		put_long(b, slice_str(in->values[i].text));
	}
	return buf_error(b);
}

int
update_input_get(struct slice value, struct update_input *in)
{
	struct reader r;
	size_t i;
	char *to;

	memset(in, 0, sizeof *in);
	reader_init(&r, value);
	get_text(&r, in->partition, sizeof in->partition);
	in->n_studies = get_u16(&r);
	if (in->n_studies > UPDATE_STUDIES_MAX)
		return -EIO;
	for (i = 0; i < in->n_studies; i++)
		get_text(&r, in->studies[i], sizeof in->studies[i]);
	get_text(&r, in->series_uid, sizeof in->series_uid);
	get_text(&r, in->sop_uid, sizeof in->sop_uid);
	in->n_values = get_u16(&r);
	if (in->n_values > UPDATE_VALUES_MAX)
		return -EIO;
	in->texts = to = malloc(value.len + UPDATE_VALUES_MAX);
	if (to == NULL)
		return -ENOMEM;
	for (i = 0; i < in->n_values; i++) {
		struct slice text;

		in->values[i].tag = get_u32(&r);
		in->values[i].vr = get_u16(&r);
		text = get_long(&r);
		in->values[i].text = to;
		memcpy(to, text.data, text.len);
		to[text.len] = '\0';
		to += text.len + 1;
	}
	if (r.bad)
		update_input_fini(in);
	return r.bad ? -EIO : 0;
}

void
update_input_fini(struct update_input *in)
{
	free(in->texts);
	in->texts = NULL;
}

const char *
update_value_of(const struct update_input *in, uint32_t tag)
{
	size_t i;

	for (i = 0; i < in->n_values; i++)
		if (in->values[i].tag == tag)
			return in->values[i].text;
	return NULL;
}

int
update_progress_put(const struct update_progress *p, struct buf *b)
{
	put_u64(b, p->next);
	put_u64(b, p->updated);
	put_u64(b, p->failed);
	put_u64(b, p->instances);
	put_u64(b, p->done);
	put_long(b, p->errors);
	return buf_error(b);
}

int
update_progress_get(struct slice value, struct update_progress *p)
{
	struct reader r;

	*p = (struct update_progress){ .errors = slice_of("", 0) };
	if (value.len == 0)
		return 0;
	reader_init(&r, value);
	p->next = get_u64(&r);
	p->updated = get_u64(&r);
	p->failed = get_u64(&r);
	p->instances = get_u64(&r);
	p->done = get_u64(&r);
	p->errors = get_long(&r);
	return r.bad ? -EIO : 0;
}

/* ------------------------------------------------------------- begin ---- */

static int
refuse(struct err *err, const char *why)
{
	return err_set(err, -EINVAL, "%s", why);
}

static int
take_uid(char to[UID_TEXT_MAX], const char *uid, const char *what, struct err *err)
{
	size_t len = strlen(uid);

	while (len > 0 && uid[len - 1] == ' ')
		len--;
	if (len >= UID_TEXT_MAX || !uid_is_valid(uid, len))
		return err_set(err, -EINVAL, "%s is not a UID: 1 to 64 digits and dots, a digit at the end", what);
	memcpy(to, uid, len);
	to[len] = '\0';
	return 0;
}

/* Contract 6.2, second part: what names the things whose UIDs change. */
static int
check_moves(const struct update_input *in, struct err *err)
{
	bool study = update_value_of(in, TAG_STUDY_INSTANCE_UID) != NULL,
	     series = update_value_of(in, TAG_SERIES_INSTANCE_UID) != NULL,
	     instance = update_value_of(in, TAG_SOP_INSTANCE_UID) != NULL;

	if ((study || series || instance) && in->n_studies > 1)
		return refuse(err, "UIDs are changed in one study at a time");
	if ((series || instance) && in->series_uid[0] == '\0')
		return refuse(err, "seriesInstanceUid must name the series whose UIDs are changed");
	if (instance && in->sop_uid[0] == '\0')
		return refuse(err, "sopInstanceUid must name the instance whose UID is changed");
	if ((in->series_uid[0] != '\0' && !series && !instance) || (in->sop_uid[0] != '\0' && !instance))
		return refuse(err, "seriesInstanceUid and sopInstanceUid only name what gets another UID");
	return 0;
}

static int
by_tag(const void *a, const void *b)
{
	const struct change_value *x = a, *y = b;

	return x->tag < y->tag ? -1 : x->tag > y->tag;
}

static int
take_values(const struct update_request *rq, struct update_input *in, struct err *err)
{
	const char *why;
	size_t i;

	if (rq->n_values == 0)
		return refuse(err, "There is no attribute to change");
	if (rq->n_values > UPDATE_VALUES_MAX)
		return refuse(err, "There are more attributes than can be updated");
	for (i = 0; i < rq->n_values; i++) {
		const struct update_value *v = &rq->values[i];

		why = store_check_update(v);
		if (why != NULL)
			return err_set_dicom(err, -EINVAL, 0, v->tag, "(%04x,%04x): %s", TAG_GROUP(v->tag),
					     TAG_ELEMENT(v->tag), why);
		in->values[i] = (struct change_value){ v->tag, vr_of(v->tag), v->text };
	}
	in->n_values = rq->n_values;
	qsort(in->values, in->n_values, sizeof *in->values, by_tag);
	for (i = 1; i < in->n_values; i++)
		if (in->values[i].tag == in->values[i - 1].tag)
			return refuse(err, "An attribute is given twice");
	return 0;
}

static int
take_studies(const struct update_request *rq, struct update_input *in, struct err *err)
{
	size_t i, k;
	int r = 0;

	if (rq->n_studies == 0)
		return refuse(err, "studyInstanceUids must name at least one study");
	if (rq->n_studies > UPDATE_STUDIES_MAX)
		return err_set(err, -EINVAL, "An update is of at most %d studies", UPDATE_STUDIES_MAX);
	for (i = 0; i < rq->n_studies && r == 0; i++) {
		char *uid = in->studies[in->n_studies];

		r = take_uid(uid, rq->study_uids[i], "A member of studyInstanceUids", err);
		for (k = 0; k < in->n_studies && strcmp(in->studies[k], uid) != 0; k++)
			;
		in->n_studies += k == in->n_studies;	/* one that is named twice is one */
	}
	if (r == 0 && rq->series_uid != NULL)
		r = take_uid(in->series_uid, rq->series_uid, "seriesInstanceUid", err);
	if (r == 0 && rq->sop_uid != NULL)
		r = take_uid(in->sop_uid, rq->sop_uid, "sopInstanceUid", err);
	return r;
}

static bool
share_a_study(const struct update_input *a, const struct update_input *b)
{
	size_t i, k;

	if (strcmp(a->partition, b->partition) != 0)
		return false;
	for (i = 0; i < a->n_studies; i++)
		for (k = 0; k < b->n_studies; k++)
			if (strcmp(a->studies[i], b->studies[k]) == 0)
				return true;
	return false;
}

struct begin {
	struct update_input *input;
	unsigned char id[OPERATION_ID_LEN];
	struct slice encoded;
};

/* -EBUSY, and b->id is the one that runs. */
static int
check_running(struct kv_txn *txn, struct begin *b)
{
	struct update_input *other = malloc(sizeof *other);
	struct operation_row row;
	struct kv_range *g = NULL;
	struct slice k, v;
	int r = other == NULL ? -ENOMEM :
		kv_range_open(txn, T_OPERATION, slice_of(NULL, 0), slice_of(NULL, 0), KV_ASCENDING, 0, &g);

	while (r >= 0 && (r = kv_range_next(g, &k, &v)) > 0) {
		if (k.len != OPERATION_ID_LEN || operation_decode(v, &row) < 0 || row.type != OPERATION_UPDATE ||
		    operation_is_finished(&row) || update_input_get(row.input, other) < 0)
			continue;
		if (share_a_study(b->input, other)) {
			memcpy(b->id, k.data, OPERATION_ID_LEN);
			r = -EBUSY;
		}
		update_input_fini(other);
	}
	kv_range_close(g);
	free(other);
	return r;
}

static int
begin(void *ctx, struct kv_txn *txn)
{
	struct begin *b = ctx;
	struct operation_row row = { .type = OPERATION_UPDATE, .input = b->encoded };
	int r = check_running(txn, b);

	if (r == 0)
		r = operation_new_id(b->id);
	return r < 0 ? r : operation_begin(txn, b->id, &row);
}

static int
record(struct store *st, struct update_input *in, char operation[OPERATION_TEXT_MAX], struct err *err)
{
	struct begin b = { .input = in };
	struct store_node partition;
	struct buf encoded;
	int r;

	/* Its own spelling, since they are compared. */
	if (store_find_partition(st, in->partition, &partition) == 0)
		snprintf(in->partition, sizeof in->partition, "%s", partition.name);
	buf_init(&encoded, UPDATE_INPUT_MAX);
	r = update_input_put(in, &encoded);
	b.encoded = buf_slice(&encoded);
	if (r == 0)
		r = kv_update(st->kv, begin, &b);
	buf_fini(&encoded);
	if (r == 0 || r == -EBUSY)
		operation_format(b.id, operation);
	if (r == -EBUSY)
		return err_set(err, r, "Operation %s updates one of these studies: wait for its end", operation);
	return r < 0 ? err_set(err, r, "cannot write the index: %s", strerror(-r)) : 0;
}

int
store_begin_update(struct store *st, const struct update_request *rq, char operation[OPERATION_TEXT_MAX], struct err *err)
{
	const char *partition = rq->partition != NULL ? rq->partition : STORE_DEFAULT_PARTITION;
	struct update_input *in;
	int r;

	if (st->read_only)
		return err_set(err, -EROFS, "the store is open for reading only");
	if (!store_name_is_valid(partition))
		return refuse(err, "There is no such partition");
	in = calloc(1, sizeof *in);
	if (in == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	strcpy(in->partition, partition);
	r = take_studies(rq, in, err);
	if (r == 0)
		r = take_values(rq, in, err);
	if (r == 0)
		r = check_moves(in, err);
	if (r == 0)
		r = record(st, in, operation, err);
	free(in);
	return r;
}
