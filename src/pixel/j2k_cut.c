/* How finely a JPEG 2000 code stream (ISO/IEC 15444-1 annex A) is cut into tiles, precincts and
 * code-blocks.  OpenJPEG makes a structure of some ten kilobytes for each tile, and one of
 * hundreds of bytes for each of the others, before it has read a byte of them: a code
 * stream of 130 bytes can have it take gigabytes and minutes for 4096 x 4096 pixels.
 *
 * Only what the decoder could understand otherwise than this is refused as broken: the rest
 * is the decoder's to say. */
#include <errno.h>
#include <string.h>

#include "pixel/codec.h"

/* Small frames may be cut as they like.  Of large ones, tiles of 64 x 64 and code-blocks of
 * 16 x 16 are the finest: nobody writes finer ones, and they take no more than the cells do. */
#define TILES_MIN 4096
#define TILE_PIXELS 4096
#define BLOCKS_MIN 65536
#define BLOCK_PIXELS 128

#define LEVELS_MAX 32
#define COMPONENTS_MAX 4

enum marker {
	SOC = 0xFF4F, CAP, SIZ, COD, COC, TLM = 0xFF55, PLM = 0xFF57, PLT, CPF, QCD = 0xFF5C, QCC, RGN, POC, PPM, PPT,
	CRG = 0xFF63, COM, MCT = 0xFF74, MCC, MCO = 0xFF77, CBD, SOT = 0xFF90, SOD = 0xFF93,
};

struct reader {
	const unsigned char *at, *end;
};

/* A tile, and all of them. */
struct cut {
	double width, height;
	double tiles, blocks;
	unsigned components;
};

static uint32_t
number(const unsigned char *p, unsigned size)
{
	uint32_t n = 0;

	while (size-- > 0)
		n = n << 8 | *p++;
	return n;
}

static double
pieces(double whole, unsigned exponent)
{
	double piece = (double)((uint64_t)1 << exponent), n = (double)(uint64_t)(whole / piece);

	return n * piece < whole ? n + 1 : n;
}

