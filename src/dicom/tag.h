/* tag.h: attribute tags and the data dictionary (PS3.6), made at build time from DCMTK's dictionary file.
 *
 * A tag is one 32-bit number, group in the high half: 0x00100020.
 */
#ifndef DICOM_TAG_H
#define DICOM_TAG_H

#include <stdint.h>
#include <stddef.h>

#define TAG(g, e) (((uint32_t)(g) << 16) | (uint32_t)(e))
#define TAG_GROUP(t) ((uint16_t)((t) >> 16))
#define TAG_ELEMENT(t) ((uint16_t)(t))

/* A VR is its two letters in one number; VR('P','N'). */
#define VR(a, b) ((uint16_t)(((uint16_t)(a) << 8) | (uint16_t)(b)))
#define VR_TEXT_MAX 3

enum {
	TAG_MEDIA_STORAGE_SOP_INSTANCE_UID = 0x00020003,
	TAG_TRANSFER_SYNTAX_UID		= 0x00020010,
	TAG_SPECIFIC_CHARACTER_SET	= 0x00080005,
	TAG_SOP_CLASS_UID		= 0x00080016,
	TAG_SOP_INSTANCE_UID		= 0x00080018,
	TAG_STUDY_DATE			= 0x00080020,
	TAG_STUDY_TIME			= 0x00080030,
	TAG_ACCESSION_NUMBER		= 0x00080050,
	TAG_INSTANCE_AVAILABILITY	= 0x00080056,
	TAG_MODALITY			= 0x00080060,
	TAG_MODALITIES_IN_STUDY		= 0x00080061,
	TAG_REFERRING_PHYSICIAN_NAME	= 0x00080090,
	TAG_TIMEZONE_OFFSET		= 0x00080201,
	TAG_STUDY_DESCRIPTION		= 0x00081030,
	TAG_MANUFACTURER_MODEL_NAME	= 0x00081090,
	TAG_RETRIEVE_URL		= 0x00081190,
	TAG_PATIENT_NAME		= 0x00100010,
	TAG_PATIENT_ID			= 0x00100020,
	TAG_PATIENT_BIRTH_DATE		= 0x00100030,
	TAG_PATIENT_SEX			= 0x00100040,
	TAG_STUDY_INSTANCE_UID		= 0x0020000D,
	TAG_SERIES_INSTANCE_UID		= 0x0020000E,
	TAG_STUDY_ID			= 0x00200010,
	TAG_SERIES_NUMBER		= 0x00200011,
	TAG_INSTANCE_NUMBER		= 0x00200013,
	TAG_STUDY_RELATED_SERIES	= 0x00201206,
	TAG_STUDY_RELATED_INSTANCES	= 0x00201208,
	TAG_SERIES_RELATED_INSTANCES	= 0x00201209,
	TAG_NUMBER_OF_FRAMES		= 0x00280008,
	TAG_ROWS			= 0x00280010,
	TAG_COLUMNS			= 0x00280011,
	TAG_BITS_ALLOCATED		= 0x00280100,
	TAG_PPS_START_DATE		= 0x00400244,
	TAG_PIXEL_DATA			= 0x7FE00010,
};

struct tag_entry {
	uint32_t tag;
	uint16_t vr;		/* the dictionary's; for "US or SS" and the like the first */
	const char *keyword;	/* never NULL */
};

/* NULL when the dictionary does not know it.  Repeating groups (50xx, 60xx)
 * are known; private tags are not. */
const struct tag_entry *tag_find(uint32_t tag);
const struct tag_entry *tag_find_keyword(const char *keyword, size_t len);
/* Eight hex digits in either case, or a keyword (case-sensitive).  -EINVAL. */
int  tag_parse(const char *text, size_t len, uint32_t *ret_tag);
/* "00100010" */
void tag_format(uint32_t tag, char text[9]);

#endif
