#include "dicom/frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/vec.h"

/* A whole slide image of 250,000 x 250,000 in tiles of 256 has a million frames. */
#define FRAGMENTS_MAX (1u << 22)

enum {
	TAG_EXTENDED_OFFSETS = 0x7FE00001,
	TAG_EXTENDED_LENGTHS = 0x7FE00002,
	ITEM_HEADER = 8,
};

struct frames {
	uint32_t count;
	bool video;
	/* native */
	uint64_t offset;		/* of the first */
	uint64_t bits;			/* of one; 0: encapsulated */
	uint32_t swap;
	/* encapsulated */
	struct frame_piece *pieces;
	size_t n_pieces, cap;
	uint32_t *first;		/* piece of each frame, and one behind the last */
};

/* While the table is made. */
struct scan {
	const struct dicom *d;
	int fd;
	const struct image *image;
	struct frames *f;
	unsigned char *begins;		/* fragments that begin a code stream, 1 each */
	size_t cap;
	uint64_t base;			/* offsets of a table count from here: the first item behind it */
	uint64_t *table;		/* of a table, whichever: where frames begin */
	uint64_t *lengths;		/* of the extended one, else NULL */
	size_t n_table;
};

static uint32_t
le32(const unsigned char *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static uint64_t
le64(const unsigned char *p)
{
	return (uint64_t)le32(p + 4) << 32 | le32(p);
}

static int
read_exactly(int fd, void *data, size_t len, uint64_t off)
{
	ssize_t n = io_pread_all(fd, data, len, off);

	return n < 0 ? (int)n : (size_t)n < len ? -EBADMSG : 0;
}

/* ------------------------------------------------------------ tables ---- */

/* SOI of JPEG and JPEG-LS, SOC of JPEG 2000, the box that opens a JP2 file, JPEG XL. */
static bool
begins_stream(const unsigned char *p, size_t len)
{
	static const struct { unsigned char len, bytes[4]; } heads[] = {
		{ 3, { 0xFF, 0xD8, 0xFF } }, { 4, { 0xFF, 0x4F, 0xFF, 0x51 } }, { 4, { 0, 0, 0, 0x0C } },
		{ 2, { 0xFF, 0x0A } },
	};
	size_t i;

	for (i = 0; i < sizeof heads / sizeof *heads; i++)
		if (len >= heads[i].len && memcmp(p, heads[i].bytes, heads[i].len) == 0)
			return true;
	return false;
}

static int
read_basic_table(struct scan *s, uint64_t offset, uint32_t length)
{
	unsigned char *raw;
	size_t i, n = length / 4;
	int r;

	s->base = offset + length;
	if (n == 0 || n > FRAGMENTS_MAX)
		return 0;
	raw = malloc(4 * n);
	s->table = malloc(n * sizeof *s->table);
	if (raw == NULL || s->table == NULL) {
		free(raw);
		return -ENOMEM;
	}
	r = read_exactly(s->fd, raw, 4 * n, offset);
	for (i = 0; i < n && r == 0; i++)
		s->table[i] = le32(raw + 4 * i);
	s->n_table = n;
	free(raw);
	return r;
}

static int
read_words(const struct scan *s, uint32_t tag, size_t n, uint64_t **ret_words)
{
	const struct dicom_element *el = dicom_find(s->d, tag);
	unsigned char *raw;
	uint64_t *words;
	size_t i;
	int r = 0;

	if (el == NULL || el->encapsulated || el->length != 8 * (uint64_t)n)
		return -ENOENT;
	words = malloc(n * sizeof *words);
	raw = malloc(8 * n);
	if (words == NULL || raw == NULL)
		r = -ENOMEM;
	else if (el->value.data != NULL)
		memcpy(raw, el->value.data, 8 * n);
	else
		r = el->offset == 0 ? -ENOENT : read_exactly(s->fd, raw, 8 * n, el->offset);
	for (i = 0; i < n && r == 0; i++)
		words[i] = le64(raw + 8 * i);
	free(raw);
	if (r < 0)
		free(words);
	else
		*ret_words = words;
	return r;
}

static int
read_extended_table(struct scan *s)
{
	size_t n = s->image->frames;
	int r;

	if (n > FRAGMENTS_MAX)
		return 0;
	r = read_words(s, TAG_EXTENDED_OFFSETS, n, &s->table);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	s->n_table = n;
	r = read_words(s, TAG_EXTENDED_LENGTHS, n, &s->lengths);
	return r == -ENOENT ? 0 : r;
}

/* --------------------------------------------------------- fragments ---- */

static int
add_fragment(struct scan *s, uint64_t offset, uint32_t length)
{
	struct frames *f = s->f;
	unsigned char head[4];
	size_t n = length < sizeof head ? length : sizeof head;
	int r;

	if (f->n_pieces == FRAGMENTS_MAX)
		return -EFBIG;
	r = vec_room(&f->pieces, &f->cap, f->n_pieces, sizeof *f->pieces, 16);
	if (r == 0)
		r = vec_room(&s->begins, &s->cap, f->n_pieces, 1, 64);
	if (r == 0)
		r = read_exactly(s->fd, head, n, offset);
	if (r < 0)
		return r;
	s->begins[f->n_pieces] = begins_stream(head, n);
	f->pieces[f->n_pieces++] = (struct frame_piece){ offset, length };
	return 0;
}

/* The reader has walked here before; but the file may have changed since. */
static int
read_fragments(struct scan *s)
{
	uint64_t at = s->image->pixels->offset, end = at + s->image->pixels->length;
	unsigned char head[ITEM_HEADER];
	bool first = true;
	uint32_t length;
	int r;

	for (; at + ITEM_HEADER <= end; at += length, first = false) {
		r = read_exactly(s->fd, head, sizeof head, at);
		if (r < 0)
			return r;
		length = le32(head + 4);
		at += ITEM_HEADER;
		if (memcmp(head, "\xFE\xFF\x00\xE0", 4) != 0 || length > end - at)
			return -EBADMSG;
		r = first ? read_basic_table(s, at, length) : add_fragment(s, at, length);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ----------------------------------------------------- which is whose ---- */

/* Frames begin where the table says, if that is where fragments begin. */
static bool
group_by_table(struct scan *s)
{
	struct frames *f = s->f;
	size_t i, k = 0;

	if (s->n_table != s->image->frames || s->n_table > f->n_pieces)
		return false;
	for (i = 0; i < s->n_table; i++) {
		uint64_t want = s->base + s->table[i] + ITEM_HEADER;

		while (k < f->n_pieces && f->pieces[k].offset < want)
			k++;
		if (k == f->n_pieces || f->pieces[k].offset != want || (i == 0 && k != 0) ||
		    (i > 0 && k == f->first[i - 1]))
			return false;
		f->first[i] = (uint32_t)k;
	}
	f->count = (uint32_t)s->n_table;
	f->first[f->count] = (uint32_t)f->n_pieces;
	return true;
}

/* Does the fragment end with EOI or EOC, but for a byte of padding? */
static bool
ends_stream(const struct scan *s, const struct frame_piece *p)
{
	unsigned char tail[3] = { 0 };
	size_t n = p->length < sizeof tail ? (size_t)p->length : sizeof tail;

	if (n < 2 || read_exactly(s->fd, tail + sizeof tail - n, n, p->offset + p->length - n) < 0)
		return false;
	return (tail[1] == 0xFF && tail[2] == 0xD9) || (tail[0] == 0xFF && tail[1] == 0xD9 && tail[2] == 0);
}

/* Frames begin with the fragments that begin a code stream, and, when asked
 * for, follow one that ended its own. */
static uint32_t
group_by_streams(struct scan *s, bool after_end)
{
	struct frames *f = s->f;
	size_t i;

	f->count = 0;
	for (i = 0; i < f->n_pieces; i++)
		if (s->begins[i] && (i == 0 || !after_end || ends_stream(s, &f->pieces[i - 1]))) {
			if (f->count == s->image->frames) {
				f->count++;		/* too many already */
				break;
			}
			f->first[f->count++] = (uint32_t)i;
		}
	if (f->count <= s->image->frames)
		f->first[f->count] = (uint32_t)f->n_pieces;
	return f->n_pieces > 0 && s->begins[0] ? f->count : 0;
}

static void
group_evenly(struct frames *f, uint32_t count)
{
	uint32_t i;

	f->count = count;
	for (i = 0; i < count; i++)
		f->first[i] = i;
	f->first[count] = (uint32_t)f->n_pieces;
}

static int
group(struct scan *s, struct err *err)
{
	struct frames *f = s->f;
	uint32_t frames = s->image->frames, streams;
	size_t room = frames < f->n_pieces ? frames : f->n_pieces;

	/* as many as there can be, and one behind the last */
	if (f->n_pieces == 0)
		return 0;
	f->first = malloc((room + 2) * sizeof *f->first);
	if (f->first == NULL)
		return -ENOMEM;
	if (f->video || frames == 1) {
		group_evenly(f, 1);
		return 0;
	}
	if (group_by_table(s))
		return 0;
	if (f->n_pieces == frames) {
		group_evenly(f, frames);	/* PS3.5 A.4: one fragment each */
		return 0;
	}
	if (f->n_pieces < frames) {
		/* some frames are missing; those that are there may still be in pieces */
		if (group_by_streams(s, false) == 0)
			group_evenly(f, (uint32_t)f->n_pieces);
		return 0;
	}
	streams = group_by_streams(s, false);
	if (streams > frames)
		streams = group_by_streams(s, true);
	if (streams != frames)
		return err_set(err, -EBADMSG, "the pixel data are %zu fragments without a usable offset table, "
			       "from which %u frames cannot be told apart", f->n_pieces, frames);
	return 0;
}

/* An extended table knows the length without the padding byte. */
static void
trim_by_lengths(struct scan *s)
{
	struct frames *f = s->f;
	uint32_t i;

	if (s->lengths == NULL || f->count != s->n_table || f->n_pieces != f->count)
		return;
	for (i = 0; i < f->count; i++)
		if (s->lengths[i] < f->pieces[i].length && f->pieces[i].length - s->lengths[i] == 1)
			f->pieces[i].length = s->lengths[i];
}

static int
open_encapsulated(struct scan *s, struct err *err)
{
	int r = read_fragments(s);

	if (r == 0 && s->n_table == 0)
		r = read_extended_table(s);
	if (r == 0)
		r = group(s, err);
	if (r == 0)
		trim_by_lengths(s);
	free(s->begins);
	free(s->table);
	free(s->lengths);
	return r;
}

/* ------------------------------------------------------------ native ---- */

/* MPEG-2, MPEG-4 and HEVC, PS3.5 A.4.6 on. */
static bool
is_video(const char *xfer_uid)
{
	static const char prefix[] = "1.2.840.10008.1.2.4.10";
	const char *p = xfer_uid + sizeof prefix - 1;

	return strncmp(xfer_uid, prefix, sizeof prefix - 1) == 0 && *p >= '0' && *p <= '8' &&
	       (p[1] == '\0' || p[1] == '.');
}

static bool
is_native(const char *xfer_uid)
{
	static const char *const uids[] = { UID_IMPLICIT_LE, UID_EXPLICIT_LE, UID_EXPLICIT_BE, UID_DEFLATED_LE };
	size_t i;

	for (i = 0; i < sizeof uids / sizeof *uids; i++)
		if (strcmp(xfer_uid, uids[i]) == 0)
			return true;
	return false;
}

static int
open_native(const struct image *image, struct frames *f)
{
	const struct dicom_element *el = image->pixels;
	uint64_t pixels = (uint64_t)image->rows * image->columns, fit;
	bool halved = image->samples == 3 && image->bits_allocated == 8 && strlen(image->photometric) > 4 &&
		      strcmp(image->photometric + strlen(image->photometric) - 4, "_422") == 0;

	f->offset = el->offset;
	f->swap = image->swap;
	f->bits = pixels * image->samples * image->bits_allocated;
	/* PS3.3 C.7.6.3.1.2: two colour samples for two pixels.  Some writers give the name to
	 * pixels with all three samples: by their length they are known. */
	if (halved && el->length * 8 / image->frames < f->bits)
		f->bits = pixels * 16;
	fit = el->length * 8 / f->bits;
	f->count = fit < image->frames ? (uint32_t)fit : image->frames;
	return 0;
}

int
frames_open(const struct dicom *d, int fd, const struct image *image, struct frames **ret_frames, struct err *err)
{
	struct scan s = { .d = d, .fd = fd, .image = image };
	int r;

	if (image->pixels->offset == 0)
		return err_set(err, -EBADMSG, "the pixel data lie in a deflated data set");
	if (image->pixels->encapsulated == is_native(dicom_xfer_uid(d)))
		return err_set(err, -EBADMSG, "the pixel data are %s, which the transfer syntax %s does not allow",
			       image->pixels->encapsulated ? "encapsulated" : "not encapsulated", dicom_xfer_uid(d));
	s.f = calloc(1, sizeof *s.f);
	if (s.f == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	s.f->video = is_video(dicom_xfer_uid(d));
	r = image->pixels->encapsulated ? open_encapsulated(&s, err) : open_native(image, s.f);
	if (r < 0) {
		frames_free(s.f);
		if (err != NULL && err->num == r)
			return r;
		if (r == -EFBIG)
			return err_set(err, r, "the pixel data are in more than %u fragments", FRAGMENTS_MAX);
		return err_set(err, r, "the fragments of the pixel data cannot be read");
	}
	*ret_frames = s.f;
	return 0;
}

void
frames_free(struct frames *f)
{
	if (f == NULL)
		return;
	free(f->pieces);
	free(f->first);
	free(f);
}

size_t
frames_memory(const struct frames *f)
{
	return sizeof *f + f->cap * sizeof *f->pieces + (f->first != NULL ? (f->count + 2) * sizeof *f->first : 0);
}

/* -------------------------------------------------------------- asks ---- */

uint32_t
frames_count(const struct frames *f)
{
	return f->count;
}

bool
frames_is_video(const struct frames *f)
{
	return f->video;
}

uint64_t
frames_length(const struct frames *f, uint32_t n)
{
	uint64_t length = 0;
	uint32_t i;

	if (f->bits != 0)
		return (f->bits + 7) / 8;
	for (i = f->first[n]; i < f->first[n + 1]; i++)
		length += f->pieces[i].length;
	return length;
}

bool
frames_is_whole(const struct frames *f, uint32_t n)
{
	return f->bits * n % 8 == 0 && (f->bits % 8 == 0 || n + 1 == f->count);
}

int
frames_piece(const struct frames *f, uint32_t n, uint32_t i, struct frame_piece *ret_piece)
{
	if (f->bits != 0) {
		uint64_t from = f->bits * n / 8;

		*ret_piece = (struct frame_piece){ f->offset + from, (f->bits * (n + 1) + 7) / 8 - from };
		return i == 0;
	}
	if (i >= f->first[n + 1] - f->first[n])
		return 0;
	*ret_piece = f->pieces[f->first[n] + i];
	return 1;
}

static void
turn_round(unsigned char *p, size_t len, uint32_t word)
{
	unsigned char *end = p + len / word * word;
	uint32_t i;

	for (; p < end; p += word)
		for (i = 0; i < word / 2; i++) {
			unsigned char c = p[i];

			p[i] = p[word - 1 - i];
			p[word - 1 - i] = c;
		}
}

/* Bits of a frame that begins inside a byte, its first in bit 0 (PS3.5 8.1.1). */
static void
shift_down(const unsigned char *from, unsigned bit, unsigned char *to, uint64_t bits)
{
	uint64_t i, len = (bits + 7) / 8, have = (bit + bits + 7) / 8;

	for (i = 0; i < len; i++)
		to[i] = (unsigned char)(from[i] >> bit | (i + 1 < have && bit != 0 ? from[i + 1] << (8 - bit) : 0));
	if (bits % 8 != 0)
		to[len - 1] &= (unsigned char)((1u << bits % 8) - 1);
}

/* A piece from whole words on, turned round, then cut to size. */
static int
read_crooked(const struct frames *f, int fd, uint32_t n, unsigned char *data)
{
	uint64_t bit = f->bits * n, from = bit / 8 / f->swap * f->swap;
	uint64_t end = ((bit + f->bits + 7) / 8 + f->swap - 1) / f->swap * f->swap;
	size_t len = (size_t)(end - from);
	unsigned char *raw = malloc(len);
	ssize_t got;

	if (raw == NULL)
		return -ENOMEM;
	got = io_pread_all(fd, raw, len, f->offset + from);
	if (got >= 0 && (uint64_t)got < (bit + f->bits + 7) / 8 - from)
		got = -EBADMSG;
	if (got >= 0) {
		memset(raw + got, 0, len - (size_t)got);
		turn_round(raw, len, f->swap);
		shift_down(raw + (bit / 8 - from), bit % 8, data, f->bits);
	}
	free(raw);
	return got < 0 ? (int)got : 0;
}

int
frames_read(const struct frames *f, int fd, uint32_t n, void *data)
{
	struct frame_piece piece;
	unsigned char *p = data;
	uint32_t i;
	int r;

	if (f->bits != 0 && (!frames_is_whole(f, n) || f->bits % 8 != 0 ||
			     f->bits * n / 8 % f->swap != 0 || f->bits / 8 % f->swap != 0))
		return read_crooked(f, fd, n, data);
	for (i = 0; frames_piece(f, n, i, &piece); i++, p += piece.length) {
		r = read_exactly(fd, p, (size_t)piece.length, piece.offset);
		if (r < 0)
			return r;
		if (f->bits != 0 && f->swap > 1)
			turn_round(p, (size_t)piece.length, f->swap);
	}
	return 0;
}
