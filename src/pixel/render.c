/* From cells to eight bits a channel (PS3.3 C.7.6.3.1, C.11.1, C.11.2), then cut and scaled. */
#include <endian.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pixel/pixel.h"

/* Up to here each value of a cell is looked up in a table made for the frame. */
#define TABLE_BITS 16
/* The larger side of a picture that is scaled up. */
#define SIDE_MAX 8192

/* What of the frame is shown, and how its cells lie. */
struct area {
	uint32_t x, y, w, h;
	size_t cell;			/* bytes */
	size_t pixel;			/* bytes from one pixel to the next */
	size_t sample;			/* bytes from one sample to the next */
	size_t row;
};

static unsigned char
to_byte(double v)
{
	return v <= 0 ? 0 : v >= 255 ? 255 : (unsigned char)(v + 0.5);
}

static uint64_t
get_raw(const unsigned char *p, size_t size)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < size; i++)
		n |= (uint64_t)p[i] << 8 * i;
	return n;
}

/* Overlay bits, and whatever else lies beside the stored bits, are masked. */
static int64_t
stored_value(const struct pixel_format *f, uint64_t raw)
{
	uint64_t mask = f->bits_stored == 64 ? UINT64_MAX : ((uint64_t)1 << f->bits_stored) - 1;
	uint64_t sign = (uint64_t)1 << (f->bits_stored - 1);

	raw = raw >> (f->high_bit + 1 - f->bits_stored) & mask;
	return f->is_signed ? (int64_t)((raw ^ sign) - sign) : (int64_t)raw;
}

static double
cell_value(const struct pixel_format *f, const unsigned char *p, size_t size)
{
	uint64_t raw = get_raw(p, size);
	uint32_t half = (uint32_t)raw;
	float single;
	double d;

	if (f->cells == PIXEL_FLOAT) {
		memcpy(&single, &half, sizeof single);
		return (double)single;
	}
	if (f->cells == PIXEL_DOUBLE) {
		memcpy(&d, &raw, sizeof d);
		return d;
	}
	return f->is_signed ? (double)stored_value(f, raw) : (double)(uint64_t)stored_value(f, raw);
}

/* -------------------------------------------------------------- grey ---- */

static uint16_t
look_up(const struct pixel_lut *lut, double value)
{
	double at = value - lut->first;

	return lut->data[!(at > 0) ? 0 : at >= lut->count ? lut->count - 1 : (uint32_t)at];
}

static double
modality(const struct pixel_view *v, double value)
{
	return v->modality != NULL ? look_up(v->modality, value) : value * v->slope + v->intercept;
}

/* What the values are spread over when nobody says: their range, without
 * padding where that leaves more than one value. */
struct range {
	double low, high;
	bool any;
};

static bool
is_range(const struct range *r)
{
	return r->any && r->high > r->low;
}

static void
widen(struct range *r, double value)
{
	if (!isfinite(value))
		return;
	if (!r->any || value < r->low)
		r->low = value;
	if (!r->any || value > r->high)
		r->high = value;
	r->any = true;
}

static bool
is_padding(const struct pixel_view *v, double stored)
{
	double low = fmin(v->padding, v->padding_limit), high = fmax(v->padding, v->padding_limit);

	return v->has_padding && stored >= low && stored <= high;
}

/* PS3.3 C.11.2.1.2.1, C.11.2.1.3; 0 to 255. */
static double
window(const struct pixel_view *v, double x)
{
	if (v->function == PIXEL_SIGMOID)
		return 255 / (1 + exp(-4 * (x - v->center) / v->width));
	if (v->function == PIXEL_LINEAR_EXACT)
		return ((x - v->center) / v->width + 0.5) * 255;
	if (v->width <= 1)
		return x <= v->center - 0.5 ? 0 : 255;
	return ((x - (v->center - 0.5)) / (v->width - 1) + 0.5) * 255;
}

