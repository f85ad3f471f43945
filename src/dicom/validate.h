/* validate.h: may this data set be stored (contract 2.4 to 2.7)?
 *
 * Whether it is Part 10 at all is dicom_read's to say; this is about its attributes.
 */
#ifndef DICOM_VALIDATE_H
#define DICOM_VALIDATE_H

#include "dicom/dicom.h"

enum validate_rules {
	/* The four UIDs must be there and be UIDs: mount, import, /dicom-web. */
	VALIDATE_PLAIN,
	/* Also PatientID with a value, and every indexed attribute valid. */
	VALIDATE_V1,
	/* Also PatientID present. */
	VALIDATE_V2,
};

struct dicom_identity {
	char study_uid[UID_TEXT_MAX];
	char series_uid[UID_TEXT_MAX];
	char sop_uid[UID_TEXT_MAX];
	char class_uid[UID_TEXT_MAX];
};

/* What could be read is in *identity even on failure (the rest is "").
 * -EINVAL with reason 43264 and the tag at fault.  When study_uid is not NULL
 * and differs: -EINVAL with reason 43265. */
int dicom_identify(const struct dicom *d, enum validate_rules rules, const char *study_uid,
		   struct dicom_identity *identity, struct err *err);

/* FailureReason (0008,1197) and WarningReason (0008,1196), contract 2.8. */
enum {
	REASON_PROCESSING	= 272,
	REASON_INVALID		= 43264,
	REASON_STUDY_DIFFERS	= 43265,
	REASON_EXISTS		= 45070,
	REASON_PENDING		= 45071,
	WARNING_CLASS		= 45063,
	WARNING_ATTRIBUTES	= 1,
};

#endif
