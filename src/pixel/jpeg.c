/* JPEG of ISO 10918-1 (PS3.5 A.4.1, A.4.2): eight bits by libjpeg-turbo, the others and the
 * lossless processes by DCMTK, which has the only library for them. */
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include "pixel/codec.h"

/* Scans of a progressive stream: real ones have about ten, and each costs a
 * walk over the whole frame. */
#define SCANS_MAX 64

/* ------------------------------------------------------ frame header ---- */

struct frame_header {
	unsigned char process;		/* low nibble of the SOF marker: 0 baseline, 3 lossless ... */
	unsigned precision;
	uint32_t rows, columns, samples;
};

/* Walk the markers as libjpeg does, to the first SOF. */
static int
find_frame_header(const unsigned char *p, size_t len, struct frame_header *ret_header)
{
	const unsigned char *end = p + len;
	size_t n;

	if (len < 4 || p[0] != 0xFF || p[1] != 0xD8)
		return -EBADMSG;
	for (p += 2;; p += n) {
		unsigned char marker;

		while (p < end && *p != 0xFF)
			p++;
		while (p < end && *p == 0xFF)
			p++;
		if (p == end)
			return -EBADMSG;
		marker = *p++;
		n = 0;
		if (marker == 0 || marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8))
			continue;
		if (marker == 0xD9 || marker == 0xDA || end - p < 2)
			return -EBADMSG;
		n = (size_t)p[0] << 8 | p[1];
		if (n < 2 || n > (size_t)(end - p))
			return -EBADMSG;
		if (marker < 0xC0 || marker > 0xCF || marker == 0xC4 || marker == 0xC8 || marker == 0xCC)
			continue;
		if (n < 8)
			return -EBADMSG;
		*ret_header = (struct frame_header){
			.process = marker & 15, .precision = p[2], .rows = (uint32_t)p[3] << 8 | p[4],
			.columns = (uint32_t)p[5] << 8 | p[6], .samples = p[7],
		};
		return 0;
	}
}

/* For the decoder that has no hook between scans.  Code bytes never look like a
 * marker; what an application segment holds may, a few times. */
static bool
has_too_many_scans(const unsigned char *p, size_t len)
{
	const unsigned char *end = p + len;
	int scans = 0;

	while ((p = memchr(p, 0xFF, (size_t)(end - p))) != NULL && ++p < end)
		if (*p == 0xDA && ++scans > SCANS_MAX)
			return true;
	return false;
}

static bool
is_ybr(enum pixel_color color)
{
	return color == PIXEL_YBR_FULL || color == PIXEL_YBR_FULL_422 || color == PIXEL_YBR_RCT ||
	       color == PIXEL_YBR_ICT;
}

/* ------------------------------------------------------------- turbo ---- */

struct trap {
	struct jpeg_error_mgr mgr;
	jmp_buf back;
	char text[JMSG_LENGTH_MAX];
};

static void
spring(j_common_ptr info)
{
	struct trap *trap = (struct trap *)(void *)info->err;

	info->err->format_message(info, trap->text);
	longjmp(trap->back, 1);
}

static void
keep_quiet(j_common_ptr info)
{
	(void)info;
}

static void
set_trap(struct trap *trap)
{
	jpeg_std_error(&trap->mgr);
	trap->mgr.error_exit = spring;
	trap->mgr.output_message = keep_quiet;
}

static void
count_scans(j_common_ptr info)
{
	struct trap *trap = (struct trap *)(void *)info->err;

	if (((j_decompress_ptr)info)->input_scan_number > SCANS_MAX) {
		snprintf(trap->text, sizeof trap->text, "it has more than %d scans", SCANS_MAX);
		longjmp(trap->back, 1);
	}
}

/* Rows one by one; cells of two bytes are filled from the lower half. */
static void
read_rows(struct jpeg_decompress_struct *info, struct pixel_frame *frame, JSAMPLE *row)
{
	const struct pixel_format *f = &frame->format;
	size_t n = (size_t)f->columns * f->samples, size = cell_size(f), i;
	unsigned char *to = frame->data;

	for (; info->output_scanline < info->output_height; to += n * size) {
		JSAMPROW at = size == 1 ? to : row;

		jpeg_read_scanlines(info, &at, 1);
		for (i = 0; size > 1 && i < n; i++)
			to[i * size] = row[i];
	}
}

