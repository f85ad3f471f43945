/* schema.h: the numbers of the tables, and keys as ordered bytes.
 *
 * A key is a sequence of fields; integers are big endian, so that memcmp
 * orders them.  A value of variable length inside a key is escaped (00 becomes
 * 00 FF) and ends in 00 00, so that no value is mistaken for the beginning of another.
 */
#ifndef CATALOG_SCHEMA_H
#define CATALOG_SCHEMA_H

#include <stdint.h>

#include "base/slice.h"
#include "kv/kv.h"

#define SCHEMA_VERSION 1

enum table {
#define TABLE(number, name, key) number,
#include "catalog/schema.tbl"
#undef TABLE
	TABLES
};

extern const char *const schema_tables[TABLES];

struct key {
	unsigned char bytes[KV_KEY_MAX];
	size_t len;
};

/* Fields that do not fit are cut; only values can be that long. */
void key_start(struct key *k);
void key_u8(struct key *k, uint8_t v);
void key_u32(struct key *k, uint32_t v);
void key_u64(struct key *k, uint64_t v);
void key_raw(struct key *k, const void *data, size_t len);
void key_escaped(struct key *k, struct slice value);	/* without its end */
void key_end_value(struct key *k);			/* 00 00 */
/* Make k the first key after all that begin with it.  0 when there is none (k is then empty:
 * "to the end" for kv_range_open). */
int  key_after(struct key *k);
struct slice key_slice(const struct key *k);

/* Shorthands. */
struct key key_of_1(uint64_t a);
struct key key_of_2(uint64_t a, uint64_t b);

uint64_t read_u64(const void *p);
uint32_t read_u32(const void *p);

#endif
