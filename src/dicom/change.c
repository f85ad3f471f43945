#include "dicom/change.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "dicom/value.h"

enum {
	PIECE = 256 << 10,		/* copied at a time: what the second level cache holds */
};

/* A stretch of the file that other bytes take the place of; none of it, where something is put in. */
struct cut {
	uint64_t from, to;
	uint32_t tag;			/* at one place they go by tag */
	size_t at, len;			/* of the bytes, in `bytes` */
};

struct change {
	const struct dicom *d;
	int fd;
	struct cut *cuts;
	size_t n;
	struct buf bytes;
};

/* -- texts ---------------------------------------------------------------- */

static bool
is_changed(const struct change_value *values, size_t n, uint32_t tag)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (values[i].tag == tag)
			return true;
	return false;
}

/* No text of it, but those left out, needs to know the character set. */
static bool
is_plain(const struct dataset *ds, const struct change_value *values, size_t n)
{
	uint32_t i, k;

	for (i = 0; i < ds->count; i++) {
		const struct node *node = &ds->nodes[i];
		enum vr_kind kind = vr_info(node->el.vr)->kind;

		if (is_changed(values, n, node->el.tag))
			continue;
		if ((kind == VR_TEXT || kind == VR_NAME) &&
		    (node->el.value.data == NULL || !charset_is_plain(node->el.value.data, node->el.value.len)))
			return false;
		for (k = 0; k < node->n_items; k++)
			/* An item that declares one of its own is not read by ours. */
			if (dataset_find(&node->items[k], TAG_SPECIFIC_CHARACTER_SET) == NULL &&
			    !is_plain(&node->items[k], NULL, 0))
				return false;
	}
	return true;
}

static bool
takes_charset(uint16_t vr)
{
	enum vr_kind kind = vr_info(vr)->kind;

	return kind == VR_TEXT || kind == VR_NAME;
}

static int
encode(const struct charset *cs, const struct change_value *v, struct buf *out)
{
	size_t len = strlen(v->text), before = out->len;
	int r = takes_charset(v->vr) ? charset_from_utf8(cs, value_text_kind(vr_info(v->vr)), v->text, len, out)
				     : buf_put(out, v->text, len);

	if (r == 0 && (out->len - before) % 2 != 0)
		r = buf_putc(out, v->vr == VR('U', 'I') ? '\0' : ' ');	/* PS3.5 6.2 */
	return r;
}

/* Can the file's own character set hold all of them? */
static int
fits(const struct charset *cs, const struct change_value *values, size_t n, uint32_t *ret_tag)
{
	struct buf scratch;
	size_t i;
	int r = 0;

	buf_init(&scratch, 1 << 20);
	for (i = 0; i < n && r == 0; i++) {
		buf_reset(&scratch);
		r = encode(cs, &values[i], &scratch);
		*ret_tag = values[i].tag;
	}
	buf_fini(&scratch);
	return r;
}

/* -- cuts ----------------------------------------------------------------- */

static void
put16(struct buf *b, bool big, unsigned n)
{
	buf_putc(b, (char)(big ? n >> 8 : n));
	buf_putc(b, (char)(big ? n : n >> 8));
}

static void
put32(struct buf *b, bool big, uint32_t n)
{
	put16(b, big, big ? n >> 16 : n & 0xFFFF);
	put16(b, big, big ? n & 0xFFFF : n >> 16);
}

static void
put_header(struct buf *b, bool implicit, bool big, uint32_t tag, uint16_t vr, uint32_t len)
{
	put16(b, big, TAG_GROUP(tag));
	put16(b, big, TAG_ELEMENT(tag));
	if (implicit) {
		put32(b, big, len);
		return;
	}
	buf_putc(b, (char)(vr >> 8));
	buf_putc(b, (char)vr);
	if (vr_info(vr)->extended) {
		put16(b, big, 0);
		put32(b, big, len);
	} else
		put16(b, big, len);
}

static uint64_t
start_of(const struct dicom_element *el)
{
	return el->offset - el->header;
}

