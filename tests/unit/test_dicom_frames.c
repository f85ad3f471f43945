/* Where frames lie, on files made by hand. */
#include "config.h"	/* memfd_create is an extension */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dicom/frames.h"
#include "tests/unit/dicom_expect.h"

#define JPEG "1.2.840.10008.1.2.4.50"
#define MPEG "1.2.840.10008.1.2.4.102"
#define SOI "\xFF\xD8\xFF\xE0"

struct opened {
	int fd;
	struct dicom *d;
	struct image image;
	struct frames *f;
	int result;
};

static void
put_us(struct buf *b, uint32_t tag, unsigned v)
{
	struct buf value;

	buf_init(&value, 2);
	put16(&value, v);
	put_element(b, tag, "US", value.data, value.len);
	buf_fini(&value);
}

/* The attributes of an image; before them nothing but the file's head. */
static void
start_image(struct buf *b, const char *xfer_uid, const char *frames, unsigned rows, unsigned columns, unsigned bits)
{
	start_file(b, xfer_uid);
	put_us(b, 0x00280002, 1);
	put_text(b, 0x00280008, "IS", frames);
	put_us(b, TAG_ROWS, rows);
	put_us(b, TAG_COLUMNS, columns);
	put_us(b, TAG_BITS_ALLOCATED, bits);
}

static void
start_fragments(struct buf *b)
{
	put_lying(b, TAG_PIXEL_DATA, "OB", NULL, 0, UNDEFINED);
}

static void
put_fragment(struct buf *b, const void *bytes, size_t len)
{
	put_delimiter(b, ITEM, (uint32_t)len);
	buf_put(b, bytes, len);
}

static void
put_table(struct buf *b, size_t n, const uint32_t *offsets)
{
	put_delimiter(b, ITEM, (uint32_t)(4 * n));
	for (size_t i = 0; i < n; i++)
		put32(b, offsets[i]);
}

/* Frees the buffer. */
static struct opened
open_buf(struct buf *b)
{
	struct opened o = { .fd = memfd_create("frames", MFD_CLOEXEC) };
	struct err err = { 0 };

	assert_true(o.fd >= 0);
	assert_int_equal(write(o.fd, b->data, b->len), b->len);
	buf_fini(b);
	assert_int_equal(dicom_read_fd(o.fd, &o.d, &err), 0);
	o.result = image_describe(o.d, &o.image, &err);
	if (o.result == 0)
		o.result = frames_open(o.d, o.fd, &o.image, &o.f, &err);
	assert_true(o.result == 0 || err.text[0] != '\0');
	return o;
}

static void
close_opened(struct opened *o)
{
	frames_free(o->f);
	dicom_free(o->d);
	close(o->fd);
}

static void
expect_frame(const struct opened *o, uint32_t n, const void *want, size_t len)
{
	unsigned char got[256];

	assert_true(n < frames_count(o->f));
	assert_int_equal(frames_length(o->f, n), len);
	assert_int_equal(frames_read(o->f, o->fd, n, got), 0);
	assert_memory_equal(got, want, len);
}

static void
expect_frames(struct buf *b, uint32_t count, const char *const *want)
{
	struct opened o = open_buf(b);

	assert_int_equal(o.result, 0);
	assert_int_equal(frames_count(o.f), count);
	for (uint32_t i = 0; i < count; i++)
		expect_frame(&o, i, want[i], strlen(want[i]));
	close_opened(&o);
}

/* ------------------------------------------------------------ native ---- */

static void
native_frames_follow_each_other(void **state)
{
	static const char *const want[] = { "abcd", "efgh", "ijkl" };
	struct buf b;

	(void)state;
	start_image(&b, UID_EXPLICIT_LE, "3", 2, 1, 16);
	put_element(&b, TAG_PIXEL_DATA, "OW", BYTES("abcdefghijkl"));
	expect_frames(&b, 3, want);
}

