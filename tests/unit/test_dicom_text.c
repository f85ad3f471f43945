/* Text and numbers: character sets, JSON numbers, collation, the dictionary, UIDs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/charset.h"
#include "dicom/collate.h"
#include "dicom/number.h"
#include "dicom/tag.h"
#include "dicom/uid.h"
#include "dicom/vr.h"

/* ------------------------------------------------------ dictionary ---- */

static void
tags_are_found_by_number_and_by_keyword(void **state)
{
	const struct tag_entry *e = tag_find(TAG_PATIENT_NAME);

	(void)state;
	assert_non_null(e);
	assert_string_equal(e->keyword, "PatientName");
	assert_int_equal(e->vr, VR('P', 'N'));
	assert_ptr_equal(tag_find_keyword("PatientName", 11), e);
	assert_null(tag_find_keyword("PatientNam", 10));
	assert_null(tag_find_keyword("PatientNameX", 12));
	assert_null(tag_find_keyword("patientname", 11));
	assert_int_equal(tag_find(TAG_PIXEL_DATA)->vr, VR('O', 'W'));
	assert_int_equal(tag_find(0x00280106)->vr, VR('U', 'S'));
}

static void
retired_attributes_have_the_keyword_of_the_standard(void **state)
{
	const struct tag_entry *e = tag_find(0x00080001);

	(void)state;
	assert_non_null(e);
	assert_string_equal(e->keyword, "LengthToEnd");
	assert_ptr_equal(tag_find_keyword("LengthToEnd", 11), e);
}

static void
repeating_groups_are_known_and_private_tags_are_not(void **state)
{
	(void)state;
	assert_string_equal(tag_find(0x60000010)->keyword, "OverlayRows");
	assert_string_equal(tag_find(0x60FE0010)->keyword, "OverlayRows");
	assert_string_equal(tag_find(0x50100005)->keyword, "CurveDimensions");
	assert_null(tag_find(0x60010010));
	assert_null(tag_find(0x00090010));
	assert_null(tag_find(0x00091001));
	assert_null(tag_find(0x00100011));
	assert_null(tag_find(0xFFFEE000));
}

static void
tag_text_is_eight_digits_or_a_keyword(void **state)
{
	uint32_t tag = 0;
	char text[9];

	(void)state;
	assert_int_equal(tag_parse("0020000d", 8, &tag), 0);
	assert_int_equal(tag, TAG_STUDY_INSTANCE_UID);
	assert_int_equal(tag_parse("StudyDate", 9, &tag), 0);
	assert_int_equal(tag, TAG_STUDY_DATE);
	/* eight letters that are no hex number */
	assert_int_equal(tag_parse("Modality", 8, &tag), 0);
	assert_int_equal(tag, TAG_MODALITY);
	assert_int_equal(tag_parse("0020000", 7, &tag), -EINVAL);
	assert_int_equal(tag_parse("0020000g", 8, &tag), -EINVAL);
	assert_int_equal(tag_parse("", 0, &tag), -EINVAL);
	assert_int_equal(tag, TAG_MODALITY);
	tag_format(0x7FE00010, text);
	assert_string_equal(text, "7FE00010");
}

static void
uids_are_digits_and_dots_ending_in_a_digit(void **state)
{
	char sixty_four[65];

	(void)state;
	memset(sixty_four, '1', 64);
	sixty_four[64] = '1';
	assert_true(uid_is_valid("1.2.840", 7));
	assert_true(uid_is_valid("..1", 3));
	assert_true(uid_is_valid(sixty_four, 64));
	assert_false(uid_is_valid(sixty_four, 65));
	assert_false(uid_is_valid("", 0));
	assert_false(uid_is_valid(".", 1));
	assert_false(uid_is_valid("..", 2));
	assert_false(uid_is_valid("1.2.", 4));
	assert_false(uid_is_valid("1/2", 3));
	assert_false(uid_is_valid("1.2 ", 4));
	assert_false(uid_is_valid("1\0002", 3));
}

/* --------------------------------------------------- character sets ---- */

static void
expect_utf8(const char *set, enum charset_text kind, const char *text, size_t len, const char *want)
{
	struct charset cs = charset_parse(set, strlen(set));
	struct buf out;

	buf_init(&out, 4096);
	assert_int_equal(charset_to_utf8(&cs, kind, text, len, &out), 0);
	assert_int_equal(out.len, strlen(want));
	if (out.len > 0)
		assert_string_equal(out.data, want);
	buf_fini(&out);
}

