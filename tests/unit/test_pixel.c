/* Frames and pictures, on cells made by hand.  What real code streams decode to is
 * the business of tests/pixel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pixel/pixel.h"

#define ELE "1.2.840.10008.1.2.1"
#define JPEG "1.2.840.10008.1.2.4.50"
#define JPEG_LOSSLESS "1.2.840.10008.1.2.4.70"
#define J2K "1.2.840.10008.1.2.4.90"
#define RLE "1.2.840.10008.1.2.5"
#define N(a) (sizeof (a) / sizeof *(a))

static struct pixel_format
format_of(uint32_t rows, uint32_t columns, uint32_t samples, uint32_t bits, enum pixel_color color)
{
	return (struct pixel_format){ .rows = rows, .columns = columns, .samples = samples, .bits_allocated = bits,
				      .bits_stored = bits, .high_bit = bits - 1, .color = color };
}

static void
expect_refused(const char *xfer_uid, const struct pixel_format *f, const void *data, size_t len, int num)
{
	struct pixel_frame frame = { 0 };
	struct err err = { 0 };

	assert_int_equal(pixel_decode(xfer_uid, f, data, len, &frame, &err), num);
	assert_true(err.text[0] != '\0');
	assert_null(frame.data);
}

/* ------------------------------------------------------------ decode ---- */

static void
frames_too_large_are_refused_before_anything_is_allocated(void **state)
{
	struct pixel_format f = format_of(65535, 65535, 3, 16, PIXEL_RGB);

	(void)state;
	expect_refused(RLE, &f, "", 0, -EFBIG);
	expect_refused(JPEG, &f, "", 0, -EFBIG);
	f = format_of(0, 4, 1, 8, PIXEL_MONOCHROME2);
	expect_refused(ELE, &f, "", 0, -EFBIG);
}

static void
a_stream_of_another_size_than_the_data_set_says_is_refused(void **state)
{
	static const unsigned char jpeg[] = "\xFF\xD8\xFF\xC0\x00\x0B\x08\xFF\xFF\xFF\xFF\x01\x01\x11\x00\xFF\xD9";
	struct pixel_format f = format_of(4, 4, 1, 8, PIXEL_MONOCHROME2);
	unsigned char rle[64] = { 2 };

	(void)state;
	expect_refused(JPEG, &f, jpeg, sizeof jpeg - 1, -EBADMSG);
	expect_refused(RLE, &f, rle, sizeof rle, -EBADMSG);		/* two segments */
	rle[0] = 1;
	rle[4] = 64;
	expect_refused(RLE, &f, rle, sizeof rle, -EBADMSG);		/* an empty one */
	rle[4] = 65;
	expect_refused(RLE, &f, rle, sizeof rle, -EBADMSG);		/* behind the end */
	expect_refused(ELE, &f, rle, 15, -EBADMSG);
	expect_refused("1.2.3", &f, rle, 16, -EOPNOTSUPP);
}

static void
a_jpeg_of_countless_scans_is_refused(void **state)
{
	static const unsigned char head[] = "\xFF\xD8\xFF\xC3\x00\x0B\x0C\x00\x04\x00\x04\x01\x01\x11\x00";
	struct pixel_format f = format_of(4, 4, 1, 16, PIXEL_MONOCHROME2);
	unsigned char jpeg[4096];
	size_t len = sizeof head - 1;

	(void)state;
	memcpy(jpeg, head, len);
	for (int i = 0; i < 200; i++) {
		memcpy(jpeg + len, "\xFF\xDA\x00\x08\x01\x01\x00\x01\x00\x00", 10);
		len += 10;
	}
	expect_refused(JPEG_LOSSLESS, &f, jpeg, len, -EBADMSG);
}

/* What a JPEG 2000 code stream says of itself. */
struct j2k {
	uint32_t size, tile;
	unsigned char precincts;	/* both exponents */
	bool own_style;			/* of the tile-part, the main header has large ones */
	const char *box, *segment;	/* before the code stream, and in its main header */
	size_t box_len, segment_len;
};

static void
put_number(struct buf *b, unsigned size, uint32_t n)
{
	while (size-- > 0)
		buf_putc(b, (char)(n >> 8 * size));
}

