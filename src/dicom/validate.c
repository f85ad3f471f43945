#include "dicom/validate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/vec.h"
#include "dicom/dataset.h"
#include "dicom/indexed.h"
#include "dicom/value.h"
#include "dicom/vr_rules.h"

/* Longest value that is looked at; every rule below allows far less. */
#define VALUE_MAX 4096

static int
refuse(struct err *err, uint32_t tag, const char *why)
{
	const struct tag_entry *e = tag_find(tag);

	return err_set_dicom(err, -EINVAL, REASON_INVALID, tag, "(%04X,%04X) %s: %s",
			     TAG_GROUP(tag), TAG_ELEMENT(tag), e != NULL ? e->keyword : "", why);
}

/* ------------------------------------------------- minimum rules (2.7) ---- */

/* An attribute that is there: its VR, and its first value. */
static int
check_indexed(const struct dicom *d, uint32_t tag, uint16_t vr, struct err *err)
{
	const struct dicom_element *el = dicom_find(d, tag);
	char text[VALUE_MAX];
	const char *why;
	int n;

	if (el == NULL)
		return 0;
	if (el->vr != vr)
		return refuse(err, tag, "not of the value representation this attribute has");
	n = dicom_text_first(d, tag, text, sizeof text);
	if (n == -ENOMEM)
		return err_set(err, n, "out of memory");
	if (n < 0)
		return refuse(err, tag, "the value cannot be read");
	/* A NUL inside would end the text early: it is a control character. */
	if (el->value.len > 0 && strlen(text) < sizeof text - 1) {
		const char *value = el->value.data, *sep = memchr(value, '\\', el->value.len);
		size_t len = sep != NULL ? (size_t)(sep - value) : el->value.len;

		while (len > 0 && (value[len - 1] == '\0' || value[len - 1] == ' '))
			len--;
		if (len > 0 && memchr(value, '\0', len) != NULL)
			return refuse(err, tag, "a control character");
	}
	why = vr_check_minimum(vr, text, strlen(text));
	return why != NULL ? refuse(err, tag, why) : 0;
}

static bool
is_blank(const struct dicom_element *el)
{
	const char *p = el->value.data;
	size_t i;

	for (i = 0; i < el->value.len; i++)
		if (p[i] != ' ' && p[i] != '\0')
			return false;
	return true;
}

/* ---------------------------------------------------------- identity ---- */

static int
read_uid(const struct dicom *d, uint32_t tag, char uid[UID_TEXT_MAX], struct err *err)
{
	const struct dicom_element *el = dicom_find(d, tag);
	const char *p;
	size_t len;

	if (el == NULL)
		return refuse(err, tag, "missing");
	/* Whatever VR it came with (UN too): the bytes decide. */
	p = el->value.data;
	len = el->value.len;
	if (p == NULL || vr_info(el->vr)->kind == VR_SEQUENCE)
		return refuse(err, tag, "not a UID");
	while (len > 0 && (p[len - 1] == '\0' || p[len - 1] == ' '))
		len--;
	if (len == 0)
		return refuse(err, tag, "empty");
	if (!uid_is_valid(p, len))
		return refuse(err, tag, "not a UID: 1 to 64 digits and dots, a digit last");
	memcpy(uid, p, len);
	uid[len] = '\0';
	return 0;
}

static int
check_patient_id(const struct dicom *d, enum validate_rules rules, struct err *err)
{
	char text[VALUE_MAX];
	int n;

	n = dicom_text_first(d, TAG_PATIENT_ID, text, sizeof text);
	if (n == -ENOENT)
		return refuse(err, TAG_PATIENT_ID, "missing");
	if (rules == VALIDATE_V1 && n >= 0 && text[0] == '\0')
		return refuse(err, TAG_PATIENT_ID, "empty");
	return check_indexed(d, TAG_PATIENT_ID, indexed_vr(TAG_PATIENT_ID), err);
}

static bool
same_study(const char *wanted, const char *uid)
{
	size_t len = strlen(wanted);

	while (len > 0 && wanted[len - 1] == ' ')
		len--;
	return strlen(uid) == len && strncasecmp(wanted, uid, len) == 0;
}

int
dicom_identify(const struct dicom *d, enum validate_rules rules, const char *study_uid,
	       struct dicom_identity *identity, struct err *err)
{
	size_t i;
	int r, first = 0;