#define UTF8(set, kind, text, want) expect_utf8(set, kind, text, sizeof(text) - 1, want)

static void
single_byte_sets_are_converted(void **state)
{
	(void)state;
	UTF8("ISO_IR 100", CHARSET_NAMES, "M\xFCller", "Müller");
	UTF8("ISO_IR 101", CHARSET_VALUES, "\xA6" "wi\xEA" "cicki", "Święcicki");
	UTF8("ISO_IR 144", CHARSET_VALUES, "\xBF\xD5\xE7", "Печ");
	UTF8("ISO_IR 126", CHARSET_VALUES, "\xC4", "Δ");
	UTF8("ISO_IR 166", CHARSET_VALUES, "\xCA\xC1", "สม");
	UTF8("ISO_IR 13", CHARSET_VALUES, "\xD4\xCF\\\xC0", "ﾔﾏ\\ﾀ");
	UTF8("ISO_IR 192", CHARSET_VALUES, "Gr\xC3\xB6\xC3\x9F" "e", "Größe");
	/* as scanners misspell them */
	UTF8("ISO-IR 100 ", CHARSET_VALUES, "\xE9", "é");
	UTF8("iso ir 100", CHARSET_VALUES, "\xE9", "é");
}

static void
code_extension_is_followed_and_ends_at_delimiters(void **state)
{
	(void)state;
	/* PS3.5 H.3.1 and H.3.2 */
	UTF8("\\ISO 2022 IR 87", CHARSET_NAMES,
	     "Yamada^Tarou=\033$B;3ED\033(B^\033$BB@O:\033(B=\033$B$d$^$@\033(B^\033$B$?$m$&\033(B",
	     "Yamada^Tarou=山田^太郎=やまだ^たろう");
	UTF8("ISO 2022 IR 13\\ISO 2022 IR 87", CHARSET_NAMES,
	     "\xD4\xCF\xC0\xDE^\xC0\xDB\xB3=\033$B;3ED\033(J^\033$BB@O:\033(J",
	     "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎");
	/* PS3.5 I.2: G1 is designated anew after each delimiter */
	UTF8("\\ISO 2022 IR 149", CHARSET_NAMES,
	     "Hong^Gildong=\033$)C\xFB\xF3^\033$)C\xD1\xCE\xD4\xD7", "Hong^Gildong=洪^吉洞");
	UTF8("\\ISO 2022 IR 58", CHARSET_NAMES, "\033$)A\xD0\xA1\xB6\xAB", "小东");
	UTF8("ISO 2022 IR 100\\ISO 2022 IR 144", CHARSET_NAMES, "M\xFC^\033-L\xB8\xD2=\xFC", "Mü^Ив=ü");
	/* a 5C inside a two-byte character separates nothing */
	UTF8("\\ISO 2022 IR 87", CHARSET_VALUES, "\033$B!\\;3\033(B\\b", "＋山\\b");
	UTF8("\\ISO 2022 IR 159", CHARSET_VALUES, "\033$(D\"/\033(B", "˘");
}

static void
gb_second_bytes_are_no_backslashes(void **state)
{
	(void)state;
	UTF8("GB18030", CHARSET_VALUES, "\x81\\\\\xCE\xD2", "乗\\我");
	UTF8("GBK", CHARSET_NAMES, "\xCD\xF5^\xD0\xA1\xB6\xAB", "王^小东");
	UTF8("GB18030", CHARSET_VALUES, "\x95\x34\xB2\x35 x", "𠮷 x");
}

static void
what_cannot_be_converted_is_windows_1252_value_by_value(void **state)
{
	(void)state;
	UTF8("X-KLINGON", CHARSET_VALUES, "caf\xE9 \x80", "café €");
	UTF8("", CHARSET_VALUES, "caf\xE9", "café");
	UTF8("ISO_IR 192", CHARSET_VALUES, "\xC3\xA9\\\xC3(", "é\\Ã(");
	UTF8("ISO_IR 192", CHARSET_SINGLE, "\xED\xA0\x80", "í\xC2\xA0€");
	UTF8("\\ISO 2022 IR 87", CHARSET_VALUES, "\033$Z\xE9\\\033$B;3\033(B", "\033$Zé\\山");
	UTF8("\\ISO 2022 IR 87", CHARSET_VALUES, "\033$B;", "\033$B;");
	UTF8("GB18030", CHARSET_VALUES, "\xCE", "Î");
	/* what 1252 itself leaves open */
	UTF8("", CHARSET_VALUES, "\x81\x8D", "\xC2\x81\xC2\x8D");
}