static void
big_endian_words_are_turned_and_bytes_are_not(void **state)
{
	static const char *const words[] = { "badc", "fehg" }, *const bytes[] = { "ab", "cd" };
	static const char *const odd[] = { "bad", "cfe" };
	unsigned char pixels[] = "abcdefgh";
	struct opened o;
	struct buf b;

	(void)state;
	for (int pass = 0; pass < 3; pass++) {
		const char *const *want = pass == 0 ? words : pass == 1 ? bytes : odd;

		buf_init(&b, 4096);
		start_file(&b, UID_EXPLICIT_BE);
		buf_put(&b, "\0\050\0\020US\0\2\0", 9);
		buf_putc(&b, pass == 0 ? 2 : 1);
		buf_put(&b, "\0\050\0\021US\0\2\0", 9);
		buf_putc(&b, pass == 0 ? 1 : pass == 1 ? 2 : 3);
		buf_put(&b, "\0\050\1\0US\0\2\0", 9);
		buf_putc(&b, pass == 0 ? 16 : 8);
		buf_put(&b, "\0\050\0\010IS\0\0022 ", 10);
		buf_put(&b, "\177\340\0\020O", 5);
		buf_putc(&b, pass == 1 ? 'B' : 'W');
		buf_put(&b, "\0\0\0\0\0", 5);
		buf_putc(&b, 8);
		buf_put(&b, pixels, 8);
		o = open_buf(&b);
		assert_int_equal(o.result, 0);
		assert_int_equal(frames_count(o.f), 2);
		expect_frame(&o, 0, want[0], strlen(want[0]));
		expect_frame(&o, 1, want[1], strlen(want[1]));
		close_opened(&o);
	}
}

static void
frames_of_bits_may_begin_inside_a_byte(void **state)
{
	/* three frames of 3 x 3 bits: 1 0101 0101, 0 1111 0000, 1 0000 0001, the
	 * first pixel in the lowest bit */
	const uint32_t bits = 0x155u | 0x0F0u << 9 | 0x101u << 18;
	struct opened o;
	struct buf b;

	(void)state;
	start_image(&b, UID_EXPLICIT_LE, "3", 3, 3, 1);
	put_element(&b, TAG_PIXEL_DATA, "OB", &(unsigned char[]){ bits & 255, bits >> 8 & 255, bits >> 16 & 255, bits >> 24 }, 4);
	o = open_buf(&b);
	assert_int_equal(frames_count(o.f), 3);
	assert_false(frames_is_whole(o.f, 0));
	assert_false(frames_is_whole(o.f, 1));
	expect_frame(&o, 0, "\x55\x01", 2);
	expect_frame(&o, 1, "\xF0\x00", 2);
	expect_frame(&o, 2, "\x01\x01", 2);
	close_opened(&o);
}

static void
there_are_no_more_frames_than_bytes(void **state)
{
	static const char *const want[] = { "ab" };
	struct opened o;
	struct buf b;

	(void)state;
	start_image(&b, UID_EXPLICIT_LE, "2147483647", 2, 1, 8);
	put_element(&b, TAG_PIXEL_DATA, "OB", BYTES("abc"));
	expect_frames(&b, 1, want);
	start_image(&b, UID_EXPLICIT_LE, "2147483647", 65535, 65535, 16);
	put_element(&b, TAG_PIXEL_DATA, "OW", BYTES("abcd"));
	o = open_buf(&b);
	assert_int_equal(o.result, 0);
	assert_int_equal(frames_count(o.f), 0);
	close_opened(&o);
}

static void
half_of_the_colour_is_told_by_the_length(void **state)
{
	struct opened o;
	struct buf b;

	(void)state;
	for (int full = 0; full < 2; full++) {
		start_file(&b, UID_EXPLICIT_LE);
		put_us(&b, 0x00280002, 3);
		put_text(&b, 0x00280004, "CS", "YBR_FULL_422");
		put_us(&b, TAG_ROWS, 1);
		put_us(&b, TAG_COLUMNS, 2);
		put_us(&b, TAG_BITS_ALLOCATED, 8);
		put_element(&b, TAG_PIXEL_DATA, "OB", "abcdef", full ? 6 : 4);
		o = open_buf(&b);
		expect_frame(&o, 0, "abcdef", full ? 6 : 4);
		close_opened(&o);
	}
}

