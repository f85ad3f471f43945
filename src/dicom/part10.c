/* The reader: one pass over a Part 10 file (PS3.10 7.1, PS3.5 7).
 *
 * Elements of the data sets that are open lie on one stack, finished items on
 * another; when a data set or a sequence ends, its part of the stack is copied
 * to the arena at its exact size.  Recursion is bounded by NESTING_MAX.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/vec.h"
#include "dicom/dataset.h"
#include "dicom/input.h"
#include "dicom/tag_private.h"
#include "dicom/validate.h"
#include "dicom/value.h"
#include "dicom/vr.h"

/* Limits.  All but the smallest multiples of what real headers need: an enhanced
 * object of 10,000 frames has some 600,000 elements in 20 MB. */
enum {
	NESTING_MAX = 64,		/* sequences in sequences; real ones stop at about 10 */
	ELEMENTS_MAX = 1 << 20,		/* of all data sets of a file, and as many items */
	ARENA_MAX = 128 << 20,		/* kept values and nodes */
	META_MAX = 64 << 10,		/* length of a value in the file meta information */
	PADDING_MAX = 1 << 20,		/* zeros after the data set */
	CHUNK_FIRST = 24 << 10,
	CHUNK_MAX = 1 << 20,
};

#define UNDEFINED 0xFFFFFFFFu
#define ITEM 0xFFFEE000u
#define ITEM_END 0xFFFEE00Du
#define SEQUENCE_END 0xFFFEE0DDu

struct arena_chunk {
	struct arena_chunk *next;
};

struct reader {
	struct input in;
	struct dicom *d;
	struct err *err;
	bool implicit;
	bool big_endian;
	struct node *nodes;		/* stack */
	uint32_t n_nodes;
	size_t cap_nodes;
	struct dataset *items;		/* stack */
	uint32_t n_items;
	size_t cap_items;
	uint32_t elements;		/* all that were seen */
	uint32_t items_seen;
};

/* What an element inherits from where it stands. */
struct place {
	uint64_t end;			/* no value passes this; UINT64_MAX when unknown */
	unsigned depth;
	bool pixels_signed;		/* PixelRepresentation */
};

struct header {
	uint32_t tag;
	uint32_t length;
	uint16_t vr;
	uint8_t size;			/* of itself in the file */
	const struct vr_info *info;
};

static int read_sequence(struct reader *r, const struct header *h, const struct place *where, uint32_t at);

/* ------------------------------------------------------------ memory ---- */

static void *
arena_new_chunk(struct dicom *d, size_t len)
{
	size_t size = d->used < CHUNK_FIRST ? CHUNK_FIRST : d->used < CHUNK_MAX ? d->used : CHUNK_MAX;
	struct arena_chunk *c;
	unsigned char *p;

	if (size < len + sizeof *c)
		size = len + sizeof *c;
	if (size > ARENA_MAX - d->used)
		return NULL;
	c = malloc(size);
	if (c == NULL)
		return NULL;
	c->next = d->chunks;
	d->chunks = c;
	d->used += size;
	p = (unsigned char *)(c + 1);
	d->room = p + len;
	d->room_end = (unsigned char *)c + size;
	return p;
}

/* Aligned for a node.  -EFBIG or -ENOMEM when *ret_p stays NULL. */
static int
arena_alloc(struct dicom *d, size_t len, void *ret_p)
{
	void *p;

	if (len > ARENA_MAX)
		return -EFBIG;
	len = (len + 7) & ~(size_t)7;
	if (len <= (size_t)(d->room_end - d->room)) {
		p = d->room;
		d->room += len;
	} else {
		p = arena_new_chunk(d, len);
		if (p == NULL)
			return len + sizeof(struct arena_chunk) > ARENA_MAX - d->used ? -EFBIG : -ENOMEM;
	}
	memcpy(ret_p, &p, sizeof p);
	return 0;
}

/* A zeroed node on top of the stack.  Its index is handed out, not its
 * address: what is nested in it may move the stack. */
