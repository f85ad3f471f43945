#include "base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void
buf_fini(struct buf *b)
{
	free(b->data);
	*b = (struct buf){ .max = b->max };
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
	b->error = 0;
	if (b->data != NULL)
		b->data[0] = '\0';
}

int
buf_error(const struct buf *b)
{
	return b->error;
}

int
buf_reserve(struct buf *b, size_t len, char **ret_room)
{
	size_t cap;
	char *p;

	if (b->error != 0)
		return b->error;
	if (len > b->max || b->len > b->max - len)
		return b->error = -EMSGSIZE;
	if (b->data == NULL || b->len + len + 1 > b->cap) {
		cap = b->cap < 64 ? 64 : b->cap;
		while (cap < b->len + len + 1)
			cap = cap > SIZE_MAX / 2 ? b->len + len + 1 : cap * 2;
		p = realloc(b->data, cap);
		if (p == NULL)
			return b->error = -ENOMEM;
		b->data = p;
		b->cap = cap;
	}
	if (ret_room != NULL)
		*ret_room = b->data + b->len;
	return 0;
}

void
buf_grow(struct buf *b, size_t len)
{
	b->len += len;
	b->data[b->len] = '\0';
}

int
buf_put(struct buf *b, const void *data, size_t len)
{
	char *room;
	int r = buf_reserve(b, len, &room);

	if (r < 0)
		return r;
	if (len > 0)
		memcpy(room, data, len);
	buf_grow(b, len);
	return 0;
}

int
buf_puts(struct buf *b, const char *s)
{
	return buf_put(b, s, strlen(s));
}

int
buf_putc(struct buf *b, char c)
{
	return buf_put(b, &c, 1);
}

int
buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
	char small[256];
	char *room;
	va_list again;
	int n, r;

	va_copy(again, ap);
	n = vsnprintf(small, sizeof small, fmt, ap);
	if (n < 0)
		r = b->error != 0 ? b->error : (b->error = -EINVAL);
	else if ((size_t)n < sizeof small)
		r = buf_put(b, small, (size_t)n);
	else {
		r = buf_reserve(b, (size_t)n, &room);
		if (r == 0) {
			vsnprintf(room, (size_t)n + 1, fmt, again);
			buf_grow(b, (size_t)n);
		}
	}
	va_end(again);
	return r;
}

int
buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = buf_vprintf(b, fmt, ap);
	va_end(ap);
	return r;
}

void
buf_truncate(struct buf *b, size_t len)
{
	if (len < b->len) {
		b->len = len;
		b->data[len] = '\0';
	}
}

char *
buf_take(struct buf *b, size_t *ret_len)
{
	char *data = b->data;

	if (ret_len != NULL)
		*ret_len = b->len;
	*b = (struct buf){ .max = b->max };
	return data;
}

struct slice
buf_slice(const struct buf *b)
{
	return slice_of(b->data, b->len);
}

int
buf_put_json_string(struct buf *b, const char *s, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *p = (const unsigned char *)s;
	size_t i = 0, run = 0, n;
	char esc[6] = { '\\', 'u', '0', '0' };

	buf_putc(b, '"');
	while (i < len) {
		unsigned char c = p[i];

		if (c >= 0x20 && c < 0x7F && c != '"' && c != '\\') {
			i++;
			continue;
		}
		if (c >= 0x80 && (n = utf8_sequence(p + i, len - i)) > 0) {
			i += n;
			continue;
		}
		buf_put(b, p + run, i - run);
		if (c >= 0x80)
			buf_puts(b, "\xEF\xBF\xBD");
		else if (c == '"' || c == '\\') {
			buf_putc(b, '\\');
			buf_putc(b, (char)c);
		} else if (c == '\n')
			buf_puts(b, "\\n");
		else if (c == '\r')
			buf_puts(b, "\\r");
		else if (c == '\t')
			buf_puts(b, "\\t");
		else {
			esc[4] = hex[c >> 4];
			esc[5] = hex[c & 15];
			buf_put(b, esc, sizeof esc);
		}
		run = ++i;
	}
	buf_put(b, p + run, i - run);
	return buf_putc(b, '"');
}
