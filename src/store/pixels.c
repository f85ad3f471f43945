#include "store/pixels.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/vec.h"
#include "dicom/edit.h"
#include "dicom/frames.h"
#include "pixel/pixel.h"

/* Limits. */
enum {
	ENTRIES_MAX = 256,			/* headers kept: a search of them is nothing beside a request */
	/* An encoded frame: noise may grow, and twice its size is where that ends. */
	STREAM_FACTOR = 2,
	STREAM_ROOM = 64 << 10,
};
/* Of kept headers and tables: some 10,000 of CT, or one of a large enhanced object. */
#define CACHE_MAX ((size_t)64 << 20)
/* A deflated data set is inflated into memory. */
#define INFLATED_MAX ((uint64_t)1 << 30)

/* What is known of one version of an instance. */
struct entry {
	uint64_t watermark;
	uint64_t used;			/* when last, in uses of the cache */
	unsigned refs;			/* the cache holds one */
	size_t size;
	struct dicom *d;
	int image_error;		/* why image and frames are not there */
	struct err image_why;
	struct image image;
	struct frames *frames;
};

struct pixels_cache {
	pthread_mutex_t lock;		/* guards: everything here, and the entries' refs and used */
	struct entry *entries[ENTRIES_MAX];
	unsigned count;
	size_t size;
	uint64_t uses;
	pthread_cond_t turn;		/* a turn was given back */
	unsigned turns;			/* left */
};

struct pixels {
	struct pixels_cache *cache;
	struct entry *e;
	const struct store_file *f;
	int fd;				/* what d was read from */
	bool inflated;			/* fd is ours */
};

/* ------------------------------------------------------------- turns ---- */

/* Codecs take a processor each and memory of several frames: no more of them at a time
 * than there are processors. */
static void
take_turn(struct pixels_cache *c)
{
	pthread_mutex_lock(&c->lock);
	while (c->turns == 0)
		pthread_cond_wait(&c->turn, &c->lock);
	c->turns--;
	pthread_mutex_unlock(&c->lock);
}

static void
give_turn(struct pixels_cache *c)
{
	pthread_mutex_lock(&c->lock);
	c->turns++;
	pthread_cond_signal(&c->turn);
	pthread_mutex_unlock(&c->lock);
}

/* ------------------------------------------------------------- cache ---- */

int
pixels_cache_new(struct pixels_cache **ret_cache)
{
	struct pixels_cache *c = calloc(1, sizeof *c);
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	if (c == NULL)
		return -ENOMEM;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->turn, NULL);
	c->turns = n > 1 ? (unsigned)n : 1;
	*ret_cache = c;
	return 0;
}

static void
free_entry(struct entry *e)
{
	frames_free(e->frames);
	dicom_free(e->d);
	free(e);
}

static void
unref_locked(struct entry *e)
{
	if (--e->refs == 0)
		free_entry(e);
}

static void
drop_locked(struct pixels_cache *c, unsigned i)
{
	c->size -= c->entries[i]->size;
	unref_locked(c->entries[i]);
	c->entries[i] = c->entries[--c->count];
}

