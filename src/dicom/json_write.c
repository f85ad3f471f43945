/* The DICOM JSON model (PS3.18 annex F; contract 0.5) as a template (json.h).
 *
 * Text goes through one scratch buffer: bytes to UTF-8 there, then value by
 * value, escaped, into the output. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "dicom/dataset.h"
#include "dicom/json.h"
#include "dicom/value.h"

/* Pieces up to this size are escaped in place, with room for the worst case
 * reserved before; longer ones by buf_put_json_string. */
#define SHORT_TEXT 4096

/* "SEQTAG.number." for each level of nesting */
#define PATH_MAX_LEN (64 * (8 + 1 + 10 + 1) + 8 + 1)

struct writer {
	const struct dicom *d;
	struct buf *out;
	struct buf text;		/* scratch: UTF-8 of one element */
	char path[PATH_MAX_LEN];	/* of the data set that is being written */
	size_t path_len;
	bool whole;			/* a template; else no bulk at all */
};

static int write_dataset(struct writer *w, const struct dataset *ds, const struct charset *cs);

/* ------------------------------------------------------------- text ---- */

/* 0: as it is; 1: needs escaping; the bytes from 80 on are known to be UTF-8. */
static const unsigned char special[256] = {
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	['"'] = 1, ['\\'] = 1, [0x7F] = 1,
};

static int
put_string(struct buf *out, const char *s, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	char *room, *to;
	size_t i;
	int r;

	if (len > SHORT_TEXT)
		return buf_put_json_string(out, s, len);
	r = buf_reserve(out, 6 * len + 2, &room);
	if (r < 0)
		return r;
	to = room;
	*to++ = '"';
	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (!special[c]) {
			*to++ = (char)c;
			continue;
		}
		*to++ = '\\';
		switch (c) {
		case '"':
		case '\\':
			*to++ = (char)c;
			break;
		case '\n':
			*to++ = 'n';
			break;
		case '\r':
			*to++ = 'r';
			break;
		case '\t':
			*to++ = 't';
			break;
		default:
			*to++ = 'u';
			*to++ = '0';
			*to++ = '0';
			*to++ = hex[c >> 4];
			*to++ = hex[c & 15];
		}
	}
	*to++ = '"';
	buf_grow(out, (size_t)(to - room));
	return 0;
}

/* PS3.18 F.2.2: up to three groups, those present. */
static int
put_name(struct buf *out, const char *s, size_t len)
{
	static const char *const groups[] = { "Alphabetic", "Ideographic", "Phonetic" };
	const char *end = s + len;
	bool any = false;
	size_t g;

	buf_putc(out, '{');
	for (g = 0; g < 3 && s <= end; g++) {
		const char *sep = s < end ? memchr(s, '=', (size_t)(end - s)) : NULL;
		const char *to = sep != NULL ? sep : end;

		/* What a fourth group would be stays with the third. */
		if (g == 2)
			to = end;
		if (to > s) {
			buf_puts(out, any ? ",\"" : "\"");
			buf_puts(out, groups[g]);
			buf_puts(out, "\":");
			put_string(out, s, (size_t)(to - s));
			any = true;
		}
		s = to + 1;
	}
	return buf_putc(out, '}');
}

static int
put_number_text(struct buf *out, const char *s, size_t len)
{
	char *room;
	size_t n;
	int r;

	r = buf_reserve(out, len + 1, &room);
	if (r < 0)
		return r;
	n = number_put_text(room, s, len);
	if (n == 0)
		return put_string(out, s, len);
	buf_grow(out, n);
	return 0;
}

/* Trailing spaces go; NULs stay (contract 2.6) but in a UI, which they pad. */
static size_t
trimmed(const char *s, size_t len, bool uid)
{
	while (len > 0 && (s[len - 1] == ' ' || (uid && s[len - 1] == '\0')))
		len--;
	return len;
}

static int
put_values(struct buf *out, const struct dicom_element *el, const struct vr_info *info,
	   const char *s, size_t len)
{
	bool uid = el->vr == VR('U', 'I');
	const char *end = s + len, *sep;
	size_t n;

	sep = info->single ? NULL : memchr(s, '\\', len);
	if (sep == NULL && trimmed(s, len, uid) == 0)
		return 0;
	buf_put(out, ",\"Value\":[", 10);
	for (;;) {
		n = trimmed(s, (size_t)((sep != NULL ? sep : end) - s), uid);
		if (n == 0)
			buf_put(out, "null", 4);
		else if (info->kind == VR_NAME)
			put_name(out, s, n);
		else if (info->kind == VR_NUMBER_STRING)
			put_number_text(out, s, n);
		else
			put_string(out, s, n);
		if (sep == NULL)
			break;
		buf_putc(out, ',');
		s = sep + 1;
		sep = s < end ? memchr(s, '\\', (size_t)(end - s)) : NULL;
	}
	return buf_putc(out, ']');
}