static unsigned char
grey(const struct pixel_view *v, const struct range *range, bool inverse, double stored)
{
	double x = modality(v, stored), y;

	if (v->has_window)
		y = window(v, x);
	else if (v->voi != NULL)
		y = look_up(v->voi, x) * 255.0 / ((1u << v->voi->bits) - 1);
	else
		y = range->high > range->low ? (x - range->low) * 255 / (range->high - range->low) : 0;
	return inverse ? (unsigned char)(255 - to_byte(y)) : to_byte(y);
}

/* Most views are a straight line about the middle of what is shown. */
struct straight {
	double middle, width;
};

static bool
is_straight(const struct pixel_view *v, const struct range *range, struct straight *ret_line)
{
	if (v->modality != NULL || (v->has_window ? v->function == PIXEL_SIGMOID : v->voi != NULL))
		return false;
	if (!v->has_window)
		*ret_line = (struct straight){ range->low + (range->high - range->low) / 2, range->high - range->low };
	else if (v->function == PIXEL_LINEAR_EXACT)
		*ret_line = (struct straight){ v->center, v->width };
	else
		*ret_line = (struct straight){ v->center - 0.5, v->width - 1 };
	return ret_line->width > 0;
}

static unsigned char
level(const struct pixel_view *v, const struct straight *line, bool inverse, double stored)
{
	unsigned char y = to_byte(((stored * v->slope + v->intercept - line->middle) / line->width + 0.5) * 255);

	return inverse ? (unsigned char)(255 - y) : y;
}

static bool
needs_range(const struct pixel_view *v)
{
	return !v->has_window && v->voi == NULL;
}

/* One bit a pixel, eight in a byte, the first lowest. */
static void
grey_of_bits(const struct pixel_frame *frame, const struct area *a, const unsigned char map[2], unsigned char *to)
{
	uint32_t x, y;

	for (y = 0; y < a->h; y++)
		for (x = 0; x < a->w; x++) {
			size_t at = (size_t)(a->y + y) * frame->format.columns + a->x + x;

			*to++ = map[frame->data[at / 8] >> at % 8 & 1];
		}
}

/* Four at a time: one load and one test for the end instead of four. */
static unsigned char *
look_up_words(const unsigned char *p, uint32_t count, const unsigned char *table, uint32_t shift, uint32_t mask,
	      unsigned char *to)
{
	uint64_t four;

	for (; count >= 4; count -= 4, p += 8, to += 4) {
		memcpy(&four, p, sizeof four);
		four = le64toh(four) >> shift;
		to[0] = table[four & mask];
		to[1] = table[four >> 16 & mask];
		to[2] = table[four >> 32 & mask];
		to[3] = table[four >> 48 & mask];
	}
	for (; count > 0; count--, p += 2)
		*to++ = table[((uint32_t)p[1] << 8 | p[0]) >> shift & mask];
	return to;
}

static void
fill_table(const struct pixel_format *f, const struct pixel_view *v, const struct range *range, bool inverse,
	   unsigned char *table, uint32_t n)
{
	uint32_t shift = f->high_bit + 1 - f->bits_stored, half = f->is_signed ? n / 2 : n, i;
	struct straight line;

	if (!is_straight(v, range, &line)) {
		for (i = 0; i < n; i++)
			table[i] = grey(v, range, inverse, (double)stored_value(f, (uint64_t)i << shift));
		return;
	}
	/* the upper half of what is signed is negative */
	for (i = 0; i < half; i++)
		table[i] = level(v, &line, inverse, i);
	for (; i < n; i++)
		table[i] = level(v, &line, inverse, (double)i - n);
}

