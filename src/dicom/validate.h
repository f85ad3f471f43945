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
	/* Also PatientID present; dicom_check_values warns of the rest. */
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

/* An attribute whose value breaks the rules of its value representation. */
struct dicom_warning {
	uint32_t tag;
	const char *why;		/* lives for ever */
};

struct dicom_warnings {
	struct dicom_warning *at;	/* ascending by tag, each once */
	size_t n, cap;
};

/* Every value at every nesting level against the rules of PS3.5 (contract 2.5, step 5).
 * *warnings, zeroed before its first use, is filled anew.  What fails at the top level is dropped:
 * dicom_find and the JSON no longer have it, but for the three UIDs that name
 * the instance (2.6).  0 or -ENOMEM. */
int  dicom_check_values(struct dicom *d, struct dicom_warnings *warnings);
void dicom_warnings_fini(struct dicom_warnings *warnings);
/* Has an attribute of which only the first value is indexed several (2.5, step 7)?  V2 asks
 * that of the attributes only which must be there. */
bool dicom_has_several(const struct dicom *d, enum validate_rules rules);

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
