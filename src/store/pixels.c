#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/lru.h"
#include "dicom/edit.h"
#include "store/pixels_internal.h"

/* Of kept headers and tables: some 10,000 of CT, or one of a large enhanced object. */
#define CACHE_MAX ((size_t)64 << 20)
/* A deflated data set is inflated into memory. */
#define INFLATED_MAX ((uint64_t)1 << 30)

struct pixels_cache {
	struct lru *known;		/* struct pixels_known by watermark and hash: of several stores, maybe */
	pthread_mutex_t lock;		/* guards: turns */
	pthread_cond_t turn;		/* one was given back */
	unsigned turns;			/* left */
};

/* ------------------------------------------------------------- turns ---- */

void
pixels_take_turn(const struct pixels *p)
{
	struct pixels_cache *c = p->cache;

	pthread_mutex_lock(&c->lock);
	while (c->turns == 0)
		pthread_cond_wait(&c->turn, &c->lock);
	c->turns--;
	pthread_mutex_unlock(&c->lock);
}

void
pixels_give_turn(const struct pixels *p)
{
	struct pixels_cache *c = p->cache;

	pthread_mutex_lock(&c->lock);
	c->turns++;
	pthread_cond_signal(&c->turn);
	pthread_mutex_unlock(&c->lock);
}

/* ------------------------------------------------------------- cache ---- */

static void
free_known(void *value)
{
	struct pixels_known *k = value;

	if (k == NULL)
		return;
	frames_free(k->frames);
	dicom_free(k->d);
	free(k);
}

int
pixels_cache_new(struct pixels_cache **ret_cache)
{
	struct pixels_cache *c = calloc(1, sizeof *c);
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	if (c == NULL || (c->known = lru_new(CACHE_MAX, free_known)) == NULL) {
		free(c);
		return -ENOMEM;
	}
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->turn, NULL);
	c->turns = n > 1 ? (unsigned)n : 1;
	*ret_cache = c;
	return 0;
}