static void
grey_by_table(const struct pixel_frame *frame, const struct area *a, const struct pixel_view *v, bool inverse,
	      unsigned char *table, unsigned char *to)
{
	const struct pixel_format *f = &frame->format;
	uint32_t n = 1u << f->bits_stored, shift = f->high_bit + 1 - f->bits_stored, i, x, y;
	struct range range = { 0 };

	if (needs_range(v)) {
		/* which values there are, then their range, in steps of the table's size */
		for (y = 0; y < f->rows; y++) {
			const unsigned char *p = frame->data + y * a->row;

			for (x = 0; x < f->columns; x++, p += a->pixel)
				table[(get_raw(p, a->cell) >> shift) & (n - 1)] = 1;
		}
		for (int pass = 0; pass < 2 && !is_range(&range); pass++)
			for (i = 0; i < n; i++) {
				double stored = (double)stored_value(f, (uint64_t)i << shift);

				if (table[i] != 0 && (pass > 0 || !is_padding(v, stored)))
					widen(&range, modality(v, stored));
			}
	}
	fill_table(f, v, &range, inverse, table, n);
	for (y = 0; y < a->h; y++) {
		const unsigned char *p = frame->data + (a->y + y) * a->row + a->x * a->pixel;

		if (a->cell == 1)
			for (x = 0; x < a->w; x++, p++)
				*to++ = table[p[0] >> shift & (n - 1)];
		else if (a->cell == 2)
			to = look_up_words(p, a->w, table, shift, n - 1, to);
		else
			for (x = 0; x < a->w; x++, p += a->pixel)
				*to++ = table[(get_raw(p, a->cell) >> shift) & (n - 1)];
	}
}

static void
grey_one_by_one(const struct pixel_frame *frame, const struct area *a, const struct pixel_view *v, bool inverse,
		unsigned char *to)
{
	const struct pixel_format *f = &frame->format;
	size_t n = (size_t)f->rows * f->columns, i;
	struct range range = { 0 };
	uint32_t x, y;

	if (needs_range(v))
		for (int pass = 0; pass < 2 && !is_range(&range); pass++)
			for (i = 0; i < n; i++) {
				double stored = cell_value(f, frame->data + i * a->cell, a->cell);

				if (pass > 0 || !is_padding(v, stored))
					widen(&range, modality(v, stored));
			}
	for (y = 0; y < a->h; y++) {
		const unsigned char *p = frame->data + (a->y + y) * a->row + a->x * a->pixel;

		for (x = 0; x < a->w; x++, p += a->pixel)
			*to++ = grey(v, &range, inverse, cell_value(f, p, a->cell));
	}
}

static int
render_grey(const struct pixel_frame *frame, const struct area *a, const struct pixel_view *v, unsigned char *to)
{
	const struct pixel_format *f = &frame->format;
	bool inverse = f->color == PIXEL_MONOCHROME1 || v->inverse;
	unsigned char *table;

	if (f->bits_allocated == 1) {
		struct range range = { 0, 1, true };
		struct pixel_view plain = *v;

		plain.slope = 1;
		plain.intercept = 0;
		plain.has_window = false;
		plain.voi = plain.modality = NULL;
		grey_of_bits(frame, a, (unsigned char[]){ grey(&plain, &range, inverse, 0),
							  grey(&plain, &range, inverse, 1) }, to);
		return 0;
	}
	if (f->cells != PIXEL_INTEGER || f->bits_stored > TABLE_BITS) {
		grey_one_by_one(frame, a, v, inverse, to);
		return 0;
	}
	table = calloc((size_t)1 << f->bits_stored, 1);
	if (table == NULL)
		return -ENOMEM;
	grey_by_table(frame, a, v, inverse, table, to);
	free(table);
	return 0;
}

/* ------------------------------------------------------------ colour ---- */

static void
render_palette(const struct pixel_frame *frame, const struct area *a, const struct pixel_view *v, unsigned char *to)
{
	uint32_t x, y;
	int c;

	for (y = 0; y < a->h; y++) {
		const unsigned char *p = frame->data + (a->y + y) * a->row + a->x * a->pixel;

		for (x = 0; x < a->w; x++, p += a->pixel) {
			double stored = cell_value(&frame->format, p, a->cell);

			for (c = 0; c < 3; c++)
				*to++ = (unsigned char)(look_up(v->palette[c], stored) >> (v->palette[c]->bits - 8));
		}
	}
}

static unsigned char
channel(const struct pixel_format *f, const unsigned char *p, size_t size)
{
	uint64_t raw = get_raw(p, size) >> (f->high_bit + 1 - f->bits_stored);

	if (f->bits_stored >= 8)
		return (unsigned char)(raw >> (f->bits_stored - 8));
	return (unsigned char)((raw & ((1u << f->bits_stored) - 1)) * 255 / ((1u << f->bits_stored) - 1));
}

