#include "dicom/json.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "dicom/tag.h"

/* ----------------------------------------------------------- render ---- */

/* Copy, with the URL for each mark. */
static void
put_with_url(struct buf *out, const char *p, const char *end, struct slice url)
{
	const char *mark;

	while ((mark = memchr(p, JSON_URL, (size_t)(end - p))) != NULL) {
		buf_put(out, p, (size_t)(mark - p));
		buf_put(out, url.data, url.len);
		p = mark + 1;
	}
	buf_put(out, p, (size_t)(end - p));
}

static int
render(struct slice template, const struct slice *url, struct buf *out)
{
	const char *p = template.data, *end = p + template.len, *open, *close;

	while (p < end) {
		open = memchr(p, JSON_SPAN_OPEN, (size_t)(end - p));
		if (url != NULL)
			put_with_url(out, p, open != NULL ? open : end, *url);
		else
			buf_put(out, p, (size_t)((open != NULL ? open : end) - p));
		if (open == NULL)
			break;
		close = memchr(open, JSON_SPAN_CLOSE, (size_t)(end - open));
		if (close == NULL)
			return -EBADMSG;
		if (url != NULL)
			put_with_url(out, open + 1, close, *url);
		p = close + 1;
	}
	return buf_error(out);
}

int
dicom_json_render(struct slice template, const char *instance_url, struct buf *out)
{
	struct buf escaped;
	struct slice url;
	int r;

	if (template.len == 0)
		return 0;
	if (instance_url == NULL)
		return render(template, NULL, out);
	/* Part of it may be what a client sent as Host. */
	buf_init(&escaped, 6 * strlen(instance_url) + 2);
	r = buf_put_json_string(&escaped, instance_url, strlen(instance_url));
	if (r == 0) {
		url = slice_of(escaped.data + 1, escaped.len - 2);
		r = render(template, &url, out);
	}
	buf_fini(&escaped);
	return r;
}

/* ------------------------------------------------------------- find ---- */

enum { OTHER, QUOTE, OPEN, CLOSE, COMMA, SPACE };

static const unsigned char kinds[256] = {
	['"'] = QUOTE, ['{'] = OPEN, ['['] = OPEN, ['}'] = CLOSE, [']'] = CLOSE,
	[','] = COMMA, [' '] = SPACE, ['\t'] = SPACE, ['\n'] = SPACE, ['\r'] = SPACE,
	[JSON_SPAN_OPEN] = SPACE, [JSON_SPAN_CLOSE] = SPACE,
};

/* The closing quote of the string that opens at p; NULL when there is none. */
static const char *
string_end(const char *p, const char *end)
{
	/* strings are short: a loop beats memchr */
	p++;
	while (p < end && *p != '"')
		p += *p == '\\' && end - p > 1 ? 2 : 1;
	return p < end ? p : NULL;
}

/* Past the value that begins at p: NULL when it does not end. */
static const char *
value_end(const char *p, const char *end)
{
	const char *start = p;
	unsigned depth = 0;

	for (; p < end; p++) {
		switch (kinds[(unsigned char)*p]) {
		case QUOTE:
			p = string_end(p, end);
			if (p == NULL)
				return NULL;
			if (depth == 0)
				return p + 1;
			break;
		case OPEN:
			depth++;
			break;
		case CLOSE:
			if (depth == 0)
				return p > start ? p : NULL;
			if (--depth == 0)
				return p + 1;
			break;
		case COMMA:
		case SPACE:
			/* the end of a number or a word */
			if (depth == 0)
				return p > start ? p : NULL;
			break;
		}
	}
	return NULL;
}

static const char *
pass_over(const char *p, const char *end, bool commas)
{
	while (p < end && (kinds[(unsigned char)*p] == SPACE || (commas && *p == ',')))
		p++;
	return p;
}

struct member {
	const char *key;
	size_t key_len;
	struct slice value;
};

/* The member at or after *p.  1: there is one, and *p is behind it; 0: the
 * object ends. */
