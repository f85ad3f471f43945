#include "catalog/schema.h"

#include <string.h>

const char *const schema_tables[TABLES] = {
#define TABLE(number, name, key) [number] = name,
#include "catalog/schema.tbl"
#undef TABLE
};

void
key_start(struct key *k)
{
	k->len = 0;
}

void
key_raw(struct key *k, const void *data, size_t len)
{
	if (len > sizeof k->bytes - k->len)
		len = sizeof k->bytes - k->len;
	if (len > 0)
		memcpy(k->bytes + k->len, data, len);
	k->len += len;
}

void
key_u8(struct key *k, uint8_t v)
{
	key_raw(k, &v, 1);
}

void
key_u32(struct key *k, uint32_t v)
{
	unsigned char b[4] = { (unsigned char)(v >> 24), (unsigned char)(v >> 16),
			       (unsigned char)(v >> 8), (unsigned char)v };

	key_raw(k, b, sizeof b);
}

void
key_u64(struct key *k, uint64_t v)
{
	key_u32(k, (uint32_t)(v >> 32));
	key_u32(k, (uint32_t)v);
}

void
key_escaped(struct key *k, struct slice value)
{
	const unsigned char *p = value.data;
	size_t i;

	for (i = 0; i < value.len; i++) {
		key_u8(k, p[i]);
		if (p[i] == 0)
			key_u8(k, 0xFF);
	}
}

void
key_end_value(struct key *k)
{
	key_raw(k, "\0", 2);
}

int
key_after(struct key *k)
{
	while (k->len > 0 && k->bytes[k->len - 1] == 0xFF)
		k->len--;
	if (k->len == 0)
		return 0;
	k->bytes[k->len - 1]++;
	return 1;
}

struct slice
key_slice(const struct key *k)
{
	return slice_of(k->bytes, k->len);
}

struct key
key_of_1(uint64_t a)
{
	struct key k;

	key_start(&k);
	key_u64(&k, a);
	return k;
}

struct key
key_of_2(uint64_t a, uint64_t b)
{
	struct key k = key_of_1(a);

	key_u64(&k, b);
	return k;
}

uint32_t
read_u32(const void *p)
{
	const unsigned char *b = p;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

uint64_t
read_u64(const void *p)
{
	return (uint64_t)read_u32(p) << 32 | read_u32((const unsigned char *)p + 4);
}