static void
put_style(struct buf *b, unsigned char precincts)
{
	buf_put(b, "\xFF\x52\0\x0D\x01\0\0\x01\0\0\x04\x04\0\x01", 14);
	buf_putc(b, (char)precincts);
}

static int
decode_j2k(const struct j2k *j)
{
	struct pixel_format f = format_of(j->size, j->size, 1, 8, PIXEL_MONOCHROME2);
	struct pixel_frame frame = { 0 };
	struct err err = { 0 };
	struct buf b;
	size_t start;
	int r;

	buf_init(&b, 4096);
	buf_put(&b, j->box, j->box_len);
	buf_put(&b, "\xFF\x4F\xFF\x51\0\x29\0\0", 8);
	put_number(&b, 4, j->size);
	put_number(&b, 4, j->size);
	buf_put(&b, "\0\0\0\0\0\0\0", 8);
	put_number(&b, 4, j->tile);
	put_number(&b, 4, j->tile);
	buf_put(&b, "\0\0\0\0\0\0\0", 8);
	buf_put(&b, "\0\x01\x07\x01\x01", 5);
	put_style(&b, j->own_style ? 0xFF : j->precincts);
	buf_put(&b, "\xFF\x5C\0\x04\x40\x40", 6);
	buf_put(&b, j->segment, j->segment_len);
	start = b.len;
	buf_put(&b, "\xFF\x90\0\x0A\0\0\0\0\0\0\0\x01", 12);
	if (j->own_style)
		put_style(&b, j->precincts);
	buf_put(&b, "\xFF\x93\0\0\0\0\0\0", 8);
	b.data[start + 9] = (char)(b.len - start);
	buf_put(&b, "\xFF\xD9", 2);
	r = pixel_decode(J2K, &f, b.data, b.len, &frame, &err);
	assert_true(r == 0 || err.text[0] != '\0');
	pixel_frame_fini(&frame);
	buf_fini(&b);
	return r;
}

static void
a_jpeg_2000_of_countless_pieces_is_refused(void **state)
{
	static const char jp2[] = "\0\0\0\x0CjP  \x0D\x0A\x87\x0A" "\0\0\0\x0A" "free\xFF\x4F" "\0\0\0\0jp2c";
	struct j2k good = { .size = 4096, .tile = 4096, .precincts = 0xFF }, j;

	(void)state;
	assert_int_equal(decode_j2k(&good), 0);
	j = good;
	j.precincts = 0;
	assert_int_equal(decode_j2k(&j), -EFBIG);
	j.own_style = true;
	assert_int_equal(decode_j2k(&j), -EFBIG);
	j.box = jp2;
	j.box_len = sizeof jp2 - 1;
	assert_int_equal(decode_j2k(&j), -EFBIG);
	j = good;
	j.tile = 4;
	assert_int_equal(decode_j2k(&j), -EFBIG);
	/* where the library would look for a marker it knows */
	j = good;
	j.segment = "\xFF\x6A\0\x02";
	j.segment_len = 4;
	assert_int_equal(decode_j2k(&j), -EBADMSG);
	/* a comment and small frames are good */
	j.segment = "\xFF\x64\0\x05\0\x01x";
	j.segment_len = 7;
	assert_int_equal(decode_j2k(&j), 0);
	j = (struct j2k){ .size = 64, .tile = 64 };
	assert_int_equal(decode_j2k(&j), 0);
	j = (struct j2k){ .size = 64, .tile = 1, .precincts = 0xFF };
	assert_int_equal(decode_j2k(&j), 0);
}

static void
half_the_colour_is_spread_over_both_pixels(void **state)
{
	struct pixel_format f = format_of(1, 2, 3, 8, PIXEL_YBR_FULL_422);
	struct pixel_frame frame;

	(void)state;
	assert_int_equal(pixel_decode(ELE, &f, "\1\2\3\4", 4, &frame, NULL), 0);
	assert_int_equal(frame.format.color, PIXEL_YBR_FULL);
	assert_memory_equal(frame.data, "\1\3\4\2\3\4", 6);
	pixel_frame_fini(&frame);
}

