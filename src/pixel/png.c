#include <errno.h>
#include <setjmp.h>

#include <png.h>

#include "pixel/pixel.h"

/* Level 1 costs a third of level 6 and gives a tenth more bytes. */
#define LEVEL 1

struct state {
	struct buf *out;
	jmp_buf back;
};

static void
spring(png_structp png, png_const_charp text)
{
	struct state *state = png_get_error_ptr(png);

	(void)text;
	longjmp(state->back, 1);
}

static void
keep_quiet(png_structp png, png_const_charp text)
{
	(void)png;
	(void)text;
}

static void
put(png_structp png, png_bytep data, size_t len)
{
	struct state *state = png_get_io_ptr(png);

	if (buf_put(state->out, data, len) < 0)
		png_error(png, "full");
}

static void
flush(png_structp png)
{
	(void)png;
}

int
pixel_write_png(const struct pixel_picture *picture, struct buf *out, struct err *err)
{
	struct state state = { .out = out };
	png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &state, spring, keep_quiet);
	png_infop info = png != NULL ? png_create_info_struct(png) : NULL;
	size_t step = (size_t)picture->width * picture->channels;
	uint32_t y;
	int r = 0;

	if (info == NULL) {
		png_destroy_write_struct(&png, NULL);
		return err_set(err, -ENOMEM, "out of memory");
	}
	if (setjmp(state.back) != 0) {
		r = err_set(err, buf_error(out) < 0 ? buf_error(out) : -EOPNOTSUPP, "the picture cannot be written as PNG");
	} else {
		png_set_write_fn(png, &state, put, flush);
		png_set_IHDR(png, info, picture->width, picture->height, 8,
			     picture->channels == 1 ? PNG_COLOR_TYPE_GRAY : PNG_COLOR_TYPE_RGB,
			     PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
		png_set_compression_level(png, LEVEL);
		png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_SUB);
		png_write_info(png, info);
		for (y = 0; y < picture->height; y++)
			png_write_row(png, picture->data + y * step);
		png_write_end(png, NULL);
	}
	png_destroy_write_struct(&png, &info);
	return r;
}
