/* Instances in another transfer syntax: header, frames one by one, and what follows them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dicom/edit.h"
#include "store/pixels_internal.h"

/* An encoded frame: noise may grow, and twice its size is where that ends. */
#define STREAM_MAX (2 * PIXEL_FRAME_MAX + (64 << 10))

enum {
	TAG_PHOTOMETRIC			= 0x00280004,
	TAG_PLANAR_CONFIGURATION	= 0x00280006,
	TAG_LOSSY			= 0x00282110,
	TAG_LOSSY_RATIO			= 0x00282112,
	TAG_LOSSY_METHOD		= 0x00282114,
	TAG_EXTENDED_OFFSETS		= 0x7FE00001,
	TAG_EXTENDED_LENGTHS		= 0x7FE00002,
	EDITS_MAX			= 8,
	EDIT_TEXT_MAX			= 256,
};

struct job {
	const struct pixels *p;
	const char *xfer_uid;
	unsigned quality;
	bool native;			/* the target */
	int (*put)(void *ctx, const void *data, size_t len);
	void *ctx;
	struct err *err;
	struct buf frame;		/* the one under way, encoded */
	struct pixel_format format;	/* of the first; the others have the same */
	struct edit edits[EDITS_MAX];
	size_t n_edits;
	char text[EDITS_MAX][EDIT_TEXT_MAX];
};

static void
add_edit(struct job *j, uint32_t tag, uint16_t vr, const void *value, size_t len)
{
	j->edits[j->n_edits++] = (struct edit){ tag, vr, value, (uint32_t)len };
}

/* Text of a value to be padded with a space, after what the data set has there when append is set. */
static void
add_text(struct job *j, uint32_t tag, uint16_t vr, const char *value, bool append)
{
	const struct dicom_element *el = dicom_find(j->p->known->d, tag);
	char *text = j->text[j->n_edits];
	size_t len = 0;

	if (append && el != NULL && el->value.len > 0 && el->value.len + strlen(value) + 2 < EDIT_TEXT_MAX) {
		len = el->value.len;
		memcpy(text, el->value.data, len);
		while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\0'))
			len--;
		text[len++] = '\\';
	}
	strcpy(text + len, value);
	len = strlen(text);
	if (len % 2 != 0)
		text[len++] = ' ';
	add_edit(j, tag, vr, text, len);
}

/* What the new pixel data want the data set to say (PS3.5 8.2, PS3.3 C.7.6.1.1.5). */
static void
make_edits(struct job *j)
{
	const struct image *image = &j->p->known->image;
	char ratio[32];

	if (j->format.color != pixel_color_of(image->photometric))
		add_text(j, TAG_PHOTOMETRIC, VR('C', 'S'), pixel_color_name(j->format.color), false);
	if (image->samples > 1 && j->format.planar != image->planar)
		add_edit(j, TAG_PLANAR_CONFIGURATION, VR('U', 'S'), j->format.planar ? "\1" : "\0", 2);
	if ((pixel_syntax(j->xfer_uid) & PIXEL_LOSSY) != 0) {
		/* the first frame's, as good as any */
		snprintf(ratio, sizeof ratio, "%.4g", (double)frames_length(j->p->known->frames, 0) / (double)j->frame.len);
		add_text(j, TAG_LOSSY, VR('C', 'S'), "01", false);
		add_text(j, TAG_LOSSY_RATIO, VR('D', 'S'), ratio, true);
		add_text(j, TAG_LOSSY_METHOD, VR('C', 'S'), "ISO_10918_1", true);
	}
	add_edit(j, TAG_EXTENDED_OFFSETS, 0, NULL, 0);
	add_edit(j, TAG_EXTENDED_LENGTHS, 0, NULL, 0);
}

static int
put_item(struct job *j, uint32_t tag, const void *data, uint32_t len)
{
	unsigned char head[8] = {
		0xFE, 0xFF, (unsigned char)tag, (unsigned char)(tag >> 8),
		(unsigned char)len, (unsigned char)(len >> 8), (unsigned char)(len >> 16), (unsigned char)(len >> 24),
	};
	int r = j->put(j->ctx, head, sizeof head);

	return r == 0 && len > 0 ? j->put(j->ctx, data, len) : r;
}

static int
next_frame(struct job *j, uint32_t n)
{
	struct pixel_format format;
	int r;

	if (n == 0)
		return 0;		/* done before the header */
	buf_reset(&j->frame);
	r = pixels_convert_frame(j->p, n, j->xfer_uid, j->quality, &j->frame, &format, j->err);
	if (r == 0 && (format.color != j->format.color || format.planar != j->format.planar))
		r = err_set(j->err, -EBADMSG, "the frames of the instance are not alike");
	return r;
}

/* An empty offset table, so that nothing need be known of frames to come; one
 * fragment each. */
static int
put_fragments(struct job *j, uint32_t count)
{
	uint32_t n;
	int r = edit_write_header(TAG_PIXEL_DATA, VR('O', 'B'), 0xFFFFFFFF, j->put, j->ctx);

	if (r == 0)
		r = put_item(j, 0xE000, NULL, 0);
	for (n = 0; n < count && r == 0; n++) {
		r = next_frame(j, n);
		if (r == 0 && j->frame.len % 2 != 0)
			r = buf_putc(&j->frame, 0);
		if (r == 0)
			r = put_item(j, 0xE000, j->frame.data, (uint32_t)j->frame.len);
	}
	return r == 0 ? put_item(j, 0xE0DD, NULL, 0) : r;
}

