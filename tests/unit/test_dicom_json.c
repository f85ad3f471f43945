/* The JSON writer, templates, text and the rules of identity, on files made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dicom/dicom.h"
#include "dicom/json.h"
#include "dicom/validate.h"
#include "tests/unit/dicom_expect.h"

/* --------------------------------------------------------------- JSON ---- */

static void
values_are_written_as_annex_f_says(void **state)
{
	struct buf b;

	(void)state;
	start_file(&b, UID_EXPLICIT_LE);
	put_element(&b, 0x00080000, "UL", BYTES("\1\0\0\0"));
	put_text(&b, 0x00080008, "CS", "ORIGINAL\\\\AXIAL ");
	put_element(&b, TAG_SOP_INSTANCE_UID, "UI", BYTES("1.2.3\0"));
	put_text(&b, TAG_STUDY_DATE, "DA", "");
	put_text(&b, TAG_ACCESSION_NUMBER, "SH", "  ");
	put_element(&b, TAG_STUDY_DESCRIPTION, "LO", BYTES("a\0"));
	put_text(&b, TAG_PATIENT_NAME, "PN", "A^B==C\\\\=D");
	put_text(&b, 0x00180050, "DS", "500.\\+1\\\\x");
	put_element(&b, 0x00189073, "FD", BYTES("\0\0\0\0\0\0\xF8\x7F\0\0\0\0\0\0\xF0\xFF\0\0\0\0\0\0\xE0\x3F"));
	put_element(&b, 0x00200013, "IS", BYTES("+7"));
	put_element(&b, 0x00280010, "US", BYTES("\1\0\2"));
	put_element(&b, 0x00280011, "US", BYTES("\1"));
	put_text(&b, 0x00324000, "LT", "a\\b\r\n\"");
	put_element(&b, 0x00720082, "SV", BYTES("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"));
	expect_json(&b, NULL, "{\"00080008\":{\"vr\":\"CS\",\"Value\":[\"ORIGINAL\",null,\"AXIAL\"]},"
		    "\"00080018\":{\"vr\":\"UI\",\"Value\":[\"1.2.3\"]},"
		    "\"00080020\":{\"vr\":\"DA\"},"
		    "\"00080050\":{\"vr\":\"SH\"},"
		    "\"00081030\":{\"vr\":\"LO\",\"Value\":[\"a\\u0000\"]},"
		    "\"00100010\":{\"vr\":\"PN\",\"Value\":[{\"Alphabetic\":\"A^B\",\"Phonetic\":\"C\"},null,{\"Ideographic\":\"D\"}]},"
		    "\"00180050\":{\"vr\":\"DS\",\"Value\":[500,1,null,\"x\"]},"
		    "\"00189073\":{\"vr\":\"FD\",\"Value\":[\"NaN\",\"-Infinity\",0.5]},"
		    "\"00200013\":{\"vr\":\"IS\",\"Value\":[7]},"
		    "\"00280010\":{\"vr\":\"US\",\"Value\":[1]},"
		    "\"00280011\":{\"vr\":\"US\"},"
		    "\"00324000\":{\"vr\":\"LT\",\"Value\":[\"a\\\\b\\r\\n\\\"\"]},"
		    "\"00720082\":{\"vr\":\"SV\",\"Value\":[-1]}}");
	buf_fini(&b);
}

static void
items_inherit_or_replace_the_character_set(void **state)
{
	struct buf b;

	(void)state;
	start_file(&b, UID_EXPLICIT_LE);
	put_text(&b, TAG_SPECIFIC_CHARACTER_SET, "CS", "ISO_IR 100");
	put_lying(&b, 0x00081140, "SQ", "", 0, UNDEFINED);
	put_delimiter(&b, ITEM, UNDEFINED);
	put_text(&b, 0x00080104, "LO", "\xE9");
	put_delimiter(&b, ITEM_END, 0);
	put_delimiter(&b, ITEM, UNDEFINED);
	put_text(&b, TAG_SPECIFIC_CHARACTER_SET, "CS", "ISO_IR 192");
	put_text(&b, 0x00080104, "LO", "é");
	put_delimiter(&b, ITEM_END, 0);
	put_delimiter(&b, SEQUENCE_END, 0);
	put_text(&b, TAG_PATIENT_ID, "LO", "\xE9");
	expect_json(&b, NULL, "{\"00080005\":{\"vr\":\"CS\",\"Value\":[\"ISO_IR 100\"]},"
		    "\"00081140\":{\"vr\":\"SQ\",\"Value\":[{\"00080104\":{\"vr\":\"LO\",\"Value\":[\"é\"]}},"
		    "{\"00080005\":{\"vr\":\"CS\",\"Value\":[\"ISO_IR 192\"]},\"00080104\":{\"vr\":\"LO\",\"Value\":[\"é\"]}}]},"
		    "\"00100020\":{\"vr\":\"LO\",\"Value\":[\"é\"]}}");
	buf_fini(&b);
}