static int
write_text(struct writer *w, const struct dicom_element *el, const struct vr_info *info,
	   const struct charset *cs)
{
	struct charset none = charset_default();
	int r;

	if (el->value.len == 0)
		return 0;
	if (charset_is_plain(el->value.data, el->value.len))
		return put_values(w->out, el, info, el->value.data, el->value.len);
	if (info->kind == VR_STRING || info->kind == VR_NUMBER_STRING)
		cs = &none;
	buf_reset(&w->text);
	r = charset_to_utf8(cs, value_text_kind(info), el->value.data, el->value.len, &w->text);
	if (r < 0)
		return r;
	return put_values(w->out, el, info, w->text.data, w->text.len);
}

/* ---------------------------------------------------------- numbers ---- */

static int
write_numbers(struct writer *w, const struct dicom_element *el, const struct vr_info *info)
{
	size_t n = el->value.len / info->size, i, len;
	char *room;
	int r = 0;

	if (n == 0)
		return 0;
	buf_put(w->out, ",\"Value\":[", 10);
	for (i = 0; i < n; i++) {
		r = buf_reserve(w->out, NUMBER_TEXT_MAX + 1, &room);
		if (r < 0)
			return r;
		if (i > 0)
			*room++ = ',';
		len = value_put_number(el, info, w->d->big_endian, i, room);
		if (len == 0) {
			/* The standard is silent; fo-dicom says it so */
			double v = value_number(el, info, w->d->big_endian, i);
			const char *s = isnan(v) ? "\"NaN\"" : v > 0 ? "\"Infinity\"" : "\"-Infinity\"";

			len = strlen(s);
			memcpy(room, s, len);
		}
		buf_grow(w->out, len + (i > 0));
	}
	return buf_putc(w->out, ']');
}

static int
write_tags(struct writer *w, const struct dicom_element *el)
{
	size_t n = el->value.len / 4, i;
	char text[9];

	if (n == 0)
		return 0;
	buf_puts(w->out, ",\"Value\":[");
	for (i = 0; i < n; i++) {
		tag_format(value_tag(el, w->d->big_endian, i), text);
		buf_puts(w->out, i > 0 ? ",\"" : "\"");
		buf_puts(w->out, text);
		buf_putc(w->out, '"');
	}
	return buf_putc(w->out, ']');
}

/* ------------------------------------------------------------- bulk ---- */

static int
put_base64(struct buf *out, const unsigned char *p, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *room, *to;
	size_t i;
	int r;

	r = buf_reserve(out, (len + 2) / 3 * 4, &room);
	if (r < 0)
		return r;
	to = room;
	for (i = 0; i + 2 < len; i += 3) {
		uint32_t v = (uint32_t)p[i] << 16 | (uint32_t)p[i + 1] << 8 | p[i + 2];

		*to++ = digits[v >> 18];
		*to++ = digits[v >> 12 & 63];
		*to++ = digits[v >> 6 & 63];
		*to++ = digits[v & 63];
	}
	if (i < len) {
		uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < len ? (uint32_t)p[i + 1] << 8 : 0);

		*to++ = digits[v >> 18];
		*to++ = digits[v >> 12 & 63];
		*to++ = i + 1 < len ? digits[v >> 6 & 63] : '=';
		*to++ = '=';
	}
	buf_grow(out, (size_t)(to - room));
	return 0;
}

static int
write_bulk(struct writer *w, const struct dicom_element *el, const struct vr_info *info)
{
	char tag[9];
	int r;

	if (el->value.data != NULL) {
		if (el->value.len == 0)
			return 0;
		buf_reset(&w->text);
		r = value_put_little_endian(el, info, w->d->big_endian, &w->text);
		if (r < 0)
			return r;
		buf_puts(w->out, ",\"InlineBinary\":\"");
		put_base64(w->out, (const unsigned char *)w->text.data, w->text.len);
		return buf_putc(w->out, '"');
	}
	if (el->offset == 0)
		return 0;		/* deflated: nowhere in the file */
	tag_format(el->tag, tag);
	return buf_printf(w->out, ",\"BulkDataURI\":\"%c/bulkdata/%.*s%s?offset=%llu&length=%llu\"",
			  JSON_URL, (int)w->path_len, w->path, tag,
			  (unsigned long long)el->offset, (unsigned long long)el->length);
}

/* -------------------------------------------------------- sequences ---- */

static int
write_sequence(struct writer *w, const struct node *node, const struct charset *cs)
{
	size_t before = w->path_len;
	uint32_t i;
	int r;

	if (node->n_items == 0)
		return 0;
	buf_puts(w->out, ",\"Value\":[");
	for (i = 0; i < node->n_items; i++) {
		/* The reader's limit of nesting bounds the path. */
		if (before + 20 < sizeof w->path) {
			char *p = w->path + before;

			tag_format(node->el.tag, p);
			p += 8;
			*p++ = '.';
			p += number_put_unsigned(p, i + 1);
			*p++ = '.';
			w->path_len = (size_t)(p - w->path);
		}
		if (i > 0)
			buf_putc(w->out, ',');
		r = write_dataset(w, &node->items[i], cs);
		if (r < 0)
			return r;
	}
	w->path_len = before;
	return buf_putc(w->out, ']');
}