static void
floats_are_native_pixels(void **state)
{
	struct opened o;
	struct buf b;

	(void)state;
	start_image(&b, UID_EXPLICIT_LE, "2", 1, 1, 32);
	put_element(&b, 0x7FE00008, "OF", BYTES("abcdefgh"));
	o = open_buf(&b);
	assert_int_equal(o.image.cells, IMAGE_FLOAT);
	expect_frame(&o, 1, "efgh", 4);
	close_opened(&o);
}

/* ------------------------------------------------------ encapsulated ---- */

static void
the_basic_offset_table_says_where_frames_begin(void **state)
{
	static const char *const want[] = { "aabb", "cc" };
	struct buf b;

	(void)state;
	start_image(&b, JPEG, "2", 1, 1, 8);
	start_fragments(&b);
	put_table(&b, 2, (uint32_t[]){ 0, 20 });
	put_fragment(&b, "aa", 2);
	put_fragment(&b, "bb", 2);
	put_fragment(&b, "cc", 2);
	put_delimiter(&b, SEQUENCE_END, 0);
	expect_frames(&b, 2, want);
}

static void
a_table_that_points_beside_fragments_is_not_believed(void **state)
{
	static const char *const want[] = { "aa", "bb" };
	static const uint32_t tables[][2] = { { 0, 12 }, { 2, 10 }, { 10, 0 }, { 0, 0 }, { 0, 0xFFFFFFF0 }, { 10, 10 } };
	struct buf b;

	(void)state;
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		start_image(&b, JPEG, "2", 1, 1, 8);
		start_fragments(&b);
		put_table(&b, 2, tables[i]);
		put_fragment(&b, "aa", 2);
		put_fragment(&b, "bb", 2);
		put_delimiter(&b, SEQUENCE_END, 0);
		expect_frames(&b, 2, want);
	}
}

static void
the_extended_table_says_it_too_and_knows_the_padding(void **state)
{
	static const char *const want[] = { "aaa", "bb" };
	struct buf b, words;

	(void)state;
	start_image(&b, JPEG, "2", 1, 1, 8);
	buf_init(&words, 64);
	put32(&words, 0), put32(&words, 0), put32(&words, 12), put32(&words, 0);
	put_element(&b, 0x7FE00001, "OV", words.data, words.len);
	buf_reset(&words);
	put32(&words, 3), put32(&words, 0), put32(&words, 2), put32(&words, 0);
	put_element(&b, 0x7FE00002, "OV", words.data, words.len);
	buf_fini(&words);
	start_fragments(&b);
	put_table(&b, 0, NULL);
	put_fragment(&b, "aaa", 4);
	put_fragment(&b, "bb", 2);
	put_delimiter(&b, SEQUENCE_END, 0);
	expect_frames(&b, 2, want);
}

static void
without_a_table_a_single_frame_is_all_fragments(void **state)
{
	static const char *const want[] = { SOI SOI "bb" };
	struct buf b;

	(void)state;
	start_image(&b, JPEG, "1", 1, 1, 8);
	start_fragments(&b);
	put_table(&b, 0, NULL);
	put_fragment(&b, SOI, 4);
	put_fragment(&b, SOI, 4);
	put_fragment(&b, "bb", 2);
	put_delimiter(&b, SEQUENCE_END, 0);
	expect_frames(&b, 1, want);
}

