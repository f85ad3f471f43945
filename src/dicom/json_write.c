/* The DICOM JSON model (PS3.18 annex F; contract 0.5) as a template (json.h).
 *
 * Output goes through a cursor into room reserved in the caller's buffer: a
 * piece asks once for the most it can need and is then written without
 * another check.  Text that is not ASCII goes through one scratch buffer.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "dicom/dataset.h"
#include "dicom/json.h"
#include "dicom/value.h"

/* Room is reserved in steps of this, so that it seldom is. */
#define STEP 4096
/* Longer text is escaped by buf_put_json_string, which needs no worst case. */
#define SHORT_TEXT 2048
/* Enough for what stands around any value: tag, vr, marks, group names. */
#define AROUND 64

/* "SEQTAG.number." for each level of nesting */
#define PATH_MAX_LEN (64 * (8 + 1 + 10 + 1) + 8 + 1)

struct writer {
	struct buf *out;
	char *p, *end;			/* the room of out that is left; p is ahead of out->len */
	struct buf text;		/* scratch: bytes of one element, converted */
	char path[PATH_MAX_LEN];	/* of the data set that is being written */
	size_t path_len;
	bool big_endian;		/* values of that data set */
	bool whole;			/* a template; else no bulk at all */
};

static int write_dataset(struct writer *w, const struct dataset *ds, const struct charset *cs);

/* ------------------------------------------------------------ cursor ---- */

/* Give out what was written, so that other functions may append to it. */
static void
flush(struct writer *w)
{
	if (w->p != NULL)
		buf_grow(w->out, (size_t)(w->p - (w->out->data + w->out->len)));
	w->p = w->end = NULL;
}

static int
more(struct writer *w, size_t n)
{
	size_t left;
	char *room;
	int r;

	flush(w);
	left = w->out->max - w->out->len;
	if (n < STEP && STEP <= left)
		n = STEP;
	r = buf_reserve(w->out, n, &room);
	if (r < 0)
		return r;
	w->p = room;
	w->end = room + n;
	return 0;
}

/* Room for n bytes at w->p. */
static int
need(struct writer *w, size_t n)
{
	return (size_t)(w->end - w->p) >= n ? 0 : more(w, n);
}

static void
put(struct writer *w, const char *s, size_t n)
{
	memcpy(w->p, s, n);
	w->p += n;
}

#define PUT(w, literal) put(w, literal, sizeof(literal) - 1)

/* ------------------------------------------------------------- text ---- */

/* These need escaping; from 80 on it is known to be UTF-8. */
static const unsigned char special[256] = {
	1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	['"'] = 1, ['\\'] = 1, [0x7F] = 1,
};

static char *
put_escape(char *to, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";

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
	return to;
}

/* Leaves AROUND bytes of room behind the string, as the next two do. */
static int
put_string(struct writer *w, const char *s, size_t len)
{
	char *to;
	size_t i;
	int r;

	if (len > SHORT_TEXT) {
		flush(w);
		r = buf_put_json_string(w->out, s, len);
		return r < 0 ? r : need(w, AROUND);
	}
	r = need(w, 6 * len + 2 + AROUND);
	if (r < 0)
		return r;
	to = w->p;
	*to++ = '"';
	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (special[c])
			to = put_escape(to, c);
		else
			*to++ = (char)c;
	}
	*to++ = '"';
	w->p = to;
	return 0;
}

/* PS3.18 F.2.2: up to three groups, those present. */
static int
put_name(struct writer *w, const char *s, size_t len)
{
	static const struct { const char *text; size_t len; } groups[] = {
		{ "\"Alphabetic\":", 13 }, { "\"Ideographic\":", 14 }, { "\"Phonetic\":", 11 },
	};
	const char *end = s + len;
	size_t g;
	int r;

	*w->p++ = '{';
	for (g = 0; g < 3 && s <= end; g++) {
		const char *sep = s < end ? memchr(s, '=', (size_t)(end - s)) : NULL;
		const char *to = sep != NULL ? sep : end;

		/* What a fourth group would be stays with the third. */
		if (g == 2)
			to = end;
		if (to > s) {
			if (w->p[-1] != '{')
				*w->p++ = ',';
			put(w, groups[g].text, groups[g].len);
			r = put_string(w, s, (size_t)(to - s));
			if (r < 0)
				return r;
		}
		s = to + 1;
	}
	*w->p++ = '}';
	return need(w, AROUND);
}

