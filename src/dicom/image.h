/* image.h: what a data set says of its pixel data (PS3.3 C.7.6.3, C.7.6.16, C.11).
 *
 * All of it is foreign: values that make no sense are refused here, so that
 * sizes computed from a struct image fit in 64 bits and the rest of the
 * program need not look again.
 *
 * Threads: no state.
 */
#ifndef DICOM_IMAGE_H
#define DICOM_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "dicom/dicom.h"

#define IMAGE_PHOTOMETRIC_MAX 17	/* a CS and its NUL */

enum image_cells { IMAGE_INTEGER, IMAGE_FLOAT, IMAGE_DOUBLE };

struct image {
	enum image_cells cells;		/* which element: PixelData, Float- or DoubleFloatPixelData */
	const struct dicom_element *pixels;	/* borrowed from the struct dicom */
	uint32_t rows, columns;		/* 1 to 65535 */
	uint32_t samples;		/* a pixel: 1 to 4 */
	uint32_t frames;		/* NumberOfFrames; 1 when it says nothing usable */
	uint32_t bits_allocated;	/* 1, or 8 to 64 in steps of 8 */
	uint32_t bits_stored, high_bit;	/* bits_stored <= bits_allocated, high_bit below it */
	bool is_signed;
	bool planar;
	uint32_t swap;			/* big endian: bytes of the words to turn round; else 1 */
	char photometric[IMAGE_PHOTOMETRIC_MAX];	/* "" when absent */
};

/* -ENOENT: no pixel data, or no Rows, Columns or BitsAllocated (contract 3.4);
 * -EBADMSG: values that make no sense. */
int  image_describe(const struct dicom *d, struct image *ret_image, struct err *err);

/* From stored values to grey levels, of one frame.  Functional groups (shared,
 * or the frame's own) win over the top level. */
struct image_grey {
	double slope, intercept;	/* 1 and 0 when nothing is said */
	bool has_window;
	double center, width;		/* the first window */
	enum { IMAGE_LINEAR, IMAGE_LINEAR_EXACT, IMAGE_SIGMOID } function;
	bool inverse;			/* Presentation LUT Shape INVERSE */
	bool has_padding;		/* PixelPaddingValue, to PixelPaddingRangeLimit */
	double padding, padding_limit;
};

void image_grey(const struct dicom *d, uint32_t frame, struct image_grey *ret_grey);

/* A look-up table (PS3.3 C.11.1.1, C.7.6.3.1.5). */
struct image_lut {
	uint32_t count;			/* 1 to 65536 */
	int32_t first;			/* the stored value of entry 0 */
	uint32_t bits;			/* of an entry: 8 to 16 */
	uint16_t *data;			/* free() */
};

enum image_lut_kind { IMAGE_MODALITY_LUT, IMAGE_VOI_LUT, IMAGE_RED, IMAGE_GREEN, IMAGE_BLUE };

/* is_signed: the values it is applied to are.  fd is the file d was read from.
 * -ENOENT: there is none; -EBADMSG: broken. */
int  image_read_lut(const struct dicom *d, int fd, enum image_lut_kind kind, bool is_signed,
		    struct image_lut *ret_lut);

#endif
