#include "pixel/pixel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pixel/codec.h"

/* ------------------------------------------------------------ colour ---- */

static const char *const color_names[] = {
	[PIXEL_MONOCHROME1] = "MONOCHROME1", [PIXEL_MONOCHROME2] = "MONOCHROME2",
	[PIXEL_PALETTE] = "PALETTE COLOR", [PIXEL_RGB] = "RGB", [PIXEL_YBR_FULL] = "YBR_FULL",
	[PIXEL_YBR_FULL_422] = "YBR_FULL_422", [PIXEL_YBR_RCT] = "YBR_RCT", [PIXEL_YBR_ICT] = "YBR_ICT",
};

enum pixel_color
pixel_color_of(const char *photometric)
{
	size_t i;

	for (i = 1; i < sizeof color_names / sizeof *color_names; i++)
		if (strcmp(photometric, color_names[i]) == 0)
			return (enum pixel_color)i;
	return PIXEL_OTHER;
}

const char *
pixel_color_name(enum pixel_color color)
{
	return color == PIXEL_OTHER ? "" : color_names[color];
}

/* ------------------------------------------------------------- cells ---- */

void
pixel_frame_fini(struct pixel_frame *frame)
{
	free(frame->data);
	*frame = (struct pixel_frame){ 0 };
}

size_t
pixel_frame_size(const struct pixel_format *f)
{
	uint64_t bits;

	if (f->rows == 0 || f->rows > 65535 || f->columns == 0 || f->columns > 65535 ||
	    f->samples == 0 || f->samples > 4 || f->bits_stored == 0 || f->bits_stored > f->bits_allocated ||
	    f->high_bit >= f->bits_allocated || f->high_bit + 1 < f->bits_stored ||
	    (f->bits_allocated != 1 && f->bits_allocated != 8 && f->bits_allocated != 16 &&
	     f->bits_allocated != 32 && f->bits_allocated != 64))
		return 0;
	bits = (uint64_t)f->rows * f->columns * f->samples * f->bits_allocated;
	return bits / 8 < PIXEL_FRAME_MAX ? (size_t)((bits + 7) / 8) : 0;
}