static uint64_t
end_of(const struct dicom_element *el)
{
	return el->offset + el->length + (el->encapsulated ? 8 : 0);
}

/* Where an element of this tag is, or would be. */
static void
find_place(const struct dicom *d, uint32_t tag, struct cut *cut)
{
	uint64_t end = d->data_set_offset;
	uint32_t i;

	for (i = 0; i < d->top.count; i++) {
		const struct dicom_element *el = &d->top.nodes[i].el;

		if (el->tag == tag) {
			cut->from = start_of(el);
			cut->to = end_of(el);
			return;
		}
		if (el->tag > tag) {
			cut->from = cut->to = start_of(el);
			return;
		}
		if (end_of(el) > end)
			end = end_of(el);
	}
	cut->from = cut->to = end;
}

static int
add_value(struct change *c, const struct charset *cs, const struct change_value *v, struct err *err)
{
	struct cut *cut = &c->cuts[c->n];
	struct buf text;
	int r;

	buf_init(&text, 1 << 20);
	r = encode(cs, v, &text);
	if (r == 0 && text.len > 0xFFFE)
		r = err_set(err, -EFBIG, "(%04x,%04x): the value is too long", TAG_GROUP(v->tag), TAG_ELEMENT(v->tag));
	if (r == 0) {
		find_place(c->d, v->tag, cut);
		cut->tag = v->tag;
		cut->at = c->bytes.len;
		put_header(&c->bytes, c->d->implicit, c->d->top.big_endian, v->tag, v->vr, (uint32_t)text.len);
		buf_put(&c->bytes, text.data, text.len);
		cut->len = c->bytes.len - cut->at;
		c->n++;
		r = buf_error(&c->bytes);
	}
	buf_fini(&text);
	return r;
}

/* The lengths of groups that are not what they were. */
static void
drop_group_lengths(struct change *c, const struct change_value *values, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		uint32_t tag = values[i].tag & 0xFFFF0000u;
		const struct node *node = dataset_find(&c->d->top, tag);

		if (node == NULL || (i > 0 && (values[i - 1].tag & 0xFFFF0000u) == tag))
			continue;
		c->cuts[c->n++] = (struct cut){ .from = start_of(&node->el), .to = end_of(&node->el), .tag = tag };
	}
}

/* What a broken data set has of group 0002, which would be meta information should it come first. */
static bool
is_meta(const struct dicom_element *el)
{
	return TAG_GROUP(el->tag) == 0x0002;
}

static size_t
count_meta(const struct dataset *ds)
{
	size_t n = 0;
	uint32_t i;

	for (i = 0; i < ds->count; i++)
		n += is_meta(&ds->nodes[i].el);
	return n;
}

static void
drop_meta(struct change *c)
{
	uint32_t i;

	for (i = 0; i < c->d->top.count; i++) {
		const struct dicom_element *el = &c->d->top.nodes[i].el;

		if (is_meta(el))
			c->cuts[c->n++] = (struct cut){ .from = start_of(el), .to = end_of(el), .tag = el->tag };
	}
}

static int
by_place(const void *a, const void *b)
{
	const struct cut *x = a, *y = b;

	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	/* What is put in before an element goes before what takes its place. */
	return x->tag < y->tag ? -1 : x->tag > y->tag;
}

/* -- writing -------------------------------------------------------------- */

static int
copy(int fd, uint64_t from, uint64_t to, edit_sink sink, void *ctx)
{
	char *piece = malloc(PIECE);
	int r = piece == NULL ? -ENOMEM : 0;

	while (r == 0 && from < to) {
		size_t want = to - from < PIECE ? (size_t)(to - from) : PIECE;
		ssize_t n = io_pread_all(fd, piece, want, from);

		/* The size was asked of the file for the last stretch: it ends where it ends. */
		if (n == 0 && to == UINT64_MAX)
			break;
		r = n < 0 ? (int)n : (size_t)n < want && to != UINT64_MAX ? -EBADMSG : sink(ctx, piece, (size_t)n);
		from += (uint64_t)n;
	}
	free(piece);
	return r;
}