/* ---------------------------------------------------------- numbers ---- */

static void
number_strings_become_json_numbers_or_stay_text(void **state)
{
	static const char *const cases[][2] = {
		{ "500.", "500" }, { "+120", "120" }, { ".5", "0.5" }, { "-.5", "-0.5" }, { "007", "7" },
		{ "-007.50", "-7.50" }, { "1e5", "1e5" }, { "1.E+05", "1e05" }, { " 12 ", "12" },
		{ "0", "0" }, { "-0", "-0" }, { "00", "0" }, { "1e300", "1e300" },
		{ "1e999", "" }, { "", "" }, { "-", "" }, { ".", "" }, { "e5", "" }, { "1e", "" },
		{ "0x10", "" }, { "nan", "" }, { "1 2", "" }, { "1,5", "" }, { "12a", "" },
	};
	char to[64];
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		n = number_put_text(to, cases[i][0], strlen(cases[i][0]));
		to[n] = '\0';
		assert_string_equal(to, cases[i][1]);
	}
}

static void
doubles_are_the_shortest_that_read_back(void **state)
{
	static const struct { double d; const char *text; } cases[] = {
		{ 0, "0" }, { -0.0, "-0" }, { 1, "1" }, { -1.5, "-1.5" }, { 0.1, "0.1" }, { 1e300, "1e+300" },
		{ 123456789, "123456789" }, { 0.00001, "0.00001" }, { 5e-324, "4.94065645841247e-324" },
		{ 0.1 + 0.2, "0.30000000000000004" }, { 1.0 / 3, "0.3333333333333333" },
	};
	char to[NUMBER_TEXT_MAX + 1];
	uint64_t seed = 1;
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		n = number_put_double(to, cases[i].d);
		to[n] = '\0';
		assert_string_equal(to, cases[i].text);
	}
	assert_int_equal(number_put_double(to, NAN), 0);
	assert_int_equal(number_put_double(to, INFINITY), 0);
	for (i = 0; i < 20000; i++) {
		double d;
		float f;
		uint32_t half;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		memcpy(&d, &seed, sizeof d);
		n = number_put_double(to, d);
		to[n] = '\0';
		if (n > 0)
			assert_true(strtod(to, NULL) == d);
		d = (double)(int64_t)(seed >> 30) / 1e4;
		n = number_put_double(to, d);
		to[n] = '\0';
		assert_true(strtod(to, NULL) == d);
		half = (uint32_t)(seed >> 32);
		memcpy(&f, &half, sizeof f);
		n = number_put_float(to, f);
		to[n] = '\0';
		if (n > 0)
			assert_true(strtof(to, NULL) == f);
	}
}

static void
integers_reach_their_ends(void **state)
{
	char to[NUMBER_TEXT_MAX + 1];

	(void)state;
	to[number_put_unsigned(to, UINT64_MAX)] = '\0';
	assert_string_equal(to, "18446744073709551615");
	to[number_put_signed(to, INT64_MIN)] = '\0';
	assert_string_equal(to, "-9223372036854775808");
}

/* --------------------------------------------------------- collation ---- */

static int
compare_values(uint16_t vr, const char *a, const char *b)
{
	struct buf x, y;
	int c;

	buf_init(&x, COLLATE_MAX);
	buf_init(&y, COLLATE_MAX);
	assert_int_equal(collate_value(vr, a, strlen(a), &x), 0);
	assert_int_equal(collate_value(vr, b, strlen(b), &y), 0);
	c = slice_compare(buf_slice(&x), buf_slice(&y));
	buf_fini(&x);
	buf_fini(&y);
	return c;
}

static void
text_matches_in_any_case_and_names_without_accents(void **state)
{
	(void)state;
	assert_int_equal(compare_values(VR('L', 'O'), "Head CT ", "HEAD ct"), 0);
	assert_int_equal(compare_values(VR('L', 'O'), "ÄRZTE", "ärzte"), 0);
	assert_int_not_equal(compare_values(VR('L', 'O'), "café", "cafe"), 0);
	assert_int_equal(compare_values(VR('P', 'N'), "Buc^Jérôme", "BUC^JEROME"), 0);
	assert_int_equal(compare_values(VR('P', 'N'), "Buc^Je\xCC\x81rome", "buc^jérome"), 0);
	assert_int_not_equal(compare_values(VR('P', 'N'), "Buc^Jerome", "Buc Jerome"), 0);
	/* composed or not, the same text */
	assert_int_equal(compare_values(VR('L', 'O'), "e\xCC\x81", "é"), 0);
	assert_int_not_equal(compare_values(VR('L', 'O'), " x", "x"), 0);
}