/* Frames of single bits follow each other without a gap (PS3.5 8.1.1). */
struct bits {
	unsigned char rest;		/* the bits of a byte that is not full */
	unsigned count;
};

static int
put_bits(struct job *j, struct bits *b, uint64_t bits)
{
	unsigned char *p = (unsigned char *)j->frame.data;
	size_t i, full = (size_t)(bits / 8), len = (size_t)((bits + 7) / 8);
	unsigned left = (unsigned)(bits % 8), value;
	int r = 0;

	if (left > 0)
		p[full] &= (unsigned char)((1u << left) - 1);
	for (i = 0; i < len && b->count > 0; i++) {
		value = (unsigned)p[i] << b->count | b->rest;
		p[i] = (unsigned char)value;
		b->rest = (unsigned char)(value >> 8);
	}
	if (full > 0)
		r = j->put(j->ctx, p, full);
	if (left == 0)
		return r;
	/* the last byte has `left` bits of its own and b->count carried ones */
	value = (unsigned)b->rest << 8 | p[full];
	if (b->count == 0)
		value = p[full];
	if (b->count + left >= 8) {
		if (r == 0)
			r = j->put(j->ctx, p + full, 1);
		b->rest = (unsigned char)(value >> 8);
		b->count = b->count + left - 8;
	} else {
		b->rest = p[full];
		b->count += left;
	}
	return r;
}

static int
put_native(struct job *j, uint32_t count)
{
	const struct pixel_format *f = &j->format;
	uint64_t bits = (uint64_t)f->rows * f->columns * f->samples * f->bits_allocated;
	uint64_t total = (bits * count + 7) / 8;
	struct bits rest = { 0 };
	uint32_t n;
	int r;

	r = edit_write_header(TAG_PIXEL_DATA, f->bits_allocated > 8 ? VR('O', 'W') : VR('O', 'B'),
			      (uint32_t)(total + total % 2), j->put, j->ctx);
	for (n = 0; n < count && r == 0; n++) {
		r = next_frame(j, n);
		if (r == 0)
			r = bits % 8 != 0 ? put_bits(j, &rest, bits) : j->put(j->ctx, j->frame.data, j->frame.len);
	}
	if (r == 0 && rest.count > 0)
		r = j->put(j->ctx, &rest.rest, 1);
	if (r == 0 && total % 2 != 0)
		r = j->put(j->ctx, "", 1);
	return r;
}

static int
put_elements(struct job *j, uint32_t from, uint32_t to)
{
	return edit_write_elements(j->p->known->d, j->p->fd, from, to, j->edits, j->n_edits,
				   j->p->known->image_error == 0 ? j->p->known->image.swap : 2, j->put, j->ctx, j->err);
}

static int
put_meta(struct job *j)
{
	return edit_write_meta(j->p->known->d, j->p->fd, TAG_TRANSFER_SYNTAX_UID, j->xfer_uid, j->put, j->ctx, j->err);
}

/* The data set alone changes its encoding; pixel data are a value as others are. */
static int
transcode_data_set(struct job *j)
{
	int r = put_meta(j);

	return r == 0 ? put_elements(j, 0, UINT32_MAX) : r;
}

static int
check_size(struct job *j, uint32_t count)
{
	const struct image *image = &j->p->known->image;
	double bits = (double)image->rows * image->columns * image->samples * image->bits_allocated * count;

	/* PS3.5 7.1.2: a length has 32 bits */
	if (j->native && bits / 8 > 4294967294.0)
		return err_set(j->err, -EFBIG, "the uncompressed pixel data would be longer than 4 GB");
	return 0;
}

static int
transcode_frames(struct job *j)
{
	uint32_t count;
	int r = pixels_count(j->p, &count, j->err);

	if (r == 0 && count == 0)
		r = err_set(j->err, -EBADMSG, "the pixel data are shorter than a frame");
	if (r == 0)
		r = check_size(j, count);
	if (r == 0)
		r = pixels_convert_frame(j->p, 0, j->xfer_uid, j->quality, &j->frame, &j->format, j->err);
	if (r < 0)
		return r;
	make_edits(j);
	r = put_meta(j);
	if (r == 0)
		r = put_elements(j, 0, TAG_PIXEL_DATA - 1);
	if (r == 0)
		r = j->native ? put_native(j, count) : put_fragments(j, count);
	return r == 0 ? put_elements(j, TAG_PIXEL_DATA + 1, UINT32_MAX) : r;
}

int
pixels_transcode(const struct pixels *p, const char *xfer_uid, unsigned quality,
		 int (*put)(void *ctx, const void *data, size_t len), void *ctx, struct err *err)
{
	struct job j = {
		.p = p, .xfer_uid = xfer_uid, .quality = quality, .put = put, .ctx = ctx, .err = err,
		.native = (pixel_syntax(xfer_uid) & PIXEL_NATIVE) != 0,
	};
	int r = pixels_check_syntaxes(p, xfer_uid, err);

	if (r < 0)
		return r;
	buf_init(&j.frame, STREAM_MAX);
	if (pixels_is_native(p) && j.native)
		r = transcode_data_set(&j);
	else
		r = transcode_frames(&j);
	buf_fini(&j.frame);
	if (r < 0 && err != NULL && err->num == 0)
		err_set(err, r, "the instance cannot be transcoded: %s", strerror(-r));
	return r;
}