/* PS3.3 C.7.6.3.1.2 */
static void
ybr_to_rgb(unsigned char *p)
{
	double y = p[0], b = p[1] - 128.0, r = p[2] - 128.0;

	p[0] = to_byte(y + 1.402 * r);
	p[1] = to_byte(y - 0.344136 * b - 0.714136 * r);
	p[2] = to_byte(y + 1.772 * b);
}

static void
render_colour(const struct pixel_frame *frame, const struct area *a, unsigned char *to)
{
	const struct pixel_format *f = &frame->format;
	bool ybr = f->color == PIXEL_YBR_FULL || f->color == PIXEL_YBR_FULL_422;
	uint32_t x, y;
	int c;

	for (y = 0; y < a->h; y++) {
		const unsigned char *p = frame->data + (a->y + y) * a->row + a->x * a->pixel;

		for (x = 0; x < a->w; x++, p += a->pixel, to += 3) {
			for (c = 0; c < 3; c++)
				to[c] = a->cell == 1 && f->bits_stored == 8 ? p[c * a->sample]
									     : channel(f, p + c * a->sample, a->cell);
			if (ybr)
				ybr_to_rgb(to);
		}
	}
}

/* ------------------------------------------------------------- scale ---- */

static void
flip(struct pixel_picture *p, bool x, bool y)
{
	size_t n = p->channels, row = p->width * n;
	uint32_t i, k;
	unsigned char *a, *b, t;

	for (i = 0; x && i < p->height; i++)
		for (k = 0; k < p->width / 2; k++)
			for (unsigned c = 0; c < n; c++) {
				a = p->data + i * row + k * n + c;
				b = p->data + i * row + (p->width - 1 - k) * n + c;
				t = *a, *a = *b, *b = t;
			}
	for (i = 0; y && i < p->height / 2; i++)
		for (k = 0; k < row; k++) {
			a = p->data + i * row + k;
			b = p->data + (p->height - 1 - i) * row + k;
			t = *a, *a = *b, *b = t;
		}
}

/* One line, or column, of n values to m: the mean of what each covers when it gets
 * smaller, between neighbours when it grows. */
static void
scale_line(const float *from, size_t from_step, uint32_t n, float *to, size_t to_step, uint32_t m)
{
	double ratio = (double)n / m;
	uint32_t i, k;

	for (i = 0; i < m; i++) {
		double sum = 0, left = i * ratio, right = left + ratio;

		if (m >= n) {
			double at = fmax(0, (i + 0.5) * ratio - 0.5);
			uint32_t low = (uint32_t)at, high = low + 1 < n ? low + 1 : low;

			to[i * to_step] = (float)(from[low * from_step] * (1 - (at - low)) +
						  from[high * from_step] * (at - low));
			continue;
		}
		for (k = (uint32_t)left; k < n && k < right; k++)
			sum += from[k * from_step] * (fmin(k + 1, right) - fmax(k, left));
		to[i * to_step] = (float)(sum / ratio);
	}
}

static int
scale(struct pixel_picture *p, uint32_t width, uint32_t height)
{
	size_t n = p->channels;
	float *wide = malloc(sizeof *wide * p->width * n), *half = malloc(sizeof *half * width * p->height * n);
	float *line = malloc(sizeof *line * height);
	unsigned char *to = malloc((size_t)width * height * n);
	uint32_t x, y;
	size_t c, i;
	int r = -ENOMEM;

	if (wide == NULL || half == NULL || line == NULL || to == NULL)
		goto out;
	for (y = 0; y < p->height; y++) {
		for (i = 0; i < p->width * n; i++)
			wide[i] = p->data[y * p->width * n + i];
		for (c = 0; c < n; c++)
			scale_line(wide + c, n, p->width, half + y * width * n + c, n, width);
	}
	for (x = 0; x < width * n; x++) {
		scale_line(half + x, width * n, p->height, line, 1, height);
		for (y = 0; y < height; y++)
			to[y * width * n + x] = to_byte((double)line[y]);
	}
	free(p->data);
	p->data = to;
	to = NULL;
	p->width = width;
	p->height = height;
	r = 0;
out:
	free(wide);
	free(half);
	free(line);
	free(to);
	return r;
}

