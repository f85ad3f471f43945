/* Pictures of frames: what the header says of how they are to be shown, and what the caller wants. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/pixels_internal.h"

/* Whatever of a view came out of tables; lut[i].data is freed with it. */
struct tables {
	struct image_lut lut[5];
	struct pixel_lut view[5];
};

static const struct pixel_lut *
read_table(const struct pixels *p, enum image_lut_kind kind, bool is_signed, struct tables *t)
{
	struct image_lut *lut = &t->lut[kind];

	if (image_read_lut(p->known->d, p->fd, kind, is_signed, lut) < 0)
		return NULL;
	t->view[kind] = (struct pixel_lut){ lut->count, lut->first, lut->bits, lut->data };
	return &t->view[kind];
}

static void
free_tables(struct tables *t)
{
	size_t i;

	for (i = 0; i < sizeof t->lut / sizeof *t->lut; i++)
		free(t->lut[i].data);
}

static struct pixel_view
make_view(const struct pixels *p, uint32_t n, const struct pixels_view *options, struct tables *t)
{
	static const enum pixel_function functions[] = {
		[IMAGE_LINEAR] = PIXEL_LINEAR, [IMAGE_LINEAR_EXACT] = PIXEL_LINEAR_EXACT, [IMAGE_SIGMOID] = PIXEL_SIGMOID,
	};
	const struct image *image = &p->known->image;
	struct pixel_view v = {
		.x = options->x, .y = options->y, .w = options->w, .h = options->h,
		.flip_x = options->flip_x, .flip_y = options->flip_y,
		.fit_width = options->fit_width, .fit_height = options->fit_height,
	};
	struct image_grey grey;
	int i;

	image_grey(p->known->d, n, &grey);
	v.slope = grey.slope;
	v.intercept = grey.intercept;
	v.inverse = grey.inverse;
	v.has_padding = grey.has_padding;
	v.padding = grey.padding;
	v.padding_limit = grey.padding_limit;
	v.has_window = grey.has_window;
	v.center = grey.center;
	v.width = grey.width;
	v.function = functions[grey.function];
	if (options->has_window) {
		v.has_window = true;
		v.center = options->center;
		v.width = options->width;
		v.function = options->function == PIXELS_SIGMOID ? PIXEL_SIGMOID :
			     options->function == PIXELS_LINEAR_EXACT ? PIXEL_LINEAR_EXACT : PIXEL_LINEAR;
	}
	if (image->samples > 1)
		return v;
	if (strcmp(image->photometric, "PALETTE COLOR") == 0) {
		for (i = 0; i < 3; i++)
			v.palette[i] = read_table(p, (enum image_lut_kind)(IMAGE_RED + i), image->is_signed, t);
		return v;
	}
	v.modality = read_table(p, IMAGE_MODALITY_LUT, image->is_signed, t);
	/* what a rescale gives may be negative where the pixels are not */
	if (!v.has_window)
		v.voi = read_table(p, IMAGE_VOI_LUT,
				   v.modality == NULL && (image->is_signed || v.intercept < 0), t);
	return v;
}

int
pixels_render(const struct pixels *p, uint32_t n, const struct pixels_view *options, struct buf *out, struct err *err)
{
	struct pixel_picture picture = { 0 };
	struct pixel_frame frame = { 0 };
	struct tables tables = { 0 };
	struct pixel_view view;
	int r = pixels_need_image(p, err);

	if (r < 0)
		return r;
	if (frames_is_video(p->known->frames))
		return err_set(err, -EOPNOTSUPP, "frames of a video are not rendered");
	view = make_view(p, n, options, &tables);
	pixels_take_turn(p);
	r = pixels_decode_frame(p, n, &frame, err);
	if (r == 0)
		r = pixel_render(&frame, &view, &picture, err);
	pixel_frame_fini(&frame);
	if (r == 0)
		r = options->png ? pixel_write_png(&picture, out, err) :
				   pixel_write_jpeg(&picture, options->quality, out, err);
	pixels_give_turn(p);
	pixel_picture_fini(&picture);
	free_tables(&tables);
	return r;
}
