/* value.h: one value out of the bytes of an element. */
#ifndef DICOM_VALUE_H
#define DICOM_VALUE_H

#include "dicom/charset.h"
#include "dicom/dataset.h"
#include "dicom/number.h"
#include "dicom/vr.h"

/* The length of a text without what pads it at its end: spaces, as PS3.5 6.2 says, and
 * NULs, which it says for a UI and others use as well. */
size_t value_trimmed(const char *text, size_t len);
/* Number i of a VR_BINARY element, as JSON text; 0 for NaN and infinity. */
size_t value_put_number(const struct dicom_element *el, const struct vr_info *info,
			bool big_endian, size_t i, char *to);
/* Likewise as a double. */
double value_number(const struct dicom_element *el, const struct vr_info *info,
		    bool big_endian, size_t i);
/* The i-th tag of an AT element. */
uint32_t value_tag(const struct dicom_element *el, bool big_endian, size_t i);
/* The same bytes, little endian, appended. */
int  value_put_little_endian(const struct dicom_element *el, const struct vr_info *info,
			     bool big_endian, struct buf *out);
/* What charset.h is to do with text of this VR. */
enum charset_text value_text_kind(const struct vr_info *info);
/* The character set of a data set inside one that has *outer. */
struct charset value_charset(const struct dataset *ds, const struct charset *outer);

#endif
