/* The rules of value representations (PS3.5 6.2, contract 2.5 to 2.7). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dicom/validate.h"
#include "dicom/vr_rules.h"
#include "tests/unit/dicom_expect.h"

#define X10 "XXXXXXXXXX"
#define X64 X10 X10 X10 X10 X10 X10 "XXXX"
#define N64 "1.345678901234567890123456789012345678901234567890123456789.1234"

static struct charset
utf8(const void *ctx)
{
	(void)ctx;
	return charset_parse("ISO_IR 192", 10);
}

static const char *
check(const char *vr, const void *value, size_t len)
{
	struct dicom_element el = { .vr = VR(vr[0], vr[1]), .length = len, .value = slice_of(value, len) };
	struct buf scratch;
	struct vr_text text = { utf8, NULL, &scratch };
	const char *why;

	buf_init(&scratch, 1 << 20);
	why = vr_check_full(&el, &text);
	buf_fini(&scratch);
	return why;
}

struct example {
	const char *vr, *value;
	bool right;
};

static void
each_vr_has_its_rules(void **state)
{
	static const struct example examples[] = {
		{ "AE", "STATION 1", true }, { "AE", "ABCDEFGHIJKLMNOP ", true }, { "AE", "ABCDEFGHIJKLMNOPQ", false },
		{ "AE", "A\tB", false }, { "AE", "M\xC3\xBCLLER", false }, { "AE", "A\\B", true },
		{ "AS", "018M", true }, { "AS", "18M", false }, { "AS", "018X", false }, { "AS", "018M\\003D", true },
		{ "CS", "ORIGINAL\\PRIMARY_1", true }, { "CS", "Original", false }, { "CS", "A-B", false },
		{ "CS", "ABCDEFGHIJKLMNOP\\Q", true }, { "CS", "ABCDEFGHIJKLMNOPQ", false },
		{ "CS", "A\\ABCDEFGHIJKLMNOPQ", false },
		{ "DA", "20240229", true }, { "DA", "20230229", false }, { "DA", "2024.01.02", false },
		{ "DA", "x", false }, { "DA", "20240229\\2024", false }, { "DA", "", true }, { "DA", "20240101-", false },
		{ "DS", "1.5", true }, { "DS", " -1.5E+3 ", true }, { "DS", ".5\\5.", true }, { "DS", "1,5", false },
		{ "DS", "1.5.2", false }, { "DS", "1e", false }, { "DS", "-", false }, { "DS", "1 2", false },
		{ "DS", "1234567890.12345", true }, { "DS", "1234567890.123456", false }, { "DS", "0x10", false },
		{ "DT", "2024", true }, { "DT", "20240101120000.123456+0100", true }, { "DT", "20240101-1200", true },
		{ "DT", "2024-0000", false }, { "DT", "20240101+1460", false }, { "DT", "20241301", false },
		{ "DT", "202401011200+2500", false }, { "DT", "today", false },
		{ "IS", "12", true }, { "IS", "-2147483648", true }, { "IS", " +2147483647 ", true },
		{ "IS", "2147483648", false }, { "IS", "1.5", false }, { "IS", "0000000000001", false },
		{ "IS", "1\\\\2", true }, { "IS", "-", false },
		{ "LO", X64, true }, { "LO", X64 "X", false }, { "LO", X64 "\\" X64, true }, { "LO", "a\nb", false },
		{ "LO", "M\xC3\xBCller \033$B", true }, { "LO", "a\177", false },
		{ "LO", X10 X10 X10 X10 X10 X10 "X\xC3\xBC\xC3\xBC\xC3\xBC", true },	/* 64 of 67 bytes */
		{ "LO", X10 X10 X10 X10 X10 X10 "XX\xC3\xBC\xC3\xBC\xC3\xBC", false },
		{ "LT", "two\r\nlines \\ of\ttext\f", true }, { "LT", "a\001b", false },
		{ "PN", "Doe^John^^Dr^=\xE5\xB1\xB1=x", true }, { "PN", "a^b^c^d^e^f", false },
		{ "PN", "a=b=c=d", false }, { "PN", X64 "=" X64, true }, { "PN", X64 "X", false },
		{ "PN", "a\nb", false }, { "PN", "a\\" X64 "X", false },
		{ "SH", "ABCDEFGHIJKLMNOP", true }, { "SH", "ABCDEFGHIJKLMNOPQ", false },
		{ "TM", "10", true }, { "TM", "101112.123456 ", true }, { "TM", "10:11:12", false },
		{ "TM", "2400", false }, { "TM", "101112.1234567", false }, { "TM", "1", false },
		{ "UC", X64 X64, true }, { "UC", "a\nb", false },
		{ "UI", N64, true }, { "UI", N64 "5", false }, { "UI", "1.2.3\\1.2.4", true }, { "UI", "1.02.3", false },
		{ "UI", "1..2", false }, { "UI", ".1", false }, { "UI", "1.2.", false }, { "UI", "1.a", false },
		{ "UI", "0.0", true },
		{ "UR", "http://h/a?b=c%20d#e", true }, { "UR", "http://h/a b", false }, { "UR", "a\\b", false },
		{ "UT", "a\\b\n", true }, { "UT", "a\001", false },
		{ "SL", "1234", true }, { "SL", "123", false }, { "FD", "12345678", true }, { "FD", "1234567", false },
		{ "AT", "1234", true }, { "AT", "12", false }, { "OW", "12", true }, { "OW", "123", false },
		{ "UN", "anything\001", true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof examples / sizeof *examples; i++) {
		const struct example *e = &examples[i];
		const char *why = check(e->vr, e->value, strlen(e->value));

		if ((why == NULL) != e->right)
			fail_msg("%s \"%s\": %s", e->vr, e->value, why != NULL ? why : "passes");
	}
}