/* Every arrangement of four members, visible or not. */
static void
commas_are_right_hidden_and_shown(void **state)
{
	unsigned mask, i;

	(void)state;
	for (mask = 0; mask < 16; mask++) {
		struct buf b, hidden, shown;

		start_file(&b, UID_EXPLICIT_LE);
		buf_init(&hidden, 1000);
		buf_init(&shown, 1000);
		buf_putc(&hidden, '{');
		buf_putc(&shown, '{');
		for (i = 0; i < 4; i++) {
			char tag[9];
			uint32_t t = 0x00090001 + i;
			bool bulk = mask >> i & 1;

			put_text(&b, t, bulk ? "OB" : "AE", "a");
			tag_format(t, tag);
			if (shown.len > 1)
				buf_putc(&shown, ',');
			buf_printf(&shown, "\"%s\":{\"vr\":\"%s\",%s}", tag, bulk ? "OB" : "AE",
				   bulk ? "\"InlineBinary\":\"YQ==\"" : "\"Value\":[\"a\"]");
			if (bulk)
				continue;
			if (hidden.len > 1)
				buf_putc(&hidden, ',');
			buf_printf(&hidden, "\"%s\":{\"vr\":\"AE\",\"Value\":[\"a\"]}", tag);
		}
		buf_putc(&hidden, '}');
		buf_putc(&shown, '}');
		expect_json(&b, NULL, hidden.data);
		expect_json(&b, "http://h/x", shown.data);
		buf_fini(&b);
		buf_fini(&hidden);
		buf_fini(&shown);
	}
}

static void
long_bulk_has_a_uri_with_its_path(void **state)
{
	static char big[DICOM_INLINE_MAX + 1];
	char want[1000];
	size_t nested, top;
	struct buf b;

	(void)state;
	start_file(&b, UID_EXPLICIT_LE);
	put_lying(&b, 0x00540016, "SQ", "", 0, UNDEFINED);
	put_delimiter(&b, ITEM, 0);
	put_delimiter(&b, ITEM, UNDEFINED);
	nested = b.len + 12;
	put_element(&b, 0x00420011, "OB", big, sizeof big);
	put_delimiter(&b, ITEM_END, 0);
	put_delimiter(&b, SEQUENCE_END, 0);
	top = b.len + 12;
	put_element(&b, TAG_PIXEL_DATA, "OW", big, sizeof big);
	snprintf(want, sizeof want,
		 "{\"00540016\":{\"vr\":\"SQ\",\"Value\":[{},{\"00420011\":{\"vr\":\"OB\","
		 "\"BulkDataURI\":\"http://h/\\\"/bulkdata/00540016.2.00420011?offset=%zu&length=%zu\"}}]},"
		 "\"7FE00010\":{\"vr\":\"OW\",\"BulkDataURI\":\"http://h/\\\"/bulkdata/7FE00010?offset=%zu&length=%zu\"}}",
		 nested, sizeof big, top, sizeof big);
	expect_json(&b, "http://h/\"", want);
	expect_json(&b, NULL, "{\"00540016\":{\"vr\":\"SQ\",\"Value\":[{},{}]}}");
	buf_fini(&b);
}