static int
fit(struct pixel_picture *p, const struct pixel_view *v, struct err *err)
{
	double w = v->fit_width, h = v->fit_height, ratio;
	uint32_t width, height;
	int r;

	if (w == 0 || h == 0)
		return 0;
	if (w > SIDE_MAX || h > SIDE_MAX)
		return err_set(err, -EINVAL, "a picture is at most %d pixels wide and high", SIDE_MAX);
	ratio = fmin(w / p->width, h / p->height);
	width = (uint32_t)fmax(1, floor(p->width * ratio + 0.5));
	height = (uint32_t)fmax(1, floor(p->height * ratio + 0.5));
	if (width == p->width && height == p->height)
		return 0;
	r = scale(p, width, height);
	return r < 0 ? err_set(err, r, "out of memory") : 0;
}

/* ------------------------------------------------------------ render ---- */

static int
find_area(const struct pixel_frame *frame, const struct pixel_view *v, struct area *a, struct err *err)
{
	const struct pixel_format *f = &frame->format;

	*a = (struct area){ .x = v->x, .y = v->y, .w = v->w, .h = v->h };
	if (a->x >= f->columns || a->y >= f->rows)
		return err_set(err, -EINVAL, "the viewport lies outside the image of %u x %u", f->columns, f->rows);
	if (a->w == 0 || a->w > f->columns - a->x)
		a->w = f->columns - a->x;
	if (a->h == 0 || a->h > f->rows - a->y)
		a->h = f->rows - a->y;
	a->cell = f->bits_allocated / 8;
	a->pixel = f->planar ? a->cell : a->cell * f->samples;
	a->sample = f->planar ? a->cell * f->rows * f->columns : a->cell;
	a->row = a->pixel * f->columns;
	return 0;
}

int
pixel_render(const struct pixel_frame *frame, const struct pixel_view *v, struct pixel_picture *ret_picture,
	     struct err *err)
{
	const struct pixel_format *f = &frame->format;
	bool colour = f->samples == 3 && f->cells == PIXEL_INTEGER && f->bits_allocated > 1 &&
		      (f->color == PIXEL_RGB || f->color == PIXEL_YBR_FULL || f->color == PIXEL_YBR_FULL_422);
	bool palette = f->samples == 1 && f->color == PIXEL_PALETTE && f->bits_allocated > 1;
	struct pixel_picture p = { 0 };
	struct area a;
	int r;

	if (frame->len == 0 || frame->len != pixel_frame_size(f))
		return err_set(err, -EINVAL, "a frame of another size than its format");
	if (f->samples != 1 && !colour)
		return err_set(err, -EOPNOTSUPP, "pixels of %u samples and photometric interpretation %s are not rendered",
			       f->samples, pixel_color_name(f->color));
	if (palette && (v->palette[0] == NULL || v->palette[1] == NULL || v->palette[2] == NULL))
		return err_set(err, -EOPNOTSUPP, "the palette is missing or broken");
	r = find_area(frame, v, &a, err);
	if (r < 0)
		return r;
	p = (struct pixel_picture){ a.w, a.h, colour || palette ? 3 : 1, malloc((size_t)a.w * a.h * (colour || palette ? 3 : 1)) };
	if (p.data == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	if (colour)
		render_colour(frame, &a, p.data);
	else if (palette)
		render_palette(frame, &a, v, p.data);
	else if ((r = render_grey(frame, &a, v, p.data)) < 0)
		err_set(err, r, "out of memory");
	if (r == 0) {
		flip(&p, v->flip_x, v->flip_y);
		r = fit(&p, v, err);
	}
	if (r < 0)
		pixel_picture_fini(&p);
	else
		*ret_picture = p;
	return r;
}

void
pixel_picture_fini(struct pixel_picture *p)
{
	free(p->data);
	*p = (struct pixel_picture){ 0 };
}
