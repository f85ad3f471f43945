/* vr.h: what PS3.5 6.2 says of each value representation, for the reader and the writers. */
#ifndef DICOM_VR_H
#define DICOM_VR_H

#include <stdbool.h>
#include <stdint.h>

#include "dicom/tag.h"

enum vr_kind {
	VR_UNKNOWN,		/* no VR of PS3.5 */
	VR_STRING,		/* text of the default repertoire */
	VR_TEXT,		/* text in the Specific Character Set */
	VR_NAME,		/* PN */
	VR_NUMBER_STRING,	/* DS IS */
	VR_BINARY,		/* numbers of `size` bytes */
	VR_TAG,			/* AT */
	VR_SEQUENCE,
	VR_BULK,		/* OB OD OF OL OV OW UN: `size` is the word that byte order swaps */
};

struct vr_info {
	enum vr_kind kind;
	uint8_t size;
	bool extended;		/* explicit: 32-bit length after two reserved bytes */
	bool single;		/* a backslash is text, not a separator */
};

/* Never NULL: VR_UNKNOWN for what is none. */
const struct vr_info *vr_info(uint16_t vr);
/* Has an explicit element of that VR a 32-bit length?  Two capital letters that are
 * none are a VR of the future, which has (PS3.5 6.2); other text is a private habit of old
 * devices, seen with the short form. */
bool vr_is_extended(uint16_t vr);

#endif