static void
one_element_is_plain_json(void **state)
{
	struct dicom *d;
	struct buf b, out;

	(void)state;
	start_file(&b, UID_EXPLICIT_LE);
	put_lying(&b, 0x00540016, "SQ", "", 0, UNDEFINED);
	put_delimiter(&b, ITEM, UNDEFINED);
	put_text(&b, 0x00090001, "OB", "ab");
	put_text(&b, 0x00090002, "AE", "a");
	put_text(&b, 0x00090003, "OB", "ab");
	put_delimiter(&b, ITEM_END, 0);
	put_delimiter(&b, SEQUENCE_END, 0);
	put_text(&b, TAG_PIXEL_DATA, "OW", "ab");
	assert_int_equal(read_buf(&b, &d), 0);
	buf_init(&out, 1000);
	assert_int_equal(dicom_write_json_element(d, 0x00540016, &out), 0);
	assert_string_equal(out.data, "{\"vr\":\"SQ\",\"Value\":[{\"00090002\":{\"vr\":\"AE\",\"Value\":[\"a\"]}}]}");
	buf_reset(&out);
	assert_int_equal(dicom_write_json_element(d, TAG_PIXEL_DATA, &out), 0);
	assert_string_equal(out.data, "{\"vr\":\"OW\"}");
	assert_int_equal(dicom_write_json_element(d, TAG_MODALITY, &out), -ENOENT);
	buf_fini(&out);
	dicom_free(d);
	buf_fini(&b);
}

static void
expect_found(const char *json, uint32_t tag, const char *want)
{
	struct slice value;
	int r = dicom_json_find(slice_str(json), tag, &value);

	assert_int_equal(r, want != NULL ? 0 : -ENOENT);
	if (want != NULL) {
		assert_int_equal(value.len, strlen(want));
		assert_memory_equal(value.data, want, value.len);
	}
}

static void
members_are_found_at_the_top_alone(void **state)
{
	static const char json[] =
		"{\001\"00080001\":{\"vr\":\"OB\"},\002\"00081140\":{\"vr\":\"SQ\",\"Value\":[{\"00100010\":{\"vr\":\"PN\"}"
		"\001,\"00420011\":{\"vr\":\"OB\"}\002}]},\"00100020\":{\"vr\":\"LO\",\"Value\":[\"\\\"00100010\\\":{}\\\\\"]},"
		"\"00100030\":{\"vr\":\"DA\"}\001,\"7FE00010\":{\"vr\":\"OW\"}\002}";
	static const char *const broken[] = {
		"", "[]", "{", "{\"00100010\"", "{\"00100010\":", "{\"00100010\":{\"vr\":\"PN\"", "{\"00100010\":}",
		"{\"0010", "{\"00100010\":{\"vr\":\"P}", "{x", "{\"a\":1",
	};
	struct slice value;
	size_t i;

	(void)state;
	expect_found(json, 0x00100010, NULL);
	expect_found(json, 0x00420011, NULL);
	expect_found(json, 0x00080001, "{\"vr\":\"OB\"}");
	expect_found(json, TAG_PATIENT_ID, "{\"vr\":\"LO\",\"Value\":[\"\\\"00100010\\\":{}\\\\\"]}");
	expect_found(json, TAG_PATIENT_BIRTH_DATE, "{\"vr\":\"DA\"}");
	expect_found(json, TAG_PIXEL_DATA, "{\"vr\":\"OW\"}");
	expect_found("{}", TAG_PIXEL_DATA, NULL);
	expect_found(" { \"a\" : 1 , \"00100020\" : [ 2 ] } ", TAG_PATIENT_ID, "[ 2 ]");
	for (i = 0; i < sizeof broken / sizeof *broken; i++)
		assert_int_equal(dicom_json_find(slice_str(broken[i]), TAG_STUDY_DATE, &value), -EBADMSG);
}