static void
numbers_and_dates_keep_their_order(void **state)
{
	struct buf out;

	(void)state;
	assert_true(compare_values(VR('I', 'S'), "-10", "-9") < 0);
	assert_true(compare_values(VR('I', 'S'), "-1", "0") < 0);
	assert_true(compare_values(VR('I', 'S'), "9", "10") < 0);
	assert_int_equal(compare_values(VR('D', 'S'), "007", "7.0"), 0);
	assert_int_equal(compare_values(VR('D', 'S'), "-0", "0"), 0);
	assert_true(compare_values(VR('F', 'D'), "1e-3", "0.1") < 0);
	assert_true(compare_values(VR('D', 'A'), "19991231", "20000101") < 0);
	assert_int_equal(compare_values(VR('D', 'A'), "1997.04.24", "19970424"), 0);
	assert_int_equal(compare_values(VR('T', 'M'), "10:11:12", "101112"), 0);
	buf_init(&out, COLLATE_MAX);
	assert_int_equal(collate_value(VR('I', 'S'), "abc", 3, &out), -EINVAL);
	assert_int_equal(collate_value(VR('U', 'S'), "", 0, &out), -EINVAL);
	assert_int_equal(out.len, 0);
	buf_fini(&out);
}

static void
long_values_are_cut(void **state)
{
	char text[1000];
	struct buf out;

	(void)state;
	memset(text, 'A', sizeof text);
	buf_init(&out, COLLATE_MAX);
	assert_int_equal(collate_value(VR('U', 'T'), text, sizeof text, &out), 0);
	assert_int_equal(out.len, COLLATE_MAX);
	buf_reset(&out);
	memcpy(text, "\xC3\xA4", 2);
	assert_int_equal(collate_value(VR('U', 'T'), text, sizeof text, &out), 0);
	assert_int_equal(out.len, COLLATE_MAX);
	buf_fini(&out);
}

static int
add_word(void *ctx, const char *word, size_t len)
{
	struct buf *all = ctx;

	buf_put(all, word, len);
	buf_putc(all, '|');
	return len == 4 && memcmp(word, "stop", 4) == 0 ? 7 : 0;
}

static void
names_fall_into_words(void **state)
{
	static const char name[] = "Dö^John  Q=山田^太郎=";
	static const char halt[] = "a^stop^b";
	struct buf all;

	(void)state;
	buf_init(&all, 1000);
	assert_int_equal(collate_words(name, sizeof name - 1, add_word, &all), 0);
	assert_string_equal(all.data, "do|john|q|山田|太郎|");
	buf_reset(&all);
	assert_int_equal(collate_words(halt, sizeof halt - 1, add_word, &all), 7);
	assert_string_equal(all.data, "a|stop|");
	buf_fini(&all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tags_are_found_by_number_and_by_keyword),
		cmocka_unit_test(retired_attributes_have_the_keyword_of_the_standard),
		cmocka_unit_test(repeating_groups_are_known_and_private_tags_are_not),
		cmocka_unit_test(tag_text_is_eight_digits_or_a_keyword),
		cmocka_unit_test(uids_are_digits_and_dots_ending_in_a_digit),
		cmocka_unit_test(single_byte_sets_are_converted),
		cmocka_unit_test(code_extension_is_followed_and_ends_at_delimiters),
		cmocka_unit_test(gb_second_bytes_are_no_backslashes),
		cmocka_unit_test(what_cannot_be_converted_is_windows_1252_value_by_value),
		cmocka_unit_test(number_strings_become_json_numbers_or_stay_text),
		cmocka_unit_test(doubles_are_the_shortest_that_read_back),
		cmocka_unit_test(integers_reach_their_ends),
		cmocka_unit_test(text_matches_in_any_case_and_names_without_accents),
		cmocka_unit_test(numbers_and_dates_keep_their_order),
		cmocka_unit_test(long_values_are_cut),
		cmocka_unit_test(names_fall_into_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
