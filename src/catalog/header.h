/* header.h: stored headers: the DICOM JSON template of an instance, compressed.
 *
 * The instances of a series are nearly alike, so the header of the first is
 * the series' base, and the others are compressed against it (zstd, the base
 * as prefix): about 200 bytes an instance, and expanding is little more than a copy.
 * The base has a row of its own, (series, 0), and lives as long as the series.
 *
 * Stored:  format:1 rest
 *	0	the template itself
 *	1	one zstd frame
 *	2	one zstd frame made with the series' base as prefix
 *	3	the same as the base; nothing follows
 * A base is stored as format 0 or 1.
 *
 * Threads: any; each keeps a context of its own.
 */
#ifndef CATALOG_HEADER_H
#define CATALOG_HEADER_H

#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

/* Longest template; a header that needs more is refused at ingest. */
#define HEADER_MAX (64u << 20)

/* The number that names a base: never 0, the same for the same bytes. */
uint64_t header_base_id(struct slice json);
/* Append the stored form; base.len 0: there is none yet. */
int  header_compress(struct slice json, struct slice base, struct buf *out);
/* Append the template.  -EIO the stored bytes are broken. */
int  header_expand(struct slice stored, struct slice base, struct buf *out);

#endif
