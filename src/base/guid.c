#include "base/guid.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

int
guid_make(char text[GUID_TEXT_MAX])
{
	unsigned char b[16];
	size_t i, at = 0;

	if (getrandom(b, sizeof b, 0) != sizeof b)
		return -EIO;
	b[6] = (unsigned char)(0x40 | (b[6] & 0x0f));
	b[8] = (unsigned char)(0x80 | (b[8] & 0x3f));
	for (i = 0; i < sizeof b; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			text[at++] = '-';
		snprintf(text + at, 3, "%02x", b[i]);
		at += 2;
	}
	return 0;
}
