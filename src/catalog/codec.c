#include "catalog/codec.h"

#include <string.h>

#include "catalog/schema.h"

void
put_u8(struct buf *b, uint8_t v)
{
	buf_put(b, &v, 1);
}

void
put_u16(struct buf *b, uint16_t v)
{
	unsigned char p[2] = { (unsigned char)(v >> 8), (unsigned char)v };

	buf_put(b, p, sizeof p);
}

void
put_u32(struct buf *b, uint32_t v)
{
	put_u16(b, (uint16_t)(v >> 16));
	put_u16(b, (uint16_t)v);
}

void
put_u64(struct buf *b, uint64_t v)
{
	put_u32(b, (uint32_t)(v >> 32));
	put_u32(b, (uint32_t)v);
}

void
put_short(struct buf *b, struct slice s)
{
	size_t len = s.len > UINT8_MAX ? UINT8_MAX : s.len;

	put_u8(b, (uint8_t)len);
	buf_put(b, s.data, len);
}

void
put_long(struct buf *b, struct slice s)
{
	put_u32(b, (uint32_t)s.len);
	buf_put(b, s.data, s.len);
}

void
reader_init(struct reader *r, struct slice s)
{
	r->p = s.data;
	r->end = s.len > 0 ? r->p + s.len : r->p;	/* nothing may be added to NULL */
	r->bad = false;
}

struct slice
get_raw(struct reader *r, size_t len)
{
	struct slice s;

	if ((size_t)(r->end - r->p) < len) {
		r->bad = true;
		r->p = r->end;
		return slice_of("", 0);
	}
	s = slice_of(r->p, len);
	r->p += len;
	return s;
}

uint8_t
get_u8(struct reader *r)
{
	struct slice s = get_raw(r, 1);

	return s.len == 1 ? *(const unsigned char *)s.data : 0;
}

uint16_t
get_u16(struct reader *r)
{
	uint16_t hi = get_u8(r);

	return (uint16_t)(hi << 8 | get_u8(r));
}

uint32_t
get_u32(struct reader *r)
{
	struct slice s = get_raw(r, 4);

	return s.len == 4 ? read_u32(s.data) : 0;
}

uint64_t
get_u64(struct reader *r)
{
	struct slice s = get_raw(r, 8);

	return s.len == 8 ? read_u64(s.data) : 0;
}

struct slice
get_short(struct reader *r)
{
	return get_raw(r, get_u8(r));
}

struct slice
get_long(struct reader *r)
{
	return get_raw(r, get_u32(r));
}

void
get_text(struct reader *r, char *text, size_t size)
{
	struct slice s = get_short(r);

	if (s.len >= size)
		s.len = size - 1;
	memcpy(text, s.data, s.len);
	text[s.len] = '\0';
}