static int
turbo_decode(const void *data, size_t len, struct pixel_frame *frame, struct err *err)
{
	struct pixel_format *f = &frame->format;
	struct jpeg_decompress_struct info;
	struct jpeg_progress_mgr progress = { .progress_monitor = count_scans };
	struct trap trap;
	JSAMPLE *volatile row = NULL;
	volatile int r = 0;

	set_trap(&trap);
	info.err = &trap.mgr;
	if (setjmp(trap.back) != 0) {
		r = err_set(err, -EBADMSG, "the JPEG frame is damaged: %s", trap.text);
		goto out;
	}
	jpeg_create_decompress(&info);
	info.progress = &progress;
	jpeg_mem_src(&info, data, len);
	jpeg_read_header(&info, TRUE);
	if (info.image_width != f->columns || info.image_height != f->rows ||
	    info.num_components != (int)f->samples) {
		r = err_set(err, -EBADMSG, "the JPEG frame changes its size");
		goto out;
	}
	/* The data set says what the components are, as DCMTK has it too: markers of
	 * JFIF and Adobe are no part of DICOM (PS3.5 8.2.1). */
	if (f->samples == 3) {
		info.jpeg_color_space = is_ybr(f->color) ? JCS_YCbCr : JCS_RGB;
		info.out_color_space = JCS_RGB;
	} else {
		info.out_color_space = info.jpeg_color_space = f->samples == 1 ? JCS_GRAYSCALE : JCS_UNKNOWN;
	}
	info.dct_method = JDCT_ISLOW;
	jpeg_start_decompress(&info);
	row = malloc((size_t)f->columns * f->samples);
	if (row == NULL) {
		r = err_set(err, -ENOMEM, "out of memory");
		goto out;
	}
	read_rows(&info, frame, row);
	/* What follows the last row is of no interest, and a bad end no reason to refuse. */
	f->planar = false;
	if (f->samples == 3 && is_ybr(f->color))
		f->color = PIXEL_RGB;
out:
	free(row);
	jpeg_destroy_decompress(&info);
	return r;
}

/* ------------------------------------------------------------- DCMTK ---- */

static int
other_decode(const void *data, size_t len, unsigned precision, struct pixel_frame *frame, struct err *err)
{
	struct pixel_format *f = &frame->format;
	size_t n = (size_t)f->rows * f->columns * f->samples, raw_size = precision > 8 ? 2 : 1, i;
	unsigned char *raw = frame->data;
	bool is_rgb = false;
	int r;

	if (has_too_many_scans(data, len))
		return err_set(err, -EBADMSG, "the JPEG frame has more than %d scans", SCANS_MAX);
	if (raw_size < cell_size(f)) {
		raw = calloc(n, raw_size);
		if (raw == NULL)
			return err_set(err, -ENOMEM, "out of memory");
	}
	r = dcmtk_jpeg_decode(data, len, precision, is_ybr(f->color), f->is_signed, raw, n * raw_size, &is_rgb, err);
	if (raw != frame->data) {
		for (i = 0; i < n && r == 0; i++)
			frame->data[2 * i] = raw[i];
		free(raw);
	}
	if (r == 0) {
		f->planar = false;
		if (is_rgb)
			f->color = PIXEL_RGB;
	}
	return r;
}

int
jpeg_decode(const void *data, size_t len, struct pixel_frame *frame, struct err *err)
{
	const struct pixel_format *f = &frame->format;
	struct frame_header h;

	if (f->bits_allocated != 8 && f->bits_allocated != 16)
		return err_set(err, -EBADMSG, "JPEG does not hold cells of %u bits", f->bits_allocated);
	if (find_frame_header(data, len, &h) < 0)
		return err_set(err, -EBADMSG, "the JPEG frame has no header that can be read");
	if (h.columns != f->columns || h.rows != f->rows || h.samples != f->samples ||
	    h.precision < 2 || h.precision > f->bits_allocated)
		return err_set(err, -EBADMSG, "the JPEG frame is %u x %u x %u of %u bits, the data set says otherwise",
			       h.columns, h.rows, h.samples, h.precision);
	if (h.precision == 8 && h.process <= 2)
		return turbo_decode(data, len, frame, err);
	return other_decode(data, len, h.precision, frame, err);
}

/* ------------------------------------------------------------ encode ---- */

struct plain {
	const unsigned char *data;
	uint32_t width, height;
	int samples;
	J_COLOR_SPACE space;		/* of data */
	bool halve_columns;		/* of the colour: 4:2:2 */
	bool halve_rows;		/* too: 4:2:0 */
};

/* To a buf, by way of a piece of its own. */
struct sink {
	struct jpeg_destination_mgr mgr;
	struct buf *out;
	JOCTET piece[16 << 10];
};

static void
start_sink(j_compress_ptr info)
{
	struct sink *sink = (struct sink *)(void *)info->dest;

	sink->mgr.next_output_byte = sink->piece;
	sink->mgr.free_in_buffer = sizeof sink->piece;
}

