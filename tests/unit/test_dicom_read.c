/* The reader, on files made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "dicom/dicom.h"
#include "dicom/validate.h"
#include "tests/unit/dicom_expect.h"

/* ------------------------------------------------------------ reading ---- */

static void
elements_are_found_with_their_place(void **state)
{
	const struct dicom_element *el;
	struct dicom *d;
	struct buf b;
	size_t at;

	(void)state;
	start_file(&b, UID_EXPLICIT_LE);
	at = b.len;
	put_text(&b, TAG_MODALITY, "CS", "CT");
	put_element(&b, TAG_PIXEL_DATA, "OW", BYTES("\1\2\3\4"));
	assert_int_equal(read_buf(&b, &d), 0);
	assert_string_equal(dicom_xfer_uid(d), UID_EXPLICIT_LE);
	assert_false(dicom_is_implicit(d));
	assert_int_equal(dicom_data_set_offset(d), at);
	assert_int_equal(dicom_count(d), 2);
	el = dicom_find(d, TAG_MODALITY);
	assert_ptr_equal(el, dicom_at(d, 0));
	assert_int_equal(el->offset, at + 8);
	assert_int_equal(el->length, 2);
	assert_memory_equal(el->value.data, "CT", 2);
	el = dicom_find(d, TAG_PIXEL_DATA);
	assert_int_equal(el->vr, VR('O', 'W'));
	assert_int_equal(el->offset, b.len - 4);
	assert_false(el->encapsulated);
	assert_null(dicom_find(d, TAG_PATIENT_ID));
	dicom_free(d);
	buf_fini(&b);
}

static void
implicit_vr_comes_from_the_dictionary(void **state)
{
	struct dicom *d;
	struct buf b;

	(void)state;
	start_file(&b, UID_IMPLICIT_LE);
	put_implicit(&b, TAG_MODALITY, BYTES("CT"));
	put_implicit(&b, 0x00090010, BYTES("ACME"));
	put_implicit(&b, 0x00091001, BYTES("x "));
	put_implicit(&b, 0x00280103, BYTES("\1\0"));
	put_implicit(&b, 0x00280106, BYTES("\377\377"));
	put_implicit(&b, 0x00280107, BYTES("\1\0"));
	put_implicit(&b, 0x00281052, BYTES("-1024 "));
	expect_json(&b, "U", "{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"CT\"]},"
		    "\"00090010\":{\"vr\":\"LO\",\"Value\":[\"ACME\"]},"
		    "\"00091001\":{\"vr\":\"UN\",\"InlineBinary\":\"eCA=\"},"
		    "\"00280103\":{\"vr\":\"US\",\"Value\":[1]},"
		    "\"00280106\":{\"vr\":\"SS\",\"Value\":[-1]},"
		    "\"00280107\":{\"vr\":\"SS\",\"Value\":[1]},"
		    "\"00281052\":{\"vr\":\"DS\",\"Value\":[-1024]}}");
	assert_int_equal(read_buf(&b, &d), 0);
	assert_true(dicom_is_implicit(d));
	dicom_free(d);
	buf_fini(&b);
}

static void
big_endian_is_turned(void **state)
{
	struct buf b;

	(void)state;
	start_file(&b, UID_EXPLICIT_BE);
	buf_put(&b, BYTES("\0\x28\0\x09" "AT\0\4\0\x18\x10\x63"));
	buf_put(&b, BYTES("\0\x28\0\x10" "US\0\4\2\0\0\1"));
	buf_put(&b, BYTES("\x7F\xE0\0\x10" "OW\0\0\0\0\0\4\1\2\3\4"));
	/* what once was UN is little endian inside, its delimiters too */
	buf_put(&b, BYTES("\0\x29\x10\x10" "UN\0\0\xFF\xFF\xFF\xFF" "\xFE\xFF\x00\xE0\x0A\0\0\0"
			  "\x28\0\x10\0\2\0\0\0\1\2" "\xFE\xFF\xDD\xE0\0\0\0\0"));
	expect_json(&b, "U", "{\"00280009\":{\"vr\":\"AT\",\"Value\":[\"00181063\"]},"
		    "\"00280010\":{\"vr\":\"US\",\"Value\":[512,1]},"
		    "\"00291010\":{\"vr\":\"SQ\",\"Value\":[{\"00280010\":{\"vr\":\"US\",\"Value\":[513]}}]},"
		    "\"7FE00010\":{\"vr\":\"OW\",\"InlineBinary\":\"AgEEAw==\"}}");
	buf_fini(&b);
}