static void
members_are_found_in_one_pass(void **state)
{
	static const char json[] =
		"{\001\"00080001\":{\"vr\":\"OB\"},\002\"00081140\":{\"vr\":\"SQ\",\"Value\":[{\"00100010\":{\"vr\":\"PN\"}}]},"
		"\"00100020\":{\"vr\":\"LO\"}\001,\"7FE00010\":{\"vr\":\"OW\"}\002}";
	static const struct { uint32_t tag; const char *want; } asked[] = {
		{ 0x00080000, NULL }, { 0x00080001, "{\"vr\":\"OB\"}" }, { 0x00080060, NULL },
		{ 0x00100010, NULL }, { 0x00100020, "{\"vr\":\"LO\"}" }, { 0x00100030, NULL },
		{ 0x7FE00010, "{\"vr\":\"OW\"}" }, { 0x7FE00010, NULL }, { 0xFFFCFFFC, NULL },
	};
	struct slice value;
	size_t pos = 0, i;

	(void)state;
	for (i = 0; i < sizeof asked / sizeof *asked; i++) {
		int r = dicom_json_find_next(slice_str(json), &pos, asked[i].tag, &value);

		assert_int_equal(r, asked[i].want != NULL ? 0 : -ENOENT);
		if (r == 0) {
			assert_int_equal(value.len, strlen(asked[i].want));
			assert_memory_equal(value.data, asked[i].want, value.len);
		}
	}
	pos = 0;
	assert_int_equal(dicom_json_find_next(slice_str("{\"0010"), &pos, TAG_PATIENT_ID, &value), -EBADMSG);
	pos = 99;
	assert_int_equal(dicom_json_find_next(slice_str("{}"), &pos, TAG_PATIENT_ID, &value), -EBADMSG);
}

static int
note_member(void *ctx, uint32_t tag, struct slice element)
{
	struct buf *out = ctx;
	uint16_t vr = dicom_json_vr(element);

	buf_printf(out, "%08x %c%c ", (unsigned)tag, vr != 0 ? vr >> 8 : '-', vr != 0 ? vr & 0xff : '-');
	assert_int_equal(dicom_json_texts(element, out), 0);
	buf_putc(out, '\n');
	return 0;
}

static void
members_are_told_one_by_one_with_their_texts(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 1000);
	assert_int_equal(dicom_json_each(slice_str("{\"00080008\":{\"vr\":\"CS\",\"Value\":[\"A\",null,\"\\u00e9\"]},\"x\":1,"
				"\"00100010\":{\"vr\":\"PN\",\"Value\":[{\"Alphabetic\":\"A^B\",\"Phonetic\":\"C\"}]},"
				"\"00280030\":{\"Value\":[0.50,1e3],\"vr\":\"DS\"},\"00280031\":{\"vr\":1}}"), note_member, &out), 0);
	assert_string_equal(out.data, "00080008 CS A\\\\\xc3\xa9\n00100010 PN A^B==C\n00280030 DS 0.50\\1e3\n00280031 -- \n");
	buf_fini(&out);
	buf_init(&out, 1000);
	assert_int_equal(dicom_json_each(slice_str("{\"00080008\":"), note_member, &out), -EBADMSG);
	assert_int_equal(dicom_json_each(slice_of(NULL, 0), note_member, &out), -EBADMSG);
	assert_int_equal(dicom_json_vr(slice_str("[]")), 0);
	buf_fini(&out);
}

static void
a_template_without_its_end_is_refused(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 100);
	assert_int_equal(dicom_json_render(slice_str("{\001"), NULL, &out), -EBADMSG);
	assert_int_equal(dicom_json_render(slice_str("{\001"), "u", &out), -EBADMSG);
	buf_fini(&out);
}

/* --------------------------------------------------------------- text ---- */

