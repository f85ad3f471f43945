#include "catalog/attribute.h"

#include <errno.h>

#include "catalog/codec.h"
#include "dicom/collate.h"

/* JSON of an attribute larger than this is left to the stored header: rows
 * stay small however long a sequence is. */
#define JSON_KEPT_MAX 1024
/* Text of an attribute that is collated. */
#define TEXT_MAX (64 << 10)

#define S LEVEL_STUDY
#define E LEVEL_SERIES
#define I LEVEL_INSTANCE

/* Contract 4.3 (those with a VR) and 4.6, and what PS3.18 returns; by level, then tag. */
static const struct attribute_def kept[] = {
	{ 0x00080005, S, 0 },
	{ 0x00080020, S, VR('D', 'A') },
	{ 0x00080030, S, 0 },
	{ 0x00080050, S, VR('S', 'H') },
	{ 0x00080056, S, 0 },
	{ 0x00080063, S, 0 },
	{ 0x00080090, S, VR('P', 'N') },
	{ 0x00080201, S, 0 },
	{ 0x00081030, S, VR('L', 'O') },
	{ 0x00081032, S, 0 },
	{ 0x00081060, S, 0 },
	{ 0x00081080, S, 0 },
	{ 0x00081110, S, 0 },
	{ 0x00100010, S, VR('P', 'N') },
	{ 0x00100020, S, VR('L', 'O') },
	{ 0x00100030, S, VR('D', 'A') },
	{ 0x00100040, S, 0 },
	{ 0x00101010, S, 0 },
	{ 0x00101020, S, 0 },
	{ 0x00101030, S, 0 },
	{ 0x00102180, S, 0 },
	{ 0x001021B0, S, 0 },
	{ 0x0020000D, S, VR('U', 'I') },
	{ 0x00200010, S, 0 },

	{ 0x00080005, E, 0 },
	{ 0x00080021, E, 0 },
	{ 0x00080031, E, 0 },
	{ 0x00080060, E, VR('C', 'S') },
	{ 0x00080201, E, 0 },
	{ 0x0008103E, E, 0 },
	{ 0x00081090, E, VR('L', 'O') },
	{ 0x0020000E, E, VR('U', 'I') },
	{ 0x00200011, E, 0 },
	{ 0x00200060, E, 0 },
	{ 0x00400244, E, VR('D', 'A') },
	{ 0x00400245, E, 0 },
	{ 0x00400275, E, 0 },

	{ 0x00080005, I, 0 },
	{ 0x00080018, I, VR('U', 'I') },
	{ 0x00080056, I, 0 },
	{ 0x00080201, I, 0 },
	{ 0x00200013, I, 0 },
	{ 0x00280008, I, 0 },
	{ 0x00280010, I, 0 },
	{ 0x00280011, I, 0 },
	{ 0x00280100, I, 0 },
};

/* ModalitiesInStudy is made of the series' Modality, no data set has it for us. */
static const struct attribute_def modalities = { TAG_MODALITIES_IN_STUDY, S, VR('C', 'S') };

#define KEPT (sizeof kept / sizeof *kept)

const struct attribute_def *
attribute_find(uint32_t tag, enum level level)
{
	size_t i;

	for (i = 0; i < KEPT; i++)
		if (kept[i].tag == tag && kept[i].level == level)
			return &kept[i];
	return NULL;
}

const struct attribute_def *
attribute_searchable(uint32_t tag)
{
	size_t i;

	if (tag == TAG_MODALITIES_IN_STUDY)
		return &modalities;
	for (i = 0; i < KEPT; i++)
		if (kept[i].tag == tag && kept[i].vr != 0)
			return &kept[i];
	return NULL;
}

static void
put_attribute(struct buf *out, uint32_t tag, struct slice collated, struct slice json)
{
	put_u32(out, tag);
	put_u16(out, (uint16_t)collated.len);
	buf_put(out, collated.data, collated.len);
	put_long(out, json);
}

/* The first value, collated: only that is searched (contract 2.5). */
static void
collate_first(const struct dicom *d, const struct attribute_def *def, struct buf *text, struct buf *out)
{
	size_t len;

	buf_reset(text);
	buf_reset(out);
	if (dicom_text(d, def->tag, text) <= 0)
		return;
	for (len = 0; len < text->len && text->data[len] != '\\'; len++)
		;
	if (len > 0 && collate_value(def->vr, text->data, len, out) < 0)
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
	for (i = 0; i < KEPT; i++) {
		/* UIDs are members of the rows themselves, and indexed by their hash. */
		if (kept[i].level != level || kept[i].vr == VR('U', 'I') || dicom_find(d, kept[i].tag) == NULL)
			continue;
		buf_reset(&collated);
		if (kept[i].vr != 0)
			collate_first(d, &kept[i], &text, &collated);
		buf_reset(&json);
		if (dicom_write_json_element(d, kept[i].tag, &json) < 0)
			buf_reset(&json);
		put_attribute(out, kept[i].tag, buf_slice(&collated), buf_slice(&json));
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
			put_attribute(out, a.tag, a.collated, a.json);
			more_a = attributes_next(&old, &a);
			continue;
		}
		if (more_a && a.tag == b.tag) {
			if (is_empty(&b))
				put_attribute(out, a.tag, a.collated, a.json);
			else
				put_attribute(out, b.tag, b.collated, b.json);
			more_a = attributes_next(&old, &a);
		} else
			put_attribute(out, b.tag, b.collated, b.json);
		more_b = attributes_next(&newer, &b);
	}
}
