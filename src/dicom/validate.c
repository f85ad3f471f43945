#include "dicom/validate.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "dicom/date.h"
#include "dicom/indexed.h"
#include "dicom/vr.h"

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

static size_t
characters(const char *text, size_t len)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++)
		n += ((unsigned char)text[i] & 0xC0) != 0x80;
	return n;
}

static bool
has_control(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (((unsigned char)text[i] < 0x20 && text[i] != '\033') || text[i] == 0x7F)
			return true;
	return false;
}

static const char *
check_name(const char *text, size_t len)
{
	unsigned groups = 1, components = 1;
	size_t from = 0, i;

	if (has_control(text, len))
		return "a control character in a person name";
	for (i = 0; i <= len; i++) {
		if (i == len || text[i] == '=') {
			if (characters(text + from, i - from) > 64)
				return "a group of a person name is longer than 64 characters";
			from = i + 1;
			if (i < len) {
				components = 1;
				if (++groups > 3)
					return "a person name has more than 3 groups";
			}
		} else if (text[i] == '^' && ++components > 5) {
			return "a person name has more than 5 components";
		}
	}
	return NULL;
}

/* NULL, or what is wrong with the value. */
static const char *
check_value(uint16_t vr, const char *text, size_t len)
{
	switch (vr) {
	case VR('C', 'S'):
	case VR('S', 'H'):
		return characters(text, len) > 16 ? "longer than 16 characters" : NULL;
	case VR('D', 'A'):
		return len == 0 || date_is_valid(text, len) ? NULL : "not a date";
	case VR('L', 'O'):
		if (characters(text, len) > 64)
			return "longer than 64 characters";
		return has_control(text, len) ? "a control character" : NULL;
	case VR('P', 'N'):
		return check_name(text, len);
	default:
		return NULL;
	}
}

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
	why = check_value(vr, text, strlen(text));
	return why != NULL ? refuse(err, tag, why) : 0;
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
		/* UIDs were looked at above, and what is computed is not the data set's. */
		if (indexed_attributes[i].vr == VR('U', 'I') || indexed_attributes[i].tag == TAG_MODALITIES_IN_STUDY)
			continue;
		r = check_indexed(d, indexed_attributes[i].tag, indexed_attributes[i].vr, err);
		if (r < 0)
			return r;
	}
	return 0;
}