static uint32_t
get_cell(const unsigned char *p, size_t size)
{
	return size == 1 ? p[0] : size == 2 ? (uint32_t)(p[1] << 8 | p[0]) :
	       (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

unsigned
cell_bits(const struct pixel_frame *frame, bool as_signed)
{
	const struct pixel_format *f = &frame->format;
	size_t size = cell_size(f), i, n = frame->len / size;
	uint32_t mask, ones = 0, sign;

	if (f->bits_stored == f->bits_allocated)
		return f->bits_allocated;
	mask = ~(uint32_t)0 << f->bits_stored;
	if (f->bits_allocated < 32)
		mask &= ((uint32_t)1 << f->bits_allocated) - 1;
	if (!as_signed) {
		for (i = 0; i < n; i++)
			ones |= get_cell(frame->data + i * size, size);
		return (ones & mask) == 0 ? f->bits_stored : f->bits_allocated;
	}
	sign = (uint32_t)1 << (f->bits_stored - 1);
	for (i = 0; i < n; i++) {
		uint32_t c = get_cell(frame->data + i * size, size);

		if ((c & mask) != ((c & sign) != 0 ? mask : 0))
			return f->bits_allocated;
	}
	return f->bits_stored;
}

/* The sample s of pixel i lies at i * samples + s, or, plane by plane, at s * pixels + i. */
static void
move_cells(const struct pixel_format *f, const unsigned char *from, bool planes, unsigned char *to)
{
	size_t size = cell_size(f), n = (size_t)f->rows * f->columns, mixed = 0, i;
	uint32_t s;

	for (i = 0; i < n; i++)
		for (s = 0; s < f->samples; s++, mixed += size) {
			size_t plane = (s * n + i) * size;

			memcpy(to + (planes ? mixed : plane), from + (planes ? plane : mixed), size);
		}
}

void
cells_to_planes(const struct pixel_format *f, const unsigned char *from, unsigned char *to)
{
	move_cells(f, from, false, to);
}

void
planes_to_cells(const struct pixel_format *f, const unsigned char *from, unsigned char *to)
{
	move_cells(f, from, true, to);
}

/* ---------------------------------------------------------- syntaxes ---- */

struct codec {
	const char *xfer_uid;
	unsigned flags;
	int (*decode)(const void *data, size_t len, struct pixel_frame *frame, struct err *err);
	int (*encode)(const struct pixel_frame *frame, unsigned quality, struct buf *out,
		      struct pixel_format *format, struct err *err);
};

/* Lossy: what the syntax may hold, not what a given stream does. */
static const struct codec codecs[] = {
	{ .xfer_uid = "1.2.840.10008.1.2", .flags = PIXEL_NATIVE | PIXEL_DECODES },
	{ .xfer_uid = "1.2.840.10008.1.2.1", .flags = PIXEL_NATIVE | PIXEL_DECODES | PIXEL_ENCODES },
	{ .xfer_uid = "1.2.840.10008.1.2.1.99", .flags = PIXEL_NATIVE | PIXEL_DECODES },
	{ .xfer_uid = "1.2.840.10008.1.2.2", .flags = PIXEL_NATIVE | PIXEL_DECODES },
	{ .xfer_uid = "1.2.840.10008.1.2.4.50", .flags = PIXEL_LOSSY, jpeg_decode, jpeg_encode },
	{ .xfer_uid = "1.2.840.10008.1.2.4.51", .flags = PIXEL_LOSSY, jpeg_decode },
	{ .xfer_uid = "1.2.840.10008.1.2.4.53", .flags = PIXEL_LOSSY, jpeg_decode },
	{ .xfer_uid = "1.2.840.10008.1.2.4.55", .flags = PIXEL_LOSSY, jpeg_decode },
	{ .xfer_uid = "1.2.840.10008.1.2.4.57", .decode = jpeg_decode },
	{ .xfer_uid = "1.2.840.10008.1.2.4.70", .decode = jpeg_decode },
	{ .xfer_uid = "1.2.840.10008.1.2.4.80", .decode = charls_decode, .encode = charls_encode },
	{ .xfer_uid = "1.2.840.10008.1.2.4.81", .flags = PIXEL_LOSSY, charls_decode },
	{ .xfer_uid = "1.2.840.10008.1.2.4.90", .decode = openjpeg_decode, .encode = openjpeg_encode },
	{ .xfer_uid = "1.2.840.10008.1.2.4.91", .flags = PIXEL_LOSSY, openjpeg_decode },
	{ .xfer_uid = "1.2.840.10008.1.2.4.201", .decode = openjpeg_decode },
	{ .xfer_uid = "1.2.840.10008.1.2.4.202", .decode = openjpeg_decode },
	{ .xfer_uid = "1.2.840.10008.1.2.4.203", .flags = PIXEL_LOSSY, openjpeg_decode },
	{ .xfer_uid = "1.2.840.10008.1.2.5", .decode = rle_decode, .encode = rle_encode },
	{ .xfer_uid = "1.2.840.10008.1.2.8.1", .decode = deflate_decode },
};

static const struct codec *
find_codec(const char *xfer_uid)
{
	size_t i;

	for (i = 0; i < sizeof codecs / sizeof *codecs; i++)
		if (strcmp(codecs[i].xfer_uid, xfer_uid) == 0)
			return &codecs[i];
	return NULL;
}

unsigned
pixel_syntax(const char *xfer_uid)
{
	const struct codec *c = find_codec(xfer_uid);

	if (c == NULL)
		return 0;
	return c->flags | (c->decode != NULL ? PIXEL_DECODES : 0) | (c->encode != NULL ? PIXEL_ENCODES : 0);
}

static int
new_frame(const struct pixel_format *format, struct pixel_frame *frame, struct err *err)
{
	frame->format = *format;
	frame->len = pixel_frame_size(format);
	if (frame->len == 0)
		return err_set(err, -EFBIG, "a frame of %u x %u x %u cells of %u bits is larger than any decoded here",
			       format->columns, format->rows, format->samples, format->bits_allocated);
	frame->data = calloc(1, frame->len);
	return frame->data != NULL ? 0 : err_set(err, -ENOMEM, "out of memory");
}

/* PS3.3 C.7.6.3.1.2: Y1 Y2 Cb Cr of two pixels, as pixels of all three. */
static void
spread_422(const struct pixel_format *f, const unsigned char *from, unsigned char *to)
{
	size_t n = (size_t)f->rows * f->columns, i;

	for (i = 0; i < n; i++, to += 3) {
		const unsigned char *pair = from + i / 2 * 4;

		to[0] = pair[i % 2];
		to[1] = pair[2];
		to[2] = pair[3];
	}
}

static int
take_native(const void *data, size_t len, struct pixel_frame *frame, struct err *err)
{
	struct pixel_format *f = &frame->format;
	size_t pixels = (size_t)f->rows * f->columns;

	if (f->color == PIXEL_YBR_FULL_422 && f->samples == 3 && f->bits_allocated == 8 && len < frame->len) {
		if (len < 2 * pixels || pixels % 2 != 0)
			return err_set(err, -EBADMSG, "the frame is shorter than its rows and columns");
		spread_422(f, data, frame->data);
		f->color = PIXEL_YBR_FULL;
		f->planar = false;
		return 0;
	}
	if (len < frame->len)
		return err_set(err, -EBADMSG, "the frame is shorter than its rows and columns");
	memcpy(frame->data, data, frame->len);
	return 0;
}

int
pixel_decode(const char *xfer_uid, const struct pixel_format *format, const void *data, size_t len,
	     struct pixel_frame *ret_frame, struct err *err)
{
	const struct codec *c = find_codec(xfer_uid);
	struct pixel_frame frame = { 0 };
	int r;

	if (c == NULL || (pixel_syntax(xfer_uid) & PIXEL_DECODES) == 0)
		return err_set(err, -EOPNOTSUPP, "frames in the transfer syntax %s cannot be decoded", xfer_uid);
	r = new_frame(format, &frame, err);
	if (r < 0)
		return r;
	r = c->decode != NULL ? c->decode(data, len, &frame, err) : take_native(data, len, &frame, err);
	if (r < 0) {
		pixel_frame_fini(&frame);
		return r;
	}
	*ret_frame = frame;
	return 0;
}

/* The encoders take cells pixel by pixel. */
static int
interleave(const struct pixel_frame *frame, struct pixel_frame *ret_frame, struct err *err)
{
	int r = new_frame(&frame->format, ret_frame, err);

	if (r < 0)
		return r;
	planes_to_cells(&frame->format, frame->data, ret_frame->data);
	ret_frame->format.planar = false;
	return 0;
}

int
pixel_encode(const char *xfer_uid, const struct pixel_frame *frame, unsigned quality,
	     struct buf *out, struct pixel_format *ret_format, struct err *err)
{
	const struct codec *c = find_codec(xfer_uid);
	struct pixel_format format = frame->format;
	struct pixel_frame mixed = { 0 };
	int r;

	if (c == NULL || (pixel_syntax(xfer_uid) & PIXEL_ENCODES) == 0)
		return err_set(err, -EOPNOTSUPP, "frames cannot be encoded to the transfer syntax %s", xfer_uid);
	if (frame->len == 0 || frame->len != pixel_frame_size(&format))
		return err_set(err, -EINVAL, "a frame of another size than its format");
	if (c->encode == NULL) {
		r = buf_put(out, frame->data, frame->len);
		if (r == 0)
			*ret_format = format;
		return r;
	}
	if (frame->format.cells != PIXEL_INTEGER || format.bits_allocated > 32)
		return err_set(err, -EOPNOTSUPP, "cells of %u bits, or floating, cannot be compressed",
			       format.bits_allocated);
	if (format.planar && c->encode != rle_encode) {
		r = interleave(frame, &mixed, err);
		if (r < 0)
			return r;
		frame = &mixed;
		format.planar = false;
	}
	r = c->encode(frame, quality, out, &format, err);
	if (r == 0)
		r = buf_error(out);
	if (r == 0)
		*ret_format = format;
	pixel_frame_fini(&mixed);
	return r;
}
