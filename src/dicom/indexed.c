#include "dicom/indexed.h"

#include "dicom/tag.h"

const struct indexed_attribute indexed_attributes[] = {
	{ TAG_SOP_INSTANCE_UID, VR('U', 'I') },
	{ TAG_STUDY_DATE, VR('D', 'A') },
	{ TAG_ACCESSION_NUMBER, VR('S', 'H') },
	{ TAG_MODALITY, VR('C', 'S') },
	{ TAG_MODALITIES_IN_STUDY, VR('C', 'S') },
	{ TAG_REFERRING_PHYSICIAN_NAME, VR('P', 'N') },
	{ TAG_STUDY_DESCRIPTION, VR('L', 'O') },
	{ TAG_MANUFACTURER_MODEL_NAME, VR('L', 'O') },
	{ TAG_PATIENT_NAME, VR('P', 'N') },
	{ TAG_PATIENT_ID, VR('L', 'O') },
	{ TAG_PATIENT_BIRTH_DATE, VR('D', 'A') },
	{ TAG_STUDY_INSTANCE_UID, VR('U', 'I') },
	{ TAG_SERIES_INSTANCE_UID, VR('U', 'I') },
	{ TAG_PPS_START_DATE, VR('D', 'A') },
};

const size_t n_indexed_attributes = sizeof indexed_attributes / sizeof *indexed_attributes;

uint16_t
indexed_vr(uint32_t tag)
{
	size_t i;

	for (i = 0; i < n_indexed_attributes; i++)
		if (indexed_attributes[i].tag == tag)
			return indexed_attributes[i].vr;
	return 0;
}