static void
text_and_numbers_of_elements(void **state)
{
	struct dicom *d;
	struct buf b, out;
	char text[8];
	double n;

	(void)state;
	start_file(&b, UID_EXPLICIT_LE);
	put_text(&b, TAG_SPECIFIC_CHARACTER_SET, "CS", "ISO_IR 100");
	put_text(&b, 0x00080008, "CS", "ORIGINAL \\AXIAL ");
	put_text(&b, TAG_STUDY_DATE, "DA", "");
	put_element(&b, TAG_PATIENT_ID, "LO", BYTES("\xE9\0 "));
	put_text(&b, TAG_PATIENT_NAME, "PN", "abcdef\xE9");
	put_text(&b, TAG_NUMBER_OF_FRAMES, "IS", " 12 \\x");
	put_element(&b, TAG_ROWS, "US", BYTES("\0\2\1\0"));
	put_text(&b, TAG_PIXEL_DATA, "OW", "ab");
	assert_int_equal(read_buf(&b, &d), 0);
	buf_init(&out, 1000);
	assert_int_equal(dicom_text(d, 0x00080008, &out), 2);
	assert_string_equal(out.data, "ORIGINAL\\AXIAL");
	buf_reset(&out);
	assert_int_equal(dicom_text(d, TAG_STUDY_DATE, &out), 0);
	assert_int_equal(out.len, 0);
	assert_int_equal(dicom_text(d, TAG_PATIENT_ID, &out), 1);
	assert_string_equal(out.data, "é");
	buf_reset(&out);
	assert_int_equal(dicom_text(d, TAG_ROWS, &out), 2);
	assert_string_equal(out.data, "512\\1");
	assert_int_equal(dicom_text(d, TAG_PIXEL_DATA, &out), -EINVAL);
	assert_int_equal(dicom_text(d, TAG_MODALITY, &out), -ENOENT);
	/* cut between characters */
	assert_int_equal(dicom_text_first(d, TAG_PATIENT_NAME, text, sizeof text), 1);
	assert_string_equal(text, "abcdef");
	assert_int_equal(dicom_text_first(d, 0x00080008, text, sizeof text), 2);
	assert_string_equal(text, "ORIGINA");
	assert_int_equal(dicom_number(d, TAG_NUMBER_OF_FRAMES, &n), 0);
	assert_true(n == 12);
	assert_int_equal(dicom_number(d, TAG_ROWS, &n), 0);
	assert_true(n == 512);
	assert_int_equal(dicom_number(d, TAG_COLUMNS, &n), -ENOENT);
	assert_int_equal(dicom_number(d, TAG_PATIENT_NAME, &n), -EINVAL);
	buf_fini(&out);
	dicom_free(d);
	buf_fini(&b);
}

/* ----------------------------------------------------------- identity ---- */

static void
expect_identity(struct buf *file, enum validate_rules rules, const char *study, int num,
		uint16_t reason, uint32_t tag)
{
	struct dicom_identity id;
	struct err err = { 0 };
	struct dicom *d;

	assert_int_equal(read_buf(file, &d), 0);
	assert_int_equal(dicom_identify(d, rules, study, &id, &err), num);
	assert_int_equal(err.num, num);
	assert_int_equal(err.reason, reason);
	assert_int_equal(err.tag, tag);
	if (num == 0) {
		assert_string_equal(id.study_uid, "1.2.3");
		assert_string_equal(id.series_uid, "1.2.3.5");
		assert_string_equal(id.sop_uid, "1.2.3.4");
	}
	dicom_free(d);
}

static void
identity_is_read_and_compared(void **state)
{
	struct buf b;

	(void)state;
	start_file(&b, UID_EXPLICIT_LE);
	put_identity(&b);
	expect_identity(&b, VALIDATE_PLAIN, NULL, 0, 0, 0);
	expect_identity(&b, VALIDATE_V1, "1.2.3", 0, 0, 0);
	expect_identity(&b, VALIDATE_V2, "1.2.3  ", 0, 0, 0);
	expect_identity(&b, VALIDATE_PLAIN, "1.2.4", -EINVAL, REASON_STUDY_DIFFERS, TAG_STUDY_INSTANCE_UID);
	/* padded by either */
	put_element(&b, TAG_SOP_INSTANCE_UID, "UI", BYTES("1.2.3.4 \0"));
	expect_identity(&b, VALIDATE_V1, NULL, 0, 0, 0);
	buf_fini(&b);
}

static void
broken_uids_are_refused_and_the_others_told(void **state)
{
	static const char *const uids[] = { "", "  ", "1.2\\1.3", "1.2.", "../1", "1.2 .3", "1.2.a" };
	struct dicom_identity id;
	struct dicom *d;
	struct buf b;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof uids / sizeof *uids; i++) {
		start_file(&b, UID_EXPLICIT_LE);
		put_identity(&b);
		put_text(&b, TAG_SOP_INSTANCE_UID, "UI", uids[i]);
		expect_identity(&b, VALIDATE_PLAIN, NULL, -EINVAL, REASON_INVALID, TAG_SOP_INSTANCE_UID);
		assert_int_equal(read_buf(&b, &d), 0);
		dicom_identify(d, VALIDATE_PLAIN, NULL, &id, NULL);
		assert_string_equal(id.sop_uid, "");
		assert_string_equal(id.series_uid, "1.2.3.5");
		assert_string_equal(id.class_uid, "1.2.840.10008.5.1.4.1.1.7");
		dicom_free(d);
		buf_fini(&b);
	}
}

