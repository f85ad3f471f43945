/* codec.h: values of the index, field by field, big endian.
 *
 * Reading never runs past the end: a value that is too short reads as zeros
 * and empty slices and sets bad, which the caller checks once.  The index is
 * ours, but the disk it lies on is not to be trusted.
 */
#ifndef CATALOG_CODEC_H
#define CATALOG_CODEC_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

void put_u8(struct buf *b, uint8_t v);
void put_u16(struct buf *b, uint16_t v);
void put_u32(struct buf *b, uint32_t v);
void put_u64(struct buf *b, uint64_t v);
void put_short(struct buf *b, struct slice s);	/* length:1 bytes */
void put_long(struct buf *b, struct slice s);	/* length:4 bytes */

struct reader {
	const unsigned char *p, *end;
	bool bad;
};

void reader_init(struct reader *r, struct slice s);
uint8_t  get_u8(struct reader *r);
uint16_t get_u16(struct reader *r);
uint32_t get_u32(struct reader *r);
uint64_t get_u64(struct reader *r);
struct slice get_raw(struct reader *r, size_t len);
struct slice get_short(struct reader *r);
struct slice get_long(struct reader *r);
/* A short string into text as a C string, cut to fit. */
void get_text(struct reader *r, char *text, size_t size);

#endif
