/* tag_private.h: what only the reader asks the dictionary. */
#ifndef DICOM_TAG_PRIVATE_H
#define DICOM_TAG_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

/* The dictionary says "US or SS": with implicit VR, PixelRepresentation decides. */
bool tag_is_us_or_ss(uint32_t tag);

#endif
