#include "base/guid.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

void
guid_format(const unsigned char bytes[GUID_LEN], unsigned version, char text[GUID_TEXT_MAX])
{
	size_t i, at = 0;

	for (i = 0; i < GUID_LEN; i++) {
		unsigned b = bytes[i];

		if (i == 6)
			b = version << 4 | (b & 0x0f);
		if (i == 8)
			b = 0x80 | (b & 0x3f);
		if (i == 4 || i == 6 || i == 8 || i == 10)
			text[at++] = '-';
		snprintf(text + at, 3, "%02x", b & 0xff);
		at += 2;
	}
}

int
guid_make(char text[GUID_TEXT_MAX])
{
	unsigned char b[GUID_LEN];

	if (getrandom(b, sizeof b, 0) != sizeof b)
		return -EIO;
	guid_format(b, 4, text);
	return 0;
}