static int
write_all(struct change *c, const char *sop_uid, edit_sink sink, void *ctx, struct err *err)
{
	uint64_t at = c->d->data_set_offset;
	size_t i;
	int r = sop_uid == NULL ? copy(c->fd, 0, at, sink, ctx) :
		edit_write_meta(c->d, c->fd, TAG_MEDIA_STORAGE_SOP_INSTANCE_UID, sop_uid, sink, ctx, err);

	qsort(c->cuts, c->n, sizeof *c->cuts, by_place);
	for (i = 0; i < c->n && r == 0; i++) {
		const struct cut *cut = &c->cuts[i];

		if (cut->from > at)
			r = copy(c->fd, at, cut->from, sink, ctx);
		if (r == 0 && cut->len > 0)
			r = sink(ctx, c->bytes.data + cut->at, cut->len);
		if (cut->to > at)
			at = cut->to;
	}
	return r < 0 ? r : copy(c->fd, at, UINT64_MAX, sink, ctx);
}

static int
inflate_first(const struct dicom *d, int fd, const struct change_value *values, size_t n, edit_sink sink, void *ctx,
	      struct err *err)
{
	struct dicom *plain = NULL;
	int inflated, r = edit_inflate(d, fd, CHANGE_DEFLATED_MAX, &inflated, err);

	if (r < 0)
		return r;
	r = dicom_read_fd(inflated, &plain, err);
	if (r == 0)
		r = change_write(plain, inflated, values, n, sink, ctx, err);
	dicom_free(plain);
	close(inflated);
	return r;
}

int
change_write(const struct dicom *d, int fd, const struct change_value *values, size_t n, edit_sink sink, void *ctx,
	     struct err *err)
{
	static const struct change_value utf8 = { TAG_SPECIFIC_CHARACTER_SET, VR('C', 'S'), "ISO_IR 192" };
	struct change c = { .d = d, .fd = fd };
	struct charset standard = charset_default(), cs = value_charset(&d->top, &standard);
	const char *sop_uid = NULL;
	bool declare = false;
	uint32_t tag = 0;
	size_t i;
	int r;

	if (d->deflated)
		return inflate_first(d, fd, values, n, sink, ctx, err);
	r = fits(&cs, values, n, &tag);
	if (r == -EILSEQ && is_plain(&d->top, values, n)) {
		cs = charset_parse(utf8.text, strlen(utf8.text));
		declare = true;
		r = 0;
	}
	if (r < 0)
		return err_set(err, r, r == -EILSEQ ? "(%04x,%04x): the Specific Character Set of the file does not have all "
			       "characters of the value" : "(%04x,%04x): the value cannot be written", TAG_GROUP(tag),
			       TAG_ELEMENT(tag));
	buf_init(&c.bytes, 16u << 20);
	c.cuts = calloc(2 * n + 2 + count_meta(&d->top), sizeof *c.cuts);
	if (c.cuts == NULL)
		r = -ENOMEM;
	if (r == 0 && declare)
		r = add_value(&c, &cs, &utf8, err);
	for (i = 0; i < n && r == 0; i++) {
		if (values[i].tag == TAG_SOP_INSTANCE_UID)
			sop_uid = values[i].text;
		r = add_value(&c, &cs, &values[i], err);
	}
	if (r == 0) {
		drop_group_lengths(&c, values, n);
		if (declare && !is_changed(values, n, utf8.tag) && n > 0 && TAG_GROUP(values[0].tag) != 0x0008)
			drop_group_lengths(&c, &utf8, 1);
		drop_meta(&c);
		r = write_all(&c, sop_uid, sink, ctx, err);
	}
	free(c.cuts);
	buf_fini(&c.bytes);
	if (r < 0 && err != NULL && err->num == 0)
		err_set(err, r, "the file cannot be written anew: %s", strerror(-r));
	return r;
}
