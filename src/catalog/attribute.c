#include "catalog/attribute.h"

#include <errno.h>

#include "catalog/codec.h"
#include "dicom/collate.h"
#include "dicom/indexed.h"

/* JSON of an attribute larger than this is left to the stored header: rows
 * stay small however long a sequence is. */
#define JSON_KEPT_MAX 1024
/* Text of an attribute that is collated. */
#define TEXT_MAX (64 << 10)

/* Contract 4.6, what is indexed of 4.3, and what PS3.18 returns, ascending.  UIDs are
 * members of the rows themselves. */
static const uint32_t of_study[] = {
	0x00080005, 0x00080020, 0x00080030, 0x00080050, 0x00080056, 0x00080063, 0x00080090,
	0x00080201, 0x00081030, 0x00081032, 0x00081060, 0x00081080, 0x00081110, 0x00100010,
	0x00100020, 0x00100030, 0x00100040, 0x00101010, 0x00101020, 0x00101030, 0x00102180,
	0x001021B0, 0x00200010,
};
static const uint32_t of_series[] = {
	0x00080005, 0x00080021, 0x00080031, 0x00080060, 0x00080201, 0x0008103E, 0x00081090,
	0x00200011, 0x00200060, 0x00400244, 0x00400245, 0x00400275,
};
static const uint32_t of_instance[] = {
	0x00080005, 0x00080056, 0x00080201, 0x00200013, 0x00280008, 0x00280010, 0x00280011,
	0x00280100,
};

static const struct kept {
	const uint32_t *tags;
	size_t n;
} kept[] = {
	[LEVEL_STUDY] = { of_study, sizeof of_study / sizeof *of_study },
	[LEVEL_SERIES] = { of_series, sizeof of_series / sizeof *of_series },
	[LEVEL_INSTANCE] = { of_instance, sizeof of_instance / sizeof *of_instance },
};

bool
attribute_is_kept(uint32_t tag, enum level level)
{
	size_t i;

	for (i = 0; i < kept[level].n; i++)
		if (kept[level].tags[i] == tag)
			return true;
	return false;
}

int
attribute_level(uint32_t tag, enum level *ret_level)
{
	if (indexed_vr(tag) == 0)
		return -ENOENT;
	switch (tag) {
	case TAG_SOP_INSTANCE_UID:
		*ret_level = LEVEL_INSTANCE;
		break;
	case TAG_SERIES_INSTANCE_UID:
		*ret_level = LEVEL_SERIES;
		break;
	default:
		*ret_level = attribute_is_kept(tag, LEVEL_SERIES) ? LEVEL_SERIES : LEVEL_STUDY;
	}
	return 0;
}

void
attribute_put(uint32_t tag, struct slice collated, struct slice json, struct buf *out)
{
	put_u32(out, tag);
	put_u16(out, (uint16_t)collated.len);
	buf_put(out, collated.data, collated.len);
	put_long(out, json);
}

/* The first value, collated: only that is searched (contract 2.5). */
static void
collate_first(const struct dicom *d, uint32_t tag, uint16_t vr, struct buf *text, struct buf *out)
{
	size_t len;

	buf_reset(text);
	buf_reset(out);
	if (dicom_text(d, tag, text) <= 0)
		return;
	for (len = 0; len < text->len && text->data[len] != '\\'; len++)
		;
	if (len > 0 && collate_value(vr, text->data, len, out) < 0)
		buf_reset(out);
}

int
attributes_extract(const struct dicom *d, enum level level, struct buf *out)
{
	struct buf json, text, collated;
	size_t i;

	buf_init(&json, JSON_KEPT_MAX);
	buf_init(&text, TEXT_MAX);
	buf_init(&collated, COLLATE_MAX);
	for (i = 0; i < kept[level].n; i++) {
		uint32_t tag = kept[level].tags[i];
		uint16_t vr = indexed_vr(tag);

		if (dicom_find(d, tag) == NULL)
			continue;
		buf_reset(&collated);
		if (vr != 0)
			collate_first(d, tag, vr, &text, &collated);
		buf_reset(&json);
		if (dicom_write_json_element(d, tag, &json) < 0)
			buf_reset(&json);
		attribute_put(tag, buf_slice(&collated), buf_slice(&json), out);
	}
	buf_fini(&json);
	buf_fini(&text);
	buf_fini(&collated);
	return buf_error(out);
}

bool
attributes_next(struct slice *rest, struct attribute *ret_attribute)
{
	struct reader r;

	if (rest->len == 0)
		return false;
	reader_init(&r, *rest);
	ret_attribute->tag = get_u32(&r);
	ret_attribute->collated = get_raw(&r, get_u16(&r));
	ret_attribute->json = get_long(&r);
	*rest = slice_of(r.p, (size_t)(r.end - r.p));
	return !r.bad;
}

bool
attributes_get(struct slice encoded, uint32_t tag, struct attribute *ret_attribute)
{
	while (attributes_next(&encoded, ret_attribute))
		if (ret_attribute->tag >= tag)
			return ret_attribute->tag == tag;
	return false;
}

/* {"vr":"LO"}: present without a value. */
static bool
is_empty(const struct attribute *a)
{
	return a->json.len > 0 && a->json.len <= sizeof "{\"vr\":\"LO\"}" - 1;
}

void
attributes_merge(struct slice old, struct slice newer, struct buf *out)
{
	struct attribute a, b;
	bool more_a = attributes_next(&old, &a), more_b = attributes_next(&newer, &b);

	while (more_a || more_b) {
		if (!more_b || (more_a && a.tag < b.tag)) {
			attribute_put(a.tag, a.collated, a.json, out);
			more_a = attributes_next(&old, &a);
			continue;
		}
		if (more_a && a.tag == b.tag) {
			if (is_empty(&b))
				attribute_put(a.tag, a.collated, a.json, out);
			else
				attribute_put(b.tag, b.collated, b.json, out);
			more_a = attributes_next(&old, &a);
		} else
			attribute_put(b.tag, b.collated, b.json, out);
		more_b = attributes_next(&newer, &b);
	}
}
