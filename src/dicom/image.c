#include "dicom/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "dicom/vr.h"

enum {
	TAG_SAMPLES_PER_PIXEL		= 0x00280002,
	TAG_PHOTOMETRIC			= 0x00280004,
	TAG_PLANAR_CONFIGURATION	= 0x00280006,
	TAG_BITS_STORED			= 0x00280101,
	TAG_HIGH_BIT			= 0x00280102,
	TAG_PIXEL_REPRESENTATION	= 0x00280103,
	TAG_PADDING_VALUE		= 0x00280120,
	TAG_PADDING_LIMIT		= 0x00280121,
	TAG_WINDOW_CENTER		= 0x00281050,
	TAG_WINDOW_WIDTH		= 0x00281051,
	TAG_RESCALE_INTERCEPT		= 0x00281052,
	TAG_RESCALE_SLOPE		= 0x00281053,
	TAG_VOI_FUNCTION		= 0x00281056,
	TAG_RED_DESCRIPTOR		= 0x00281101,	/* green, blue follow */
	TAG_RED_DATA			= 0x00281201,
	TAG_RED_SEGMENTS		= 0x00281221,
	TAG_MODALITY_LUT_SEQUENCE	= 0x00283000,
	TAG_LUT_DESCRIPTOR		= 0x00283002,
	TAG_LUT_DATA			= 0x00283006,
	TAG_VOI_LUT_SEQUENCE		= 0x00283010,
	TAG_FRAME_VOI_SEQUENCE		= 0x00289132,
	TAG_PIXEL_VALUE_SEQUENCE	= 0x00289145,
	TAG_PRESENTATION_LUT_SHAPE	= 0x20500020,
	TAG_SHARED_GROUPS		= 0x52009229,
	TAG_PER_FRAME_GROUPS		= 0x52009230,
	TAG_FLOAT_PIXEL_DATA		= 0x7FE00008,
	TAG_DOUBLE_PIXEL_DATA		= 0x7FE00009,
};

#define LUT_MAX 65536
/* Segments of a table: more do not fit into its bytes, but for those used again. */
#define SEGMENTS_MAX (1 << 18)

/* A whole number of the top level within bounds; `absent` when it says nothing. */
static int
whole(const struct dicom *d, uint32_t tag, uint32_t min, uint32_t max, uint32_t absent, uint32_t *ret_n)
{
	double n;

	if (dicom_number(d, tag, &n) < 0) {
		*ret_n = absent;
		return 0;
	}
	if (!(n >= min && n <= max))
		return -EBADMSG;
	*ret_n = (uint32_t)n;
	return 0;
}

static int
senseless(struct err *err, uint32_t tag)
{
	return err_set(err, -EBADMSG, "(%04X,%04X) describes no pixel data that can be read",
		       TAG_GROUP(tag), TAG_ELEMENT(tag));
}

static int
find_pixels(const struct dicom *d, struct image *image)
{
	static const struct { uint32_t tag; enum image_cells cells; } places[] = {
		{ TAG_PIXEL_DATA, IMAGE_INTEGER },
		{ TAG_FLOAT_PIXEL_DATA, IMAGE_FLOAT },
		{ TAG_DOUBLE_PIXEL_DATA, IMAGE_DOUBLE },
	};
	size_t i;

	for (i = 0; i < sizeof places / sizeof *places; i++) {
		image->pixels = dicom_find(d, places[i].tag);
		image->cells = places[i].cells;
		if (image->pixels != NULL)
			return vr_info(image->pixels->vr)->kind == VR_SEQUENCE ? -ENOENT : 0;
	}
	return -ENOENT;
}

/* PS3.5 8.1.2: OW are words of 16 bits, OB bytes; cells above 16 bits are found
 * swapped as a whole. */
static uint32_t
word_to_swap(const struct dicom *d, const struct image *image)
{
	if (!dicom_is_big_endian(d) || image->pixels->encapsulated)
		return 1;
	if (image->cells == IMAGE_FLOAT)
		return 4;
	if (image->cells == IMAGE_DOUBLE)
		return 8;
	if (image->pixels->vr != VR('O', 'W'))
		return 1;
	switch (image->bits_allocated) {
	case 32: return 4;
	case 64: return 8;
	default: return 2;
	}
}

