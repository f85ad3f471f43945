/* JPEG-LS (PS3.5 A.4.3) by CharLS. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <charls/charls.h>

#include "pixel/codec.h"

static int
check_info(charls_jpegls_decoder *d, const struct pixel_format *f, charls_frame_info *info, struct err *err)
{
	if (charls_jpegls_decoder_read_header(d) != CHARLS_JPEGLS_ERRC_SUCCESS ||
	    charls_jpegls_decoder_get_frame_info(d, info) != CHARLS_JPEGLS_ERRC_SUCCESS)
		return err_set(err, -EBADMSG, "the JPEG-LS frame has no header that can be read");
	if (info->width != f->columns || info->height != f->rows ||
	    info->component_count != (int32_t)f->samples || info->bits_per_sample < 2 ||
	    (uint32_t)info->bits_per_sample > f->bits_allocated)
		return err_set(err, -EBADMSG, "the JPEG-LS frame is %u x %u x %d of %d bits, the data set says otherwise",
			       info->width, info->height, info->component_count, info->bits_per_sample);
	return 0;
}

/* From what the code stream has (bytes or words, mixed or plane by plane) to the cells. */
static void
arrange(struct pixel_frame *frame, const unsigned char *raw, size_t raw_size, bool planes)
{
	struct pixel_format *f = &frame->format;
	size_t n = (size_t)f->rows * f->columns * f->samples, size = cell_size(f), i;

	if (raw_size == size) {
		if (planes == f->planar || f->samples == 1)
			memcpy(frame->data, raw, n * size);
		else if (planes)
			planes_to_cells(f, raw, frame->data);
		else
			cells_to_planes(f, raw, frame->data);
		return;
	}
	/* wider cells than the stream has bits for: little endian, so the rest stays 0 */
	if (planes != f->planar && f->samples > 1)
		f->planar = planes;
	for (i = 0; i < n; i++)
		memcpy(frame->data + i * size, raw + i * raw_size, raw_size);
}