/* --------------------------------------------------------- elements ---- */

/* {"vr":..,...} */
static int
write_element(struct writer *w, const struct node *node, const struct vr_info *info,
	      const struct charset *cs)
{
	char head[] = "{\"vr\":\"??\"";
	int r = 0;

	head[7] = (char)(node->el.vr >> 8);
	head[8] = (char)(node->el.vr & 0xFF);
	buf_put(w->out, head, sizeof head - 1);
	switch (info->kind) {
	case VR_STRING:
	case VR_TEXT:
	case VR_NAME:
	case VR_NUMBER_STRING:
		r = write_text(w, &node->el, info, cs);
		break;
	case VR_BINARY:
		r = write_numbers(w, &node->el, info);
		break;
	case VR_TAG:
		r = write_tags(w, &node->el);
		break;
	case VR_SEQUENCE:
		r = write_sequence(w, node, cs);
		break;
	case VR_BULK:
		r = w->whole ? write_bulk(w, &node->el, info) : 0;
		break;
	case VR_UNKNOWN:	/* the reader makes UN of it */
		break;
	}
	return r < 0 ? r : buf_putc(w->out, '}');
}

/* PS3.18 F.2.2 leaves out group lengths; group 0002 is no metadata (contract
 * 0.5), and groups 0000 and FFFE cannot be in a data set. */
static bool
is_written(const struct node *node)
{
	uint16_t group = TAG_GROUP(node->el.tag);

	return TAG_ELEMENT(node->el.tag) != 0 && group != 0x0000 && group != 0x0002;
}

/* Commas, so that the object is right with and without the spans:
 *  - before the first visible member, a span brings the comma behind it;
 *  - from there on (or when none is visible), every member but the first
 *    brings the comma before it, a span inside itself. */
static int
write_dataset(struct writer *w, const struct dataset *ds, const struct charset *outer)
{
	struct charset cs = value_charset(ds, outer);
	uint32_t i, first_visible;
	bool any = false;		/* something was written after which a comma must stand */
	int r;

	for (first_visible = 0; first_visible < ds->count; first_visible++)
		if (is_written(&ds->nodes[first_visible]) &&
		    vr_info(ds->nodes[first_visible].el.vr)->kind != VR_BULK)
			break;
	buf_putc(w->out, '{');
	for (i = 0; i < ds->count; i++) {
		const struct node *node = &ds->nodes[i];
		const struct vr_info *info = vr_info(node->el.vr);
		bool leads = i < first_visible && first_visible < ds->count;
		bool hidden = info->kind == VR_BULK;
		char head[] = "\001,\"????????\":", *p = head + 1;

		if (!is_written(node) || (hidden && !w->whole))
			continue;
		tag_format(node->el.tag, head + 3);
		head[11] = '"';
		if (!any)
			p = head + 2;		/* no comma */
		if (hidden)
			*--p = JSON_SPAN_OPEN;
		buf_put(w->out, p, (size_t)(head + sizeof head - 1 - p));
		r = write_element(w, node, info, &cs);
		if (r < 0)
			return r;
		if (leads)
			buf_putc(w->out, ',');
		else
			any = true;
		if (hidden)
			buf_putc(w->out, JSON_SPAN_CLOSE);
	}
	return buf_putc(w->out, '}');
}

static void
writer_init(struct writer *w, const struct dicom *d, struct buf *out, bool whole)
{
	w->d = d;
	w->out = out;
	w->whole = whole;
	w->path_len = 0;
	/* The arena bounds a value's bytes; each becomes at most three. */
	buf_init(&w->text, (size_t)1 << 30);
}

int
dicom_write_json(const struct dicom *d, struct buf *out)
{
	struct charset none = charset_default();
	struct writer w;
	int r;

	writer_init(&w, d, out, true);
	r = write_dataset(&w, &d->top, &none);
	buf_fini(&w.text);
	return r < 0 ? r : buf_error(out);
}

int
dicom_write_json_element(const struct dicom *d, uint32_t tag, struct buf *out)
{
	struct charset none = charset_default(), cs = value_charset(&d->top, &none);
	const struct node *node = dataset_find(&d->top, tag);
	struct writer w;
	int r;

	if (node == NULL)
		return -ENOENT;
	writer_init(&w, d, out, false);
	r = write_element(&w, node, vr_info(node->el.vr), &cs);
	buf_fini(&w.text);
	return r < 0 ? r : buf_error(out);
}