int
image_describe(const struct dicom *d, struct image *ret_image, struct err *err)
{
	struct image image = { 0 };
	uint32_t n;

	if (find_pixels(d, &image) < 0)
		return err_set(err, -ENOENT, "the instance has no pixel data");
	if (whole(d, TAG_ROWS, 0, 65535, 0, &image.rows) < 0 || whole(d, TAG_COLUMNS, 0, 65535, 0, &image.columns) < 0)
		return senseless(err, TAG_ROWS);
	n = image.cells == IMAGE_FLOAT ? 32 : image.cells == IMAGE_DOUBLE ? 64 : 0;
	if (whole(d, TAG_BITS_ALLOCATED, 0, 64, n, &image.bits_allocated) < 0)
		return senseless(err, TAG_BITS_ALLOCATED);
	if (image.rows == 0 || image.columns == 0 || image.bits_allocated == 0)
		return err_set(err, -ENOENT, "the instance has no pixel data: it lacks Rows, Columns or BitsAllocated");
	if (n != 0 ? image.bits_allocated != n : image.bits_allocated != 1 && image.bits_allocated % 8 != 0)
		return senseless(err, TAG_BITS_ALLOCATED);
	if (whole(d, TAG_SAMPLES_PER_PIXEL, 1, 4, 1, &image.samples) < 0)
		return senseless(err, TAG_SAMPLES_PER_PIXEL);
	if (whole(d, TAG_BITS_STORED, 1, image.bits_allocated, image.bits_allocated, &image.bits_stored) < 0)
		return senseless(err, TAG_BITS_STORED);
	if (whole(d, TAG_HIGH_BIT, 0, 63, image.bits_stored - 1, &image.high_bit) < 0 ||
	    image.high_bit >= image.bits_allocated || image.high_bit + 1 < image.bits_stored)
		image.high_bit = image.bits_stored - 1;
	if (whole(d, TAG_PIXEL_REPRESENTATION, 0, 1, 0, &n) == 0)
		image.is_signed = n == 1;
	if (whole(d, TAG_PLANAR_CONFIGURATION, 0, 1, 0, &n) == 0)
		image.planar = n == 1 && image.samples > 1;
	if (whole(d, TAG_NUMBER_OF_FRAMES, 1, UINT32_MAX - 1, 1, &image.frames) < 0)
		image.frames = 1;
	if (dicom_text_first(d, TAG_PHOTOMETRIC, image.photometric, sizeof image.photometric) < 0)
		image.photometric[0] = '\0';
	image.swap = word_to_swap(d, &image);
	*ret_image = image;
	return 0;
}

/* -------------------------------------------------------------- grey ---- */

static void
take_rescale(const struct dataset *ds, struct image_grey *grey)
{
	double n;

	if (ds == NULL)
		return;
	if (dicom_number_in(ds, TAG_RESCALE_SLOPE, 0, &n) == 0 && n != 0)
		grey->slope = n;
	if (dicom_number_in(ds, TAG_RESCALE_INTERCEPT, 0, &n) == 0)
		grey->intercept = n;
}

static bool
text_is(const struct dataset *ds, uint32_t tag, const char *word)
{
	const struct dicom_element *el = dicom_find_in(ds, tag);
	size_t len = strlen(word);

	return el != NULL && el->value.len >= len && memcmp(el->value.data, word, len) == 0 &&
	       (el->value.len == len || ((const char *)el->value.data)[len] == ' ');
}

static void
take_window(const struct dataset *ds, struct image_grey *grey)
{
	double center, width;

	if (ds == NULL || dicom_number_in(ds, TAG_WINDOW_CENTER, 0, &center) < 0 ||
	    dicom_number_in(ds, TAG_WINDOW_WIDTH, 0, &width) < 0)
		return;
	grey->function = text_is(ds, TAG_VOI_FUNCTION, "SIGMOID") ? IMAGE_SIGMOID :
			 text_is(ds, TAG_VOI_FUNCTION, "LINEAR_EXACT") ? IMAGE_LINEAR_EXACT : IMAGE_LINEAR;
	/* PS3.3 C.11.2.1.2: at least 1, or above 0 in the exact forms */
	if (grey->function == IMAGE_LINEAR ? width < 1 : width <= 0)
		return;
	grey->has_window = true;
	grey->center = center;
	grey->width = width;
}