void
pixels_cache_free(struct pixels_cache *c)
{
	if (c == NULL)
		return;
	lru_free(c->known);
	pthread_cond_destroy(&c->turn);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* The data set as read from fd; what it says of its pixels, or why it cannot be used. */
static void
describe(struct pixels_known *k, int fd)
{
	k->image_error = image_describe(k->d, &k->image, &k->image_why);
	if (k->image_error == 0)
		k->image_error = frames_open(k->d, fd, &k->image, &k->frames, &k->image_why);
}

static size_t
size_of(const struct pixels_known *k)
{
	return sizeof *k + dicom_memory(k->d) + (k->frames != NULL ? frames_memory(k->frames) : 0);
}

static int
inflate(struct pixels *p, struct err *err)
{
	struct dicom *d = NULL;
	int fd, r = edit_inflate(p->known->d, p->fd, INFLATED_MAX, &fd, err);

	if (r < 0)
		return r;
	p->fd = fd;
	p->inflated = true;
	r = dicom_read_fd(fd, &d, err);
	if (r < 0)
		return r;
	dicom_free(p->known->d);
	p->known->d = d;
	return 0;
}

static int
learn(struct pixels *p, struct err *err)
{
	int r;

	p->known = calloc(1, sizeof *p->known);
	if (p->known == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	r = dicom_read_fd(p->fd, &p->known->d, err);
	if (r == 0 && dicom_is_deflated(p->known->d))
		r = inflate(p, err);
	if (r == 0)
		describe(p->known, p->fd);
	return r;
}

/* What p knows is the cache's from now on. */
static int
keep(struct pixels *p, const unsigned char key[HASH_LEN], struct err *err)
{
	p->item = lru_put(p->cache->known, key, p->known, size_of(p->known));
	p->known = p->item != NULL ? lru_value(p->item) : NULL;
	return p->item != NULL ? 0 : err_set(err, -ENOMEM, "out of memory");
}

int
pixels_open(struct pixels_cache *c, const struct store_file *f, struct pixels **ret_pixels, struct err *err)
{
	uint64_t watermark = store_file_info(f)->watermark;
	struct pixels *p = calloc(1, sizeof *p);
	unsigned char key[HASH_LEN] = { 0 };
	int r = 0;

	if (p == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	*p = (struct pixels){ .cache = c, .fd = store_file_fd(f) };
	memcpy(key, &watermark, sizeof watermark);
	memcpy(key + sizeof watermark, store_file_info(f)->hash, sizeof key - sizeof watermark);
	p->item = lru_find(c->known, key);
	if (p->item != NULL)
		p->known = lru_value(p->item);
	else
		r = learn(p, err);
	/* what was inflated lies in a file that goes with p */
	if (r == 0 && p->item == NULL && !p->inflated)
		r = keep(p, key, err);
	if (r < 0) {
		pixels_close(p);
		return r;
	}
	*ret_pixels = p;
	return 0;
}

void
pixels_close(struct pixels *p)
{
	if (p == NULL)
		return;
	if (p->item != NULL)
		lru_release(p->cache->known, p->item);
	else
		free_known(p->known);
	if (p->inflated)
		close(p->fd);
	free(p);
}

/* ------------------------------------------------------------ frames ---- */

int
pixels_need_image(const struct pixels *p, struct err *err)
{
	if (p->known->image_error < 0 && err != NULL)
		*err = p->known->image_why;
	return p->known->image_error;
}

int
pixels_count(const struct pixels *p, uint32_t *ret_count, struct err *err)
{
	int r = pixels_need_image(p, err);

	if (r == 0)
		*ret_count = frames_count(p->known->frames);
	return r;
}

const char *
pixels_stored_syntax(const struct pixels *p)
{
	return dicom_xfer_uid(p->known->d);
}

bool
pixels_frame_is_stored(const struct pixels *p, uint32_t n)
{
	return !p->inflated && frames_is_whole(p->known->frames, n);
}

uint64_t
pixels_frame_length(const struct pixels *p, uint32_t n)
{
	return frames_length(p->known->frames, n);
}

int
pixels_frame_piece(const struct pixels *p, uint32_t n, uint32_t i, uint64_t *ret_offset, uint64_t *ret_length)
{
	struct frame_piece piece;
	int r = frames_piece(p->known->frames, n, i, &piece);

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

bool
pixels_is_native(const struct pixels *p)
{
	return (pixel_syntax(dicom_xfer_uid(p->known->d)) & PIXEL_NATIVE) != 0;
}

/* The frame's bytes, little endian.  The caller frees them. */
static int
read_frame(const struct pixels *p, uint32_t n, unsigned char **ret_data, size_t *ret_len, struct err *err)
{
	uint64_t len = frames_length(p->known->frames, n);
	unsigned char *data;
	int r;

	if (len > PIXEL_FRAME_MAX)
		return err_set(err, -EFBIG, "a frame of %llu bytes is larger than any decoded here", (unsigned long long)len);
	data = malloc(len > 0 ? (size_t)len : 1);
	if (data == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	r = frames_read(p->known->frames, p->fd, n, data);
	if (r < 0) {
		free(data);
		return err_set(err, r == -EBADMSG ? -ESTALE : r, "the frame cannot be read");
	}
	*ret_data = data;
	*ret_len = (size_t)len;
	return 0;
}

int
pixels_decode_frame(const struct pixels *p, uint32_t n, struct pixel_frame *frame, struct err *err)
{
	struct pixel_format format = format_of(&p->known->image);
	unsigned char *data;
	size_t len;
	int r = read_frame(p, n, &data, &len, err);

	if (r < 0)
		return r;
	if (pixels_is_native(p) && len == pixel_frame_size(&format)) {
		*frame = (struct pixel_frame){ format, data, len };
		return 0;
	}
	r = pixel_decode(dicom_xfer_uid(p->known->d), &format, data, len, frame, err);
	free(data);
	return r;
}

bool
pixels_transcodes(const char *stored_uid, const char *xfer_uid)
{
	return (pixel_syntax(stored_uid) & PIXEL_DECODES) != 0 && (pixel_syntax(xfer_uid) & PIXEL_ENCODES) != 0;
}

int
pixels_check_syntaxes(const struct pixels *p, const char *xfer_uid, struct err *err)
{
	if (!pixels_transcodes(dicom_xfer_uid(p->known->d), xfer_uid))
		return err_set(err, -EOPNOTSUPP, "%s cannot be transcoded to %s", dicom_xfer_uid(p->known->d), xfer_uid);
	return 0;
}

int
pixels_convert_frame(const struct pixels *p, uint32_t n, const char *xfer_uid, unsigned quality, struct buf *out,
	      struct pixel_format *ret_format, struct err *err)
{
	struct pixel_frame frame = { 0 };
	int r;

	pixels_take_turn(p);
	r = pixels_decode_frame(p, n, &frame, err);
	if (r == 0)
		r = pixel_encode(xfer_uid, &frame, quality, out, ret_format, err);
	pixel_frame_fini(&frame);
	pixels_give_turn(p);
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

	if (strcmp(xfer_uid, "*") != 0 && strcmp(xfer_uid, dicom_xfer_uid(p->known->d)) != 0) {
		r = pixels_check_syntaxes(p, xfer_uid, err);
		/* native to native has nothing to decode */
		if (r < 0 || !pixels_is_native(p) || (pixel_syntax(xfer_uid) & PIXEL_NATIVE) == 0)
			return r < 0 ? r : pixels_convert_frame(p, n, xfer_uid, quality, out, &format, err);
	}
	r = read_frame(p, n, &data, &len, err);
	if (r < 0)
		return r;
	r = buf_put(out, data, len);
	free(data);
	return r < 0 ? err_set(err, r, "the frame is too large") : 0;
}
