/* edit.h: a Part 10 file written again, in explicit VR little endian, with a few elements
 * replaced.
 *
 * Elements of a file that is explicit little endian already are copied byte
 * for byte; of others the values are, turned round where they are big endian.
 * Group lengths (gggg,0000) of the data set, retired long ago, are left out where
 * they would not be true any more, and so is what a broken data set has of group 0002.
 *
 * What is written goes to a sink in pieces, so that no file is too large; a
 * negative result of the sink ends the writing and is returned.
 *
 * Threads: no state.
 * Errors: -EIO, -EBADMSG (the file became shorter), -ENOMEM, and the sink's.
 */
#ifndef DICOM_EDIT_H
#define DICOM_EDIT_H

#include "dicom/dicom.h"

typedef int (*edit_sink)(void *ctx, const void *data, size_t len);

struct edit {
	uint32_t tag;			/* of the top level */
	uint16_t vr;			/* 0: the element is left out */
	const void *value;		/* little endian, of even length */
	uint32_t len;
};

/* Everything before the data set: the preamble as it is, the file meta
 * information with this UID as the element of that tag, where it has one. */
int  edit_write_meta(const struct dicom *d, int fd, uint32_t tag, const char *uid, edit_sink sink, void *ctx,
		     struct err *err);
/* The elements of the top level from tag `from` up to and including `to`, with the edits
 * (ascending) that lie there.  pixel_swap: bytes of the words of PixelData that a big
 * endian file has (image.h). */
int  edit_write_elements(const struct dicom *d, int fd, uint32_t from, uint32_t to,
			 const struct edit *edits, size_t n_edits, unsigned pixel_swap,
			 edit_sink sink, void *ctx, struct err *err);
/* Tag, VR and length of an element; 0xFFFFFFFF is the undefined length. */
int  edit_write_header(uint32_t tag, uint16_t vr, uint32_t length, edit_sink sink, void *ctx);

/* The same file with its data set inflated, explicit little endian, as a new file
 * without a name.  -EFBIG when that has more than max bytes. */
int  edit_inflate(const struct dicom *d, int fd, uint64_t max, int *ret_fd, struct err *err);

#endif
