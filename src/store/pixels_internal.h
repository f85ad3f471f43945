/* pixels_internal.h: what the files of pixels.h share.
 *
 * Threads: as there.
 */
#ifndef STORE_PIXELS_INTERNAL_H
#define STORE_PIXELS_INTERNAL_H

#include "dicom/frames.h"
#include "pixel/pixel.h"
#include "store/pixels.h"

/* What is known of one version of an instance, or why it is not. */
struct pixels_known {
	struct dicom *d;
	int image_error;		/* why image and frames are not there */
	struct err image_why;
	struct image image;
	struct frames *frames;
};

struct pixels {
	struct pixels_cache *cache;
	struct pixels_known *known;
	struct lru_item *item;		/* whose value that is; NULL: it is ours */
	int fd;				/* what known->d was read from */
	bool inflated;			/* fd is ours */
};

/* Codecs take a processor each and memory of several frames: no more of them at a time
 * than there are processors. */
void pixels_take_turn(const struct pixels *p);
void pixels_give_turn(const struct pixels *p);

bool pixels_is_native(const struct pixels *p);
/* 0, or why there is no image. */
int  pixels_need_image(const struct pixels *p, struct err *err);
/* -EOPNOTSUPP: it cannot be given in that syntax. */
int  pixels_check_syntaxes(const struct pixels *p, const char *xfer_uid, struct err *err);
/* Frame n, decoded; the caller has a turn. */
int  pixels_decode_frame(const struct pixels *p, uint32_t n, struct pixel_frame *ret_frame, struct err *err);
/* Frame n appended in another syntax; *ret_format is what a data set must say of it.  Takes a turn. */
int  pixels_convert_frame(const struct pixels *p, uint32_t n, const char *xfer_uid, unsigned quality, struct buf *out,
			  struct pixel_format *ret_format, struct err *err);

#endif
