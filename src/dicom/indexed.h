/* indexed.h: the attributes that can be searched without being asked for first (contract 4.3). */
#ifndef DICOM_INDEXED_H
#define DICOM_INDEXED_H

#include <stddef.h>
#include <stdint.h>

struct indexed_attribute {
	uint32_t tag;
	uint16_t vr;			/* the one it must have to be indexed */
};

/* Ascending by tag; ModalitiesInStudy among them, which is computed. */
extern const struct indexed_attribute indexed_attributes[];
extern const size_t n_indexed_attributes;

/* 0: not indexed. */
uint16_t indexed_vr(uint32_t tag);

#endif
