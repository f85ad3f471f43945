/* RLE Lossless (PS3.5 annex G): a header of 16 numbers, then a segment for each
 * byte of each sample, the most significant byte first, each packed as
 * PackBits does it. */
#include <errno.h>
#include <string.h>

#include "pixel/codec.h"

enum { HEADER = 64, SEGMENTS_MAX = 15 };

static uint32_t
get32(const unsigned char *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static void
put32(unsigned char *p, uint32_t n)
{
	p[0] = (unsigned char)n;
	p[1] = (unsigned char)(n >> 8);
	p[2] = (unsigned char)(n >> 16);
	p[3] = (unsigned char)(n >> 24);
}

/* A segment to every step-th byte of to. */
static int
unpack(const unsigned char *p, const unsigned char *end, unsigned char *to, size_t step, size_t n)
{
	size_t run;

	while (n > 0 && p < end) {
		unsigned char head = *p++;

		if (head < 128) {
			for (run = (size_t)head + 1; run > 0 && n > 0 && p < end; run--, n--, to += step)
				*to = *p++;
		} else if (head > 128) {
			if (p == end)
				break;
			for (run = 257 - (size_t)head; run > 0 && n > 0; run--, n--, to += step)
				*to = *p;
			p++;
		}
	}
	return n == 0 ? 0 : -EBADMSG;
}

int
rle_decode(const void *data, size_t len, struct pixel_frame *frame, struct err *err)
{
	const struct pixel_format *f = &frame->format;
	size_t size = f->bits_allocated == 1 ? 1 : cell_size(f);
	size_t n = f->bits_allocated == 1 ? frame->len : (size_t)f->rows * f->columns;
	uint32_t count, segments = (uint32_t)(size * f->samples), i;
	const unsigned char *p = data;

	if (f->bits_allocated == 1 && f->samples != 1)
		return err_set(err, -EOPNOTSUPP, "RLE of several samples of one bit");
	if (len < HEADER)
		return err_set(err, -EBADMSG, "the RLE frame is shorter than its header");
	count = get32(p);
	if (count != segments)
		return err_set(err, -EBADMSG, "the RLE frame has %u segments, its pixels need %u", count, segments);
	for (i = 0; i < count; i++) {
		size_t from = get32(p + 4 + 4 * i), to = i + 1 < count ? get32(p + 8 + 4 * i) : len;
		uint32_t sample = i / (uint32_t)size;
		size_t byte = size - 1 - i % size;
		unsigned char *cell = frame->data + byte;

		if (from < HEADER || from > to || to > len)
			return err_set(err, -EBADMSG, "the RLE frame's segments are not where its header says");
		cell += f->planar ? sample * n * size : sample * size;
		if (unpack(p + from, p + to, cell, f->planar ? size : size * f->samples, n) < 0)
			return err_set(err, -EBADMSG, "the RLE frame ends before its last pixel");
	}
	return 0;
}

/* PS3.5 G.3.1: rows are packed one by one. */
static void
pack_row(const unsigned char *p, size_t step, size_t n, struct buf *out)
{
	unsigned char literal[128];
	size_t held = 0, run;

	while (n > 0) {
		for (run = 1; run < n && run < 128 && p[run * step] == p[0]; run++)
			;
		/* two alike are worth a run only where no literal would be cut */
		if (run >= 3 || (run == 2 && held == 0)) {
			if (held > 0) {
				buf_putc(out, (char)(held - 1));
				buf_put(out, literal, held);
				held = 0;
			}
			buf_putc(out, (char)(257 - run));
			buf_putc(out, (char)p[0]);
		} else {
			run = 1;
			literal[held++] = p[0];
			if (held == sizeof literal) {
				buf_putc(out, (char)(held - 1));
				buf_put(out, literal, held);
				held = 0;
			}
		}
		p += run * step;
		n -= run;
	}
	if (held > 0) {
		buf_putc(out, (char)(held - 1));
		buf_put(out, literal, held);
	}
}

int
rle_encode(const struct pixel_frame *frame, unsigned quality, struct buf *out, struct pixel_format *format,
	   struct err *err)
{
	const struct pixel_format *f = &frame->format;
	bool bits = f->bits_allocated == 1;
	size_t size = bits ? 1 : cell_size(f), start = out->len;
	size_t n = (size_t)f->rows * f->columns, row = bits ? frame->len : f->columns, rows = bits ? 1 : f->rows;
	uint32_t segments = (uint32_t)(size * f->samples), i;
	size_t step = f->planar ? size : size * f->samples, y;
	unsigned char header[HEADER] = { 0 };

	(void)quality;
	if (segments > SEGMENTS_MAX || (bits && f->samples != 1))
		return err_set(err, -EOPNOTSUPP, "RLE has no room for %u segments", segments);
	put32(header, segments);
	buf_put(out, header, sizeof header);
	for (i = 0; i < segments; i++) {
		uint32_t sample = i / (uint32_t)size;
		const unsigned char *p = frame->data + (size - 1 - i % size);

		p += f->planar ? sample * n * size : sample * size;
		put32(header + 4 + 4 * i, (uint32_t)(out->len - start));
		for (y = 0; y < rows; y++)
			pack_row(p + y * row * step, step, row, out);
		if ((out->len - start) % 2 != 0)
			buf_putc(out, 0);
	}
	if (buf_error(out) < 0)
		return err_set(err, buf_error(out), "the frame grew too large");
	memcpy(out->data + start, header, sizeof header);
	/* PS3.5 8.2.2: by plane, whatever the attribute says; keep what it says */
	format->planar = f->planar;
	return 0;
}
