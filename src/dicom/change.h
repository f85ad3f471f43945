/* change.h: a Part 10 file written again with other values of a few attributes of its top level, and all
 * else byte for byte: in its own transfer syntax, and in the order it has.
 *
 * What changes beside those attributes is what they make untrue: the group lengths (gggg,0000) of their groups are
 * left out, like what a broken data set has of group 0002, and a new SOP Instance UID goes into the file meta
 * information too.  A deflated data set comes out inflated, in explicit VR little endian.
 *
 * Texts are given in UTF-8, and written in the character set that the file declares.  Where that has not the
 * characters, and no other text of the file needs it, the file is declared to be UTF-8; else the
 * change fails: nothing is ever replaced by a likeness.
 *
 * Threads: no state.
 * Errors:  -EILSEQ a value has characters that the file's character set has not; -EFBIG a deflated
 *          data set is too large; -EIO, -EBADMSG (the file became shorter), -ENOMEM, and the sink's.
 */
#ifndef DICOM_CHANGE_H
#define DICOM_CHANGE_H

#include "dicom/dicom.h"
#include "dicom/edit.h"

/* Inflated data sets are made in memory. */
#define CHANGE_DEFLATED_MAX (64u << 20)

struct change_value {
	uint32_t tag;			/* ascending */
	uint16_t vr;			/* one of text */
	const char *text;		/* UTF-8, a backslash between two values */
};

int  change_write(const struct dicom *d, int fd, const struct change_value *values, size_t n, edit_sink sink,
		  void *ctx, struct err *err);

#endif