	*identity = (struct dicom_identity){ 0 };
	/* All are read, so that a report can name what is there; the first at
	 * fault is the one that is told. */
	first = read_uid(d, TAG_SOP_CLASS_UID, identity->class_uid, err);
	r = read_uid(d, TAG_SOP_INSTANCE_UID, identity->sop_uid, first < 0 ? NULL : err);
	first = first < 0 ? first : r;
	r = read_uid(d, TAG_STUDY_INSTANCE_UID, identity->study_uid, first < 0 ? NULL : err);
	first = first < 0 ? first : r;
	r = read_uid(d, TAG_SERIES_INSTANCE_UID, identity->series_uid, first < 0 ? NULL : err);
	first = first < 0 ? first : r;
	if (first < 0)
		return first;
	if (rules != VALIDATE_PLAIN) {
		r = check_patient_id(d, rules, err);
		if (r < 0)
			return r;
	}
	if (study_uid != NULL && !same_study(study_uid, identity->study_uid))
		return err_set_dicom(err, -EINVAL, REASON_STUDY_DIFFERS, TAG_STUDY_INSTANCE_UID,
				     "(0020,000D) StudyInstanceUID: not the study asked for");
	if (rules != VALIDATE_V1)
		return 0;
	for (i = 0; i < n_indexed_attributes; i++) {
		/* What is computed is not the data set's. */
		if (indexed_attributes[i].tag == TAG_MODALITIES_IN_STUDY)
			continue;
		r = check_indexed(d, indexed_attributes[i].tag, indexed_attributes[i].vr, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* --------------------------------------------------- full rules (2.5) ---- */

struct check {
	struct dicom_warnings *warnings;
	struct buf scratch;
};

/* A data set and those it is nested in. */
struct place {
	const struct dataset *ds;
	const struct place *outer;	/* NULL: it is the top */
};

static struct charset
charset_at(const void *ctx)
{
	const struct place *at = ctx;
	struct charset outer = at->outer != NULL ? charset_at(at->outer) : charset_default();

	return value_charset(at->ds, &outer);
}

static int
warn(struct dicom_warnings *w, uint32_t tag, const char *why)
{
	if (vec_room(&w->at, &w->cap, w->n, sizeof *w->at, 16) < 0)
		return -ENOMEM;
	w->at[w->n++] = (struct dicom_warning){ tag, why };
	return 0;
}

/* Contract 2.6: without these nobody could find the instance. */
static bool
is_always_kept(uint32_t tag)
{
	return tag == TAG_STUDY_INSTANCE_UID || tag == TAG_SERIES_INSTANCE_UID || tag == TAG_SOP_INSTANCE_UID;
}

static int
check_dataset(struct check *c, struct dataset *ds, const struct place *outer)
{
	struct place here = { ds, outer };
	struct vr_text text = { charset_at, &here, &c->scratch };
	uint32_t i, k;
	int r = 0;

	for (i = 0; i < ds->count && r == 0; i++) {
		struct node *node = &ds->nodes[i];
		const char *why = vr_check_full(&node->el, &text);

		/* The reader bounds the nesting. */
		for (k = 0; k < node->n_items && r == 0; k++)
			r = check_dataset(c, &node->items[k], &here);
		if (why == NULL && outer == NULL && node->el.tag == TAG_PATIENT_ID && is_blank(&node->el))
			why = "missing";
		if (why != NULL && r == 0)
			r = warn(c->warnings, node->el.tag, why);
		if (why != NULL && outer == NULL && !is_always_kept(node->el.tag))
			node->dropped = true;
	}
	return r;
}

static int
by_tag(const void *a, const void *b)
{
	const struct dicom_warning *x = a, *y = b;

	return x->tag < y->tag ? -1 : x->tag > y->tag;
}

int
dicom_check_values(struct dicom *d, struct dicom_warnings *w)
{
	struct check c = { .warnings = w };
	size_t i, n = 0;
	int r;

	w->n = 0;
	/* A value's bytes become at most three each. */
	buf_init(&c.scratch, (size_t)1 << 30);
	r = check_dataset(&c, &d->top, NULL);
	if (r == 0)
		r = buf_error(&c.scratch);
	buf_fini(&c.scratch);
	if (w->n > 1)
		qsort(w->at, w->n, sizeof *w->at, by_tag);
	for (i = 0; i < w->n; i++)
		if (n == 0 || w->at[n - 1].tag != w->at[i].tag)
			w->at[n++] = w->at[i];
	w->n = n;
	return r;
}

void
dicom_warnings_fini(struct dicom_warnings *w)
{
	free(w->at);
	*w = (struct dicom_warnings){ 0 };
}

static bool
has_several(const struct dicom *d, uint32_t tag)
{
	const struct dicom_element *el = dicom_find(d, tag);

	return el != NULL && el->value.len > 0 && memchr(el->value.data, '\\', el->value.len) != NULL;
}

bool
dicom_has_several(const struct dicom *d, enum validate_rules rules)
{
	size_t i;

	/* One UID is what makes an instance valid, and PatientID is the only other attribute that must be there. */
	if (rules != VALIDATE_V1)
		return rules == VALIDATE_V2 && has_several(d, TAG_PATIENT_ID);
	for (i = 0; i < n_indexed_attributes; i++)
		if (has_several(d, indexed_attributes[i].tag))
			return true;
	return false;
}
