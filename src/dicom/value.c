#include "dicom/value.h"

#include <string.h>

size_t
value_trimmed(const char *text, size_t len)
{
	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\0'))
		len--;
	return len;
}

static uint64_t
get_bits(const unsigned char *p, size_t size, bool big_endian)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < size; i++)
		n |= (uint64_t)p[big_endian ? size - 1 - i : i] << (8 * i);
	return n;
}

static uint64_t
bits_at(const struct dicom_element *el, const struct vr_info *info, bool big_endian, size_t i)
{
	return get_bits((const unsigned char *)el->value.data + i * info->size, info->size, big_endian);
}

static bool
is_signed(uint16_t vr)
{
	return vr == VR('S', 'S') || vr == VR('S', 'L') || vr == VR('S', 'V');
}

static int64_t
extend(uint64_t bits, size_t size)
{
	uint64_t sign = (uint64_t)1 << (8 * size - 1);

	return (int64_t)((bits ^ sign) - sign);
}

/* FL and FD, of their bits; a float is a double exactly. */
static double
floating(const struct vr_info *info, uint64_t bits)
{
	uint32_t half = (uint32_t)bits;
	float f;
	double d;

	if (info->size == sizeof d) {
		memcpy(&d, &bits, sizeof d);
		return d;
	}
	memcpy(&f, &half, sizeof f);
	return (double)f;
}

size_t
value_put_number(const struct dicom_element *el, const struct vr_info *info,
		 bool big_endian, size_t i, char *to)
{
	uint64_t bits = bits_at(el, info, big_endian, i);

	if (el->vr == VR('F', 'D'))
		return number_put_double(to, floating(info, bits));
	if (el->vr == VR('F', 'L'))
		return number_put_float(to, (float)floating(info, bits));
	if (is_signed(el->vr))
		return number_put_signed(to, extend(bits, info->size));
	return number_put_unsigned(to, bits);
}

double
value_number(const struct dicom_element *el, const struct vr_info *info,
	     bool big_endian, size_t i)
{
	uint64_t bits = bits_at(el, info, big_endian, i);

	if (el->vr == VR('F', 'D') || el->vr == VR('F', 'L'))
		return floating(info, bits);
	return is_signed(el->vr) ? (double)extend(bits, info->size) : (double)bits;
}

uint32_t
value_tag(const struct dicom_element *el, bool big_endian, size_t i)
{
	const unsigned char *p = (const unsigned char *)el->value.data + 4 * i;

	return TAG(get_bits(p, 2, big_endian), get_bits(p + 2, 2, big_endian));
}

int
value_put_little_endian(const struct dicom_element *el, const struct vr_info *info,
			bool big_endian, struct buf *out)
{
	const char *p = el->value.data;
	size_t i, whole = el->value.len - el->value.len % info->size;
	char *room;
	int r;

	if (!big_endian || info->size == 1)
		return buf_put(out, p, el->value.len);
	r = buf_reserve(out, el->value.len, &room);
	if (r < 0)
		return r;
	for (i = 0; i < whole; i++)
		room[i] = p[i - i % info->size + (info->size - 1 - i % info->size)];
	memcpy(room + whole, p + whole, el->value.len - whole);
	buf_grow(out, el->value.len);
	return 0;
}

enum charset_text
value_text_kind(const struct vr_info *info)
{
	if (info->single)
		return CHARSET_SINGLE;
	return info->kind == VR_NAME ? CHARSET_NAMES : CHARSET_VALUES;
}

struct charset
value_charset(const struct dataset *ds, const struct charset *outer)
{
	/* PS3.5 7.5.3: what an item does not say it inherits */
	const struct node *n = dataset_find(ds, TAG_SPECIFIC_CHARACTER_SET);

	if (n == NULL || n->el.value.data == NULL)
		return *outer;
	return charset_parse(n->el.value.data, n->el.value.len);
}
