/* dataset.h: what part10.c builds and dicom.c and json_write.c read.
 *
 * Everything lies in the arena of the struct dicom: nodes of one data set are
 * an array in ascending order of tag, without duplicates.
 */
#ifndef DICOM_DATASET_H
#define DICOM_DATASET_H

#include "dicom/dicom.h"

struct dataset {
	struct node *nodes;
	uint32_t count;
	bool big_endian;		/* its binary values; not so in what was UN (PS3.5 6.2.2) */
};

struct node {
	struct dicom_element el;
	struct dataset *items;		/* VR SQ */
	uint32_t n_items;
	bool dropped;			/* its value is none, and nobody is shown it (validate.h) */
	uint32_t order;			/* private to part10.c: which came later */
};

struct arena_chunk;

struct dicom {
	struct dataset top;
	char xfer_uid[UID_TEXT_MAX];
	uint64_t data_set_offset;
	bool implicit;
	bool deflated;
	struct arena_chunk *chunks;
	unsigned char *room, *room_end;	/* of the newest chunk */
	size_t used;			/* bytes of all chunks */
};

struct node *dataset_find(const struct dataset *ds, uint32_t tag);

#endif