static void
take_groups(const struct dataset *groups, struct image_grey *grey)
{
	if (groups == NULL)
		return;
	take_rescale(dicom_item(groups, TAG_PIXEL_VALUE_SEQUENCE, 0), grey);
	take_window(dicom_item(groups, TAG_FRAME_VOI_SEQUENCE, 0), grey);
}

void
image_grey(const struct dicom *d, uint32_t frame, struct image_grey *ret_grey)
{
	const struct dataset *top = dicom_top(d);
	struct image_grey grey = { .slope = 1 };

	take_rescale(top, &grey);
	take_window(top, &grey);
	take_groups(dicom_item(top, TAG_SHARED_GROUPS, 0), &grey);
	take_groups(dicom_item(top, TAG_PER_FRAME_GROUPS, frame), &grey);
	grey.inverse = text_is(top, TAG_PRESENTATION_LUT_SHAPE, "INVERSE");
	if (dicom_number_in(top, TAG_PADDING_VALUE, 0, &grey.padding) == 0) {
		grey.has_padding = true;
		if (dicom_number_in(top, TAG_PADDING_LIMIT, 0, &grey.padding_limit) < 0)
			grey.padding_limit = grey.padding;
	}
	*ret_grey = grey;
}

/* ------------------------------------------------------------ tables ---- */

/* The value of an element, from memory or the file.  The caller frees it. */
static int
read_value(const struct dicom_element *el, int fd, size_t max, unsigned char **ret_data, size_t *ret_len)
{
	unsigned char *p;
	ssize_t n;

	if (el->encapsulated || el->length == 0 || el->length > max || vr_info(el->vr)->kind == VR_SEQUENCE)
		return -EBADMSG;
	p = malloc((size_t)el->length);
	if (p == NULL)
		return -ENOMEM;
	if (el->value.data != NULL) {
		memcpy(p, el->value.data, (size_t)el->length);
	} else {
		n = el->offset == 0 ? -EBADMSG : io_pread_all(fd, p, (size_t)el->length, el->offset);
		if (n < 0 || (size_t)n < el->length) {
			free(p);
			return n < 0 ? (int)n : -EBADMSG;
		}
	}
	*ret_data = p;
	*ret_len = (size_t)el->length;
	return 0;
}

/* Words of the table.  Entries of 8 bits come two in a word, the first in its
 * low half, or, against the standard, one in each word. */
static int
unpack(const unsigned char *p, size_t len, bool big_endian, struct image_lut *lut)
{
	bool bytes = lut->bits == 8 && len < 2 * (size_t)lut->count;
	uint32_t i;

	if (len < (bytes ? (size_t)lut->count : 2 * (size_t)lut->count))
		return -EBADMSG;
	lut->data = malloc(lut->count * sizeof *lut->data);
	if (lut->data == NULL)
		return -ENOMEM;
	for (i = 0; i < lut->count; i++)
		lut->data[i] = bytes ? p[big_endian && (i ^ 1) < len ? i ^ 1 : i] :
			       big_endian ? (uint16_t)(p[2 * i] << 8 | p[2 * i + 1]) :
					    (uint16_t)(p[2 * i + 1] << 8 | p[2 * i]);
	return 0;
}

/* PS3.3 C.7.9.2: a table as runs, ramps and pieces used again.  The words are little
 * endian by now; each operation is checked against both ends. */
