#include "make_dicom.h"

#include <string.h>

static unsigned char *
element(unsigned char *p, unsigned group, unsigned number, const char *vr, const void *data, size_t len, char pad)
{
	size_t padded = len + (len & 1);

	p[0] = (unsigned char)group;
	p[1] = (unsigned char)(group >> 8);
	p[2] = (unsigned char)number;
	p[3] = (unsigned char)(number >> 8);
	memcpy(p + 4, vr, 2);
	p += 6;
	if (strcmp(vr, "OB") == 0 || strcmp(vr, "OW") == 0) {
		p[0] = p[1] = 0;
		p[2] = (unsigned char)padded;
		p[3] = (unsigned char)(padded >> 8);
		p[4] = (unsigned char)(padded >> 16);
		p[5] = (unsigned char)(padded >> 24);
		p += 6;
	} else {
		p[0] = (unsigned char)padded;
		p[1] = (unsigned char)(padded >> 8);
		p += 2;
	}
	if (len > 0)
		memcpy(p, data, len);
	if (padded > len)
		p[len] = (unsigned char)pad;
	return p + padded;
}

static unsigned char *
text(unsigned char *p, unsigned group, unsigned number, const char *vr, const char *value)
{
	if (value == NULL)
		return p;
	return element(p, group, number, vr, value, strlen(value), vr[0] == 'U' && vr[1] == 'I' ? 0 : ' ');
}

static unsigned char *
number(unsigned char *p, unsigned group, unsigned e, unsigned value)
{
	unsigned char b[2] = { (unsigned char)value, (unsigned char)(value >> 8) };

	return element(p, group, e, "US", b, 2, 0);
}

size_t
make_dicom(const struct sample *s, unsigned char *out)
{
	unsigned char *p = out, *meta;
	unsigned char version[2] = { 0, 1 };
	unsigned char length[4] = { 0 };

	memset(p, 0, 128);
	memcpy(p + 128, "DICM", 4);
	p += 132;
	meta = p;
	p = element(p, 2, 0, "UL", length, 4, 0);
	p = element(p, 2, 1, "OB", version, 2, 0);
	p = text(p, 2, 2, "UI", "1.2.840.10008.5.1.4.1.1.7");
	p = text(p, 2, 3, "UI", s->sop_uid);
	p = text(p, 2, 0x10, "UI", "1.2.840.10008.1.2.1");
	p = text(p, 2, 0x12, "UI", "1.2.3.4");
	meta[8] = (unsigned char)(p - meta - 12);
	p = text(p, 8, 5, "CS", "ISO_IR 192");
	p = text(p, 8, 0x16, "UI", "1.2.840.10008.5.1.4.1.1.7");
	p = text(p, 8, 0x18, "UI", s->sop_uid);
	p = text(p, 8, 0x20, "DA", s->study_date);
	p = text(p, 8, 0x60, "CS", s->modality);
	p = text(p, 8, 0x1030, "LO", s->description);
	p = text(p, 0x10, 0x10, "PN", s->patient_name);
	p = text(p, 0x10, 0x20, "LO", s->patient_id);
	p = text(p, 0x20, 0x0D, "UI", s->study_uid);
	p = text(p, 0x20, 0x0E, "UI", s->series_uid);
	p = text(p, 0x20, 0x13, "IS", "1");
	p = number(p, 0x28, 0x10, 1);
	p = number(p, 0x28, 0x11, (unsigned)(s->pixels & 0xFFFF));
	p = number(p, 0x28, 0x100, 8);
	if (s->pixels > 0) {
		p[0] = 0xE0;
		p[1] = 0x7F;
		p[2] = 0x10;
		p[3] = 0x00;
		memcpy(p + 4, "OB\0\0", 4);
		p[8] = (unsigned char)s->pixels;
		p[9] = (unsigned char)(s->pixels >> 8);
		p[10] = (unsigned char)(s->pixels >> 16);
		p[11] = (unsigned char)(s->pixels >> 24);
		memset(p + 12, s->fill, s->pixels);
		p += 12 + s->pixels;
	}
	return (size_t)(p - out);
}
