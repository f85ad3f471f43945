/* dicom_file.h: Part 10 files made by hand. */
#ifndef TESTS_UNIT_DICOM_FILE_H
#define TESTS_UNIT_DICOM_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define BYTES(s) s, sizeof(s) - 1

#define ITEM 0xFFFEE000
#define ITEM_END 0xFFFEE00D
#define SEQUENCE_END 0xFFFEE0DD
#define UNDEFINED 0xFFFFFFFF

/* Preamble and file meta information; the data set follows by the put functions. */
void start_file(struct buf *b, const char *xfer_uid);
/* What every set of rules wants: class, study 1.2.3, series 1.2.3.5, instance 1.2.3.4, patient. */
void put_identity(struct buf *b);

void put16(struct buf *b, unsigned v);
void put32(struct buf *b, uint32_t v);
void put_tag(struct buf *b, uint32_t tag);
/* An explicit VR element whose length may lie. */
void put_lying(struct buf *b, uint32_t tag, const char *vr, const void *value, size_t len, uint32_t length);
void put_element(struct buf *b, uint32_t tag, const char *vr, const void *value, size_t len);
void put_text(struct buf *b, uint32_t tag, const char *vr, const char *value);
void put_implicit(struct buf *b, uint32_t tag, const void *value, size_t len);
void put_delimiter(struct buf *b, uint32_t tag, uint32_t length);

#endif
