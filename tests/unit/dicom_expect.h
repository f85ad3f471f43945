/* dicom_expect.h: what src/dicom makes of a file made by hand, asserted. */
#ifndef TESTS_UNIT_DICOM_EXPECT_H
#define TESTS_UNIT_DICOM_EXPECT_H

#include "dicom/dicom.h"
#include "tests/unit/dicom_file.h"

/* dicom_read_mem, with what any refusal owes its caller asserted. */
int  read_buf(const struct buf *b, struct dicom **ret_dicom);
void expect_json(struct buf *file, const char *url, const char *want);
/* Frees the buffer. */
void expect_refused(struct buf *file, int num);

#endif