static int
next_member(const char **p, const char *end, struct member *m)
{
	const char *key = pass_over(*p, end, true), *close, *value, *after;

	if (key == end)
		return -EBADMSG;
	if (*key == '}')
		return 0;
	if (*key != '"' || (close = string_end(key, end)) == NULL)
		return -EBADMSG;
	value = pass_over(close + 1, end, false);
	if (value == end || *value != ':')
		return -EBADMSG;
	value = pass_over(value + 1, end, false);
	after = value_end(value, end);
	if (after == NULL)
		return -EBADMSG;
	m->key = key + 1;
	m->key_len = (size_t)(close - m->key);
	m->value = slice_of(value, (size_t)(after - value));
	*p = after;
	return 1;
}

static int
enter_object(const char **p, const char *end)
{
	*p = pass_over(*p, end, false);
	if (*p == end || **p != '{')
		return -EBADMSG;
	++*p;
	return 0;
}

int
dicom_json_find(struct slice json, uint32_t tag, struct slice *ret_value)
{
	const char *p = json.data, *end;
	struct member m;
	char want[9];
	int r;

	if (json.len == 0)
		return -EBADMSG;
	end = p + json.len;
	tag_format(tag, want);
	r = enter_object(&p, end);
	if (r < 0)
		return r;
	while ((r = next_member(&p, end, &m)) > 0)
		if (m.key_len == 8 && memcmp(m.key, want, 8) == 0) {
			*ret_value = m.value;
			return 0;
		}
	return r < 0 ? r : -ENOENT;
}

int
dicom_json_find_next(struct slice json, size_t *pos, uint32_t tag, struct slice *ret_value)
{
	const char *p, *end, *before;
	struct member m;
	char want[9];
	int r, c;

	if (json.len == 0 || *pos > json.len)
		return -EBADMSG;
	p = (const char *)json.data + *pos;
	end = (const char *)json.data + json.len;
	tag_format(tag, want);
	if (*pos == 0) {
		r = enter_object(&p, end);
		if (r < 0)
			return r;
	}
	for (;;) {
		before = p;
		r = next_member(&p, end, &m);
		if (r < 0)
			return r;
		c = r == 0 || m.key_len != 8 ? 1 : memcmp(m.key, want, 8);
		if (c >= 0) {
			/* stay before a later one: it may be asked for next */
			*pos = (size_t)((c > 0 ? before : p) - (const char *)json.data);
			if (c > 0)
				return -ENOENT;
			*ret_value = m.value;
			return 0;
		}
	}
}

static bool
is_key(const struct member *m, const char *key)
{
	return m->key_len == strlen(key) && memcmp(m->key, key, m->key_len) == 0;
}

int
dicom_json_each(struct slice json, int (*fn)(void *ctx, uint32_t tag, struct slice element), void *ctx)
{
	const char *p = json.data, *end;
	struct member m;
	uint32_t tag;
	int r;

	if (json.len == 0)
		return -EBADMSG;
	end = p + json.len;
	r = enter_object(&p, end);
	if (r < 0)
		return r;
	while ((r = next_member(&p, end, &m)) > 0) {
		if (m.key_len != 8 || tag_parse(m.key, m.key_len, &tag) < 0)
			continue;
		r = fn(ctx, tag, m.value);
		if (r != 0)
			return r;
	}
	return r;
}

uint16_t
dicom_json_vr(struct slice element)
{
	const char *p = element.data, *end;
	struct member m;

	if (element.len == 0)
		return 0;
	end = p + element.len;
	if (enter_object(&p, end) < 0)
		return 0;
	while (next_member(&p, end, &m) > 0)
		if (is_key(&m, "vr")) {
			p = m.value.data;
			return m.value.len == 4 && *p == '"' ? VR(p[1], p[2]) : 0;
		}
	return 0;
}

/* ----------------------------------------------------------- values ---- */

int
dicom_json_values(struct slice element, int (*fn)(void *ctx, struct slice value), void *ctx)
{
	const char *p = element.data, *end, *after;
	struct member m;
	int r;

	if (element.len == 0)
		return -EBADMSG;
	end = p + element.len;
	r = enter_object(&p, end);
	if (r < 0)
		return r;
	while ((r = next_member(&p, end, &m)) > 0 && !is_key(&m, "Value"))
		;
	if (r <= 0)
		return r;
	p = m.value.data;
	end = p + m.value.len;
	if (*p != '[')
		return -EBADMSG;
	for (p++; (p = pass_over(p, end, true)) < end && *p != ']'; p = after) {
		after = value_end(p, end);
		if (after == NULL)
			return -EBADMSG;
		r = fn(ctx, slice_of(p, (size_t)(after - p)));
		if (r != 0)
			return r;
	}
	return 0;
}