/* RLE of a long row: runs and literals of every length about 128 come back. */
static void
runs_of_every_length_come_back(void **state)
{
	struct pixel_format f = format_of(2, 700, 1, 8, PIXEL_MONOCHROME2), made;
	unsigned char cells[1400];
	struct pixel_frame frame = { f, cells, sizeof cells }, again;
	struct buf out;

	(void)state;
	for (int run = 1; run < 300; run++) {
		for (int i = 0; i < 1400; i++)
			cells[i] = (unsigned char)(i / run % 2 == 0 ? i / run : i * 7);
		buf_init(&out, 1 << 20);
		assert_int_equal(pixel_encode(RLE, &frame, 0, &out, &made, NULL), 0);
		assert_int_equal(out.len % 2, 0);
		assert_int_equal(pixel_decode(RLE, &made, out.data, out.len, &again, NULL), 0);
		assert_memory_equal(again.data, cells, sizeof cells);
		pixel_frame_fini(&again);
		buf_fini(&out);
	}
}

/* ------------------------------------------------------------ render ---- */

static void
expect_picture(const struct pixel_format *f, const void *cells, const struct pixel_view *view, const char *want, size_t len)
{
	struct pixel_frame frame = { *f, (unsigned char *)(uintptr_t)cells, pixel_frame_size(f) };
	struct pixel_picture picture;
	struct err err = { 0 };

	assert_int_equal(pixel_render(&frame, view, &picture, &err), 0);
	assert_int_equal((size_t)picture.width * picture.height * picture.channels, len);
	assert_memory_equal(picture.data, want, len);
	pixel_picture_fini(&picture);
}

#define WANT(s) s, sizeof(s) - 1

static void
values_are_spread_over_their_range_but_for_padding(void **state)
{
	struct pixel_format f = format_of(1, 4, 1, 16, PIXEL_MONOCHROME2);
	struct pixel_view view = { .slope = 1 };

	(void)state;
	f.is_signed = true;
	expect_picture(&f, (int16_t[]){ -2000, 0, 5, 10 }, &view, WANT("\x00\xFE\xFE\xFF"));
	view.has_padding = true;
	view.padding = view.padding_limit = -2000;
	expect_picture(&f, (int16_t[]){ -2000, 0, 5, 10 }, &view, WANT("\x00\x00\x80\xFF"));
	/* a label map: with its padding gone one value is left, which is no range */
	expect_picture(&f, (int16_t[]){ -2000, 7, 7, 7 }, &view, WANT("\x00\xFF\xFF\xFF"));
	expect_picture(&f, (int16_t[]){ 7, 7, 7, 7 }, &view, WANT("\x00\x00\x00\x00"));
	f.color = PIXEL_MONOCHROME1;
	expect_picture(&f, (int16_t[]){ -2000, 0, 5, 10 }, &view, WANT("\xFF\xFF\x7F\x00"));
}

static void
a_window_applies_after_rescale_and_only_to_the_stored_bits(void **state)
{
	struct pixel_format f = format_of(1, 4, 1, 16, PIXEL_MONOCHROME2);
	struct pixel_view view = { .slope = 2, .intercept = -100, .has_window = true, .center = 0.5, .width = 101 };

	(void)state;
	f.bits_stored = 12;
	f.high_bit = 11;
	/* -100, -50, 0, 50; with what looks like overlays above */
	expect_picture(&f, (uint16_t[]){ 0xF000, 0x1000 | 25, 50, 75 }, &view, WANT("\x00\x00\x80\xFF"));
	view.width = 1;
	expect_picture(&f, (uint16_t[]){ 0, 49, 50, 51 }, &view, WANT("\x00\x00\x00\xFF"));
}

static void
tables_take_the_place_of_rescale_and_window(void **state)
{
	static const uint16_t up[] = { 0, 100, 200 }, gamma[] = { 0, 10, 255 };
	const struct pixel_lut modality = { N(up), 5, 16, up }, voi = { N(gamma), 99, 8, gamma };
	struct pixel_format f = format_of(1, 4, 1, 8, PIXEL_MONOCHROME2);
	struct pixel_view view = { .slope = 1, .modality = &modality, .voi = &voi };

	(void)state;
	/* before the first entry the first, behind the last the last */
	expect_picture(&f, "\x00\x05\x06\x09", &view, WANT("\x00\x00\x0A\xFF"));
}

