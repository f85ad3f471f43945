#include "dicom/collate.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "dicom/number.h"
#include "dicom/value.h"
#include "dicom/vr.h"

static int
collate_number(const char *value, size_t len, struct buf *out)
{
	unsigned char key[8];
	uint64_t bits;
	double d;
	int i;

	if (!number_parse(value, len, &d) || isnan(d))
		return -EINVAL;
	if (d == 0)
		d = 0;			/* minus zero is zero */
	memcpy(&bits, &d, sizeof bits);
	/* IEEE 754 orders like its bits but for the sign. */
	bits ^= bits >> 63 ? UINT64_MAX : (uint64_t)1 << 63;
	for (i = 0; i < 8; i++)
		key[i] = (unsigned char)(bits >> (56 - 8 * i));
	return buf_put(out, key, sizeof key);
}

/* ACR-NEMA wrote 1997.04.24 and 10:11:12. */
static int
collate_digits(const char *value, size_t len, char separator, struct buf *out)
{
	size_t i;

	if (len > COLLATE_MAX)
		len = COLLATE_MAX;
	for (i = 0; i < len; i++)
		if (value[i] != separator)
			buf_putc(out, value[i]);
	return buf_error(out);
}

static bool
is_ascii(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((unsigned char)s[i] >= 0x80)
			return false;
	return true;
}

static int
put_cut(struct buf *out, const void *data, size_t len)
{
	return buf_put(out, data, len < COLLATE_MAX ? len : COLLATE_MAX);
}

static int
collate_text(const char *value, size_t len, bool name, struct buf *out)
{
	utf8proc_option_t options = UTF8PROC_STABLE | UTF8PROC_CASEFOLD | UTF8PROC_COMPOSE;
	utf8proc_uint8_t *folded = NULL;
	utf8proc_ssize_t n;
	char *room;
	size_t i;
	int r;

	if (is_ascii(value, len)) {
		if (len > COLLATE_MAX)
			len = COLLATE_MAX;
		r = buf_reserve(out, len, &room);
		if (r < 0)
			return r;
		for (i = 0; i < len; i++)
			room[i] = (char)(value[i] >= 'A' && value[i] <= 'Z' ? value[i] + 32 : value[i]);
		buf_grow(out, len);
		return 0;
	}
	if (name)
		options |= UTF8PROC_STRIPMARK;
	n = utf8proc_map((const utf8proc_uint8_t *)value, (utf8proc_ssize_t)len, &folded, options);
	if (n == UTF8PROC_ERROR_NOMEM)
		return -ENOMEM;
	if (n < 0)			/* not UTF-8: compare the bytes */
		return put_cut(out, value, len);
	r = put_cut(out, folded, (size_t)n);
	free(folded);
	return r;
}

int
collate_value(uint16_t vr, const char *value, size_t len, struct buf *out)
{
	const struct vr_info *info = vr_info(vr);

	len = value_trimmed(value, len);
	if (info->kind == VR_NUMBER_STRING || info->kind == VR_BINARY)
		return collate_number(value, len, out);
	if (vr == VR('D', 'A'))
		return collate_digits(value, len, '.', out);
	if (vr == VR('T', 'M'))
		return collate_digits(value, len, ':', out);
	return collate_text(value, len, info->kind == VR_NAME, out);
}

static bool
is_word_end(char c)
{
	return c == ' ' || c == '^' || c == '=' || c == '\0';
}

int
collate_words(const char *name, size_t len,
	      int (*fn)(void *ctx, const char *word, size_t len), void *ctx)
{
	struct buf word;
	size_t i = 0, from;
	int r = 0;

	buf_init(&word, COLLATE_MAX);
	while (r == 0) {
		while (i < len && is_word_end(name[i]))
			i++;
		if (i == len)
			break;
		for (from = i; i < len && !is_word_end(name[i]); i++)
			;
		buf_reset(&word);
		r = collate_text(name + from, i - from, true, &word);
		if (r == 0 && word.len > 0)
			r = fn(ctx, word.data, word.len);
	}
	buf_fini(&word);
	return r;
}