void
pixels_cache_free(struct pixels_cache *c)
{
	if (c == NULL)
		return;
	while (c->count > 0)
		drop_locked(c, 0);
	pthread_cond_destroy(&c->turn);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static struct entry *
find_locked(struct pixels_cache *c, uint64_t watermark)
{
	unsigned i;

	for (i = 0; i < c->count; i++)
		if (c->entries[i]->watermark == watermark) {
			c->entries[i]->used = ++c->uses;
			c->entries[i]->refs++;
			return c->entries[i];
		}
	return NULL;
}

static void
evict_locked(struct pixels_cache *c, size_t room)
{
	while (c->count > 0 && (c->count == ENTRIES_MAX || c->size + room > CACHE_MAX)) {
		unsigned i, oldest = 0;

		for (i = 1; i < c->count; i++)
			if (c->entries[i]->used < c->entries[oldest]->used)
				oldest = i;
		drop_locked(c, oldest);
	}
}

/* Keep e if it fits; another thread may have been faster, then its entry is used. */
static struct entry *
keep(struct pixels_cache *c, struct entry *e)
{
	struct entry *other;

	if (e->size > CACHE_MAX / 2)
		return e;
	pthread_mutex_lock(&c->lock);
	other = find_locked(c, e->watermark);
	if (other == NULL) {
		evict_locked(c, e->size);
		e->refs++;
		e->used = ++c->uses;
		c->size += e->size;
		c->entries[c->count++] = e;
	}
	pthread_mutex_unlock(&c->lock);
	if (other == NULL)
		return e;
	free_entry(e);
	return other;
}

/* The data set as read from fd; what it says of its pixels, or why it cannot be used. */
static void
describe(struct entry *e, int fd)
{
	e->image_error = image_describe(e->d, &e->image, &e->image_why);
	if (e->image_error == 0)
		e->image_error = frames_open(e->d, fd, &e->image, &e->frames, &e->image_why);
	e->size = sizeof *e + dicom_memory(e->d) + (e->frames != NULL ? frames_memory(e->frames) : 0);
}

static int
inflate(struct pixels *p, struct err *err)
{
	struct dicom *d = NULL;
	int fd, r = edit_inflate(p->e->d, p->fd, INFLATED_MAX, &fd, err);

	if (r < 0)
		return r;
	p->fd = fd;
	p->inflated = true;
	r = dicom_read_fd(fd, &d, err);
	if (r < 0)
		return r;
	dicom_free(p->e->d);
	p->e->d = d;
	return 0;
}

int
pixels_open(struct pixels_cache *c, const struct store_file *f, struct pixels **ret_pixels, struct err *err)
{
	struct pixels *p = calloc(1, sizeof *p);
	int r = 0;

	if (p == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	*p = (struct pixels){ .cache = c, .f = f, .fd = store_file_fd(f) };
	pthread_mutex_lock(&c->lock);
	p->e = find_locked(c, store_file_info(f)->watermark);
	pthread_mutex_unlock(&c->lock);
	if (p->e != NULL) {
		*ret_pixels = p;
		return 0;
	}
	p->e = calloc(1, sizeof *p->e);
	if (p->e == NULL) {
		pixels_close(p);
		return err_set(err, -ENOMEM, "out of memory");
	}
	p->e->refs = 1;
	p->e->watermark = store_file_info(f)->watermark;
	r = dicom_read_fd(p->fd, &p->e->d, err);
	if (r == 0 && dicom_is_deflated(p->e->d))
		r = inflate(p, err);
	if (r < 0) {
		pixels_close(p);
		return r;
	}
	describe(p->e, p->fd);
	/* what was inflated lies in a file that goes with p */
	if (!p->inflated)
		p->e = keep(c, p->e);
	*ret_pixels = p;
	return 0;
}

void
pixels_close(struct pixels *p)
{
	if (p == NULL)
		return;
	if (p->e != NULL) {
		pthread_mutex_lock(&p->cache->lock);
		unref_locked(p->e);
		pthread_mutex_unlock(&p->cache->lock);
	}
	if (p->inflated)
		close(p->fd);
	free(p);
}

/* ------------------------------------------------------------ frames ---- */

static int
need_image(const struct pixels *p, struct err *err)
{
	if (p->e->image_error < 0 && err != NULL)
		*err = p->e->image_why;
	return p->e->image_error;
}

int
pixels_count(const struct pixels *p, uint32_t *ret_count, struct err *err)
{
	int r = need_image(p, err);

	if (r == 0)
		*ret_count = frames_count(p->e->frames);
	return r;
}

const char *
pixels_stored_syntax(const struct pixels *p)
{
	return dicom_xfer_uid(p->e->d);
}

bool
pixels_frame_is_stored(const struct pixels *p, uint32_t n)
{
	return !p->inflated && frames_is_whole(p->e->frames, n);
}

uint64_t
pixels_frame_length(const struct pixels *p, uint32_t n)
{
	return frames_length(p->e->frames, n);
}

int
pixels_frame_piece(const struct pixels *p, uint32_t n, uint32_t i, uint64_t *ret_offset, uint64_t *ret_length)
{
	struct frame_piece piece;
	int r = frames_piece(p->e->frames, n, i, &piece);

	if (r > 0) {
		*ret_offset = piece.offset;
		*ret_length = piece.length;
	}
	return r;
}

static struct pixel_format
format_of(const struct image *image)
{
	return (struct pixel_format){
		.rows = image->rows, .columns = image->columns, .samples = image->samples,
		.bits_allocated = image->bits_allocated, .bits_stored = image->bits_stored,
		.high_bit = image->high_bit, .is_signed = image->is_signed, .planar = image->planar,
		.color = pixel_color_of(image->photometric),
		.cells = image->cells == IMAGE_FLOAT ? PIXEL_FLOAT :
			 image->cells == IMAGE_DOUBLE ? PIXEL_DOUBLE : PIXEL_INTEGER,
	};
}

static bool
is_native(const struct pixels *p)
{
	return (pixel_syntax(dicom_xfer_uid(p->e->d)) & PIXEL_NATIVE) != 0;
}

/* The frame's bytes, little endian.  The caller frees them. */
static int
read_frame(const struct pixels *p, uint32_t n, unsigned char **ret_data, size_t *ret_len, struct err *err)
{
	uint64_t len = frames_length(p->e->frames, n);
	unsigned char *data;
	int r;

	if (len > PIXEL_FRAME_MAX)
		return err_set(err, -EFBIG, "a frame of %llu bytes is larger than any decoded here", (unsigned long long)len);
	data = malloc(len > 0 ? (size_t)len : 1);
	if (data == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	r = frames_read(p->e->frames, p->fd, n, data);
	if (r < 0) {
		free(data);
		return err_set(err, r == -EBADMSG ? -ESTALE : r, "the frame cannot be read");
	}
	*ret_data = data;
	*ret_len = (size_t)len;
	return 0;
}

static int
decode_frame(const struct pixels *p, uint32_t n, struct pixel_frame *frame, struct err *err)
{
	struct pixel_format format = format_of(&p->e->image);
	unsigned char *data;
	size_t len;
	int r = read_frame(p, n, &data, &len, err);

	if (r < 0)
		return r;
	if (is_native(p) && len == pixel_frame_size(&format)) {
		*frame = (struct pixel_frame){ format, data, len };
		return 0;
	}
	r = pixel_decode(dicom_xfer_uid(p->e->d), &format, data, len, frame, err);
	free(data);
	return r;
}

bool
pixels_transcodes(const char *stored_uid, const char *xfer_uid)
{
	return (pixel_syntax(stored_uid) & PIXEL_DECODES) != 0 && (pixel_syntax(xfer_uid) & PIXEL_ENCODES) != 0;
}

static int
check_syntaxes(const struct pixels *p, const char *xfer_uid, struct err *err)
{
	if (!pixels_transcodes(dicom_xfer_uid(p->e->d), xfer_uid))
		return err_set(err, -EOPNOTSUPP, "%s cannot be transcoded to %s", dicom_xfer_uid(p->e->d), xfer_uid);
	return 0;
}

/* One frame from its syntax to another; *ret_format is what a data set must say of it. */
static int
convert_frame(const struct pixels *p, uint32_t n, const char *xfer_uid, unsigned quality, struct buf *out,
	      struct pixel_format *ret_format, struct err *err)
{
	struct pixel_frame frame = { 0 };
	int r;

	take_turn(p->cache);
	r = decode_frame(p, n, &frame, err);
	if (r == 0)
		r = pixel_encode(xfer_uid, &frame, quality, out, ret_format, err);
	pixel_frame_fini(&frame);
	give_turn(p->cache);
	return r;
}

int
pixels_frame(const struct pixels *p, uint32_t n, const char *xfer_uid, unsigned quality, struct buf *out,
	     struct err *err)
{
	struct pixel_format format;
	unsigned char *data;
	size_t len;
	int r;

	if (strcmp(xfer_uid, "*") != 0 && strcmp(xfer_uid, dicom_xfer_uid(p->e->d)) != 0) {
		r = check_syntaxes(p, xfer_uid, err);
		/* native to native has nothing to decode */
		if (r < 0 || !is_native(p) || (pixel_syntax(xfer_uid) & PIXEL_NATIVE) == 0)
			return r < 0 ? r : convert_frame(p, n, xfer_uid, quality, out, &format, err);
	}
	r = read_frame(p, n, &data, &len, err);
	if (r < 0)
		return r;
	r = buf_put(out, data, len);
	free(data);
	return r < 0 ? err_set(err, r, "the frame is too large") : 0;
}

/* ---------------------------------------------------------- pictures ---- */

/* Whatever of a view came out of tables; lut[i].data is freed with it. */
struct tables {
	struct image_lut lut[5];
	struct pixel_lut view[5];
};

static const struct pixel_lut *
read_table(const struct pixels *p, enum image_lut_kind kind, bool is_signed, struct tables *t)
{
	struct image_lut *lut = &t->lut[kind];

	if (image_read_lut(p->e->d, p->fd, kind, is_signed, lut) < 0)
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
	const struct image *image = &p->e->image;
	struct pixel_view v = {
		.x = options->x, .y = options->y, .w = options->w, .h = options->h,
		.flip_x = options->flip_x, .flip_y = options->flip_y,
		.fit_width = options->fit_width, .fit_height = options->fit_height,
	};
	struct image_grey grey;
	int i;

	image_grey(p->e->d, n, &grey);
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
	int r = need_image(p, err);

	if (r < 0)
		return r;
	if (frames_is_video(p->e->frames))
		return err_set(err, -EOPNOTSUPP, "frames of a video are not rendered");
	view = make_view(p, n, options, &tables);
	take_turn(p->cache);
	r = decode_frame(p, n, &frame, err);
	if (r == 0)
		r = pixel_render(&frame, &view, &picture, err);
	pixel_frame_fini(&frame);
	if (r == 0)
		r = options->png ? pixel_write_png(&picture, out, err) :
				   pixel_write_jpeg(&picture, options->quality, out, err);
	give_turn(p->cache);
	pixel_picture_fini(&picture);
	free_tables(&tables);
	return r;
}

/* --------------------------------------------------------- instances ---- */

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
	const struct dicom_element *el = dicom_find(j->p->e->d, tag);
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
	const struct image *image = &j->p->e->image;
	char ratio[32];

	if (j->format.color != pixel_color_of(image->photometric))
		add_text(j, TAG_PHOTOMETRIC, VR('C', 'S'), pixel_color_name(j->format.color), false);
	if (image->samples > 1 && j->format.planar != image->planar)
		add_edit(j, TAG_PLANAR_CONFIGURATION, VR('U', 'S'), j->format.planar ? "\1" : "\0", 2);
	if ((pixel_syntax(j->xfer_uid) & PIXEL_LOSSY) != 0) {
		/* the first frame's, as good as any */
		snprintf(ratio, sizeof ratio, "%.4g", (double)frames_length(j->p->e->frames, 0) / (double)j->frame.len);
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
	r = convert_frame(j->p, n, j->xfer_uid, j->quality, &j->frame, &format, j->err);
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
	return edit_write_elements(j->p->e->d, j->p->fd, from, to, j->edits, j->n_edits,
				   j->p->e->image_error == 0 ? j->p->e->image.swap : 2, j->put, j->ctx, j->err);
}

/* The data set alone changes its encoding; pixel data are a value as others are. */
static int
transcode_data_set(struct job *j)
{
	int r = edit_write_meta(j->p->e->d, j->p->fd, j->xfer_uid, j->put, j->ctx, j->err);

	return r == 0 ? put_elements(j, 0, UINT32_MAX) : r;
}

static int
check_size(struct job *j, uint32_t count)
{
	const struct image *image = &j->p->e->image;
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
		r = convert_frame(j->p, 0, j->xfer_uid, j->quality, &j->frame, &j->format, j->err);
	if (r < 0)
		return r;
	make_edits(j);
	r = edit_write_meta(j->p->e->d, j->p->fd, j->xfer_uid, j->put, j->ctx, j->err);
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
	int r = check_syntaxes(p, xfer_uid, err);

	if (r < 0)
		return r;
	buf_init(&j.frame, STREAM_FACTOR * PIXEL_FRAME_MAX + STREAM_ROOM);
	if (is_native(p) && j.native)
		r = transcode_data_set(&j);
	else
		r = transcode_frames(&j);
	buf_fini(&j.frame);
	if (r < 0 && err != NULL && err->num == 0)
		err_set(err, r, "the instance cannot be transcoded: %s", strerror(-r));
	return r;
}
