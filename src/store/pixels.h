/* pixels.h: the pixel data of a stored instance: frames as they lie, in
 * another transfer syntax, or as pictures; and whole instances transcoded.
 *
 * What a header says of its frames is found once and kept in a cache, so that any
 * frame of a large object costs the same.  Frames are decoded and encoded one at a
 * time, by no more threads at once than there are processors: memory is
 * bounded by a few frames, whatever the size of the instance.
 *
 * Threads: a cache may be shared; a struct pixels is used by one thread.
 * Errors:  -ENOENT no pixel data, or no such frame; -EBADMSG the pixel data are
 *          broken; -EOPNOTSUPP this cannot be transcoded or rendered; -EFBIG too
 *          large for it; -EINVAL a bad option; and those of store.h.
 */
#ifndef STORE_PIXELS_H
#define STORE_PIXELS_H

#include "store/store.h"

/* Contract 3.2, 3.6: files above this size are neither transcoded nor rendered. */
#define PIXELS_FILE_MAX ((uint64_t)100 << 20)

struct pixels_cache;
int  pixels_cache_new(struct pixels_cache **ret_cache);
void pixels_cache_free(struct pixels_cache *cache);		/* NULL is fine */

/* f must stay open until pixels_close.  Instances without pixel data open too. */
struct pixels;
int  pixels_open(struct pixels_cache *cache, const struct store_file *f, struct pixels **ret_pixels, struct err *err);
void pixels_close(struct pixels *p);				/* NULL is fine */

/* How many frames there are: -ENOENT when the instance has no pixel data. */
int  pixels_count(const struct pixels *p, uint32_t *ret_count, struct err *err);

/* ------------------------------------------------------------ frames ---- */

/* n counts from 0 and is below the count.  Is the frame, as stored, whole
 * bytes of the instance's file? */
bool pixels_frame_is_stored(const struct pixels *p, uint32_t n);
uint64_t pixels_frame_length(const struct pixels *p, uint32_t n);
/* Piece i of it in the file: 1, or 0 when there is none. */
int  pixels_frame_piece(const struct pixels *p, uint32_t n, uint32_t i, uint64_t *ret_offset, uint64_t *ret_length);

/* Append the frame in that transfer syntax; "*" is the stored one (or, of a deflated
 * instance, explicit little endian).  quality: of lossy ones. */
int  pixels_frame(const struct pixels *p, uint32_t n, const char *xfer_uid, unsigned quality,
		  struct buf *out, struct err *err);

/* Can an instance stored in one syntax be given in the other at all? */
bool pixels_transcodes(const char *stored_uid, const char *xfer_uid);
/* The syntax a frame asked for as stored has. */
const char *pixels_stored_syntax(const struct pixels *p);

/* ---------------------------------------------------------- pictures ---- */

struct pixels_view {
	bool png;			/* else JPEG */
	unsigned quality;		/* 1 to 100 */
	bool has_window;
	double center, width;
	enum { PIXELS_LINEAR, PIXELS_LINEAR_EXACT, PIXELS_SIGMOID } function;
	uint32_t fit_width, fit_height;	/* 0: as large as it is */
	uint32_t x, y, w, h;		/* the part shown; w and h 0: all of it */
	bool flip_x, flip_y;
};

int  pixels_render(const struct pixels *p, uint32_t n, const struct pixels_view *view,
		   struct buf *out, struct err *err);

/* --------------------------------------------------------- instances ---- */

/* The whole file in another transfer syntax, in pieces; a negative result of put
 * ends it.  Nothing is put before the first frame has been transcoded, so what cannot
 * be done is known before. */
int  pixels_transcode(const struct pixels *p, const char *xfer_uid, unsigned quality,
		      int (*put)(void *ctx, const void *data, size_t len), void *ctx, struct err *err);

#endif
