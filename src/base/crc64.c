#include "base/crc64.h"

#include <pthread.h>
#include <string.h>

#define POLYNOMIAL UINT64_C(0x9A6C9329AC4BC9B5)	/* reflected */

/* [n][b]: byte b with n zero bytes after it, so that eight bytes are done at once. */
static uint64_t table[8][256];
static pthread_once_t made = PTHREAD_ONCE_INIT;

static void
make_table(void)
{
	unsigned b, n, bit;

	for (b = 0; b < 256; b++) {
		uint64_t crc = b;

		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
		table[0][b] = crc;
	}
	for (n = 1; n < 8; n++)
		for (b = 0; b < 256; b++)
			table[n][b] = table[n - 1][b] >> 8 ^ table[0][table[n - 1][b] & 0xFF];
}

uint64_t
crc64_add(uint64_t crc, const void *data, size_t len)
{
	const unsigned char *p = data;
	unsigned n;

	pthread_once(&made, make_table);
	crc = ~crc;
	for (; len >= 8; len -= 8, p += 8) {
		uint64_t next = 0;

		for (n = 0; n < 8; n++)
			next ^= table[7 - n][(crc >> (8 * n) & 0xFF) ^ p[n]];
		crc = next;
	}
	for (; len > 0; len--, p++)
		crc = crc >> 8 ^ table[0][(crc ^ *p) & 0xFF];
	return ~crc;
}

void
crc64_format(uint64_t crc, char text[CRC64_TEXT_MAX])
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned char bytes[9] = { 0 };
	unsigned i;

	for (i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(crc >> (8 * i));
	for (i = 0; i < 3; i++) {
		uint32_t three = (uint32_t)bytes[3 * i] << 16 | (uint32_t)bytes[3 * i + 1] << 8 | bytes[3 * i + 2];

		text[4 * i] = digits[three >> 18];
		text[4 * i + 1] = digits[three >> 12 & 63];
		text[4 * i + 2] = digits[three >> 6 & 63];
		text[4 * i + 3] = digits[three & 63];
	}
	text[11] = '=';
	text[12] = '\0';
}
