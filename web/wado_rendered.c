/* Pictures of frames (contract 3.6; PS3.18 8.3.5, 10.4): an instance's first, a named
 * one, and thumbnails of whatever there is to see. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "store/pixels.h"
#include "web/handlers.h"
#include "web/range.h"
#include "web/reply.h"
#include "web/server.h"
#include "web/wado.h"

/* ------------------------------------------------------------ options ---- */

static int
parse_quality(const char *text, struct pixels_view *v, struct err *err)
{
	uint64_t n;

	if (range_parse_number(text, &n) < 0 || n < 1 || n > 100)
		return err_set(err, -EINVAL, "quality is a whole number from 1 to 100");
	v->quality = (unsigned)n;
	return 0;
}

/* Numbers with commas between them, at most max; *ret_rest is what follows the comma
 * after the last.  The count, or -EINVAL. */
static int
parse_numbers(const char *text, double *numbers, int max, const char **ret_rest)
{
	char *end;
	int n = 0;

	for (*ret_rest = text; n < max && *text != '\0'; text = end + 1) {
		/* an empty one is 0: PS3.18 lets those of a viewport out */
		numbers[n] = *text == ',' ? 0 : strtod(text, &end);
		if (*text == ',')
			end = (char *)(uintptr_t)text;
		else if (end == text || !isfinite(numbers[n]) || *text == ' ')
			return -EINVAL;
		n++;
		*ret_rest = *end == ',' ? end + 1 : end;
		if (*end == '\0')
			break;
		if (*end != ',')
			return -EINVAL;
	}
	return n;
}

/* center,width[,function] */
static int
parse_window(const char *text, struct pixels_view *v, struct err *err)
{
	const char *function;
	double n[2];

	if (parse_numbers(text, n, 2, &function) != 2)
		return err_set(err, -EINVAL, "window is center,width,function");
	v->function = PIXELS_LINEAR;
	if (strcasecmp(function, "linear-exact") == 0)
		v->function = PIXELS_LINEAR_EXACT;
	else if (strcasecmp(function, "sigmoid") == 0)
		v->function = PIXELS_SIGMOID;
	else if (*function != '\0' && strcasecmp(function, "linear") != 0)
		return err_set(err, -EINVAL, "the function of a window is linear, linear-exact or sigmoid");
	if (v->function == PIXELS_LINEAR ? n[1] < 1 : n[1] <= 0)
		return err_set(err, -EINVAL, "the width of a window is at least 1");
	v->has_window = true;
	v->center = n[0];
	v->width = n[1];
	return 0;
}

static bool
is_size(double n)
{
	return n >= 0 && n <= 65535 && n == floor(n);
}

/* width,height[,x,y,w,h]: w and h negative mirror (PS3.18 8.3.5.1.3). */
static int
parse_viewport(const char *text, struct pixels_view *v, struct err *err)
{
	double n[6] = { 0 };
	const char *rest;
	int count = parse_numbers(text, n, 6, &rest);

	if ((count != 2 && count != 6) || *rest != '\0' || n[0] < 1 || n[1] < 1 || !is_size(n[0]) || !is_size(n[1]) ||
	    !is_size(n[2]) || !is_size(n[3]) || !is_size(fabs(n[4])) || !is_size(fabs(n[5])))
		return err_set(err, -EINVAL, "viewport is width,height or width,height,x,y,w,h in whole pixels");
	v->fit_width = (uint32_t)n[0];
	v->fit_height = (uint32_t)n[1];
	v->x = (uint32_t)n[2];
	v->y = (uint32_t)n[3];
	v->w = (uint32_t)fabs(n[4]);
	v->h = (uint32_t)fabs(n[5]);
	v->flip_x = n[4] < 0;
	v->flip_y = n[5] < 0;
	return 0;
}

static int
parse_options(const struct request *rq, struct pixels_view *v, struct err *err)
{
	struct uri_query query;
	const char *text;
	int r = uri_parse_query(rq->raw_query, &query, err);

	if (r == 0 && (text = uri_query_find(&query, "quality")) != NULL)
		r = parse_quality(text, v, err);
	if (!rq->dialect->picture_options)
		return r;
	if (r == 0 && (text = uri_query_find(&query, "window")) != NULL)
		r = parse_window(text, v, err);
	if (r == 0 && (text = uri_query_find(&query, "viewport")) != NULL)
		r = parse_viewport(text, v, err);
	return r;
}

static bool
matches(const struct accept_entry *e, const char *type)
{
	return !e->multipart && (strcmp(e->type, type) == 0 || strcmp(e->type, "*/*") == 0 ||
				 strcmp(e->type, "image/*") == 0);
}

