/* frames.h: where the bytes of each frame lie in a Part 10 file.
 *
 * Native pixel data are cut by arithmetic; frames of one bit a pixel may begin
 * inside a byte (PS3.5 8.1.1).  Encapsulated ones are fragments (PS3.5 A.4),
 * and which belong to a frame is said by the basic offset table or the
 * extended one (7FE0,0001); where there is none, or one that points beside the
 * fragments, by the number of fragments and by which of them begin a code
 * stream.  A video is one frame.  The table is made once, by looking at the head of
 * each fragment; after that every frame costs the same.
 *
 * Threads: a struct frames is read-only once made and may be shared.
 */
#ifndef DICOM_FRAMES_H
#define DICOM_FRAMES_H

#include "dicom/image.h"

struct frames;				/* opaque */

struct frame_piece {
	uint64_t offset;		/* in the file */
	uint64_t length;
};

/* d was read from fd, and image describes it.  -EBADMSG: the fragments cannot
 * be told apart, or what the data set says of the pixel data contradicts them;
 * -EFBIG: more fragments than any real file has. */
int  frames_open(const struct dicom *d, int fd, const struct image *image,
		 struct frames **ret_frames, struct err *err);
void frames_free(struct frames *f);		/* NULL is fine */
size_t frames_memory(const struct frames *f);

/* How many there are: never more than the file has bytes for. */
uint32_t frames_count(const struct frames *f);
bool frames_is_video(const struct frames *f);
/* Bytes of frame n, from 0. */
uint64_t frames_length(const struct frames *f, uint32_t n);
/* Does it begin and end with a whole byte, so that its pieces are all of it? */
bool frames_is_whole(const struct frames *f, uint32_t n);
/* Piece i of frame n: 1, or 0 when there is none.  Of frames that are not
 * whole it has the bits of neighbours too. */
int  frames_piece(const struct frames *f, uint32_t n, uint32_t i, struct frame_piece *ret_piece);
/* The bytes of a frame as little endian would have them, its first pixel at
 * the start: frames_length bytes to data.  -EBADMSG: the file became shorter. */
int  frames_read(const struct frames *f, int fd, uint32_t n, void *data);

#endif