static int
put_number_text(struct writer *w, const char *s, size_t len)
{
	size_t n;
	int r;

	r = need(w, len + 1 + AROUND);
	if (r < 0)
		return r;
	n = number_put_text(w->p, s, len);
	if (n == 0)
		return put_string(w, s, len);
	w->p += n;
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
put_values(struct writer *w, const struct dicom_element *el, const struct vr_info *info,
	   const char *s, size_t len)
{
	bool uid = el->vr == VR('U', 'I');
	const char *end = s + len, *sep;
	size_t n;
	int r;

	sep = info->single ? NULL : memchr(s, '\\', len);
	if (sep == NULL && trimmed(s, len, uid) == 0)
		return 0;
	PUT(w, ",\"Value\":[");
	for (;;) {
		r = need(w, AROUND);
		if (r < 0)
			return r;
		n = trimmed(s, (size_t)((sep != NULL ? sep : end) - s), uid);
		if (n == 0)
			PUT(w, "null");
		else if (info->kind == VR_NAME)
			r = put_name(w, s, n);
		else if (info->kind == VR_NUMBER_STRING)
			r = put_number_text(w, s, n);
		else
			r = put_string(w, s, n);
		if (r < 0)
			return r;
		if (sep == NULL)
			break;
		*w->p++ = ',';
		s = sep + 1;
		sep = s < end ? memchr(s, '\\', (size_t)(end - s)) : NULL;
	}
	*w->p++ = ']';
	return 0;
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
		return put_values(w, el, info, el->value.data, el->value.len);
	if (info->kind == VR_STRING || info->kind == VR_NUMBER_STRING)
		cs = &none;
	buf_reset(&w->text);
	r = charset_to_utf8(cs, value_text_kind(info), el->value.data, el->value.len, &w->text);
	if (r < 0 || w->text.len == 0)	/* escapes alone leave nothing */
		return r;
	return put_values(w, el, info, w->text.data, w->text.len);
}

/* ---------------------------------------------------------- numbers ---- */

static int
write_numbers(struct writer *w, const struct dicom_element *el, const struct vr_info *info)
{
	size_t n = el->value.len / info->size, i, len;
	int r;

	if (n == 0)
		return 0;
	PUT(w, ",\"Value\":[");
	for (i = 0; i < n; i++) {
		r = need(w, NUMBER_TEXT_MAX + AROUND);
		if (r < 0)
			return r;
		if (i > 0)
			*w->p++ = ',';
		len = value_put_number(el, info, w->big_endian, i, w->p);
		if (len == 0) {
			/* The standard is silent; fo-dicom says it so */
			double v = value_number(el, info, w->big_endian, i);
			const char *s = isnan(v) ? "\"NaN\"" : v > 0 ? "\"Infinity\"" : "\"-Infinity\"";

			len = strlen(s);
			memcpy(w->p, s, len);
		}
		w->p += len;
	}
	*w->p++ = ']';
	return 0;
}

static int
write_tags(struct writer *w, const struct dicom_element *el)
{
	size_t n = el->value.len / 4, i;
	char text[9];
	int r;

	if (n == 0)
		return 0;
	PUT(w, ",\"Value\":[");
	for (i = 0; i < n; i++) {
		r = need(w, AROUND);
		if (r < 0)
			return r;
		if (i > 0)
			*w->p++ = ',';
		tag_format(value_tag(el, w->big_endian, i), text);
		*w->p++ = '"';
		put(w, text, 8);
		*w->p++ = '"';
	}
	*w->p++ = ']';
	return need(w, AROUND);
}

/* ------------------------------------------------------------- bulk ---- */

static int
put_base64(struct writer *w, const unsigned char *p, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *to;
	size_t i;
	int r;

	r = need(w, (len + 2) / 3 * 4 + AROUND);
	if (r < 0)
		return r;
	to = w->p;
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
	w->p = to;
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
		r = value_put_little_endian(el, info, w->big_endian, &w->text);
		if (r < 0)
			return r;
		PUT(w, ",\"InlineBinary\":\"");
		r = put_base64(w, (const unsigned char *)w->text.data, w->text.len);
		if (r < 0)
			return r;
		*w->p++ = '"';
		return 0;
	}
	if (el->offset == 0)
		return 0;		/* deflated: nowhere in the file */
	r = need(w, w->path_len + 3 * AROUND);
	if (r < 0)
		return r;
	PUT(w, ",\"BulkDataURI\":\"\003/bulkdata/");
	put(w, w->path, w->path_len);
	tag_format(el->tag, tag);
	put(w, tag, 8);
	PUT(w, "?offset=");
	w->p += number_put_unsigned(w->p, el->offset);
	PUT(w, "&length=");
	w->p += number_put_unsigned(w->p, el->length);
	*w->p++ = '"';
	return need(w, AROUND);
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
	PUT(w, ",\"Value\":[");
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
			*w->p++ = ',';
		r = write_dataset(w, &node->items[i], cs);
		if (r < 0)
			return r;
	}
	w->path_len = before;
	*w->p++ = ']';
	return 0;
}