static void
colours_come_out_of_planes_palettes_and_ybr(void **state)
{
	static const uint16_t red[] = { 0xFF00, 0x1200 }, green[] = { 0, 0x3400 }, blue[] = { 0x8000, 0x5600 };
	const struct pixel_lut r = { 2, 1, 16, red }, g = { 2, 1, 16, green }, b = { 2, 1, 16, blue };
	struct pixel_format f = format_of(1, 2, 3, 8, PIXEL_RGB);
	struct pixel_view view = { .slope = 1 };

	(void)state;
	f.planar = true;
	expect_picture(&f, "\1\2\3\4\5\6", &view, WANT("\1\3\5\2\4\6"));
	f = format_of(1, 2, 3, 8, PIXEL_YBR_FULL);
	expect_picture(&f, "\x4C\x55\xFF\x80\x80\x80", &view, WANT("\xFE\x00\x00\x80\x80\x80"));
	f = format_of(1, 2, 3, 16, PIXEL_RGB);
	expect_picture(&f, "\0\1\0\2\0\3\0\4\0\5\0\6", &view, WANT("\1\2\3\4\5\6"));
	f = format_of(1, 3, 1, 8, PIXEL_PALETTE);
	view.palette[0] = &r;
	view.palette[1] = &g;
	view.palette[2] = &b;
	expect_picture(&f, "\0\1\2", &view, WANT("\xFF\0\x80\xFF\0\x80\x12\x34\x56"));
}

static void
floats_and_wide_cells_are_shown(void **state)
{
	struct pixel_format f = format_of(1, 3, 1, 32, PIXEL_MONOCHROME2);
	struct pixel_view view = { .slope = 1 };

	(void)state;
	expect_picture(&f, (uint32_t[]){ 0, 2000000000, 4000000000 }, &view, WANT("\x00\x80\xFF"));
	f.cells = PIXEL_FLOAT;
	expect_picture(&f, (float[]){ -0.5f, 0, 0.5f }, &view, WANT("\x00\x80\xFF"));
	f = format_of(1, 9, 1, 1, PIXEL_MONOCHROME2);
	expect_picture(&f, "\x05\x01", &view, WANT("\xFF\0\xFF\0\0\0\0\0\xFF"));
}

static void
pictures_are_cut_mirrored_and_scaled(void **state)
{
	struct pixel_format f = format_of(2, 4, 1, 8, PIXEL_MONOCHROME2);
	struct pixel_view view = { .slope = 1, .has_window = true, .center = 128, .width = 256 };
	static const unsigned char cells[] = { 0, 10, 20, 30, 40, 50, 60, 70 };

	(void)state;
	view.x = 1, view.w = 2;
	expect_picture(&f, cells, &view, WANT("\x0A\x14\x32\x3C"));
	view.flip_x = true;
	expect_picture(&f, cells, &view, WANT("\x14\x0A\x3C\x32"));
	view.flip_x = false, view.flip_y = true;
	expect_picture(&f, cells, &view, WANT("\x32\x3C\x0A\x14"));
	view = (struct pixel_view){ .slope = 1, .has_window = true, .center = 128, .width = 256,
				    .fit_width = 2, .fit_height = 2 };
	expect_picture(&f, cells, &view, WANT("\x19\x2D"));
	view.x = 4;
	assert_int_equal(pixel_render(&(struct pixel_frame){ f, (unsigned char *)(uintptr_t)cells, 8 }, &view,
				      &(struct pixel_picture){ 0 }, NULL), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_too_large_are_refused_before_anything_is_allocated),
		cmocka_unit_test(a_stream_of_another_size_than_the_data_set_says_is_refused),
		cmocka_unit_test(a_jpeg_of_countless_scans_is_refused),
		cmocka_unit_test(a_jpeg_2000_of_countless_pieces_is_refused),
		cmocka_unit_test(half_the_colour_is_spread_over_both_pixels),
		cmocka_unit_test(runs_of_every_length_come_back),
		cmocka_unit_test(values_are_spread_over_their_range_but_for_padding),
		cmocka_unit_test(a_window_applies_after_rescale_and_only_to_the_stored_bits),
		cmocka_unit_test(tables_take_the_place_of_rescale_and_window),
		cmocka_unit_test(colours_come_out_of_planes_palettes_and_ybr),
		cmocka_unit_test(floats_and_wide_cells_are_shown),
		cmocka_unit_test(pictures_are_cut_mirrored_and_scaled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
