#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "web/etag.h"
#include "web/range.h"
#include "web/status.h"

static void
check_range(const char *header, uint64_t size, int want, uint64_t first, uint64_t len)
{
	uint64_t f = 77, n = 77;

	assert_int_equal(range_parse(header, size, &f, &n), want);
	assert_int_equal(f, want == 0 ? first : 77);
	assert_int_equal(n, want == 0 ? len : 77);
}

static void
one_range_of_bytes_is_honoured(void **state)
{
	(void)state;
	check_range("bytes=0-0", 10, 0, 0, 1);
	check_range("bytes=2-5", 10, 0, 2, 4);
	check_range("Bytes=2-", 10, 0, 2, 8);
	check_range("bytes=-3", 10, 0, 7, 3);
	check_range("bytes=-30", 10, 0, 0, 10);
	check_range("bytes=2-99999999999999999999999", 10, 0, 2, 8);
}

static void
what_cannot_be_satisfied_is_told_from_what_is_ignored(void **state)
{
	(void)state;
	check_range("bytes=10-", 10, -ERANGE, 0, 0);
	check_range("bytes=99999999999999999999999-", 10, -ERANGE, 0, 0);
	check_range("bytes=-0", 10, -ERANGE, 0, 0);
	check_range("bytes=-1", 0, -ERANGE, 0, 0);
	check_range("bytes=0-", 0, -ERANGE, 0, 0);
	check_range(NULL, 10, -ENOENT, 0, 0);
	check_range("items=0-1", 10, -ENOENT, 0, 0);
	check_range("bytes=", 10, -ENOENT, 0, 0);
	check_range("bytes=-", 10, -ENOENT, 0, 0);
	check_range("bytes=5-2", 10, -ENOENT, 0, 0);
	check_range("bytes=0-1,3-4", 10, -ENOENT, 0, 0);
	check_range("bytes=1x-", 10, -ENOENT, 0, 0);
}

static void
numbers_are_digits_only(void **state)
{
	uint64_t n = 0;

	(void)state;
	assert_int_equal(range_parse_number("18446744073709551615", &n), 0);
	assert_true(n == UINT64_MAX);
	assert_int_equal(range_parse_number("18446744073709551616", &n), -ERANGE);
	assert_int_equal(range_parse_number("", &n), -EINVAL);
	assert_int_equal(range_parse_number("-1", &n), -EINVAL);
	assert_int_equal(range_parse_number("+1", &n), -EINVAL);
	assert_int_equal(range_parse_number(" 1", &n), -EINVAL);
	assert_int_equal(range_parse_number("1 ", &n), -EINVAL);
}

static const struct etag *
tag(const char *text)
{
	static struct etag t;

	snprintf(t.text, sizeof t.text, "%s", text);
	return &t;
}

static void
entity_tags_match_bare_quoted_and_weak(void **state)
{
	(void)state;
	assert_true(etag_in_list("12-3", tag("12-3")));
	assert_true(etag_in_list("\"12-3\"", tag("12-3")));
	assert_true(etag_in_list("W/\"12-3\"", tag("12-3")));
	assert_true(etag_in_list("\"x\", \"ABC\"", tag("abc")));
	assert_true(etag_in_list("*", tag("12-3")));
	assert_false(etag_in_list(NULL, tag("12-3")));
	assert_false(etag_in_list("", tag("12-3")));
	assert_false(etag_in_list("12-34", tag("12-3")));
	assert_false(etag_in_list("\"12-3", tag("12-34")));
	assert_false(etag_in_list("1, 2-3", tag("12-3")));
}

static void
a_range_needs_the_very_tag(void **state)
{
	struct etag weak = { .weak = true, .text = "12-3" };

	(void)state;
	assert_true(etag_is_same("\"12-3\"", tag("12-3")));
	assert_false(etag_is_same("W/\"12-3\"", tag("12-3")));
	assert_false(etag_is_same("12-3", tag("12-3")));
	assert_false(etag_is_same("*", tag("12-3")));
	assert_false(etag_is_same("\"12-34\"", tag("12-3")));
	assert_false(etag_is_same("\"12-3\", \"x\"", tag("12-3")));
	assert_false(etag_is_same("\"ABC\"", tag("abc")));
	assert_false(etag_is_same("", tag("12-3")));
	assert_false(etag_is_same("Tue, 15 Nov 1994 12:45:26 GMT", tag("12-3")));
	assert_false(etag_is_same("\"12-3\"", &weak));
	assert_true(etag_in_list("W/\"12-3\"", &weak));
}

static void
errors_have_the_statuses_of_the_contract(void **state)
{
	static const struct {
		int num, status;
	} rows[] = {
		{ 0, 200 }, { -EINVAL, 400 }, { -EBADMSG, 400 }, { -ENOENT, 404 }, { -EEXIST, 409 },
		{ -EFBIG, 413 }, { -ESTALE, 424 }, { -ENOSPC, 503 }, { -EIO, 503 }, { -ELOOP, 500 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(status_of(rows[i].num), rows[i].status);
	assert_string_equal(status_phrase(424), "Failed Dependency");
	assert_non_null(status_phrase(999));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_range_of_bytes_is_honoured),
		cmocka_unit_test(what_cannot_be_satisfied_is_told_from_what_is_ignored),
		cmocka_unit_test(numbers_are_digits_only),
		cmocka_unit_test(entity_tags_match_bare_quoted_and_weak),
		cmocka_unit_test(a_range_needs_the_very_tag),
		cmocka_unit_test(errors_have_the_statuses_of_the_contract),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