static int
push_node(struct reader *r, uint32_t *ret_at)
{
	if (vec_room(&r->nodes, &r->cap_nodes, r->n_nodes, sizeof *r->nodes, 256) < 0)
		return -ENOMEM;
	*ret_at = r->n_nodes++;
	r->nodes[*ret_at] = (struct node){ 0 };
	return 0;
}

static int
push_item(struct reader *r, const struct dataset *item)
{
	if (vec_room(&r->items, &r->cap_items, r->n_items, sizeof *r->items, 64) < 0)
		return -ENOMEM;
	r->items[r->n_items++] = *item;
	return 0;
}

/* ------------------------------------------------------------ errors ---- */

static int
broken(struct reader *r, uint32_t tag, const char *why)
{
	return err_set_dicom(r->err, -EBADMSG, REASON_INVALID, tag, "(%04X,%04X): %s",
			     TAG_GROUP(tag), TAG_ELEMENT(tag), why);
}

/* Say what an error of input.c or of the arena means here. */
static int
failed(struct reader *r, int num, uint32_t tag)
{
	if (num == -EBADMSG)
		return broken(r, tag, r->d->deflated ? "the deflated data set is cut short or damaged"
						     : "the file ends before the data set does");
	if (num == -EFBIG)
		return err_set_dicom(r->err, num, REASON_INVALID, tag,
				     "the header is larger than any this program accepts");
	return err_set(r->err, num, "reading failed: %s", strerror(-num));
}

static int
too_many(struct reader *r, uint32_t tag)
{
	return err_set_dicom(r->err, -EFBIG, REASON_INVALID, tag,
			     "more than %d elements", (int)ELEMENTS_MAX);
}

/* ---------------------------------------------------------- elements ---- */

/* input_need without the call when the bytes are at hand, as nearly always. */
static int
need(struct reader *r, size_t n)
{
	return (size_t)(r->in.end - r->in.p) >= n ? 1 : input_need(&r->in, n);
}

static uint16_t
get16(const struct reader *r, const unsigned char *p)
{
	return (uint16_t)(r->big_endian ? p[0] << 8 | p[1] : p[1] << 8 | p[0]);
}

