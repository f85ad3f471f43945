/* pixel.h: frames in, frames and pictures out.
 *
 * A frame is decoded from one code stream to cells as explicit VR little endian
 * has them, encoded from such cells, or turned into a picture that browsers
 * show.  Nothing here knows files or data sets.
 *
 * Code streams are foreign: what they say of their size is compared with the
 * format the caller expects before anything is allocated for it.
 *
 * Threads: every function may be called from any thread; each call is
 *          self-contained.
 * Errors:  -EBADMSG a broken code stream, or one that contradicts the format;
 *          -EOPNOTSUPP a syntax or a format that is not served; -EFBIG larger
 *          than PIXEL_FRAME_MAX; -EINVAL a bad option; -ENOMEM.
 */
#ifndef PIXEL_PIXEL_H
#define PIXEL_PIXEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* A frame of cells: four times the largest mammogram. */
#define PIXEL_FRAME_MAX ((size_t)256 << 20)

enum pixel_color {
	PIXEL_OTHER,			/* not one of those below */
	PIXEL_MONOCHROME1, PIXEL_MONOCHROME2, PIXEL_PALETTE,
	PIXEL_RGB, PIXEL_YBR_FULL, PIXEL_YBR_FULL_422, PIXEL_YBR_RCT, PIXEL_YBR_ICT,
};

/* By the words of PS3.3 C.7.6.3.1.2. */
enum pixel_color pixel_color_of(const char *photometric);
const char *pixel_color_name(enum pixel_color color);	/* "" for PIXEL_OTHER */

enum pixel_cells { PIXEL_INTEGER, PIXEL_FLOAT, PIXEL_DOUBLE };

struct pixel_format {
	uint32_t rows, columns, samples;
	uint32_t bits_allocated;	/* 1, or 8, 16 ... 64 */
	uint32_t bits_stored, high_bit;
	bool is_signed;
	bool planar;			/* sample by sample, not pixel by pixel */
	enum pixel_color color;
	enum pixel_cells cells;
};

struct pixel_frame {
	struct pixel_format format;
	unsigned char *data;		/* free() by pixel_frame_fini */
	size_t len;
};

void pixel_frame_fini(struct pixel_frame *frame);	/* a zeroed or finished one is fine */

/* Bytes of a frame of that format; 0 when it is senseless or above the maximum. */
size_t pixel_frame_size(const struct pixel_format *format);

/* ---------------------------------------------------------- syntaxes ---- */

enum { PIXEL_DECODES = 1, PIXEL_ENCODES = 2, PIXEL_LOSSY = 4, PIXEL_NATIVE = 8 };

/* Of a transfer syntax: bits of the above, 0 when it is not known here.  LOSSY: what is
 * encoded loses something.  NATIVE: the cells as they are, so there is nothing to do. */
unsigned pixel_syntax(const char *xfer_uid);

/* format: what the data set says.  The frame's own differs from it where the
 * code stream's colour was undone: YBR_RCT is RGB then. */
int  pixel_decode(const char *xfer_uid, const struct pixel_format *format, const void *data, size_t len,
		  struct pixel_frame *ret_frame, struct err *err);
/* Append the code stream.  *ret_format is what the data set has to say of it.
 * quality: 1 to 100, of those that are lossy. */
int  pixel_encode(const char *xfer_uid, const struct pixel_frame *frame, unsigned quality,
		  struct buf *out, struct pixel_format *ret_format, struct err *err);

/* ---------------------------------------------------------- pictures ---- */

struct pixel_lut {
	uint32_t count;
	int32_t first;			/* the value of entry 0 */
	uint32_t bits;			/* of an entry */
	const uint16_t *data;
};

enum pixel_function { PIXEL_LINEAR, PIXEL_LINEAR_EXACT, PIXEL_SIGMOID };

struct pixel_view {
	/* grey */
	double slope, intercept;
	const struct pixel_lut *modality;	/* instead of slope and intercept; or NULL */
	bool has_window;
	double center, width;
	enum pixel_function function;
	const struct pixel_lut *voi;		/* when there is no window; or NULL */
	bool inverse;
	bool has_padding;			/* values that do not count for the range when there is no window */
	double padding, padding_limit;
	/* palette: red, green, blue */
	const struct pixel_lut *palette[3];
	/* What part of the image, and how large: zeros the whole, as it is.  The picture fits
	 * in width x height with the proportions it has. */
	uint32_t x, y, w, h;
	bool flip_x, flip_y;
	uint32_t fit_width, fit_height;
};

struct pixel_picture {
	uint32_t width, height;
	unsigned channels;		/* 1 grey, 3 RGB */
	unsigned char *data;		/* free() by pixel_picture_fini */
};

int  pixel_render(const struct pixel_frame *frame, const struct pixel_view *view,
		  struct pixel_picture *ret_picture, struct err *err);
void pixel_picture_fini(struct pixel_picture *picture);

int  pixel_write_jpeg(const struct pixel_picture *picture, unsigned quality, struct buf *out, struct err *err);
int  pixel_write_png(const struct pixel_picture *picture, struct buf *out, struct err *err);

#endif