static void
sequences_of_either_length_nest(void **state)
{
	struct buf b;

	(void)state;
	start_file(&b, UID_EXPLICIT_LE);
	/* defined: one item, and an empty one */
	put_element(&b, 0x00081140, "SQ", BYTES(
		"\xFE\xFF\x00\xE0\x0C\0\0\0" "\x08\0\x50\x11UI\4\0" "1.2\0" "\xFE\xFF\x00\xE0\0\0\0\0"));
	put_lying(&b, 0x00081199, "SQ", "", 0, UNDEFINED);
	put_delimiter(&b, ITEM, UNDEFINED);
	put_lying(&b, 0x0040A730, "SQ", "", 0, UNDEFINED);
	put_delimiter(&b, ITEM, UNDEFINED);
	put_text(&b, 0x0040A160, "UT", "a\\b");
	put_delimiter(&b, ITEM_END, 0);
	put_delimiter(&b, SEQUENCE_END, 0);
	put_delimiter(&b, ITEM_END, 0);
	put_delimiter(&b, SEQUENCE_END, 0);
	put_element(&b, 0x00400260, "SQ", "", 0);
	expect_json(&b, NULL, "{\"00081140\":{\"vr\":\"SQ\",\"Value\":[{\"00081150\":{\"vr\":\"UI\",\"Value\":[\"1.2\"]}},{}]},"
		    "\"00081199\":{\"vr\":\"SQ\",\"Value\":[{\"0040A730\":{\"vr\":\"SQ\",\"Value\":["
		    "{\"0040A160\":{\"vr\":\"UT\",\"Value\":[\"a\\\\b\"]}}]}}]},"
		    "\"00400260\":{\"vr\":\"SQ\"}}");
	buf_fini(&b);
}

static void
unknown_of_undefined_length_is_an_implicit_sequence(void **state)
{
	struct buf b;

	(void)state;
	start_file(&b, UID_EXPLICIT_LE);
	put_lying(&b, 0x00291010, "UN", "", 0, UNDEFINED);
	put_delimiter(&b, ITEM, UNDEFINED);
	put_implicit(&b, TAG_MODALITY, BYTES("CT"));
	put_delimiter(&b, ITEM_END, 0);
	put_delimiter(&b, SEQUENCE_END, 0);
	put_text(&b, 0x00400241, "AE", "X");
	expect_json(&b, NULL, "{\"00291010\":{\"vr\":\"SQ\",\"Value\":[{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"CT\"]}}]},"
		    "\"00400241\":{\"vr\":\"AE\",\"Value\":[\"X\"]}}");
	buf_fini(&b);
}

static void
fragments_are_skipped_and_what_follows_is_read(void **state)
{
	const struct dicom_element *el;
	struct dicom *d;
	struct buf b;
	size_t at;

	(void)state;
	start_file(&b, "1.2.840.10008.1.2.4.50");
	put_lying(&b, TAG_PIXEL_DATA, "OB", "", 0, UNDEFINED);
	at = b.len;
	put_delimiter(&b, ITEM, 0);
	put_delimiter(&b, ITEM, 4);
	/* a delimiter's bytes inside a fragment end nothing */
	buf_put(&b, BYTES("\xFE\xFF\xDD\xE0"));
	put_delimiter(&b, SEQUENCE_END, 0);
	put_element(&b, 0xFFFCFFFC, "OB", BYTES("\0\0"));
	assert_int_equal(read_buf(&b, &d), 0);
	el = dicom_find(d, TAG_PIXEL_DATA);
	assert_true(el->encapsulated);
	assert_int_equal(el->offset, at);
	assert_int_equal(el->length, 20);
	assert_null(el->value.data);
	assert_non_null(dicom_find(d, 0xFFFCFFFC));
	dicom_free(d);
	/* cut anywhere it is refused */
	buf_truncate(&b, b.len - 14);
	while (b.len > at - 12) {
		buf_truncate(&b, b.len - 1);
		if (b.len == at - 12)
			break;
		assert_int_equal(read_buf(&b, &d), -EBADMSG);
	}
	buf_fini(&b);
}