/* The first type of Accept that is given; JPEG when any will do. */
static int
choose_type(const struct request *rq, struct pixels_view *v, struct err *err)
{
	struct accept accept;
	unsigned i;

	v->png = false;
	if (!request_accept(rq, &accept))
		return 0;
	if (accept.count > 1 && rq->dialect->one_picture_type)
		return err_set(err, -ENOTSUP, "Accept must name one type, image/jpeg or image/png");
	for (i = 0; i < accept.count; i++) {
		if (matches(&accept.entry[i], "image/jpeg"))
			return 0;
		v->png = matches(&accept.entry[i], "image/png");
		if (v->png)
			return 0;
	}
	return err_set(err, -ENOTSUP, "Pictures are image/jpeg or image/png");
}

/* ------------------------------------------------------------ picture ---- */

/* Frame n, from 1, into out. */
static int
render(struct request *rq, const struct store_file *f, uint64_t n, const struct pixels_view *v, struct buf *out,
       struct err *err)
{
	struct pixels *p = NULL;
	uint32_t count;
	int r = wado_check_size(store_file_info(f)->size, rq->dialect->frame_file_max, err);

	if (r == 0)
		r = pixels_open(rq->web->pixels, f, &p, err);
	if (r == 0)
		r = pixels_count(p, &count, err);
	if (r == 0 && n > count)
		r = err_set(err, -ENOENT, "Frame %llu is not there: the instance has %u", (unsigned long long)n, count);
	if (r == 0)
		r = pixels_render(p, (uint32_t)n - 1, v, out, err);
	pixels_close(p);
	return wado_not_acceptable(r);
}

static void
make_etag(const struct instance_info *info, uint64_t n, const struct pixels_view *v, struct etag *tag)
{
	wado_make_etag(info, tag, " picture %llu %d %u %d %.17g %.17g %d %u %u %u %u %u %u %d %d", (unsigned long long)n,
		       v->png, v->quality, v->has_window, v->center, v->width, (int)v->function, v->fit_width,
		       v->fit_height, v->x, v->y, v->w, v->h, v->flip_x, v->flip_y);
}

/* Frame n, from 1, or 304.  -ENOENT, -ENOTSUP: it cannot be shown. */
static int
show(struct request *rq, const struct store_file *f, uint64_t n, const struct pixels_view *v, struct err *err)
{
	struct etag tag;
	struct buf picture;
	int r;

	make_etag(store_file_info(f), n, v, &tag);
	if (wado_has_current(rq, &tag))
		return 0;
	buf_init(&picture, LIMIT_FRAME);
	r = render(rq, f, n, v, &picture, err);
	if (r == 0)
		r = wado_send_data(rq, &tag, v->png ? "image/png" : "image/jpeg", &picture, err);
	buf_fini(&picture);
	return r;
}

int
wado_rendered_handle(struct request *rq, struct err *err)
{
	const char *frame = rq->match.vars.value[URI_FRAMES];
	struct pixels_view v = { .quality = 100 };
	struct store_file *f = NULL;
	uint64_t n = 1;
	int r;

	if (frame != NULL && (range_parse_number(frame, &n) < 0 || n == 0))
		return err_set(err, -EINVAL, "A frame is a whole number from 1 on");
	r = parse_options(rq, &v, err);
	if (r == 0)
		r = choose_type(rq, &v, err);
	if (r == 0)
		r = wado_open_instance(rq, &f, err);
	if (r < 0)
		return r;
	r = show(rq, f, n, &v, err);
	store_file_close(f);
	return r;
}

/* ---------------------------------------------------------- thumbnail ---- */

/* The first instance that can be shown. */
static int
show_any(struct request *rq, struct store_scan *scan, const struct pixels_view *v, struct err *err)
{
	struct instance_info info;
	struct store_file *f;
	int tries, r;

	for (tries = 0; tries < LIMIT_THUMBNAIL_TRIES; tries++) {
		r = store_scan_next(scan, &info, err);
		if (r <= 0)
			break;
		if (info.rows == 0 || info.columns == 0)
			continue;
		r = store_open_version(rq->service->store, &info, &f, err);
		if (r == -ENOENT)
			continue;
		if (r < 0)
			return r;
		err_clear(err);
		r = show(rq, f, 1, v, err);
		store_file_close(f);
		if (r == 0 || (r != -ENOENT && r != -ENOTSUP))
			return r;
	}
	return err_set(err, -ENOENT, "There is no image to show");
}

int
wado_thumbnail_handle(struct request *rq, struct err *err)
{
	struct pixels_view v = {
		.quality = LIMIT_QUALITY_DEFAULT, .fit_width = LIMIT_THUMBNAIL, .fit_height = LIMIT_THUMBNAIL,
	};
	struct store_scope scope = rq->dialect->original_pixels ? wado_scope(rq) : request_scope(rq);
	struct store_scan *scan = NULL;
	struct scope_totals totals;
	int r = parse_options(rq, &v, err);

	if (r == 0)
		r = choose_type(rq, &v, err);
	if (r == 0)
		r = store_scan_open(rq->service->store, &scope, &scan, &totals, err);
	if (r < 0)
		return r;
	r = show_any(rq, scan, &v, err);
	store_scan_close(scan);
	return r;
}
