/* codec.h: what pixel.c asks of each codec.
 *
 * decode: frame->format is what the data set says, frame->data has
 * frame->len == pixel_frame_size(&frame->format) bytes, zeroed.  The codec
 * fills them, pixel by pixel unless format.planar, and may change format.color
 * and, if it says so, planar.
 *
 * encode: frame->format has one of the formats pixel.c lets through; the codec
 * appends to out and changes *format to what the data set must say.
 *
 * Both return 0 or a negative errno of pixel.h, with err filled.
 */
#ifndef PIXEL_CODEC_H
#define PIXEL_CODEC_H

#include "pixel/pixel.h"

int  rle_decode(const void *data, size_t len, struct pixel_frame *frame, struct err *err);
int  rle_encode(const struct pixel_frame *frame, unsigned quality, struct buf *out,
		struct pixel_format *format, struct err *err);

int  deflate_decode(const void *data, size_t len, struct pixel_frame *frame, struct err *err);

/* Every JPEG of ISO 10918-1: what libjpeg-turbo does not know goes to DCMTK. */
int  jpeg_decode(const void *data, size_t len, struct pixel_frame *frame, struct err *err);
int  jpeg_encode(const struct pixel_frame *frame, unsigned quality, struct buf *out,
		 struct pixel_format *format, struct err *err);

/* Twelve bits, and lossless.  precision is the code stream's; out has room for
 * rows * columns * samples of one byte (up to 8 bits) or two. */
int  dcmtk_jpeg_decode(const void *data, size_t len, unsigned precision, bool is_ybr, bool is_signed,
		       void *out, size_t out_len, bool *ret_is_rgb, struct err *err);

int  charls_decode(const void *data, size_t len, struct pixel_frame *frame, struct err *err);
int  charls_encode(const struct pixel_frame *frame, unsigned quality, struct buf *out,
		   struct pixel_format *format, struct err *err);

/* JPEG 2000, and its high throughput form. */
int  openjpeg_decode(const void *data, size_t len, struct pixel_frame *frame, struct err *err);
int  openjpeg_encode(const struct pixel_frame *frame, unsigned quality, struct buf *out,
		     struct pixel_format *format, struct err *err);

/* Before such a code stream is decoded: -EFBIG it is cut into pieces that take more than the frame
 * itself, -EBADMSG. */
int  j2k_check_cut(const void *data, size_t len, const struct pixel_format *format, struct err *err);

/* Cells of a frame that is not of single bits: 1, 2, 4 or 8 bytes. */
static inline size_t
cell_size(const struct pixel_format *format)
{
	return format->bits_allocated / 8;
}

/* How many bits a lossless code stream of 8 or 16-bit cells needs: bits_stored
 * when no cell has others set (or, signed, other than copies of its sign), else all. */
unsigned cell_bits(const struct pixel_frame *frame, bool as_signed);
/* samples from side by side to one after the other, and back; to is another buffer. */
void cells_to_planes(const struct pixel_format *format, const unsigned char *from, unsigned char *to);
void planes_to_cells(const struct pixel_format *format, const unsigned char *from, unsigned char *to);

#endif