static struct buf
deflated(const struct buf *plain, const void *tail, size_t tail_len)
{
	z_stream z = { 0 };
	unsigned char out[70000];
	struct buf b;

	start_file(&b, UID_DEFLATED_LE);
	deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
	z.next_in = (unsigned char *)plain->data;
	z.avail_in = (unsigned)plain->len;
	z.next_out = out;
	z.avail_out = sizeof out;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	buf_put(&b, out, sizeof out - z.avail_out);
	deflateEnd(&z);
	buf_put(&b, tail, tail_len);
	return b;
}

static void
deflated_data_sets_are_inflated_and_have_no_offsets(void **state)
{
	static char zeros[200000];
	const struct dicom_element *el;
	struct buf plain, b;
	struct dicom *d;
	size_t len;

	(void)state;
	buf_init(&plain, 1 << 20);
	put_text(&plain, TAG_MODALITY, "CS", "CT");
	put_element(&plain, TAG_PIXEL_DATA, "OB", zeros, sizeof zeros);
	put_text(&plain, 0xFFFCFFFC, "OB", "xx");
	b = deflated(&plain, "\0", 1);
	expect_json(&b, "U", "{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"CT\"]},\"7FE00010\":{\"vr\":\"OB\"},"
		    "\"FFFCFFFC\":{\"vr\":\"OB\",\"InlineBinary\":\"eHg=\"}}");
	assert_int_equal(read_buf(&b, &d), 0);
	el = dicom_find(d, TAG_PIXEL_DATA);
	assert_int_equal(el->offset, 0);
	assert_int_equal(el->length, sizeof zeros);
	dicom_free(d);
	for (len = b.len - 2; len > b.len - 20; len--) {
		struct buf cut = b;

		cut.len = len;
		assert_int_equal(read_buf(&cut, &d), -EBADMSG);
	}
	buf_fini(&b);
	b = deflated(&plain, "junk", 4);
	expect_refused(&b, -EBADMSG);
	buf_fini(&plain);
}

/* A full flush makes the next block stand alone, so one can be repeated. */
static void
a_deflate_bomb_is_refused(void **state)
{
	char *zeros = calloc(1, 1 << 20);
	unsigned char block[8192], head[64];
	size_t head_len, block_len;
	z_stream z = { 0 };
	struct buf b;
	int i;

	(void)state;
	start_file(&b, UID_DEFLATED_LE);
	deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
	z.next_in = (unsigned char *)"\xE0\x7F\x10\x00OB\0\0\xFF\xFF\xFF\x7F";
	z.avail_in = 12;
	z.next_out = head;
	z.avail_out = sizeof head;
	assert_int_equal(deflate(&z, Z_FULL_FLUSH), Z_OK);
	head_len = sizeof head - z.avail_out;
	z.next_in = (unsigned char *)zeros;
	z.avail_in = 1 << 20;
	z.next_out = block;
	z.avail_out = sizeof block;
	assert_int_equal(deflate(&z, Z_FULL_FLUSH), Z_OK);
	assert_true(z.avail_out > 0);
	block_len = sizeof block - z.avail_out;
	deflateEnd(&z);
	buf_put(&b, head, head_len);
	for (i = 0; i < 400; i++)
		buf_put(&b, block, block_len);
	expect_refused(&b, -EFBIG);
	free(zeros);
}

static void
headers_have_a_limit(void **state)
{
	char name[] = "/tmp/test_dicom_read.XXXXXX";
	struct dicom *d = NULL;
	struct err err = { 0 };
	struct buf b;
	int fd = mkstemp(name), i;

	(void)state;
	start_file(&b, UID_EXPLICIT_LE);
	for (i = 0; i <= 1 << 20; i++)
		put_text(&b, 0x00090000 + ((unsigned)i & 0xFFFF), "AE", "");
	expect_refused(&b, -EFBIG);
	/* 512 MiB of text, nearly all of it a hole */
	assert_true(fd >= 0);
	unlink(name);
	start_file(&b, UID_EXPLICIT_LE);
	put_lying(&b, 0x0040A160, "UT", "", 0, 512 << 20);
	assert_int_equal(write(fd, b.data, b.len), (ssize_t)b.len);
	assert_int_equal(ftruncate(fd, (off_t)b.len + (512 << 20)), 0);
	assert_int_equal(dicom_read_fd(fd, &d, &err), -EFBIG);
	assert_int_equal(err.reason, REASON_INVALID);
	close(fd);
	buf_fini(&b);
}