static int
expand_segments(const uint16_t *s, size_t n, struct image_lut *lut)
{
	size_t at = 0, back_from = SIZE_MAX, back_left = 0;
	uint32_t made = 0, steps = 0;

	lut->data = malloc(lut->count * sizeof *lut->data);
	if (lut->data == NULL)
		return -ENOMEM;
	while (made < lut->count) {
		uint32_t op, len, i;

		if (back_left == 0 && back_from != SIZE_MAX) {
			at = back_from;
			back_from = SIZE_MAX;
		}
		if (at > n || n - at < 2 || ++steps > SEGMENTS_MAX)
			goto broken;
		op = s[at];
		len = s[at + 1];
		at += 2;
		if (op == 2) {
			/* the named number of segments from there on; never nested */
			if (back_from != SIZE_MAX || n - at < 2)
				goto broken;
			back_from = at + 2;
			back_left = len;
			at = ((size_t)s[at + 1] << 16 | s[at]) / 2;
			continue;
		}
		if (op > 2 || len > lut->count - made)
			goto broken;
		if (op == 0) {
			if (len > n - at)
				goto broken;
			memcpy(lut->data + made, s + at, len * sizeof *s);
			at += len;
		} else {
			double from, to;

			if (made == 0 || at >= n)
				goto broken;
			from = lut->data[made - 1];
			to = s[at++];
			for (i = 0; i < len; i++)
				lut->data[made + i] = (uint16_t)(from + (to - from) * (i + 1) / len + 0.5);
		}
		made += len;
		if (back_left > 0)
			back_left--;
	}
	return 0;
broken:
	free(lut->data);
	lut->data = NULL;
	return -EBADMSG;
}

static int
read_segments(const struct dicom_element *el, int fd, bool big_endian, struct image_lut *lut)
{
	unsigned char *p = NULL;
	size_t len, i;
	int r;

	if (lut->bits == 8)
		return -EBADMSG;	/* segments of bytes: not seen in the wild */
	r = read_value(el, fd, 2 * LUT_MAX, &p, &len);
	if (r < 0)
		return r;
	for (i = 0; i + 1 < len; i += 2) {
		uint16_t w = big_endian ? (uint16_t)(p[i] << 8 | p[i + 1]) : (uint16_t)(p[i + 1] << 8 | p[i]);

		memcpy(p + i, &w, sizeof w);
	}
	r = expand_segments((const uint16_t *)(void *)p, len / 2, lut);
	free(p);
	return r;
}

int
image_read_lut(const struct dicom *d, int fd, enum image_lut_kind kind, bool is_signed, struct image_lut *ret_lut)
{
	const struct dataset *ds = dicom_top(d);
	uint32_t descriptor_tag = TAG_LUT_DESCRIPTOR, data_tag = TAG_LUT_DATA;
	const struct dicom_element *data, *segments = NULL;
	struct image_lut lut = { 0 };
	double count, first, bits;
	unsigned char *p = NULL;
	size_t len;
	int r;

	if (kind == IMAGE_MODALITY_LUT || kind == IMAGE_VOI_LUT) {
		ds = dicom_item(ds, kind == IMAGE_VOI_LUT ? TAG_VOI_LUT_SEQUENCE : TAG_MODALITY_LUT_SEQUENCE, 0);
		if (ds == NULL)
			return -ENOENT;
	} else {
		descriptor_tag = TAG_RED_DESCRIPTOR + (kind - IMAGE_RED);
		data_tag = TAG_RED_DATA + (kind - IMAGE_RED);
		segments = dicom_find_in(ds, TAG_RED_SEGMENTS + (kind - IMAGE_RED));
	}
	data = dicom_find_in(ds, data_tag);
	if (data == NULL && segments == NULL)
		return -ENOENT;
	if (dicom_number_in(ds, descriptor_tag, 0, &count) < 0 ||
	    dicom_number_in(ds, descriptor_tag, 1, &first) < 0 ||
	    dicom_number_in(ds, descriptor_tag, 2, &bits) < 0)
		return -EBADMSG;
	/* US or SS: the first and the last number never are negative, the second
	 * is what the pixels are. */
	lut.count = (uint32_t)(int32_t)count & 0xFFFF;
	if (lut.count == 0)
		lut.count = LUT_MAX;
	lut.first = (int32_t)first;
	if (is_signed && lut.first > 32767)
		lut.first -= 65536;
	else if (!is_signed && lut.first < 0)
		lut.first += 65536;
	lut.bits = (uint32_t)(int32_t)bits & 0xFFFF;
	if (lut.bits < 8 || lut.bits > 16)
		return -EBADMSG;
	if (data == NULL) {
		r = read_segments(segments, fd, dicom_is_big_endian(d), &lut);
	} else {
		r = read_value(data, fd, 2 * LUT_MAX, &p, &len);
		if (r == 0)
			r = unpack(p, len, dicom_is_big_endian(d), &lut);
		free(p);
	}
	if (r == 0)
		*ret_lut = lut;
	return r;
}