static void
without_a_table_code_streams_tell_frames_apart(void **state)
{
	static const char *const want[] = { SOI "aabb\xFF\xD9", SOI "cc" SOI };
	struct opened o;
	struct buf b;

	(void)state;
	/* three fragments begin like a stream, but the last follows one that has not ended */
	start_image(&b, JPEG, "2", 1, 1, 8);
	start_fragments(&b);
	put_table(&b, 0, NULL);
	put_fragment(&b, SOI "aa", 6);
	put_fragment(&b, "bb\xFF\xD9", 4);
	put_fragment(&b, SOI "cc", 6);
	put_fragment(&b, SOI, 4);
	put_delimiter(&b, SEQUENCE_END, 0);
	expect_frames(&b, 2, want);
	start_image(&b, JPEG, "2", 1, 1, 8);
	start_fragments(&b);
	put_table(&b, 0, NULL);
	for (int i = 0; i < 3; i++)
		put_fragment(&b, "aa", 2);
	put_delimiter(&b, SEQUENCE_END, 0);
	o = open_buf(&b);
	assert_int_equal(o.result, -EBADMSG);
	close_opened(&o);
}

static void
frames_that_are_missing_are_not_there(void **state)
{
	static const char *const want[] = { "aa", "bb" }, *const joined[] = { SOI "aa", SOI };
	struct buf b;

	(void)state;
	start_image(&b, JPEG, "3", 1, 1, 8);
	start_fragments(&b);
	put_table(&b, 0, NULL);
	put_fragment(&b, "aa", 2);
	put_fragment(&b, "bb", 2);
	put_delimiter(&b, SEQUENCE_END, 0);
	expect_frames(&b, 2, want);
	start_image(&b, JPEG, "4", 1, 1, 8);
	start_fragments(&b);
	put_table(&b, 0, NULL);
	put_fragment(&b, SOI, 4);
	put_fragment(&b, "aa", 2);
	put_fragment(&b, SOI, 4);
	put_delimiter(&b, SEQUENCE_END, 0);
	expect_frames(&b, 2, joined);
}

static void
a_video_is_one_frame(void **state)
{
	static const char *const want[] = { "aabb" };
	struct buf b;

	(void)state;
	start_image(&b, MPEG, "25", 1, 1, 8);
	start_fragments(&b);
	put_table(&b, 0, NULL);
	put_fragment(&b, "aa", 2);
	put_fragment(&b, "bb", 2);
	put_delimiter(&b, SEQUENCE_END, 0);
	expect_frames(&b, 1, want);
}

/* ------------------------------------------------------------ refused ---- */

static void
what_is_no_image_is_told_apart_from_what_is_broken(void **state)
{
	struct opened o;
	struct buf b;

	(void)state;
	start_image(&b, UID_EXPLICIT_LE, "1", 1, 1, 8);
	o = open_buf(&b);
	assert_int_equal(o.result, -ENOENT);		/* no pixel data */
	close_opened(&o);
	start_image(&b, UID_EXPLICIT_LE, "1", 0, 1, 8);
	put_element(&b, TAG_PIXEL_DATA, "OB", BYTES("ab"));
	o = open_buf(&b);
	assert_int_equal(o.result, -ENOENT);		/* no rows */
	close_opened(&o);
	start_image(&b, UID_EXPLICIT_LE, "1", 1, 1, 12);
	put_element(&b, TAG_PIXEL_DATA, "OB", BYTES("ab"));
	o = open_buf(&b);
	assert_int_equal(o.result, -EBADMSG);		/* 12 bits allocated */
	close_opened(&o);
	start_image(&b, JPEG, "1", 1, 1, 8);
	put_element(&b, TAG_PIXEL_DATA, "OB", BYTES("ab"));
	o = open_buf(&b);
	assert_int_equal(o.result, -EBADMSG);		/* compressed, but not in fragments */
	close_opened(&o);
}

/* ------------------------------------------------------------- grey ---- */