static void
the_last_of_equal_tags_wins_and_order_is_restored(void **state)
{
	struct dicom *d;
	struct buf b;
	char text[10];

	(void)state;
	start_file(&b, UID_EXPLICIT_LE);
	put_text(&b, TAG_PATIENT_ID, "LO", "A");
	put_text(&b, TAG_MODALITY, "CS", "CT");
	put_text(&b, TAG_PATIENT_ID, "LO", "B");
	put_text(&b, TAG_PATIENT_ID, "LO", "C");
	expect_json(&b, NULL, "{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"CT\"]},"
		    "\"00100020\":{\"vr\":\"LO\",\"Value\":[\"C\"]}}");
	assert_int_equal(read_buf(&b, &d), 0);
	assert_int_equal(dicom_count(d), 2);
	assert_int_equal(dicom_text_first(d, TAG_PATIENT_ID, text, sizeof text), 1);
	assert_string_equal(text, "C");
	dicom_free(d);
	buf_fini(&b);
}

static void
meta_group_length_is_not_believed(void **state)
{
	static const uint32_t lengths[] = { 0, 7, 0x7FFFFFFF };
	struct buf b, whole;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		start_file(&b, UID_EXPLICIT_LE);
		put_text(&b, TAG_MODALITY, "CS", "CT");
		buf_init(&whole, 4096);
		buf_put(&whole, b.data, 132);
		put_tag(&whole, 0x00020000);
		buf_puts(&whole, "UL");
		put16(&whole, 4);
		put32(&whole, lengths[i]);
		buf_put(&whole, b.data + 132, b.len - 132);
		expect_json(&whole, NULL, "{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"CT\"]}}");
		buf_fini(&b);
		buf_fini(&whole);
	}
}

/* ---------------------------------------------------------- refusals ---- */

static void
what_is_not_part_10_is_refused(void **state)
{
	struct dicom *d = NULL;
	struct buf b;

	(void)state;
	assert_int_equal(dicom_read_mem(NULL, 0, &d, NULL), -EBADMSG);
	assert_int_equal(dicom_read_mem("DICM", 4, &d, NULL), -EBADMSG);
	start_file(&b, UID_EXPLICIT_LE);
	b.data[130] = 'X';
	expect_refused(&b, -EBADMSG);
	start_file(&b, "");
	expect_refused(&b, -EBADMSG);
	start_file(&b, "1.2.x");
	expect_refused(&b, -EBADMSG);
	buf_init(&b, 1000);
	buf_put(&b, (char[128]){ 0 }, 128);
	buf_puts(&b, "DICM");
	put_text(&b, TAG_MODALITY, "CS", "CT");
	expect_refused(&b, -EBADMSG);
}

static void
a_file_cut_anywhere_but_between_elements_is_refused(void **state)
{
	struct buf b, cut;
	struct dicom *d;
	size_t ends[32], n = 0, i, len;
	unsigned accepted = 0;

	(void)state;
	start_file(&b, UID_EXPLICIT_LE);
	ends[n++] = b.len;
	put_text(&b, TAG_MODALITY, "CS", "CT");
	ends[n++] = b.len;
	put_element(&b, 0x00081140, "SQ", BYTES("\xFE\xFF\x00\xE0\x0C\0\0\0" "\x08\0\x50\x11UI\4\0" "1.2\0"));
	ends[n++] = b.len;
	put_lying(&b, 0x00081199, "SQ", "", 0, UNDEFINED);
	put_delimiter(&b, ITEM, UNDEFINED);
	put_text(&b, TAG_MODALITY, "CS", "CT");
	put_delimiter(&b, ITEM_END, 0);
	put_delimiter(&b, SEQUENCE_END, 0);
	ends[n++] = b.len;
	put_element(&b, TAG_PIXEL_DATA, "OW", BYTES("\1\2\3\4"));
	for (len = ends[0]; len < b.len; len++) {
		bool between = false;

		for (i = 0; i < n; i++)
			between |= ends[i] == len;
		cut = b;
		cut.len = len;
		if (between) {
			assert_int_equal(read_buf(&cut, &d), 0);
			dicom_free(d);
			accepted++;
		} else {
			assert_int_equal(read_buf(&cut, &d), -EBADMSG);
		}
	}
	assert_int_equal(accepted, n);
	buf_fini(&b);
}