static void
patient_id_is_asked_for_by_the_contract_versions(void **state)
{
	struct buf b;

	(void)state;
	start_file(&b, UID_EXPLICIT_LE);
	put_identity(&b);
	put_text(&b, TAG_PATIENT_ID, "LO", " ");
	expect_identity(&b, VALIDATE_PLAIN, NULL, 0, 0, 0);
	expect_identity(&b, VALIDATE_V2, NULL, 0, 0, 0);
	expect_identity(&b, VALIDATE_V1, NULL, -EINVAL, REASON_INVALID, TAG_PATIENT_ID);
	put_text(&b, TAG_PATIENT_ID, "LO", "1234567890123456789012345678901234567890123456789012345678901234 ");
	expect_identity(&b, VALIDATE_V2, NULL, 0, 0, 0);
	put_text(&b, TAG_PATIENT_ID, "LO", "12345678901234567890123456789012345678901234567890123456789012345");
	expect_identity(&b, VALIDATE_V2, NULL, -EINVAL, REASON_INVALID, TAG_PATIENT_ID);
	buf_fini(&b);
}

static void
version_1_checks_what_is_indexed(void **state)
{
	static const struct { uint32_t tag; const char *vr, *value; bool good; } cases[] = {
		{ TAG_STUDY_DATE, "DA", "20240229", true },
		{ TAG_STUDY_DATE, "DA", "", true },
		{ TAG_STUDY_DATE, "DA", "20230229", false },
		{ TAG_STUDY_DATE, "DA", "2024.02.29", false },
		{ TAG_STUDY_DATE, "DA", "20241301", false },
		{ TAG_STUDY_DATE, "TM", "20240229", false },
		{ TAG_PATIENT_BIRTH_DATE, "DA", "x", false },
		{ TAG_ACCESSION_NUMBER, "SH", "1234567890123456", true },
		{ TAG_ACCESSION_NUMBER, "SH", "12345678901234567", false },
		{ TAG_ACCESSION_NUMBER, "SH", "1\\12345678901234567", true },
		{ TAG_MODALITY, "CS", "CT", true },
		{ TAG_MODALITY, "CS", "12345678901234567", false },
		{ TAG_STUDY_DESCRIPTION, "LO", "a\tb", false },
		{ TAG_STUDY_DESCRIPTION, "LO", "ok", true },
		{ TAG_PATIENT_NAME, "PN", "A^B^C^D^E=A=B", true },
		{ TAG_PATIENT_NAME, "PN", "A^B^C^D^E^F", false },
		{ TAG_PATIENT_NAME, "PN", "A=B=C=D", false },
		{ TAG_REFERRING_PHYSICIAN_NAME, "PN", "1234567890123456789012345678901234567890123456789012345678901234=A", true },
		{ TAG_REFERRING_PHYSICIAN_NAME, "PN", "12345678901234567890123456789012345678901234567890123456789012345", false },
	};
	struct buf b;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		start_file(&b, UID_EXPLICIT_LE);
		put_identity(&b);
		put_text(&b, cases[i].tag, cases[i].vr, cases[i].value);
		expect_identity(&b, VALIDATE_V1, NULL, cases[i].good ? 0 : -EINVAL,
				cases[i].good ? 0 : REASON_INVALID, cases[i].good ? 0 : cases[i].tag);
		expect_identity(&b, VALIDATE_V2, NULL, 0, 0, 0);
		buf_fini(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_written_as_annex_f_says),
		cmocka_unit_test(items_inherit_or_replace_the_character_set),
		cmocka_unit_test(commas_are_right_hidden_and_shown),
		cmocka_unit_test(long_bulk_has_a_uri_with_its_path),
		cmocka_unit_test(one_element_is_plain_json),
		cmocka_unit_test(members_are_found_at_the_top_alone),
		cmocka_unit_test(members_are_found_in_one_pass),
		cmocka_unit_test(members_are_told_one_by_one_with_their_texts),
		cmocka_unit_test(a_template_without_its_end_is_refused),
		cmocka_unit_test(text_and_numbers_of_elements),
		cmocka_unit_test(identity_is_read_and_compared),
		cmocka_unit_test(broken_uids_are_refused_and_the_others_told),
		cmocka_unit_test(patient_id_is_asked_for_by_the_contract_versions),
		cmocka_unit_test(version_1_checks_what_is_indexed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
