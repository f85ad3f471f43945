/* make_dicom.h: tiny Part 10 files for tests, explicit VR little endian. */
#ifndef TESTS_MAKE_DICOM_H
#define TESTS_MAKE_DICOM_H

#include <stddef.h>

struct sample {
	const char *study_uid, *series_uid, *sop_uid;
	const char *patient_id, *patient_name, *study_date, *modality, *description;
	size_t pixels;			/* bytes of pixel data */
	int fill;			/* their value */
	const char *age, *body_part;	/* PatientAge, BodyPartExamined */
	const char *number;		/* InstanceNumber; NULL: 1 */
};

#define SAMPLE_MAX 8192
/* Returns the length written to out (SAMPLE_MAX + pixels is enough). */
size_t make_dicom(const struct sample *s, unsigned char *out);

#endif