static void
zeros_after_the_data_set_are_padding_and_other_bytes_are_not(void **state)
{
	static const char want[] = "{\"00080060\":{\"vr\":\"CS\",\"Value\":[\"CT\"]}}";
	struct buf b;
	size_t i;

	(void)state;
	for (i = 0; i < 40; i++) {
		start_file(&b, UID_EXPLICIT_LE);
		put_text(&b, TAG_MODALITY, "CS", "CT");
		buf_put(&b, (char[40]){ 0 }, i);
		expect_json(&b, NULL, want);
		buf_putc(&b, 'x');
		expect_refused(&b, -EBADMSG);
	}
}

static void
lengths_that_lie_are_refused(void **state)
{
	struct buf b;

	(void)state;
	start_file(&b, UID_EXPLICIT_LE);
	put_lying(&b, TAG_PIXEL_DATA, "OW", "1234", 4, 0xFFFFFFF0);
	expect_refused(&b, -EBADMSG);
	start_file(&b, UID_EXPLICIT_LE);
	put_lying(&b, 0x0040A160, "UT", "1234", 4, UNDEFINED);
	expect_refused(&b, -EBADMSG);
	/* an item longer than its sequence, an element longer than its item */
	start_file(&b, UID_EXPLICIT_LE);
	put_element(&b, 0x00081140, "SQ", BYTES("\xFE\xFF\x00\xE0\x0D\0\0\0" "\x08\0\x50\x11UI\4\0" "1.2\0"));
	put_text(&b, TAG_MODALITY, "CS", "CT");
	expect_refused(&b, -EBADMSG);
	start_file(&b, UID_EXPLICIT_LE);
	put_element(&b, 0x00081140, "SQ", BYTES("\xFE\xFF\x00\xE0\x0C\0\0\0" "\x08\0\x50\x11UI\5\0" "1.2\0"));
	put_text(&b, TAG_MODALITY, "CS", "CT");
	expect_refused(&b, -EBADMSG);
	/* the other way round: an item that ends inside an element's header */
	start_file(&b, UID_EXPLICIT_LE);
	put_element(&b, 0x00081140, "SQ", BYTES("\xFE\xFF\x00\xE0\x04\0\0\0" "\x08\0\x50\x11UI\4\0" "1.2\0"));
	expect_refused(&b, -EBADMSG);
	/* an item at top level */
	start_file(&b, UID_EXPLICIT_LE);
	put_delimiter(&b, ITEM, 0);
	expect_refused(&b, -EBADMSG);
}

static void
implicit_under_an_explicit_name_is_read_and_said(void **state)
{
	struct dicom *d;
	struct buf b;

	(void)state;
	start_file(&b, UID_EXPLICIT_LE);
	put_implicit(&b, TAG_MODALITY, BYTES("CT"));
	assert_int_equal(dicom_read_mem(b.data, b.len, &d, NULL), 0);
	assert_true(dicom_is_implicit(d));
	assert_int_equal(dicom_find(d, TAG_MODALITY)->vr, VR('C', 'S'));
	dicom_free(d);
	buf_fini(&b);
}

static void
a_sequence_number_put_to_other_use_is_bytes_in_an_implicit_data_set(void **state)
{
	struct dicom *d;
	struct buf b;

	(void)state;
	start_file(&b, UID_IMPLICIT_LE);
	put_implicit(&b, 0x0040A170, BYTES("SOME TEXT "));
	assert_int_equal(dicom_read_mem(b.data, b.len, &d, NULL), 0);
	assert_int_equal(dicom_find(d, 0x0040A170)->vr, VR('U', 'N'));
	dicom_free(d);
	buf_fini(&b);
}

static void
explicit_under_an_implicit_name_is_refused(void **state)
{
	struct buf b;

	(void)state;
	/* pixels enough that the VR read as a length would fit into the file */
	start_file(&b, UID_IMPLICIT_LE);
	put_text(&b, TAG_MODALITY, "CS", "CT");
	buf_reserve(&b, 8 << 20, NULL);
	memset(b.data + b.len, 0, 8 << 20);
	buf_grow(&b, 8 << 20);
	expect_refused(&b, -EBADMSG);
}