static boolean
empty_sink(j_compress_ptr info)
{
	struct sink *sink = (struct sink *)(void *)info->dest;

	buf_put(sink->out, sink->piece, sizeof sink->piece);
	start_sink(info);
	return TRUE;
}

static void
end_sink(j_compress_ptr info)
{
	struct sink *sink = (struct sink *)(void *)info->dest;

	buf_put(sink->out, sink->piece, sizeof sink->piece - sink->mgr.free_in_buffer);
}

/* Grey whose rows are whole blocks goes in as the component it is: the library's way
 * through its colour conversion, byte by byte, costs a fifth of all. */
static bool
is_raw(const struct plain *image)
{
	return image->samples == 1 && image->width % DCTSIZE == 0;
}

static void
write_raw(struct jpeg_compress_struct *info, const struct plain *image)
{
	JSAMPROW rows[DCTSIZE];
	JSAMPARRAY planes[1] = { rows };
	uint32_t y, i;

	for (y = 0; y < image->height; y += DCTSIZE) {
		/* below the last row it is seen again */
		for (i = 0; i < DCTSIZE; i++) {
			uint32_t at = y + i < image->height ? y + i : image->height - 1;

			rows[i] = (JSAMPROW)(uintptr_t)(image->data + (size_t)at * image->width);
		}
		jpeg_write_raw_data(info, planes, DCTSIZE);
	}
}

static int
compress(const struct plain *image, unsigned quality, struct buf *out, struct err *err)
{
	struct jpeg_compress_struct info;
	struct sink sink = {
		.mgr = { .init_destination = start_sink, .empty_output_buffer = empty_sink, .term_destination = end_sink },
		.out = out,
	};
	size_t step = (size_t)image->width * (size_t)image->samples;
	struct trap trap;
	volatile int r = 0;

	set_trap(&trap);
	info.err = &trap.mgr;
	if (setjmp(trap.back) != 0) {
		r = err_set(err, -EOPNOTSUPP, "the frame cannot be encoded as JPEG: %s", trap.text);
		goto out;
	}
	jpeg_create_compress(&info);
	info.dest = &sink.mgr;
	info.image_width = image->width;
	info.image_height = image->height;
	info.input_components = image->samples;
	info.in_color_space = image->space;
	jpeg_set_defaults(&info);
	jpeg_set_quality(&info, (int)quality, TRUE);
	info.dct_method = JDCT_ISLOW;
	if (image->samples == 3) {
		info.comp_info[0].h_samp_factor = image->halve_columns ? 2 : 1;
		info.comp_info[0].v_samp_factor = image->halve_rows ? 2 : 1;
	}
	info.raw_data_in = is_raw(image);
	jpeg_start_compress(&info, TRUE);
	if (is_raw(image))
		write_raw(&info, image);
	while (info.next_scanline < info.image_height) {
		JSAMPROW row = (JSAMPROW)(uintptr_t)(image->data + info.next_scanline * step);

		jpeg_write_scanlines(&info, &row, 1);
	}
	jpeg_finish_compress(&info);
	r = buf_error(out);
	if (r < 0)
		err_set(err, r, "the picture grew too large");
out:
	jpeg_destroy_compress(&info);
	return r;
}

int
jpeg_encode(const struct pixel_frame *frame, unsigned quality, struct buf *out, struct pixel_format *format,
	    struct err *err)
{
	bool grey = format->samples == 1 && (format->color == PIXEL_MONOCHROME1 || format->color == PIXEL_MONOCHROME2);
	bool color = format->samples == 3 && (format->color == PIXEL_RGB || format->color == PIXEL_YBR_FULL);
	struct plain image = {
		frame->data, format->columns, format->rows, (int)format->samples,
		grey ? JCS_GRAYSCALE : format->color == PIXEL_RGB ? JCS_RGB : JCS_YCbCr, true, false,
	};
	int r;

	if (format->bits_allocated != 8 || format->is_signed || (!grey && !color))
		return err_set(err, -EOPNOTSUPP, "JPEG baseline holds unsigned grey or colour of eight bits only");
	r = compress(&image, quality, out, err);
	if (r == 0 && color)
		format->color = PIXEL_YBR_FULL_422;
	format->planar = false;
	return r;
}

int
pixel_write_jpeg(const struct pixel_picture *picture, unsigned quality, struct buf *out, struct err *err)
{
	/* whoever asks for quality wants the colour of each pixel */
	struct plain image = {
		picture->data, picture->width, picture->height, (int)picture->channels,
		picture->channels == 1 ? JCS_GRAYSCALE : JCS_RGB, quality < 90, quality < 90,
	};

	return compress(&image, quality, out, err);
}