/* --------------------------------------------------------- elements ---- */

/* {"vr":..,...}.  Like what it calls, it needs AROUND bytes of room and leaves
 * some: fewer by the brackets and commas since, never more than AROUND / 2. */
static int
write_element(struct writer *w, const struct node *node, const struct vr_info *info,
	      const struct charset *cs)
{
	int r = need(w, AROUND);

	if (r < 0)
		return r;
	PUT(w, "{\"vr\":\"");
	*w->p++ = (char)(node->el.vr >> 8);
	*w->p++ = (char)(node->el.vr & 0xFF);
	*w->p++ = '"';
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
	if (r < 0)
		return r;
	*w->p++ = '}';
	return need(w, AROUND);
}

/* PS3.18 F.2.2 leaves out group lengths; group 0002 is no metadata (contract
 * 0.5), and groups 0000 and FFFE cannot be in a data set. */
static bool
is_written(const struct node *node)
{
	uint16_t group = TAG_GROUP(node->el.tag);

	return !node->dropped && TAG_ELEMENT(node->el.tag) != 0 && group != 0x0000 && group != 0x0002;
}

/* Commas, so that the object is right with and without the spans:
 *  - before the first visible member, a span brings the comma behind it;
 *  - from there on (or when none is visible), every member but the first
 *    brings the comma before it, a span inside itself. */
static int
write_dataset(struct writer *w, const struct dataset *ds, const struct charset *outer)
{
	struct charset cs = value_charset(ds, outer);
	bool outer_big_endian = w->big_endian;
	uint32_t i, first_visible;
	bool any = false;		/* something was written after which a comma must stand */
	int r;

	for (first_visible = 0; first_visible < ds->count; first_visible++)
		if (is_written(&ds->nodes[first_visible]) &&
		    vr_info(ds->nodes[first_visible].el.vr)->kind != VR_BULK)
			break;
	r = need(w, AROUND);
	if (r < 0)
		return r;
	w->big_endian = ds->big_endian;
	*w->p++ = '{';
	for (i = 0; i < ds->count; i++) {
		const struct node *node = &ds->nodes[i];
		const struct vr_info *info = vr_info(node->el.vr);
		bool leads = i < first_visible && first_visible < ds->count;
		bool hidden = info->kind == VR_BULK;
		char tag[9];

		if (!is_written(node) || (hidden && !w->whole))
			continue;
		r = need(w, AROUND);
		if (r < 0)
			return r;
		if (hidden)
			*w->p++ = JSON_SPAN_OPEN;
		if (any)
			*w->p++ = ',';
		tag_format(node->el.tag, tag);
		*w->p++ = '"';
		put(w, tag, 8);
		*w->p++ = '"';
		*w->p++ = ':';
		r = write_element(w, node, info, &cs);
		if (r < 0)
			return r;
		if (leads)
			*w->p++ = ',';
		else
			any = true;
		if (hidden)
			*w->p++ = JSON_SPAN_CLOSE;
	}
	w->big_endian = outer_big_endian;
	*w->p++ = '}';
	return need(w, AROUND);
}

static void
writer_init(struct writer *w, const struct dicom *d, struct buf *out, bool whole)
{
	w->big_endian = d->top.big_endian;
	w->out = out;
	w->p = w->end = NULL;
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
	flush(&w);
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

	if (node == NULL || node->dropped)
		return -ENOENT;
	writer_init(&w, d, out, false);
	r = write_element(&w, node, vr_info(node->el.vr), &cs);
	flush(&w);
	buf_fini(&w.text);
	return r < 0 ? r : buf_error(out);
}
