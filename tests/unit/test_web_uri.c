#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "web/uri.h"

static void
check_decode(const char *in, bool plus, int want, const char *text)
{
	char out[32];

	assert_int_equal(uri_decode(in, strlen(in), plus, out, sizeof out), want);
	if (want == 0)
		assert_string_equal(out, text);
}

static void
escapes_are_undone(void **state)
{
	(void)state;
	check_decode("a%2Fb%20c", false, 0, "a/b c");
	check_decode("a+b", false, 0, "a+b");
	check_decode("a+b", true, 0, "a b");
	check_decode("%c3%a9", false, 0, "\xc3\xa9");
	check_decode("", false, 0, "");
}

static void
bad_escapes_nul_and_bad_utf8_are_refused(void **state)
{
	static const char *const bad[] = {
		"%", "%4", "%zz", "a%0", "%00", "a%00b", "%ff", "%c0%af", "%ed%a0%80", "%f5%80%80%80", "%c3",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		check_decode(bad[i], false, -EINVAL, NULL);
}

static void
an_escape_is_not_read_past_the_length(void **state)
{
	char out[8];

	(void)state;
	assert_int_equal(uri_decode("%41", 2, false, out, sizeof out), -EINVAL);
	assert_int_equal(uri_decode("x%41", 4, false, out, sizeof out), 0);
	assert_string_equal(out, "xA");
}

static void
decoding_stops_at_the_size_of_the_room(void **state)
{
	char out[4];

	(void)state;
	assert_int_equal(uri_decode("abc", 3, false, out, sizeof out), 0);
	assert_int_equal(uri_decode("abcd", 4, false, out, sizeof out), -E2BIG);
	assert_int_equal(uri_decode("", 0, false, out, 0), -E2BIG);
}

static void
paths_are_split_before_they_are_decoded(void **state)
{
	struct uri_path p;

	(void)state;
	assert_int_equal(uri_split("/v2/st%75dies/1.2/", &p), 0);
	assert_int_equal(p.count, 3);
	assert_string_equal(p.segment[1], "studies");
	assert_string_equal(p.segment[2], "1.2");
	assert_int_equal(uri_split("/", &p), 0);
	assert_int_equal(p.count, 0);
	assert_int_equal(uri_split("/a//b", &p), 0);
	assert_int_equal(p.count, 3);
	assert_string_equal(p.segment[1], "");
}

static void
an_escaped_slash_or_nul_in_a_path_is_refused(void **state)
{
	struct uri_path p;

	(void)state;
	assert_int_equal(uri_split("/a/b%2fc", &p), -EINVAL);
	assert_int_equal(uri_split("/a/b%00", &p), -EINVAL);
}

static void
long_paths_are_refused(void **state)
{
	char path[LIMIT_PATH + 16];
	struct uri_path p;

	(void)state;
	memset(path, 'a', sizeof path);
	path[0] = '/';
	path[sizeof path - 1] = '\0';
	assert_int_equal(uri_split(path, &p), -E2BIG);
	memset(path, '/', sizeof path - 1);
	path[LIMIT_SEGMENTS + 2] = '\0';
	assert_int_equal(uri_split(path, &p), -E2BIG);
}

static bool
match(const char *template, const char *path, struct uri_vars *vars)
{
	static struct uri_path p;

	assert_int_equal(uri_split(path, &p), 0);
	return uri_match(template, &p, 0, vars);
}

static void
templates_match_whole_paths_only(void **state)
{
	struct uri_vars v;

	(void)state;
	assert_true(match("studies/{study}", "/studies/1.2", &v));
	assert_string_equal(v.value[URI_STUDY], "1.2");
	assert_null(v.value[URI_SERIES]);
	assert_true(match("studies/{study}/series/{series}", "/STUDIES/1/Series/2", &v));
	assert_string_equal(v.value[URI_SERIES], "2");
	assert_false(match("studies/{study}", "/studies", &v));
	assert_false(match("studies/{study}", "/studies/1/2", &v));
	assert_false(match("studies", "/studiesx", &v));
	assert_false(match("studies", "/studie", &v));
	assert_false(match("studies/{study}/series", "/studies//series", &v));
}

static void
a_rest_takes_one_segment_or_more(void **state)
{
	struct uri_vars v;

	(void)state;
	assert_true(match("bulkdata/{rest}", "/bulkdata/a/b/c", &v));
	assert_int_equal(v.rest, 1);
	assert_true(match("bulkdata/{rest}", "/bulkdata/a", &v));
	assert_false(match("bulkdata/{rest}", "/bulkdata", &v));
}

static void
queries_are_split_and_decoded(void **state)
{
	struct uri_query q;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(uri_parse_query("a=1&&b=x%26y&c&d=&e=a=b+c", &q, &err), 0);
	assert_int_equal(q.count, 5);
	assert_string_equal(q.param[1].value, "x&y");
	assert_string_equal(q.param[2].name, "c");
	assert_string_equal(q.param[2].value, "");
	assert_string_equal(q.param[4].value, "a=b c");
	assert_string_equal(uri_query_find(&q, "B"), "x&y");
	assert_null(uri_query_find(&q, "f"));
	assert_int_equal(uri_parse_query(NULL, &q, &err), 0);
	assert_int_equal(q.count, 0);
	assert_int_equal(uri_parse_query("a=%", &q, &err), -EINVAL);
}

static void
too_many_or_too_long_parameters_are_refused(void **state)
{
	static char text[2 * LIMIT_QUERY];
	struct uri_query q;
	struct err err = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < 2 * (LIMIT_QUERY_PARAMS + 1); i += 2)
		memcpy(text + i, "a&", 2);
	assert_int_equal(uri_parse_query(text, &q, &err), -E2BIG);
	memset(text, 'a', sizeof text - 1);
	assert_int_equal(uri_parse_query(text, &q, &err), -E2BIG);
	text[LIMIT_QUERY - 1] = '\0';
	assert_int_equal(uri_parse_query(text, &q, &err), -E2BIG);
	text[LIMIT_QUERY - 2] = '\0';
	assert_int_equal(uri_parse_query(text, &q, &err), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes_are_undone),
		cmocka_unit_test(bad_escapes_nul_and_bad_utf8_are_refused),
		cmocka_unit_test(an_escape_is_not_read_past_the_length),
		cmocka_unit_test(decoding_stops_at_the_size_of_the_room),
		cmocka_unit_test(paths_are_split_before_they_are_decoded),
		cmocka_unit_test(an_escaped_slash_or_nul_in_a_path_is_refused),
		cmocka_unit_test(long_paths_are_refused),
		cmocka_unit_test(templates_match_whole_paths_only),
		cmocka_unit_test(a_rest_takes_one_segment_or_more),
		cmocka_unit_test(queries_are_split_and_decoded),
		cmocka_unit_test(too_many_or_too_long_parameters_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
