/* attribute.h: the attributes kept in study, series and instance rows.
 *
 * A row keeps what a search returns by default or with includefield=all
 * (contract 4.6) as ready DICOM JSON, and what can be searched (4.3) also in
 * collated form.  So most searches are answered from rows alone; any other
 * attribute comes from the stored header.
 *
 * Encoded, ascending by tag:  (tag:4 collated:short+ json:long)*
 * where short+ is length:2 bytes.
 */
#ifndef CATALOG_ATTRIBUTE_H
#define CATALOG_ATTRIBUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"
#include "catalog/level.h"
#include "dicom/dicom.h"

/* Does a row of this level tell of the attribute, and its absence from the row that of the attribute? */
bool attribute_is_kept(uint32_t tag, enum level level);
/* Where an indexed attribute (dicom/indexed.h) is searched.  -ENOENT: it is not indexed. */
int  attribute_level(uint32_t tag, enum level *ret_level);

struct attribute {
	uint32_t tag;
	struct slice collated;		/* what is indexed; empty: absent, empty or not searchable */
	struct slice json;		/* {"vr":..,"Value":..}; empty: too large to keep here */
};

/* Append one; the caller keeps the order. */
void attribute_put(uint32_t tag, struct slice collated, struct slice json, struct buf *out);
/* Append those of one level that the data set has.  Returns 0 or -ENOMEM. */
int  attributes_extract(const struct dicom *d, enum level level, struct buf *out);
/* Walk: rest begins as the encoded whole.  false at the end. */
bool attributes_next(struct slice *rest, struct attribute *ret_attribute);
bool attributes_get(struct slice encoded, uint32_t tag, struct attribute *ret_attribute);
/* Append old with newer over it: a newer value that is empty does not replace (contract 4.9). */
void attributes_merge(struct slice old, struct slice newer, struct buf *out);

#endif