static unsigned
less(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* One tile's precincts and code-blocks of one component: p is SPcod, of len bytes (A.6.1).
 * Negative: it is too short. */
static double
count_blocks(const struct cut *c, const unsigned char *p, size_t len, bool precincts)
{
	unsigned levels, r, cb_x, cb_y, p_x = 15, p_y = 15;
	double n = 0;

	if (len < 5 || p[0] > LEVELS_MAX || len < 5 + (precincts ? p[0] + 1u : 0))
		return -1;
	levels = p[0];
	cb_x = (p[1] & 15) + 2u;
	cb_y = (p[2] & 15) + 2u;
	for (r = 0; r <= levels; r++) {
		double w = pieces(c->width, levels - r), h = pieces(c->height, levels - r), across, down;
		unsigned bands = r > 0 ? 3 : 1, half = r > 0;

		if (precincts) {
			p_x = p[5 + r] & 15;
			p_y = p[5 + r] >> 4;
		}
		across = pieces(w, p_x);
		down = pieces(h, p_y);
		n += across * down;
		/* a band of a higher resolution has half its width, and so have its precincts */
		across = pieces(w, less(cb_x + half, p_x));
		down = pieces(h, less(cb_y + half, p_y));
		n += bands * across * down;
	}
	return n;
}

/* Lqcd and the like count themselves. */
static int
next_segment(struct reader *in, unsigned *ret_marker, struct reader *ret_segment)
{
	size_t len;

	if (in->end - in->at < 4)
		return -EBADMSG;
	*ret_marker = number(in->at, 2);
	if (*ret_marker == SOD)
		return 0;
	len = number(in->at + 2, 2);
	if (len < 2 || len > (size_t)(in->end - in->at) - 2)
		return -EBADMSG;
	*ret_segment = (struct reader){ in->at + 4, in->at + 2 + len };
	in->at += 2 + len;
	return 0;
}

static bool
is_known(unsigned marker)
{
	return (marker >= CAP && marker <= COC) || marker == TLM || (marker >= PLM && marker <= CPF) ||
	       (marker >= QCD && marker <= PPT) || marker == CRG || marker == COM || marker == MCT || marker == MCC ||
	       marker == MCO || marker == CBD;
}

static int
read_size(const struct reader *s, struct cut *c)
{
	double size[2], first[2], tile[2];
	const unsigned char *p = s->at;
	unsigned i;

	if (s->end - p < 36)
		return -EBADMSG;
	for (i = 0; i < 2; i++) {
		size[i] = number(p + 2 + 4 * i, 4);
		tile[i] = number(p + 18 + 4 * i, 4);
		first[i] = number(p + 26 + 4 * i, 4);
		if (tile[i] == 0 || first[i] >= size[i])
			return -EBADMSG;
	}
	c->components = number(p + 34, 2);
	if (c->components == 0 || c->components > COMPONENTS_MAX)
		return -EBADMSG;
	c->width = tile[0] < size[0] ? tile[0] : size[0];
	c->height = tile[1] < size[1] ? tile[1] : size[1];
	c->tiles = (double)((uint64_t)((size[0] - first[0] - 1) / tile[0]) + 1) *
		   (double)((uint64_t)((size[1] - first[1] - 1) / tile[1]) + 1);
	return 0;
}

/* Add what a COD or COC says of so many tiles. */
static int
read_style(const struct reader *s, unsigned marker, double tiles, struct cut *c)
{
	size_t skip = marker == COD ? 5 : 2, len = (size_t)(s->end - s->at);
	double n = len < skip ? -1 :
		count_blocks(c, s->at + skip, len - skip, (s->at[marker == COD ? 0 : 1] & 1) != 0);

	if (n < 0)
		return -EBADMSG;
	c->blocks += n * tiles * (marker == COD ? c->components : 1);
	return 0;
}

/* Up to the first tile-part. */
static int
read_main_header(struct reader *in, struct cut *c)
{
	struct reader s;
	unsigned marker;
	int r;

	for (;;) {
		if (in->end - in->at >= 2 && number(in->at, 2) == SOT)
			return c->components > 0 ? 0 : -EBADMSG;
		r = next_segment(in, &marker, &s);
		/* the decoder looks for a marker it knows inside those it does not */
		if (r < 0 || !is_known(marker))
			return -EBADMSG;
		if (marker == SIZ)
			r = c->components == 0 ? read_size(&s, c) : -EBADMSG;
		else if (marker == COD || marker == COC)
			r = c->components > 0 ? read_style(&s, marker, c->tiles, c) : -EBADMSG;
		if (r < 0)
			return r;
	}
}

/* The header of a tile-part may have its own style.  in moves to the next; false: there is none. */
static bool
read_tile_part(struct reader *in, struct cut *c)
{
	const unsigned char *start = in->at;
	struct reader s;
	unsigned marker;
	uint32_t len;

	if (next_segment(in, &marker, &s) < 0 || marker != SOT || s.end - s.at < 8)
		return false;
	len = number(s.at + 2, 4);
	while (next_segment(in, &marker, &s) == 0 && marker != SOD)
		if ((marker == COD || marker == COC) && read_style(&s, marker, 1, c) < 0)
			return false;
	if (len < (size_t)(in->at - start) || len > (size_t)(in->end - start))
		return false;
	in->at = start + len;
	return true;
}

/* In a file (JP2, I.4) the code stream is a box. */
static bool
find_stream(struct reader *in)
{
	uint64_t len, head;

	while (in->end - in->at >= 8 && number(in->at, 2) != SOC) {
		len = number(in->at, 4);
		head = 8;
		if (len == 1 && in->end - in->at >= 16) {
			len = (uint64_t)number(in->at + 8, 4) << 32 | number(in->at + 12, 4);
			head = 16;
		}
		if (memcmp(in->at + 4, "jp2c", 4) == 0)
			in->at += head;
		else if (len < head || len > (uint64_t)(in->end - in->at))
			return false;
		else
			in->at += len;
	}
	if (in->end - in->at < 2 || number(in->at, 2) != SOC)
		return false;
	in->at += 2;
	return true;
}

int
j2k_check_cut(const void *data, size_t len, const struct pixel_format *format, struct err *err)
{
	struct reader in = { data, (const unsigned char *)data + len };
	double pixels = (double)format->rows * format->columns;
	struct cut c = { 0 };

	if (!find_stream(&in) || read_main_header(&in, &c) < 0)
		return err_set(err, -EBADMSG, "the JPEG 2000 frame has no header that can be read");
	while (read_tile_part(&in, &c))
		;
	if (c.tiles > TILES_MIN + pixels / TILE_PIXELS || c.blocks > BLOCKS_MIN + pixels * c.components / BLOCK_PIXELS)
		return err_set(err, -EFBIG, "the JPEG 2000 frame is cut into more pieces than any decoded here");
	return 0;
}