static void
nesting_has_a_limit(void **state)
{
	struct dicom *d;
	struct buf b;
	int depth, i;

	(void)state;
	for (depth = 63; depth <= 65; depth++) {
		start_file(&b, UID_EXPLICIT_LE);
		for (i = 0; i < depth; i++) {
			put_lying(&b, 0x0040A730, "SQ", "", 0, UNDEFINED);
			put_delimiter(&b, ITEM, UNDEFINED);
		}
		put_element(&b, 0x00420011, "OB", (char[2000]){ 0 }, 2000);
		for (i = 0; i < depth; i++) {
			put_delimiter(&b, ITEM_END, 0);
			put_delimiter(&b, SEQUENCE_END, 0);
		}
		if (depth > 64) {
			expect_refused(&b, -EFBIG);
		} else {
			struct buf json;

			assert_int_equal(read_buf(&b, &d), 0);
			buf_init(&json, 1 << 20);
			assert_int_equal(dicom_write_json(d, &json), 0);
			assert_non_null(strstr(json.data, "0040A730.1.0040A730.1.00420011?offset="));
			buf_fini(&json);
			dicom_free(d);
			buf_fini(&b);
		}
	}
}

static void
a_file_that_shrinks_is_refused(void **state)
{
	char name[] = "/tmp/test_dicom_read.XXXXXX";
	struct dicom *d = NULL;
	struct buf b;
	int fd = mkstemp(name);

	(void)state;
	assert_true(fd >= 0);
	unlink(name);
	start_file(&b, UID_EXPLICIT_LE);
	put_text(&b, TAG_MODALITY, "CS", "CT");
	put_element(&b, TAG_PIXEL_DATA, "OW", (char[3000]){ 0 }, 3000);
	assert_int_equal(write(fd, b.data, b.len), (ssize_t)b.len);
	assert_int_equal(dicom_read_fd(fd, &d, NULL), 0);
	dicom_free(d);
	assert_int_equal(ftruncate(fd, (off_t)b.len - 1), 0);
	assert_int_equal(dicom_read_fd(fd, &d, NULL), -EBADMSG);
	close(fd);
	buf_fini(&b);
}

static void
values_longer_than_the_window_are_whole(void **state)
{
	char name[] = "/tmp/test_dicom_read.XXXXXX";
	struct dicom *d = NULL;
	struct buf b, text;
	int fd = mkstemp(name);
	size_t i;

	(void)state;
	assert_true(fd >= 0);
	unlink(name);
	start_file(&b, UID_EXPLICIT_LE);
	buf_init(&text, 1 << 20);
	for (i = 0; i < 30000; i++)
		buf_printf(&text, "%zu ", i);
	put_element(&b, 0x0040A160, "UT", text.data, text.len);
	put_text(&b, 0x00400241, "AE", "X");
	assert_int_equal(write(fd, b.data, b.len), (ssize_t)b.len);
	assert_int_equal(dicom_read_fd(fd, &d, NULL), 0);
	assert_int_equal(dicom_find(d, 0x0040A160)->value.len, text.len);
	assert_memory_equal(dicom_find(d, 0x0040A160)->value.data, text.data, text.len);
	assert_non_null(dicom_find(d, 0x00400241));
	dicom_free(d);
	close(fd);
	buf_fini(&text);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_are_found_with_their_place),
		cmocka_unit_test(implicit_vr_comes_from_the_dictionary),
		cmocka_unit_test(big_endian_is_turned),
		cmocka_unit_test(sequences_of_either_length_nest),
		cmocka_unit_test(unknown_of_undefined_length_is_an_implicit_sequence),
		cmocka_unit_test(fragments_are_skipped_and_what_follows_is_read),
		cmocka_unit_test(deflated_data_sets_are_inflated_and_have_no_offsets),
		cmocka_unit_test(a_deflate_bomb_is_refused),
		cmocka_unit_test(headers_have_a_limit),
		cmocka_unit_test(the_last_of_equal_tags_wins_and_order_is_restored),
		cmocka_unit_test(meta_group_length_is_not_believed),
		cmocka_unit_test(what_is_not_part_10_is_refused),
		cmocka_unit_test(a_file_cut_anywhere_but_between_elements_is_refused),
		cmocka_unit_test(zeros_after_the_data_set_are_padding_and_other_bytes_are_not),
		cmocka_unit_test(lengths_that_lie_are_refused),
		cmocka_unit_test(implicit_under_an_explicit_name_is_read_and_said),
		cmocka_unit_test(a_sequence_number_put_to_other_use_is_bytes_in_an_implicit_data_set),
		cmocka_unit_test(explicit_under_an_implicit_name_is_refused),
		cmocka_unit_test(nesting_has_a_limit),
		cmocka_unit_test(a_file_that_shrinks_is_refused),
		cmocka_unit_test(values_longer_than_the_window_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
