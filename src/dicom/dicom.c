/* The data set as its readers see it. */
#include "dicom/dicom.h"

#include <errno.h>
#include <string.h>

#include "dicom/dataset.h"
#include "dicom/value.h"

/* Longest text of one element that dicom_text_first and dicom_number look at. */
#define TEXT_MAX (64 << 10)

struct node *
dataset_find(const struct dataset *ds, uint32_t tag)
{
	uint32_t lo = 0, hi = ds->count;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (ds->nodes[mid].el.tag == tag)
			return &ds->nodes[mid];
		if (ds->nodes[mid].el.tag < tag)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

const char *
dicom_xfer_uid(const struct dicom *d)
{
	return d->xfer_uid;
}

bool
dicom_is_implicit(const struct dicom *d)
{
	return d->implicit;
}

uint64_t
dicom_data_set_offset(const struct dicom *d)
{
	return d->data_set_offset;
}

bool
dicom_is_big_endian(const struct dicom *d)
{
	return d->top.big_endian;
}

bool
dicom_is_deflated(const struct dicom *d)
{
	return d->deflated;
}

size_t
dicom_memory(const struct dicom *d)
{
	return sizeof *d + d->used;
}

const struct dicom_element *
dicom_find(const struct dicom *d, uint32_t tag)
{
	const struct node *n = dataset_find(&d->top, tag);

	return n != NULL && !n->dropped ? &n->el : NULL;
}

size_t
dicom_count(const struct dicom *d)
{
	return d->top.count;
}

const struct dicom_element *
dicom_at(const struct dicom *d, size_t i)
{
	return &d->top.nodes[i].el;
}

/* Values without their padding; returns how many. */
static int
put_trimmed(const char *text, size_t len, bool single, struct buf *out)
{
	size_t from = 0, to;
	int n = 0;

	for (;;) {
		const char *sep = single || from == len ? NULL : memchr(text + from, '\\', len - from);

		to = sep != NULL ? (size_t)(sep - text) : len;
		if (n > 0)
			buf_putc(out, '\\');
		buf_put(out, text + from, value_trimmed(text + from, to - from));
		n++;
		if (sep == NULL)
			break;
		from = to + 1;
	}
	return n;
}

static int
text_of_string(const struct dicom *d, const struct dicom_element *el, const struct vr_info *info,
	       struct buf *out)
{
	struct charset none = charset_default(), cs = value_charset(&d->top, &none);
	struct buf text;
	size_t before = out->len;
	int n, r;

	if (info->kind == VR_STRING || info->kind == VR_NUMBER_STRING)
		cs = none;
	if (charset_is_plain(el->value.data, el->value.len)) {
		n = put_trimmed(el->value.data, el->value.len, info->single, out);
	} else {
		/* 3 bytes a byte, and what charset.c reserves ahead */
		buf_init(&text, 16 * el->value.len + 1024);
		r = charset_to_utf8(&cs, value_text_kind(info), el->value.data, el->value.len, &text);
		if (r < 0) {
			buf_fini(&text);
			return r;
		}
		/* escapes alone leave nothing, and no buffer */
		n = put_trimmed(text.len > 0 ? text.data : "", text.len, info->single, out);
		buf_fini(&text);
	}
	r = buf_error(out);
	if (r < 0)
		return r;
	return out->len == before && n <= 1 ? 0 : n;
}

int
dicom_text(const struct dicom *d, uint32_t tag, struct buf *out)
{
	const struct dicom_element *el = dicom_find(d, tag);
	const struct vr_info *info;
	char text[NUMBER_TEXT_MAX];
	size_t i, n;

	if (el == NULL)
		return -ENOENT;
	info = vr_info(el->vr);
	switch (info->kind) {
	case VR_STRING:
	case VR_TEXT:
	case VR_NAME:
	case VR_NUMBER_STRING:
		return text_of_string(d, el, info, out);
	case VR_BINARY:
		n = el->value.len / info->size;
		for (i = 0; i < n; i++) {
			if (i > 0)
				buf_putc(out, '\\');
			buf_put(out, text, value_put_number(el, info, d->top.big_endian, i, text));
		}
		break;
	case VR_TAG:
		n = el->value.len / 4;
		for (i = 0; i < n; i++) {
			if (i > 0)
				buf_putc(out, '\\');
			tag_format(value_tag(el, d->top.big_endian, i), text);
			buf_puts(out, text);
		}
		break;
	default:
		return -EINVAL;
	}
	return buf_error(out) < 0 ? buf_error(out) : (int)n;
}

int
dicom_text_first(const struct dicom *d, uint32_t tag, char *text, size_t size)
{
	const struct dicom_element *el = dicom_find(d, tag);
	struct buf all;
	size_t len;
	int n;

	if (el == NULL)
		return -ENOENT;
	if (el->value.len > TEXT_MAX)
		return -EINVAL;
	/* Any byte becomes at most three of UTF-8, any number a few more. */
	buf_init(&all, 16 * TEXT_MAX);
	n = dicom_text(d, tag, &all);
	if (n >= 0 && size > 0) {
		const char *sep = all.len == 0 || vr_info(el->vr)->single
				  ? NULL : memchr(all.data, '\\', all.len);

		len = sep != NULL ? (size_t)(sep - all.data) : all.len;
		if (len >= size) {
			len = size - 1;
			/* not in the middle of a character */
			while (len > 0 && ((unsigned char)all.data[len] & 0xC0) == 0x80)
				len--;
		}
		if (len > 0)
			memcpy(text, all.data, len);
		text[len] = '\0';
	}
	buf_fini(&all);
	return n;
}

const struct dataset *
dicom_top(const struct dicom *d)
{
	return &d->top;
}

const struct dicom_element *
dicom_find_in(const struct dataset *ds, uint32_t tag)
{
	const struct node *n = dataset_find(ds, tag);

	return n != NULL ? &n->el : NULL;
}

const struct dataset *
dicom_item(const struct dataset *ds, uint32_t sequence, uint32_t i)
{
	const struct node *n = dataset_find(ds, sequence);

	return n != NULL && i < n->n_items ? &n->items[i] : NULL;
}

/* Text i of a value with separators. */
static int
nth_text(const char *text, const char *end, uint32_t i, struct slice *ret_text)
{
	const char *sep;

	for (;; i--, text = sep + 1) {
		sep = memchr(text, '\\', (size_t)(end - text));
		if (i == 0 || sep == NULL)
			break;
	}
	if (i > 0)
		return -ENOENT;
	if (sep != NULL)
		end = sep;
	*ret_text = slice_of(text, value_trimmed(text, (size_t)(end - text)));
	return 0;
}

int
dicom_number_in(const struct dataset *ds, uint32_t tag, uint32_t i, double *ret_number)
{
	const struct dicom_element *el = dicom_find_in(ds, tag);
	const struct vr_info *info;
	struct slice text;

	if (el == NULL)
		return -ENOENT;
	info = vr_info(el->vr);
	if (info->kind == VR_BINARY) {
		if (i >= el->value.len / info->size)
			return i == 0 ? -EINVAL : -ENOENT;
		*ret_number = value_number(el, info, ds->big_endian, i);
		return 0;
	}
	if (info->kind != VR_NUMBER_STRING || el->value.len == 0)
		return -EINVAL;
	if (nth_text(el->value.data, (const char *)el->value.data + el->value.len, i, &text) < 0)
		return -ENOENT;
	return number_parse(text.data, text.len, ret_number) ? 0 : -EINVAL;
}

int
dicom_number(const struct dicom *d, uint32_t tag, double *ret_number)
{
	return dicom_number_in(&d->top, tag, 0, ret_number);
}
