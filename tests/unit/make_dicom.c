#include "tests/unit/make_dicom.h"

#include <string.h>

#include "tests/unit/dicom_file.h"

/* Padded as PS3.5 6.2 says; none for NULL. */
static void
text(struct buf *b, uint32_t tag, const char *vr, const char *value)
{
	size_t len;

	if (value == NULL)
		return;
	len = strlen(value);
	put_lying(b, tag, vr, value, len, (uint32_t)(len + (len & 1)));
	if (len & 1)
		buf_putc(b, strcmp(vr, "UI") == 0 ? '\0' : ' ');
}

static void
number(struct buf *b, uint32_t tag, unsigned value)
{
	put_lying(b, tag, "US", "", 0, 2);
	put16(b, value);
}

size_t
make_dicom(const struct sample *s, unsigned char *out)
{
	static const char zeros[128];
	struct buf b;
	size_t len;

	buf_init(&b, SAMPLE_MAX);
	buf_put(&b, zeros, sizeof zeros);
	buf_puts(&b, "DICM");
	put_element(&b, 0x00020000, "UL", zeros, 4);
	len = b.len;
	put_element(&b, 0x00020001, "OB", BYTES("\0\1"));
	text(&b, 0x00020002, "UI", "1.2.840.10008.5.1.4.1.1.7");
	text(&b, 0x00020003, "UI", s->sop_uid);
	text(&b, 0x00020010, "UI", "1.2.840.10008.1.2.1");
	text(&b, 0x00020012, "UI", "1.2.3.4");
	b.data[len - 4] = (char)(b.len - len);
	text(&b, 0x00080005, "CS", "ISO_IR 192");
	text(&b, 0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.7");
	text(&b, 0x00080018, "UI", s->sop_uid);
	text(&b, 0x00080020, "DA", s->study_date);
	text(&b, 0x00080060, "CS", s->modality);
	text(&b, 0x00081030, "LO", s->description);
	text(&b, 0x00100010, "PN", s->patient_name);
	text(&b, 0x00100020, "LO", s->patient_id);
	text(&b, 0x00101010, "AS", s->age);
	text(&b, 0x00180015, "CS", s->body_part);
	text(&b, 0x0020000D, "UI", s->study_uid);
	text(&b, 0x0020000E, "UI", s->series_uid);
	text(&b, 0x00200013, "IS", s->number != NULL ? s->number : "1");
	number(&b, 0x00280010, 1);
	number(&b, 0x00280011, (unsigned)(s->pixels & 0xFFFF));
	number(&b, 0x00280100, 8);
	if (s->pixels > 0)
		put_lying(&b, 0x7FE00010, "OB", "", 0, (uint32_t)s->pixels);
	len = b.len;
	memcpy(out, b.data, len);
	buf_fini(&b);
	memset(out + len, s->fill, s->pixels);
	return len + s->pixels;
}