static void
the_functional_groups_of_a_frame_win(void **state)
{
	struct image_grey grey;
	struct dicom *d;
	struct buf b;

	(void)state;
	start_file(&b, UID_EXPLICIT_LE);
	put_text(&b, 0x00281050, "DS", "40\\80 ");
	put_text(&b, 0x00281051, "DS", "400\\90");
	put_text(&b, 0x00281052, "DS", "-1024 ");
	put_text(&b, 0x00281053, "DS", "2 ");
	put_lying(&b, 0x52009230, "SQ", NULL, 0, UNDEFINED);
	put_delimiter(&b, ITEM, UNDEFINED);
	put_delimiter(&b, ITEM_END, 0);
	put_delimiter(&b, ITEM, UNDEFINED);
	put_lying(&b, 0x00289132, "SQ", NULL, 0, UNDEFINED);
	put_delimiter(&b, ITEM, UNDEFINED);
	put_text(&b, 0x00281050, "DS", "7 ");
	put_text(&b, 0x00281051, "DS", "8 ");
	put_text(&b, 0x00281056, "CS", "SIGMOID ");
	put_delimiter(&b, ITEM_END, 0);
	put_delimiter(&b, SEQUENCE_END, 0);
	put_delimiter(&b, ITEM_END, 0);
	put_delimiter(&b, SEQUENCE_END, 0);
	assert_int_equal(read_buf(&b, &d), 0);
	image_grey(d, 0, &grey);
	assert_true(grey.has_window && grey.center == 40 && grey.width == 400 && grey.function == IMAGE_LINEAR);
	assert_true(grey.slope == 2 && grey.intercept == -1024);
	image_grey(d, 1, &grey);
	assert_true(grey.has_window && grey.center == 7 && grey.width == 8 && grey.function == IMAGE_SIGMOID);
	assert_true(grey.slope == 2);
	dicom_free(d);
	buf_fini(&b);
}

static void
a_table_in_segments_is_expanded(void **state)
{
	/* 2 entries as they are; a ramp of 3 to 13; both once more */
	static const uint16_t segments[] = { 0, 2, 1, 7, 1, 3, 13, 2, 2, 0, 0 };
	static const uint16_t want[] = { 1, 7, 9, 11, 13, 1, 7, 9, 11, 13 };
	struct image_lut lut;
	struct dicom *d;
	struct buf b;

	(void)state;
	start_file(&b, UID_EXPLICIT_LE);
	put_element(&b, 0x00281101, "US", &(uint16_t[]){ 10, 0, 16 }, 6);
	put_element(&b, 0x00281221, "OW", segments, sizeof segments);
	assert_int_equal(read_buf(&b, &d), 0);
	assert_int_equal(image_read_lut(d, -1, IMAGE_RED, false, &lut), 0);
	assert_int_equal(lut.count, 10);
	assert_memory_equal(lut.data, want, sizeof want);
	free(lut.data);
	assert_int_equal(image_read_lut(d, -1, IMAGE_GREEN, false, &lut), -ENOENT);
	dicom_free(d);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(native_frames_follow_each_other),
		cmocka_unit_test(big_endian_words_are_turned_and_bytes_are_not),
		cmocka_unit_test(frames_of_bits_may_begin_inside_a_byte),
		cmocka_unit_test(there_are_no_more_frames_than_bytes),
		cmocka_unit_test(half_of_the_colour_is_told_by_the_length),
		cmocka_unit_test(floats_are_native_pixels),
		cmocka_unit_test(the_basic_offset_table_says_where_frames_begin),
		cmocka_unit_test(a_table_that_points_beside_fragments_is_not_believed),
		cmocka_unit_test(the_extended_table_says_it_too_and_knows_the_padding),
		cmocka_unit_test(without_a_table_a_single_frame_is_all_fragments),
		cmocka_unit_test(without_a_table_code_streams_tell_frames_apart),
		cmocka_unit_test(frames_that_are_missing_are_not_there),
		cmocka_unit_test(a_video_is_one_frame),
		cmocka_unit_test(what_is_no_image_is_told_apart_from_what_is_broken),
		cmocka_unit_test(the_functional_groups_of_a_frame_win),
		cmocka_unit_test(a_table_in_segments_is_expanded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