static void
padding_with_nul_is_no_fault(void **state)
{
	(void)state;
	assert_null(check("DA", BYTES("20240101\0\0")));
	assert_null(check("CS", BYTES("CT\0\0")));
	assert_null(check("LO", BYTES("text \0")));
	assert_null(check("UI", BYTES("1.2.3\0")));
	assert_non_null(check("LO", BYTES("te\0xt")));
	assert_non_null(check("CS", BYTES("A\0\\B")));
}

static void
the_minimum_is_less(void **state)
{
	static const struct example examples[] = {
		{ "CS", "Lower-case", true }, { "CS", X10 X10, false }, { "AE", X10 X10, false }, { "SH", "a\nb", true },
		{ "AS", "XXXX", true }, { "AS", "18M", false }, { "DA", "20240101", true }, { "DA", "x", false },
		{ "DA", "", true }, { "DT", "2024", true }, { "DT", "x", false }, { "TM", "10", true }, { "TM", "1", false },
		{ "IS", "5", true }, { "IS", "a", false }, { "LO", X64 "X", false }, { "LO", "a\nb", false },
		{ "PN", "a^b^c^d^e^f", false }, { "PN", "a=b=c=d", false }, { "PN", X64 "X", false },
		{ "UI", "1.02", true }, { "UI", "1.2.", false }, { "UI", "1.a", false }, { "ST", "a\001", true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof examples / sizeof *examples; i++) {
		const struct example *e = &examples[i];

		if ((vr_check_minimum(VR(e->vr[0], e->vr[1]), e->value, strlen(e->value)) == NULL) != e->right)
			fail_msg("%s \"%s\"", e->vr, e->value);
	}
}

static void
put_item_with(struct buf *b, uint32_t sequence, uint32_t tag, const char *vr, const char *value)
{
	struct buf item;

	buf_init(&item, 4096);
	put_text(&item, tag, vr, value);
	put_lying(b, sequence, "SQ", "", 0, (uint32_t)item.len + 8);
	put_delimiter(b, ITEM, (uint32_t)item.len);
	buf_put(b, item.data, item.len);
	buf_fini(&item);
}

static void
each_tag_is_warned_of_once_and_dropped_where_it_stands(void **state)
{
	struct dicom_warnings w = { 0 };
	struct buf b, json;
	struct dicom *d;

	(void)state;
	start_file(&b, UID_EXPLICIT_LE);
	put_text(&b, TAG_STUDY_DATE, "DA", "x");
	put_text(&b, TAG_MODALITY, "CS", "CT");
	put_identity(&b);
	put_text(&b, TAG_STUDY_INSTANCE_UID, "UI", "1.02.3");
	put_item_with(&b, 0x00400275, 0x00400007, "LO", "a\001");
	put_item_with(&b, 0x00400555, 0x00400007, "LO", "b\001");
	put_item_with(&b, 0x00400556, TAG_MODALITY, "CS", "lower");
	assert_int_equal(read_buf(&b, &d), 0);
	assert_int_equal(dicom_check_values(d, &w), 0);
	assert_int_equal(w.n, 4);
	assert_int_equal(w.at[0].tag, TAG_STUDY_DATE);
	assert_string_equal(w.at[0].why, "not a date");
	assert_int_equal(w.at[1].tag, TAG_MODALITY);
	assert_int_equal(w.at[2].tag, TAG_STUDY_INSTANCE_UID);
	assert_int_equal(w.at[3].tag, 0x00400007);
	assert_null(dicom_find(d, TAG_STUDY_DATE));
	assert_non_null(dicom_find(d, TAG_MODALITY));
	assert_non_null(dicom_find(d, TAG_STUDY_INSTANCE_UID));
	assert_non_null(dicom_find(d, 0x00400275));
	buf_init(&json, 1 << 16);
	assert_int_equal(dicom_write_json(d, &json), 0);
	assert_null(strstr(json.data, "00080020"));
	assert_non_null(strstr(json.data, "00400007"));
	assert_int_equal(dicom_write_json_element(d, TAG_STUDY_DATE, &json), -ENOENT);
	/* again: nothing is added */
	assert_int_equal(dicom_check_values(d, &w), 0);
	assert_int_equal(w.n, 4);
	dicom_warnings_fini(&w);
	buf_fini(&json);
	dicom_free(d);
	buf_fini(&b);
}

static void
a_dropped_character_set_still_reads_the_rest(void **state)
{
	struct dicom_warnings w = { 0 };
	struct buf b, json;
	struct dicom *d;

	(void)state;
	start_file(&b, UID_EXPLICIT_LE);
	put_text(&b, TAG_SPECIFIC_CHARACTER_SET, "CS", "ISO-IR 100");
	put_identity(&b);
	put_text(&b, 0x00101000, "LO", "M\xFCller");
	assert_int_equal(read_buf(&b, &d), 0);
	assert_int_equal(dicom_check_values(d, &w), 0);
	assert_int_equal(w.n, 1);
	buf_init(&json, 1 << 16);
	assert_int_equal(dicom_write_json(d, &json), 0);
	assert_non_null(strstr(json.data, "M\xC3\xBCller"));
	dicom_warnings_fini(&w);
	buf_fini(&json);
	dicom_free(d);
	buf_fini(&b);
}

static void
several_values_where_one_is_indexed_are_noticed(void **state)
{
	struct buf b;
	struct dicom *d;

	(void)state;
	start_file(&b, UID_EXPLICIT_LE);
	put_text(&b, 0x00080050, "SH", "A\\B");
	put_identity(&b);
	assert_int_equal(read_buf(&b, &d), 0);
	assert_true(dicom_has_several(d, VALIDATE_V1));
	assert_false(dicom_has_several(d, VALIDATE_V2));
	assert_false(dicom_has_several(d, VALIDATE_PLAIN));
	dicom_free(d);
	put_text(&b, TAG_PATIENT_ID, "LO", "A\\B");
	assert_int_equal(read_buf(&b, &d), 0);
	assert_true(dicom_has_several(d, VALIDATE_V2));
	dicom_free(d);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_vr_has_its_rules),
		cmocka_unit_test(padding_with_nul_is_no_fault),
		cmocka_unit_test(the_minimum_is_less),
		cmocka_unit_test(each_tag_is_warned_of_once_and_dropped_where_it_stands),
		cmocka_unit_test(a_dropped_character_set_still_reads_the_rest),
		cmocka_unit_test(several_values_where_one_is_indexed_are_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