static uint32_t
get32(const struct reader *r, const unsigned char *p)
{
	if (r->big_endian)
		return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static uint16_t
implicit_vr(uint32_t tag, uint32_t length, bool pixels_signed)
{
	const struct tag_entry *e;

	if (TAG_ELEMENT(tag) == 0)
		return VR('U', 'L');
	if (TAG_GROUP(tag) & 1) {
		if (TAG_ELEMENT(tag) >= 0x10 && TAG_ELEMENT(tag) <= 0xFF)
			return VR('L', 'O');
		return length == UNDEFINED ? VR('S', 'Q') : VR('U', 'N');
	}
	e = tag_find(tag);
	if (e == NULL)
		return length == UNDEFINED ? VR('S', 'Q') : VR('U', 'N');
	if (pixels_signed && e->vr == VR('U', 'S') && tag_is_us_or_ss(tag))
		return VR('S', 'S');
	return e->vr;
}

/* One element's tag, VR and length.  0 at the end of the input. */
static int
read_header(struct reader *r, const struct place *where, struct header *h)
{
	const unsigned char *p;
	bool extended;
	int n;

	n = need(r, 8);
	if (n <= 0)
		return n < 0 ? failed(r, n, 0) : 0;
	p = r->in.p;
	h->tag = TAG(get16(r, p), get16(r, p + 2));
	h->size = 8;
	if (TAG_GROUP(h->tag) == 0xFFFE) {	/* PS3.5 7.5: these have no VR */
		h->vr = 0;
		h->info = vr_info(0);
		h->length = get32(r, p + 4);
		r->in.p += 8;
		return 1;
	}
	if (r->implicit) {
		h->length = get32(r, p + 4);
		h->vr = implicit_vr(h->tag, h->length, where->pixels_signed);
		h->info = vr_info(h->vr);
		r->in.p += 8;
		return 1;
	}
	h->vr = VR(p[4], p[5]);
	h->info = vr_info(h->vr);
	extended = vr_is_extended(h->vr);
	if (h->info->kind == VR_UNKNOWN) {
		if (p[4] < 0x20 || p[4] > 0x7E || p[5] < 0x20 || p[5] > 0x7E)
			return h->tag == 0 ? broken(r, h->tag, "zeros where an element should be")
					   : broken(r, h->tag, "no value representation: is the "
							       "transfer syntax the one the file names?");
		h->vr = VR('U', 'N');
		h->info = vr_info(h->vr);
	}
	if (!extended) {
		h->length = get16(r, p + 6);
		r->in.p += 8;
		return 1;
	}
	n = need(r, 12);
	if (n <= 0)
		return failed(r, n < 0 ? n : -EBADMSG, h->tag);
	h->length = get32(r, r->in.p + 8);
	h->size = 12;
	r->in.p += 12;
	return 1;
}

/* PS3.5 A.4: items of bytes up to a sequence delimiter. */
static int
skip_fragments(struct reader *r, const struct header *h, const struct place *where,
	       struct dicom_element *el)
{
	uint64_t start = input_pos(&r->in);
	uint32_t tag, length;
	int n;

	for (;;) {
		n = need(r, 8);
		if (n <= 0)
			return failed(r, n < 0 ? n : -EBADMSG, h->tag);
		tag = TAG(get16(r, r->in.p), get16(r, r->in.p + 2));
		length = get32(r, r->in.p + 4);
		if (tag == SEQUENCE_END)
			break;
		if (tag != ITEM || length == UNDEFINED)
			return broken(r, h->tag, "encapsulated pixel data are not a sequence of fragments");
		r->in.p += 8;
		if (where->end != UINT64_MAX && length > where->end - input_pos(&r->in))
			return broken(r, h->tag, "a fragment is longer than what holds it");
		n = input_skip(&r->in, length);
		if (n < 0)
			return failed(r, n, h->tag);
	}
	el->encapsulated = true;
	el->length = input_pos(&r->in) - start;
	r->in.p += 8;
	return 0;
}

/* An implicit data set has a sequence only because the dictionary says so: some
 * devices use the number for something else, and then it is just bytes. */
static bool
holds_no_item(struct reader *r, const struct header *h)
{
	if (h->length == 0)
		return false;
	if (h->length < 8)
		return true;
	return need(r, 8) > 0 && TAG(get16(r, r->in.p), get16(r, r->in.p + 2)) != ITEM;
}

/* The value of the node at `at`, whose header was read. */
static int
read_value(struct reader *r, const struct header *h, const struct place *where, uint32_t at)
{
	struct dicom_element *el = &r->nodes[at].el;
	enum vr_kind kind = h->info->kind;
	void *p;
	int n;

	el->offset = r->d->deflated ? 0 : input_pos(&r->in);
	if (h->length == UNDEFINED) {
		if (kind == VR_SEQUENCE || h->vr == VR('U', 'N'))
			return read_sequence(r, h, where, at);
		if (kind == VR_BULK)
			return skip_fragments(r, h, where, el);
		return broken(r, h->tag, "undefined length with a value representation that forbids it");
	}
	if (where->end != UINT64_MAX && h->length > where->end - input_pos(&r->in))
		return broken(r, h->tag, where->depth == 0 ? "the value is longer than the file"
							  : "the value is longer than its item");
	if (kind == VR_SEQUENCE && !(r->implicit && holds_no_item(r, h)))
		return read_sequence(r, h, where, at);
	if (kind == VR_SEQUENCE) {
		el->vr = VR('U', 'N');
		kind = VR_BULK;
	}
	el->length = h->length;
	if (h->length == 0) {
		el->value = slice_of("", 0);
		return 0;
	}
	if (kind == VR_BULK && h->length > DICOM_INLINE_MAX) {
		n = input_skip(&r->in, h->length);
		return n < 0 ? failed(r, n, h->tag) : 0;
	}
	n = arena_alloc(r->d, h->length, &p);
	if (n == 0)
		n = input_read(&r->in, p, h->length);
	if (n < 0)
		return failed(r, n, h->tag);
	el->value.data = p;
	el->value.len = h->length;
	return 0;
}

/* --------------------------------------------------------- data sets ---- */

static int
compare_nodes(const void *a, const void *b)
{
	const struct node *x = a, *y = b;

	if (x->el.tag != y->el.tag)
		return x->el.tag < y->el.tag ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

/* Move the nodes from `first` on to the arena, in order, the last of equal tags alone. */
static int
close_dataset(struct reader *r, uint32_t first, bool sorted, struct dataset *ds)
{
	uint32_t n = r->n_nodes - first, i, kept = 0;
	struct node *from;
	int e;

	ds->nodes = NULL;
	ds->count = 0;
	ds->big_endian = r->big_endian;
	if (n == 0)
		return 0;
	from = r->nodes + first;
	if (!sorted)
		qsort(from, n, sizeof *from, compare_nodes);
	e = arena_alloc(r->d, n * sizeof *from, &ds->nodes);
	if (e < 0)
		return failed(r, e, 0);
	for (i = 0; i < n; i++)
		if (sorted || i + 1 == n || from[i + 1].el.tag != from[i].el.tag)
			ds->nodes[kept++] = from[i];
	ds->count = kept;
	r->n_nodes = first;
	return 0;
}

/* 1: an element follows; 0: the data set ends here.  PS3.10 7.1 knows no
 * padding after it, but archives append zeros. */
static int
check_end(struct reader *r)
{
	static const unsigned char zeros[8];
	uint64_t seen;
	int n;

	n = need(r, sizeof zeros);
	if (n == 0)
		return 0;
	if (n < 0 && r->in.end_pos != r->in.size)
		return failed(r, n, 0);
	if (n > 0 && memcmp(r->in.p, zeros, sizeof zeros) != 0)
		return 1;
	for (seen = 0; (n = need(r, 1)) > 0; seen++)
		if (seen == PADDING_MAX || *r->in.p++ != 0)
			return broken(r, 0, "the file ends inside an element, or other bytes follow the data set");
	return n < 0 ? failed(r, n, 0) : 0;
}

/* The elements up to where->end, an item delimiter (undefined) or, at depth
 * 0, the end of the input. */
static int
read_dataset(struct reader *r, struct place where, bool undefined, struct dataset *ds)
{
	uint32_t first = r->n_nodes, last_tag = 0;
	bool sorted = true;
	struct header h;
	struct node *node;
	uint32_t at;
	int n;

	for (;;) {
		if (!undefined && where.depth > 0 && input_pos(&r->in) == where.end)
			break;
		if (where.depth == 0) {
			n = check_end(r);
			if (n <= 0) {
				if (n < 0)
					return n;
				break;
			}
		}
		n = read_header(r, &where, &h);
		if (n <= 0)
			return n < 0 ? n : failed(r, -EBADMSG, last_tag);
		if (h.vr == 0) {
			if (h.tag == ITEM_END && undefined && h.length == 0)
				break;
			return broken(r, h.tag, "an item or delimiter where none can be");
		}
		if (where.end != UINT64_MAX && input_pos(&r->in) > where.end)
			return broken(r, h.tag, "the element reaches past its item");
		if (++r->elements > ELEMENTS_MAX)
			return too_many(r, h.tag);
		n = push_node(r, &at);
		if (n < 0)
			return failed(r, n, h.tag);
		node = &r->nodes[at];
		node->el.tag = h.tag;
		node->el.vr = h.vr;
		node->el.header = h.size;
		node->order = r->elements;
		if (h.tag <= last_tag && at > first)
			sorted = false;
		last_tag = h.tag;
		n = read_value(r, &h, &where, at);
		if (n < 0)
			return n;
		node = &r->nodes[at];
		if (h.tag == 0x00280103 && node->el.value.len == 2)
			where.pixels_signed = get16(r, node->el.value.data) == 1;
	}
	return close_dataset(r, first, sorted, ds);
}

static int
read_items(struct reader *r, const struct header *h, const struct place *where, uint64_t end)
{
	struct place inside = *where;
	struct dataset item;
	uint32_t tag, length;
	int n;

	inside.depth++;
	for (;;) {
		if (h->length != UNDEFINED && input_pos(&r->in) == end)
			return 0;
		n = need(r, 8);
		if (n <= 0)
			return failed(r, n < 0 ? n : -EBADMSG, h->tag);
		tag = TAG(get16(r, r->in.p), get16(r, r->in.p + 2));
		length = get32(r, r->in.p + 4);
		r->in.p += 8;
		if (end != UINT64_MAX && input_pos(&r->in) > end)
			return broken(r, h->tag, "an item reaches past its sequence");
		if (tag == SEQUENCE_END && h->length == UNDEFINED)
			return 0;
		if (tag != ITEM)
			return broken(r, h->tag, "something other than an item in a sequence");
		if (++r->items_seen > ELEMENTS_MAX)
			return too_many(r, h->tag);
		inside.end = end;
		if (length != UNDEFINED) {
			uint64_t pos = input_pos(&r->in);

			if (end != UINT64_MAX && length > end - pos)
				return broken(r, h->tag, "an item is longer than its sequence");
			inside.end = pos + length;
		}
		n = read_dataset(r, inside, length == UNDEFINED, &item);
		if (n < 0)
			return n;
		n = push_item(r, &item);
		if (n < 0)
			return failed(r, n, h->tag);
	}
}

static int
read_sequence(struct reader *r, const struct header *h, const struct place *where, uint32_t at)
{
	uint64_t start = input_pos(&r->in), end = where->end;
	uint32_t first = r->n_items;
	bool implicit = r->implicit, big_endian = r->big_endian;
	struct node *node;
	int n;

	if (where->depth >= NESTING_MAX)
		return err_set_dicom(r->err, -EFBIG, REASON_INVALID, h->tag,
				     "sequences are nested deeper than %d", (int)NESTING_MAX);
	if (h->length != UNDEFINED)
		end = start + h->length;
	/* PS3.5 6.2.2 note 2: what was converted without knowing its VR is implicit LE inside */
	if (h->vr == VR('U', 'N')) {
		r->implicit = true;
		r->big_endian = false;
	}
	n = read_items(r, h, where, end);
	r->implicit = implicit;
	r->big_endian = big_endian;
	if (n < 0)
		return n;
	node = &r->nodes[at];
	node->el.vr = VR('S', 'Q');
	node->el.length = input_pos(&r->in) - start;
	node->n_items = r->n_items - first;
	if (node->n_items > 0) {
		n = arena_alloc(r->d, node->n_items * sizeof *node->items, &node->items);
		if (n < 0)
			return failed(r, n, h->tag);
		memcpy(node->items, r->items + first, node->n_items * sizeof *node->items);
	}
	r->n_items = first;
	return 0;
}

/* ------------------------------------------------------ meta and file ---- */

/* Group 0002, explicit LE whatever follows.  Its length (0002,0000) is often
 * wrong or missing; it ends where another group begins. */
static int
read_meta(struct reader *r)
{
	const struct place where = { .end = r->in.size };
	char value[UID_TEXT_MAX + 1];
	struct header h;
	size_t len;
	int n;

	for (;;) {
		n = need(r, 8);
		if (n < 0)
			return failed(r, n, TAG(2, 0));
		if (n == 0 || get16(r, r->in.p) != 2)
			break;
		n = read_header(r, &where, &h);
		if (n < 0)
			return n;
		if (h.length > META_MAX)
			return broken(r, h.tag, "too long for file meta information");
		if (h.tag != TAG(0x0002, 0x0010)) {
			n = input_skip(&r->in, h.length);
			if (n < 0)
				return failed(r, n, h.tag);
			continue;
		}
		if (h.length > sizeof value)
			return broken(r, h.tag, "the transfer syntax is no UID");
		n = input_read(&r->in, value, h.length);
		if (n < 0)
			return failed(r, n, h.tag);
		len = value_trimmed(value, h.length);
		if (!uid_is_valid(value, len))
			return broken(r, h.tag, "the transfer syntax is no UID");
		memcpy(r->d->xfer_uid, value, len);
		r->d->xfer_uid[len] = '\0';
	}
	if (r->d->xfer_uid[0] == '\0')
		return broken(r, TAG(0x0002, 0x0010), "no transfer syntax");
	return 0;
}

/* An explicit data set that calls itself implicit: two letters of a VR where
 * the low half of a length should be.  As lengths they are above 64 KiB, more
 * than the first element of any data set has. */
static int
check_is_implicit(struct reader *r)
{
	const unsigned char *p;
	int n = need(r, 8);

	if (n <= 0)
		return n < 0 ? failed(r, n, 0) : 0;
	p = r->in.p;
	if (vr_info(VR(p[4], p[5]))->kind != VR_UNKNOWN && get32(r, p + 4) > 0xFFFF)
		return broken(r, TAG(get16(r, p), get16(r, p + 2)),
			      "the data set has explicit value representations, "
			      "the transfer syntax says it has none");
	return 0;
}

/* Some writers name a compressed syntax over a data set that is implicit: the
 * first element has no two letters where a VR should be, and a length that
 * makes sense without one. */
static bool
looks_implicit(struct reader *r)
{
	const unsigned char *p;

	if (need(r, 8) <= 0)
		return false;
	p = r->in.p;
	return !(p[4] >= 'A' && p[4] <= 'Z' && p[5] >= 'A' && p[5] <= 'Z') &&
	       get32(r, p + 4) <= r->in.size - input_pos(&r->in) - 8;
}

static int
read_file(struct reader *r)
{
	struct dicom *d = r->d;
	struct place where = { 0 };
	int n;

	if (r->in.size < 132)
		return err_set_dicom(r->err, -EBADMSG, REASON_INVALID, 0, "not a DICOM file: too short");
	n = need(r, 132);
	if (n < 0)
		return failed(r, n, 0);
	if (memcmp(r->in.p + 128, "DICM", 4) != 0)
		return err_set_dicom(r->err, -EBADMSG, REASON_INVALID, 0,
				     "not a DICOM file: no DICM prefix");
	r->in.p += 132;
	n = read_meta(r);
	if (n < 0)
		return n;
	d->data_set_offset = input_pos(&r->in);
	d->implicit = r->implicit = strcmp(d->xfer_uid, UID_IMPLICIT_LE) == 0;
	r->big_endian = strcmp(d->xfer_uid, UID_EXPLICIT_BE) == 0;
	if (strcmp(d->xfer_uid, UID_DEFLATED_LE) == 0) {
		d->deflated = true;
		n = input_inflate(&r->in);
		if (n < 0)
			return failed(r, n, 0);
	}
	if (d->implicit) {
		n = check_is_implicit(r);
		if (n < 0)
			return n;
	} else if (!r->big_endian && !d->deflated)
		d->implicit = r->implicit = looks_implicit(r);
	where.end = r->in.size;
	return read_dataset(r, where, false, &d->top);
}

static int
read_all(struct reader *r, struct dicom **ret_dicom)
{
	int n;

	r->d = calloc(1, sizeof *r->d);
	if (r->d == NULL)
		n = err_set(r->err, -ENOMEM, "out of memory");
	else
		n = read_file(r);
	input_close(&r->in);
	free(r->nodes);
	free(r->items);
	if (n < 0)
		dicom_free(r->d);
	else
		*ret_dicom = r->d;
	return n;
}

int
dicom_read_fd(int fd, struct dicom **ret_dicom, struct err *err)
{
	struct reader r = { .err = err };
	int n = input_open_fd(&r.in, fd);

	if (n < 0) {
		input_close(&r.in);
		return err_set(err, n, "reading failed: %s", strerror(-n));
	}
	return read_all(&r, ret_dicom);
}

int
dicom_read_mem(const void *data, size_t len, struct dicom **ret_dicom, struct err *err)
{
	struct reader r = { .err = err };

	input_open_mem(&r.in, data, len);
	return read_all(&r, ret_dicom);
}

void
dicom_free(struct dicom *d)
{
	struct arena_chunk *c, *next;

	if (d == NULL)
		return;
	for (c = d->chunks; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
	free(d);
}
