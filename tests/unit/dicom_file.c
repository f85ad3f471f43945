#include "tests/unit/dicom_file.h"

#include <string.h>

#include "dicom/tag.h"

void
put16(struct buf *b, unsigned v)
{
	buf_putc(b, (char)v);
	buf_putc(b, (char)(v >> 8));
}

void
put32(struct buf *b, uint32_t v)
{
	put16(b, v & 0xFFFF);
	put16(b, v >> 16);
}

void
put_tag(struct buf *b, uint32_t tag)
{
	put16(b, TAG_GROUP(tag));
	put16(b, TAG_ELEMENT(tag));
}

void
put_lying(struct buf *b, uint32_t tag, const char *vr, const void *value, size_t len, uint32_t length)
{
	put_tag(b, tag);
	buf_put(b, vr, 2);
	if (strstr("OB OD OF OL OV OW SQ UC UN UR UT SV UV", vr) != NULL) {
		put16(b, 0);
		put32(b, length);
	} else {
		put16(b, length);
	}
	buf_put(b, value, len);
}

void
put_element(struct buf *b, uint32_t tag, const char *vr, const void *value, size_t len)
{
	put_lying(b, tag, vr, value, len, (uint32_t)len);
}

void
put_text(struct buf *b, uint32_t tag, const char *vr, const char *value)
{
	put_element(b, tag, vr, value, strlen(value));
}

void
put_implicit(struct buf *b, uint32_t tag, const void *value, size_t len)
{
	put_tag(b, tag);
	put32(b, (uint32_t)len);
	buf_put(b, value, len);
}

void
put_delimiter(struct buf *b, uint32_t tag, uint32_t length)
{
	put_tag(b, tag);
	put32(b, length);
}

void
start_file(struct buf *b, const char *xfer_uid)
{
	char zeros[128] = { 0 };

	buf_init(b, 64 << 20);
	buf_put(b, zeros, sizeof zeros);
	buf_puts(b, "DICM");
	put_text(b, 0x00020010, "UI", xfer_uid);
}

void
put_identity(struct buf *b)
{
	put_text(b, TAG_SOP_CLASS_UID, "UI", "1.2.840.10008.5.1.4.1.1.7");
	put_text(b, TAG_SOP_INSTANCE_UID, "UI", "1.2.3.4");
	put_text(b, TAG_PATIENT_ID, "LO", "ID");
	put_text(b, TAG_STUDY_INSTANCE_UID, "UI", "1.2.3");
	put_text(b, TAG_SERIES_INSTANCE_UID, "UI", "1.2.3.5");
}