static int
decode(charls_jpegls_decoder *d, const void *data, size_t len, struct pixel_frame *frame, struct err *err)
{
	charls_interleave_mode mode;
	charls_frame_info info;
	unsigned char *raw;
	size_t size;
	int r;

	if (charls_jpegls_decoder_set_source_buffer(d, data, len) != CHARLS_JPEGLS_ERRC_SUCCESS)
		return err_set(err, -EBADMSG, "the JPEG-LS frame is empty");
	r = check_info(d, &frame->format, &info, err);
	if (r < 0)
		return r;
	if (charls_jpegls_decoder_get_interleave_mode(d, &mode) != CHARLS_JPEGLS_ERRC_SUCCESS ||
	    charls_jpegls_decoder_get_destination_size(d, 0, &size) != CHARLS_JPEGLS_ERRC_SUCCESS ||
	    size > frame->len)
		return err_set(err, -EBADMSG, "the JPEG-LS frame is larger than the data set says");
	raw = calloc(1, size);
	if (raw == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	if (charls_jpegls_decoder_decode_to_buffer(d, raw, size, 0) != CHARLS_JPEGLS_ERRC_SUCCESS)
		r = err_set(err, -EBADMSG, "the JPEG-LS frame is damaged");
	else
		arrange(frame, raw, info.bits_per_sample > 8 ? 2 : 1,
			mode == CHARLS_INTERLEAVE_MODE_NONE && info.component_count > 1);
	free(raw);
	return r;
}

/* A stream that is cut off makes CharLS 2.4 count zeros for seconds; before EOI it
 * gives up at once.  The caller frees what is handed out. */
static int
end_stream(const void *data, size_t len, void **ret_copy)
{
	static const unsigned char eoi[] = { 0xFF, 0xD9 };
	const unsigned char *p = data;
	unsigned char *copy;

	*ret_copy = NULL;
	if ((len >= 2 && memcmp(p + len - 2, eoi, 2) == 0) || (len >= 3 && memcmp(p + len - 3, eoi, 2) == 0))
		return 0;
	copy = malloc(len + sizeof eoi);
	if (copy == NULL)
		return -ENOMEM;
	memcpy(copy, p, len);
	memcpy(copy + len, eoi, sizeof eoi);
	*ret_copy = copy;
	return 0;
}

int
charls_decode(const void *data, size_t len, struct pixel_frame *frame, struct err *err)
{
	charls_jpegls_decoder *d;
	void *copy;
	int r;

	if (frame->format.bits_allocated < 8)
		return err_set(err, -EOPNOTSUPP, "JPEG-LS of single bits");
	if (frame->format.bits_allocated > 16)
		return err_set(err, -EBADMSG, "JPEG-LS does not hold cells of %u bits", frame->format.bits_allocated);
	d = charls_jpegls_decoder_create();
	if (d == NULL || end_stream(data, len, &copy) < 0) {
		charls_jpegls_decoder_destroy(d);
		return err_set(err, -ENOMEM, "out of memory");
	}
	r = copy != NULL ? decode(d, copy, len + 2, frame, err) : decode(d, data, len, frame, err);
	charls_jpegls_decoder_destroy(d);
	free(copy);
	return r;
}

static int
encode(charls_jpegls_encoder *e, const struct pixel_frame *frame, struct buf *out)
{
	const struct pixel_format *f = &frame->format;
	charls_frame_info info = {
		.width = f->columns, .height = f->rows, .component_count = (int32_t)f->samples,
		.bits_per_sample = (int32_t)cell_bits(frame, false),
	};
	size_t size, n, i, cells = frame->len / cell_size(f);
	unsigned char *narrow = NULL;
	const void *from = frame->data;
	char *room;
	int r = -EOPNOTSUPP;

	/* CharLS takes bytes for up to 8 bits, whatever the cell */
	if (info.bits_per_sample < 2)
		info.bits_per_sample = 2;
	if (info.bits_per_sample <= 8 && cell_size(f) == 2) {
		narrow = malloc(cells);
		if (narrow == NULL)
			return -ENOMEM;
		for (i = 0; i < cells; i++)
			narrow[i] = frame->data[2 * i];
		from = narrow;
	}
	if (charls_jpegls_encoder_set_frame_info(e, &info) == CHARLS_JPEGLS_ERRC_SUCCESS &&
	    charls_jpegls_encoder_set_interleave_mode(e, f->samples > 1 ? CHARLS_INTERLEAVE_MODE_LINE :
						      CHARLS_INTERLEAVE_MODE_NONE) == CHARLS_JPEGLS_ERRC_SUCCESS &&
	    charls_jpegls_encoder_get_estimated_destination_size(e, &size) == CHARLS_JPEGLS_ERRC_SUCCESS) {
		/* noise may grow */
		size += size / 4 + 1024;
		r = buf_reserve(out, size, &room);
		if (r == 0 &&
		    (charls_jpegls_encoder_set_destination_buffer(e, room, size) != CHARLS_JPEGLS_ERRC_SUCCESS ||
		     charls_jpegls_encoder_encode_from_buffer(e, from, narrow != NULL ? cells : frame->len, 0) !=
			     CHARLS_JPEGLS_ERRC_SUCCESS ||
		     charls_jpegls_encoder_get_bytes_written(e, &n) != CHARLS_JPEGLS_ERRC_SUCCESS))
			r = -EOPNOTSUPP;
		if (r == 0)
			buf_grow(out, n);
	}
	free(narrow);
	return r;
}

int
charls_encode(const struct pixel_frame *frame, unsigned quality, struct buf *out, struct pixel_format *format,
	      struct err *err)
{
	charls_jpegls_encoder *e;
	int r;

	(void)quality;
	if (format->bits_allocated < 8 || format->bits_allocated > 16)
		return err_set(err, -EOPNOTSUPP, "JPEG-LS does not hold cells of %u bits", format->bits_allocated);
	/* CharLS writes two components, which no image of PS3.3 has, but does not read them */
	if (format->samples == 2)
		return err_set(err, -EOPNOTSUPP, "two samples a pixel cannot be encoded as JPEG-LS");
	e = charls_jpegls_encoder_create();
	if (e == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	r = encode(e, frame, out);
	charls_jpegls_encoder_destroy(e);
	if (r < 0)
		return err_set(err, r, "the frame cannot be encoded as JPEG-LS");
	format->planar = false;
	return 0;
}
