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

/* The closing quote of the string that opens at p; NULL when there is none. */
static const char *
string_end(const char *p, const char *end)
{
	for (p++; p < end; p++) {
		const char *back, *quote = memchr(p, '"', (size_t)(end - p));
		bool escaped = false;

		if (quote == NULL)
			return NULL;
		for (back = quote; back > p && back[-1] == '\\'; back--)
			escaped = !escaped;
		if (!escaped)
			return quote;
		p = quote;
	}
	return NULL;
}

/* Past the value that begins at p: NULL when it does not end. */
static const char *
value_end(const char *p, const char *end)
{
	unsigned depth = 0;

	for (; p < end; p++) {
		switch (*p) {
		case '"':
			p = string_end(p, end);
			if (p == NULL)
				return NULL;
			break;
		case '{':
		case '[':
			depth++;
			continue;
		case '}':
		case ']':
			if (depth == 0)
				return p;
			depth--;
			break;
		case ',':
		case JSON_SPAN_CLOSE:
			if (depth == 0)
				return p;
			continue;
		default:
			/* the rest of a number or word is passed over like this */
			continue;
		}
		if (depth == 0)
			return p + 1;
	}
	return NULL;
}

static bool
is_between(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',' ||
	       c == JSON_SPAN_OPEN || c == JSON_SPAN_CLOSE;
}

int
dicom_json_find(struct slice json, uint32_t tag, struct slice *ret_value)
{
	const char *p = json.data, *end = p + json.len, *key, *close, *after;
	char want[9];

	if (json.len == 0)
		return -EBADMSG;
	tag_format(tag, want);
	while (p < end && is_between(*p))
		p++;
	if (p == end || *p++ != '{')
		return -EBADMSG;
	for (;;) {
		while (p < end && is_between(*p))
			p++;
		if (p == end)
			return -EBADMSG;
		if (*p == '}')
			return -ENOENT;
		key = p + 1;
		if (*p != '"' || (close = string_end(p, end)) == NULL)
			return -EBADMSG;
		for (p = close + 1; p < end && is_between(*p) && *p != ','; p++)
			;
		if (p == end || *p++ != ':')
			return -EBADMSG;
		while (p < end && is_between(*p) && *p != ',')
			p++;
		after = value_end(p, end);
		if (after == NULL || after == p)
			return -EBADMSG;
		if (close - key == 8 && memcmp(key, want, 8) == 0) {
			*ret_value = slice_of(p, (size_t)(after - p));
			return 0;
		}
		p = after;
	}
}
