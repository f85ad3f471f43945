#include "config.h"	/* memfd_create is an extension */

#include "dicom/edit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "dicom/input.h"
#include "dicom/value.h"

enum {
	PIECE = 64 << 10,		/* copied at a time; a multiple of every word */
	META_MAX = 1 << 20,		/* file meta information: a thousand times what it needs */
	TAG_META_LENGTH = 0x00020000,
};

#define UNDEFINED 0xFFFFFFFFu
#define ITEM 0xFFFEE000u
#define ITEM_END 0xFFFEE00Du
#define SEQUENCE_END 0xFFFEE0DDu

struct writer {
	const struct dicom *d;
	int fd;
	unsigned pixel_swap;
	edit_sink sink;
	void *ctx;
	unsigned char *piece;
	struct buf value;
	/* bytes of the file that are to be copied, not yet done */
	uint64_t run, run_end;
};

static void
put16(unsigned char *p, unsigned n)
{
	p[0] = (unsigned char)n;
	p[1] = (unsigned char)(n >> 8);
}

static void
put32(unsigned char *p, uint32_t n)
{
	put16(p, n & 0xFFFF);
	put16(p + 2, n >> 16);
}

static uint32_t
get32(const unsigned char *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

/* ----------------------------------------------------------- headers ---- */

static size_t
make_header(uint32_t tag, uint16_t vr, uint32_t length, unsigned char head[12])
{
	put16(head, TAG_GROUP(tag));
	put16(head + 2, TAG_ELEMENT(tag));
	head[4] = (unsigned char)(vr >> 8);
	head[5] = (unsigned char)vr;
	if (!vr_info(vr)->extended) {
		put16(head + 6, length);
		return 8;
	}
	put16(head + 6, 0);
	put32(head + 8, length);
	return 12;
}

int
edit_write_header(uint32_t tag, uint16_t vr, uint32_t length, edit_sink sink, void *ctx)
{
	unsigned char head[12];

	return sink(ctx, head, make_header(tag, vr, length, head));
}

static int
write_delimiter(struct writer *w, uint32_t tag, uint32_t length)
{
	unsigned char head[8];

	put16(head, TAG_GROUP(tag));
	put16(head + 2, TAG_ELEMENT(tag));
	put32(head + 4, length);
	return w->sink(w->ctx, head, sizeof head);
}

/* ------------------------------------------------------------ copies ---- */

static void
turn_round(unsigned char *p, size_t len, unsigned word)
{
	size_t i;
	unsigned k;

	for (i = 0; i + word <= len; i += word)
		for (k = 0; k < word / 2; k++) {
			unsigned char c = p[i + k];

			p[i + k] = p[i + word - 1 - k];
			p[i + word - 1 - k] = c;
		}
}

static int
copy(struct writer *w, uint64_t from, uint64_t len, unsigned word)
{
	while (len > 0) {
		size_t n = len < PIECE ? (size_t)len : PIECE;
		ssize_t got = io_pread_all(w->fd, w->piece, n, from);
		int r;

		if (got < 0)
			return (int)got;
		if ((size_t)got < n)
			return -EBADMSG;
		if (word > 1)
			turn_round(w->piece, n, word);
		r = w->sink(w->ctx, w->piece, n);
		if (r < 0)
			return r;
		from += n;
		len -= n;
	}
	return 0;
}

static int
flush_run(struct writer *w)
{
	int r = copy(w, w->run, w->run_end - w->run, 1);

	w->run = w->run_end = 0;
	return r;
}

/* Elements that follow each other in the file leave in one copy. */
static int
copy_element(struct writer *w, const struct dicom_element *el)
{
	uint64_t start = el->offset - el->header, end = el->offset + el->length + (el->encapsulated ? 8 : 0);
	int r = 0;

	if (start != w->run_end) {
		r = flush_run(w);
		w->run = start;
	}
	w->run_end = end;
	return r;
}

/* ----------------------------------------------------------- convert ---- */

static int write_dataset(struct writer *w, const struct dataset *ds);

static int
write_items(struct writer *w, const struct node *node)
{
	uint32_t i;
	int r = edit_write_header(node->el.tag, VR('S', 'Q'), UNDEFINED, w->sink, w->ctx);

	for (i = 0; i < node->n_items && r == 0; i++) {
		r = write_delimiter(w, ITEM, UNDEFINED);
		if (r == 0)
			r = write_dataset(w, &node->items[i]);
		if (r == 0)
			r = write_delimiter(w, ITEM_END, 0);
	}
	return r < 0 ? r : write_delimiter(w, SEQUENCE_END, 0);
}

/* An odd length is against the standard but does occur; what follows it still is in its place. */
static int
write_value(struct writer *w, const struct dicom_element *el, bool big_endian)
{
	const struct vr_info *info = vr_info(el->vr);
	uint16_t vr = el->vr;
	unsigned word;
	int r;

	/* PS3.5 6.2.2: what is too long for its VR's length is UN */
	if (!info->extended && el->length > 0xFFFF)
		vr = VR('U', 'N');
	r = edit_write_header(el->tag, vr, el->encapsulated ? UNDEFINED : (uint32_t)el->length, w->sink, w->ctx);
	if (r < 0)
		return r;
	if (el->value.data == NULL || el->encapsulated) {
		word = !big_endian || el->encapsulated ? 1 : el->tag == TAG_PIXEL_DATA ? w->pixel_swap : info->size;
		r = el->offset == 0 ? -EBADMSG : copy(w, el->offset, el->length, word);
		return r == 0 && el->encapsulated ? write_delimiter(w, SEQUENCE_END, 0) : r;
	}
	buf_reset(&w->value);
	if (el->tag == TAG_PIXEL_DATA && big_endian && w->pixel_swap != info->size) {
		buf_put(&w->value, el->value.data, el->value.len);
		if (buf_error(&w->value) == 0 && w->pixel_swap > 1)
			turn_round((unsigned char *)w->value.data, w->value.len, w->pixel_swap);
	} else if (info->kind == VR_BINARY || info->kind == VR_BULK || info->kind == VR_TAG) {
		value_put_little_endian(el, info, big_endian, &w->value);
	} else {
		return w->sink(w->ctx, el->value.data, el->value.len);
	}
	r = buf_error(&w->value);
	return r < 0 || w->value.len == 0 ? r : w->sink(w->ctx, w->value.data, w->value.len);
}

static int
write_node(struct writer *w, const struct node *node, bool big_endian)
{
	if (TAG_ELEMENT(node->el.tag) == 0)
		return 0;		/* a group length: of another encoding */
	if (node->el.vr == VR('S', 'Q'))
		return write_items(w, node);
	return write_value(w, &node->el, big_endian);
}

static int
write_dataset(struct writer *w, const struct dataset *ds)
{
	uint32_t i;
	int r = 0;

	for (i = 0; i < ds->count && r == 0; i++)
		r = write_node(w, &ds->nodes[i], ds->big_endian);
	return r;
}

/* ---------------------------------------------------------- elements ---- */

static int
write_edit(struct writer *w, const struct edit *e)
{
	int r;

	if (e->vr == 0)
		return 0;
	r = flush_run(w);
	if (r == 0)
		r = edit_write_header(e->tag, e->vr, e->len, w->sink, w->ctx);
	return r == 0 && e->len > 0 ? w->sink(w->ctx, e->value, e->len) : r;
}

static bool
group_is_edited(uint32_t tag, const struct edit *edits, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (TAG_GROUP(edits[i].tag) == TAG_GROUP(tag))
			return true;
	return false;
}

static int
write_elements(struct writer *w, uint32_t from, uint32_t to, const struct edit *edits, size_t n_edits)
{
	const struct dataset *top = &w->d->top;
	bool as_is = !w->d->implicit && !top->big_endian;
	size_t e = 0;
	uint32_t i;
	int r = 0;

	while (e < n_edits && edits[e].tag < from)
		e++;
	for (i = 0; i < top->count && r == 0; i++) {
		const struct node *node = &top->nodes[i];
		uint32_t tag = node->el.tag;

		/* in the order of tags, one of group 0002 would become meta information */
		if (tag < from || tag > to || TAG_GROUP(tag) == 0x0002)
			continue;
		for (; e < n_edits && edits[e].tag < tag && r == 0; e++)
			r = write_edit(w, &edits[e]);
		if (r < 0)
			break;
		if (e < n_edits && edits[e].tag == tag)
			r = write_edit(w, &edits[e++]);
		else if (TAG_ELEMENT(tag) == 0 && group_is_edited(tag, edits, n_edits))
			continue;
		else
			r = as_is ? copy_element(w, &node->el) : write_node(w, node, top->big_endian);
	}
	for (; e < n_edits && edits[e].tag <= to && r == 0; e++)
		r = write_edit(w, &edits[e]);
	return r == 0 ? flush_run(w) : r;
}

static int
say(struct err *err, int r)
{
	if (r < 0 && err != NULL && err->num == 0)
		err_set(err, r, "the file cannot be written anew: %s", strerror(-r));
	return r;
}

int
edit_write_elements(const struct dicom *d, int fd, uint32_t from, uint32_t to, const struct edit *edits,
		    size_t n_edits, unsigned pixel_swap, edit_sink sink, void *ctx, struct err *err)
{
	struct writer w = { .d = d, .fd = fd, .pixel_swap = pixel_swap, .sink = sink, .ctx = ctx };
	int r = -ENOMEM;

	/* no kept value is longer than what the reader keeps in all */
	buf_init(&w.value, dicom_memory(d) + 1);
	w.piece = malloc(PIECE);
	if (w.piece != NULL)
		r = write_elements(&w, from, to, edits, n_edits);
	free(w.piece);
	buf_fini(&w.value);
	return say(err, r);
}

/* -------------------------------------------------------------- meta ---- */

/* The elements of group 0002 but its length, one of them another UID. */
static int
rewrite_meta(const unsigned char *p, size_t len, uint32_t changed, const char *uid, struct buf *out)
{
	unsigned char head[12];
	size_t uid_len = strlen(uid);

	while (len >= 8) {
		bool extended = vr_is_extended(VR(p[4], p[5]));
		size_t n = extended ? 12 : 8;
		uint64_t value;
		uint32_t tag = (uint32_t)p[1] << 24 | (uint32_t)p[0] << 16 | (uint32_t)p[3] << 8 | p[2];

		if (len < n)
			return -EBADMSG;
		value = extended ? get32(p + 8) : (uint64_t)p[6] | (uint64_t)p[7] << 8;
		if (value > len - n)
			return -EBADMSG;
		n += (size_t)value;
		if (tag == changed) {
			buf_put(out, head, make_header(tag, VR('U', 'I'), (uint32_t)(uid_len + uid_len % 2), head));
			buf_put(out, uid, uid_len + uid_len % 2);	/* its NUL pads it */
		} else if (tag != TAG_META_LENGTH) {
			buf_put(out, p, n);
		}
		p += n;
		len -= n;
	}
	return len == 0 ? buf_error(out) : -EBADMSG;
}

int
edit_write_meta(const struct dicom *d, int fd, uint32_t tag, const char *uid, edit_sink sink, void *ctx,
		struct err *err)
{
	unsigned char length[4], head[12], *raw;
	size_t len = (size_t)d->data_set_offset;
	struct buf meta;
	ssize_t got;
	int r;

	if (d->data_set_offset > META_MAX)
		return err_set(err, -EFBIG, "the file meta information is larger than any other");
	raw = malloc(len);
	if (raw == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	buf_init(&meta, 2 * META_MAX);
	got = io_pread_all(fd, raw, len, 0);
	r = got < 0 ? (int)got : (size_t)got < len ? -EBADMSG : rewrite_meta(raw + 132, len - 132, tag, uid, &meta);
	if (r == 0) {
		put32(length, (uint32_t)meta.len);
		r = sink(ctx, raw, 132);
	}
	if (r == 0)
		r = sink(ctx, head, make_header(TAG_META_LENGTH, VR('U', 'L'), sizeof length, head));
	if (r == 0)
		r = sink(ctx, length, sizeof length);
	if (r == 0)
		r = sink(ctx, meta.data, meta.len);
	buf_fini(&meta);
	free(raw);
	return say(err, r);
}

/* ----------------------------------------------------------- inflate ---- */

static int
write_fd(void *ctx, const void *data, size_t len)
{
	return io_write_all(*(int *)ctx, data, len);
}

static int
inflate_rest(struct input *in, int to, uint64_t max)
{
	uint64_t made = 0;
	int r;

	while ((r = input_need(in, 1)) > 0) {
		size_t n = (size_t)(in->end - in->p);

		made += n;
		if (made > max)
			return -EFBIG;
		r = io_write_all(to, in->p, n);
		if (r < 0)
			return r;
		in->p += n;
	}
	return r;
}

int
edit_inflate(const struct dicom *d, int fd, uint64_t max, int *ret_fd, struct err *err)
{
	struct input in = { 0 };
	int r, to = memfd_create("inflated", MFD_CLOEXEC);

	if (to < 0)
		return err_set(err, -errno, "no memory for the inflated data set");
	r = edit_write_meta(d, fd, TAG_TRANSFER_SYNTAX_UID, UID_EXPLICIT_LE, write_fd, &to, err);
	if (r == 0)
		r = input_open_fd(&in, fd);
	if (r == 0)
		r = input_skip(&in, d->data_set_offset);
	if (r == 0)
		r = input_inflate(&in);
	if (r == 0)
		r = inflate_rest(&in, to, max);
	input_close(&in);
	if (r < 0) {
		close(to);
		if (r == -EFBIG)
			return err_set(err, r, "the deflated data set is larger than %llu bytes", (unsigned long long)max);
		return say(err, r);
	}
	*ret_fd = to;
	return 0;
}