static int
hex_value(const char *p, const char *end)
{
	int n = 0, i;

	if (end - p < 4)
		return -1;
	for (i = 0; i < 4; i++) {
		char c = p[i];

		if (c >= '0' && c <= '9')
			n = n * 16 + (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			n = n * 16 + ((c | 0x20) - 'a' + 10);
		else
			return -1;
	}
	return n;
}

/* Past \u and its digits, those of a pair's second half too. */
static const char *
put_code_point(struct buf *out, const char *p, const char *end)
{
	int code = hex_value(p, end), low;

	if (code < 0)
		return NULL;
	p += 4;
	if (code >= 0xD800 && code < 0xDC00 && end - p >= 6 && p[0] == '\\' && p[1] == 'u') {
		low = hex_value(p + 2, end);
		if (low >= 0xDC00 && low < 0xE000) {
			code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
			p += 6;
		}
	}
	if (code >= 0xD800 && code < 0xE000)
		code = 0xFFFD;
	if (code < 0x80) {
		buf_putc(out, (char)code);
	} else if (code < 0x800) {
		buf_putc(out, (char)(0xC0 | code >> 6));
		buf_putc(out, (char)(0x80 | (code & 0x3F)));
	} else {
		if (code < 0x10000) {
			buf_putc(out, (char)(0xE0 | code >> 12));
		} else {
			buf_putc(out, (char)(0xF0 | code >> 18));
			buf_putc(out, (char)(0x80 | (code >> 12 & 0x3F)));
		}
		buf_putc(out, (char)(0x80 | (code >> 6 & 0x3F)));
		buf_putc(out, (char)(0x80 | (code & 0x3F)));
	}
	return p;
}

/* p behind the opening quote, end at the closing one. */
static int
put_unescaped(struct buf *out, const char *p, const char *end)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char *escape;

	while (p < end && (escape = memchr(p, '\\', (size_t)(end - p))) != NULL) {
		const char *known;

		buf_put(out, p, (size_t)(escape - p));
		p = escape + 1;
		if (p == end)
			return -EBADMSG;
		if (*p == 'u') {
			p = put_code_point(out, p + 1, end);
			if (p == NULL)
				return -EBADMSG;
			continue;
		}
		known = strchr(from, *p);
		buf_putc(out, known != NULL ? to[known - from] : *p);
		p++;
	}
	buf_put(out, p, (size_t)(end - p));
	return 0;
}

static int
put_string_text(struct buf *out, struct slice json)
{
	const char *p = json.data;

	if (json.len < 2 || p[0] != '"')
		return -EBADMSG;
	return put_unescaped(out, p + 1, p + json.len - 1);
}

static int
put_name_text(struct buf *out, struct slice json)
{
	static const char *const groups[] = { "Alphabetic", "Ideographic", "Phonetic" };
	const char *p = json.data, *end = p + json.len;
	unsigned g, written = 0;
	struct member m;
	int r = enter_object(&p, end);

	while (r >= 0 && (r = next_member(&p, end, &m)) > 0)
		for (g = 0; g < 3; g++)
			if (is_key(&m, groups[g])) {
				for (; written < g; written++)
					buf_putc(out, '=');
				r = put_string_text(out, m.value);
			}
	return r;
}

int
dicom_json_text(struct slice value, struct buf *out)
{
	const char *p = value.data;
	int r;

	if (value.len == 0)
		return -EBADMSG;
	if (*p == '"')
		r = put_string_text(out, value);
	else if (*p == '{')
		r = put_name_text(out, value);
	else
		r = value.len == 4 && memcmp(p, "null", 4) == 0 ? 0 : buf_put(out, p, value.len);
	return r < 0 ? r : buf_error(out);
}

struct texts {
	struct buf *out;
	bool more;
};

static int
add_text(void *ctx, struct slice value)
{
	struct texts *t = ctx;

	if (t->more)
		buf_putc(t->out, '\\');
	t->more = true;
	return dicom_json_text(value, t->out);
}

int
dicom_json_texts(struct slice element, struct buf *out)
{
	struct texts t = { out, false };

	return dicom_json_values(element, add_text, &t);
}
