#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "web/multipart.h"

/* Read body in steps of the given size and write what happened as text: "<type>data|"
 * a part, "cut" or "end" at the end, "error" for a refusal. */
static void
read_body(const char *boundary, const char *body, size_t body_len, size_t step, char *out, size_t size)
{
	/* On the heap, so that a sanitizer sees a read past the end. */
	char *window = malloc(body_len + 1);
	struct multipart_event ev = { .kind = MULTIPART_PART };
	size_t fed = 0, len = 0, at;
	struct multipart mp;

	assert_int_equal(multipart_init(&mp, boundary), 0);
	*out = '\0';
	while (ev.kind != MULTIPART_END) {
		size_t n = body_len - fed < step ? body_len - fed : step;

		memcpy(window + len, body + fed, n);
		len += n;
		fed += n;
		at = 0;
		do {
			char *exact = malloc(len - at + 1);

			memcpy(exact, window + at, len - at);
			exact = realloc(exact, len - at > 0 ? len - at : 1);
			if (multipart_next(&mp, exact, len - at, fed == body_len, &ev) < 0) {
				strcat(out, "error");
				free(exact);
				goto out;
			}
			assert_in_range(ev.used, 0, len - at);
			assert_true(strlen(out) + ev.data.len + ev.type.len + 8 < size);
			switch (ev.kind) {
			case MULTIPART_PART:
				sprintf(out + strlen(out), "<%.*s>",
					ev.type.data == NULL ? 4 : (int)ev.type.len,
					ev.type.data == NULL ? "none" : (const char *)ev.type.data);
				break;
			case MULTIPART_DATA:
				strncat(out, ev.data.data, ev.data.len);
				break;
			case MULTIPART_PART_END:
				strcat(out, "|");
				break;
			case MULTIPART_END:
				strcat(out, ev.cut ? "cut" : "end");
				break;
			case MULTIPART_MORE:
				break;
			}
			at += ev.used;
			free(exact);
		} while (ev.kind != MULTIPART_MORE && ev.kind != MULTIPART_END);
		memmove(window, window + at, len - at);
		len -= at;
		assert_true(ev.kind != MULTIPART_MORE || fed < body_len || step == 0);
	}
out:
	free(window);
}

static void
check(const char *boundary, const char *body, const char *want)
{
	char out[4096];
	size_t step, len = strlen(body);

	for (step = 1; step <= len + 1; step++) {
		read_body(boundary, body, len, step, out, sizeof out);
		assert_string_equal(out, want);
	}
}

static void
parts_come_out_whole_wherever_the_body_is_cut(void **state)
{
	(void)state;
	check("b", "--b\r\nContent-Type: application/dicom\r\n\r\none\r\n--b\r\nX: y\r\ncontent-TYPE:t\r\n\r\n"
	      "two\r\n\r\n--b--\r\n", "<application/dicom>one|<t>two\r\n|end");
	check("a'b", "--a'b\r\n\r\n\r\n--a'b--", "<none>|end");
}

static void
preamble_and_epilogue_are_skipped(void **state)
{
	(void)state;
	check("b", "hello\r\n--b\r\n\r\nx\r\n--b--\r\n--b\r\n\r\ny", "<none>x|end");
	check("b", "--bb\r\n--b\r\n\r\nx\r\n--b--", "<none>x|end");
	check("b", "\r\n--b \t\r\n\r\nx\r\n--b  \r\n\r\ny\r\n--b--", "<none>x|<none>y|end");
}

static void
what_only_looks_like_a_delimiter_is_data(void **state)
{
	(void)state;
	check("bound", "--bound\r\n\r\na\r\n--boundary\r\n--boun\r\n--bound-x\r\n--bound x\n--bound\r\n--bound--",
	      "<none>a\r\n--boundary\r\n--boun\r\n--bound-x\r\n--bound x\n--bound|end");
	check("b", "--b\r\n\r\n\r\r\n\r\n-\r\n--\r\n--b--", "<none>\r\r\n\r\n-\r\n--|end");
}

static void
empty_requests_have_no_parts(void **state)
{
	(void)state;
	check("b", "", "end");
	check("b", "--b--", "end");
	check("b", "--b--\r\n", "end");
	check("b", "\r\n--b--\r\n", "end");
}

static void
a_cut_part_is_told(void **state)
{
	(void)state;
	check("b", "--b\r\n\r\none\r\n--b\r\n\r\ntw", "<none>one|<none>twcut");
	check("b", "--b\r\n\r\none\r\n--b\r\nContent-Ty", "<none>one|cut");
	check("b", "--b\r\n\r\none\r\n--b", "<none>one|end");
	check("b", "--b\r\n\r\none\r\n--", "<none>one\r\n--cut");
}

static void
broken_structures_are_refused(void **state)
{
	(void)state;
	check("b", "no delimiter", "error");
	check("b", "--c\r\n\r\nx\r\n--c--", "error");
	check("b", "--b\r\nno colon\r\n\r\nx\r\n--b--", "error");
	check("b", "--b\r\n: y\r\n\r\nx\r\n--b--", "error");
	check("b", "--b\r\n folded\r\n\r\nx\r\n--b--", "error");
}

static void
a_long_part_head_is_refused(void **state)
{
	char body[LIMIT_PART_HEAD + 100], out[64];
	size_t n;

	(void)state;
	n = (size_t)sprintf(body, "--b\r\nX: ");
	memset(body + n, 'x', sizeof body - n);
	read_body("b", body, sizeof body, sizeof body, out, sizeof out);
	assert_string_equal(out, "error");
	read_body("b", body, sizeof body, 1000, out, sizeof out);
	assert_string_equal(out, "error");
}

static void
boundaries_are_checked(void **state)
{
	char longest[LIMIT_BOUNDARY + 2];
	struct multipart mp;

	(void)state;
	memset(longest, 'x', sizeof longest);
	longest[LIMIT_BOUNDARY] = '\0';
	assert_int_equal(multipart_init(&mp, longest), 0);
	longest[LIMIT_BOUNDARY] = 'x';
	longest[LIMIT_BOUNDARY + 1] = '\0';
	assert_int_equal(multipart_init(&mp, longest), -EINVAL);
	assert_int_equal(multipart_init(&mp, ""), -EINVAL);
	assert_int_equal(multipart_init(&mp, "a "), -EINVAL);
	assert_int_equal(multipart_init(&mp, "a\nb"), -EINVAL);
	assert_int_equal(multipart_init(&mp, "a b=?{}"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_come_out_whole_wherever_the_body_is_cut),
		cmocka_unit_test(preamble_and_epilogue_are_skipped),
		cmocka_unit_test(what_only_looks_like_a_delimiter_is_data),
		cmocka_unit_test(empty_requests_have_no_parts),
		cmocka_unit_test(a_cut_part_is_told),
		cmocka_unit_test(broken_structures_are_refused),
		cmocka_unit_test(a_long_part_head_is_refused),
		cmocka_unit_test(boundaries_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
