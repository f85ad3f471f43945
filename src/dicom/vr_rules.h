/* vr_rules.h: is a value one that its value representation allows?
 *
 * Each function returns NULL when it is, else what is wrong with it: a few
 * words that live for ever and hold nothing of the value.  An empty value is always right.
 *
 * Threads: no state.
 */
#ifndef DICOM_VR_RULES_H
#define DICOM_VR_RULES_H

#include "dicom/charset.h"
#include "dicom/dicom.h"

/* The minimum rules (contract 2.7) for one value as dicom_text gives it. */
const char *vr_check_minimum(uint16_t vr, const char *text, size_t len);

/* All of PS3.5 6.2: length, repertoire and form of every value of an element.  Text in a
 * character set other than declared passes if it can be read at all: charset.h mends it.
 * A sequence is right; its items are the caller's.  cs is asked for only when text needs it,
 * and scratch (whose memory is used again) then holds the converted text. */
struct vr_text {
	struct charset (*charset)(const void *ctx);
	const void *ctx;
	struct buf *scratch;
};
const char *vr_check_full(const struct dicom_element *el, const struct vr_text *text);

#endif
