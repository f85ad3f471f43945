/* The dictionary: entries in order of tag, an open-addressed table of their
 * indexes (by tag) and a sorted list of them (by keyword).  Constant data. */
#include "dicom/tag.h"

#include <errno.h>
#include <string.h>

#include "dicom/tag_private.h"
#include "dicom/dict.inc"

#define N_ENTRIES (sizeof entries / sizeof *entries)
#define N_SLOTS (sizeof slots / sizeof *slots)
#define N_KEYWORDS (sizeof by_keyword / sizeof *by_keyword)

static const struct tag_entry *
find_exact(uint32_t tag)
{
	/* dict.awk fills the table with the same hash. */
	size_t h = ((size_t)TAG_GROUP(tag) * 7919 + (size_t)TAG_ELEMENT(tag) * 31) % N_SLOTS;

	while (slots[h] != 0) {
		const struct tag_entry *e = &entries[slots[h] - 1];

		if (e->tag == tag)
			return e;
		h = (h + 1) % N_SLOTS;
	}
	return NULL;
}

const struct tag_entry *
tag_find(uint32_t tag)
{
	const struct tag_entry *e;
	uint16_t group = TAG_GROUP(tag);

	if (group & 1)
		return NULL;
	e = find_exact(tag);
	if (e != NULL)
		return e;
	/* PS3.5 7.6: repeating groups; 7Fxx and (0020,31xx) are retired ones */
	switch (group & 0xFF00) {
	case 0x5000:
	case 0x6000:
	case 0x7F00:
		return find_exact(tag & 0xFF00FFFF);
	}
	if (group == 0x0020 && (TAG_ELEMENT(tag) & 0xFF00) == 0x3100)
		return find_exact(0x00203100);
	return NULL;
}

const struct tag_entry *
tag_find_keyword(const char *keyword, size_t len)
{
	size_t lo = 0, hi = N_KEYWORDS;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct tag_entry *e = &entries[by_keyword[mid]];
		int c = strncmp(e->keyword, keyword, len);

		if (c == 0 && e->keyword[len] != '\0')
			c = 1;
		if (c == 0)
			return e;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

bool
tag_is_us_or_ss(uint32_t tag)
{
	size_t lo = 0, hi = sizeof us_or_ss / sizeof *us_or_ss;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (us_or_ss[mid] == tag)
			return true;
		if (us_or_ss[mid] < tag)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

int
tag_parse(const char *text, size_t len, uint32_t *ret_tag)
{
	const struct tag_entry *e;
	uint32_t tag = 0;
	size_t i;

	if (len == 8) {
		for (i = 0; i < 8; i++) {
			char c = text[i];

			if (c >= '0' && c <= '9')
				tag = tag << 4 | (uint32_t)(c - '0');
			else if (c >= 'A' && c <= 'F')
				tag = tag << 4 | (uint32_t)(c - 'A' + 10);
			else if (c >= 'a' && c <= 'f')
				tag = tag << 4 | (uint32_t)(c - 'a' + 10);
			else
				break;
		}
		if (i == 8) {
			*ret_tag = tag;
			return 0;
		}
	}
	if (len == 0 || memchr(text, '\0', len) != NULL)
		return -EINVAL;
	e = tag_find_keyword(text, len);
	if (e == NULL)
		return -EINVAL;
	*ret_tag = e->tag;
	return 0;
}

void
tag_format(uint32_t tag, char text[9])
{
	static const char hex[] = "0123456789ABCDEF";
	int i;

	for (i = 0; i < 8; i++)
		text[i] = hex[tag >> (28 - 4 * i) & 15];
	text[8] = '\0';
}
