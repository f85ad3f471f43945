#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "web/accept.h"
#include "web/cors.h"
#include "web/dialect.h"

static void
media_types_are_taken_apart(void **state)
{
	struct media m;
	const char *end;

	(void)state;
	assert_int_equal(media_parse("Multipart/Related; Type=\"application/dicom\";boundary=a\tb", &m, &end), -EINVAL);
	assert_int_equal(media_parse(" Multipart/Related ; Type=\"application/dicom\" ; BOUNDARY=x\"", &m, &end), -EINVAL);
	assert_int_equal(media_parse("Multipart/Related ;Type=\"a\\\"b\";boundary=AbC;;", &m, &end), 0);
	assert_string_equal(m.type, "multipart/related");
	assert_string_equal(media_param(&m, "type"), "a\"b");
	assert_string_equal(media_param(&m, "boundary"), "AbC");
	assert_null(media_param(&m, "start"));
	assert_int_equal(*end, '\0');
	assert_int_equal(media_parse("multipart/related; type=application/dicom, x/y", &m, &end), 0);
	assert_string_equal(media_param(&m, "type"), "application/dicom");
	assert_int_equal(*end, ',');
}

static void
malformed_media_types_are_refused(void **state)
{
	static const char *const bad[] = { "", ";", "text", "a/b; =c", "a/b; c=\"d", "a/b c", "a/b; c=\"x\\" };
	struct media m;
	const char *end;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(media_parse(bad[i], &m, &end), -EINVAL);
}

static void
media_types_past_a_limit_are_refused(void **state)
{
	char text[LIMIT_MEDIA_TEXT + 64];
	struct media m;
	const char *end;

	(void)state;
	memset(text, 'a', sizeof text);
	text[1] = '/';
	text[sizeof text - 1] = '\0';
	assert_int_equal(media_parse(text, &m, &end), -E2BIG);
	assert_int_equal(media_parse("a/b;a=1;b=1;c=1;d=1;e=1;f=1;g=1;h=1;i=1", &m, &end), -E2BIG);
}

static void
entries_are_ordered_by_q_and_broken_ones_left_out(void **state)
{
	struct accept a;

	(void)state;
	accept_parse("a/b;q=0.5, broken, c/d, \"x,y\", e/f;q=0, g/h; q=0.75", &a);
	assert_int_equal(a.count, 3);
	assert_string_equal(a.entry[0].type, "c/d");
	assert_string_equal(a.entry[1].type, "g/h");
	assert_int_equal(a.entry[1].q, 750);
	assert_string_equal(a.entry[2].type, "a/b");
}

static void
json_is_allowed_by_its_name_and_ranges(void **state)
{
	static const struct {
		const char *header;
		bool allowed;
	} rows[] = {
		{ "application/dicom+json", true },
		{ "Application/DICOM+JSON; q=0.1", true },
		{ "application/*", true },
		{ "*/*", true },
		{ "text/html, application/xhtml+xml, */*;q=0.8", true },
		{ "application/dicom+json;q=0", false },
		{ "application/json", false },
		{ "application/xml", false },
		{ "multipart/related; type=\"application/dicom+json\"", false },
		{ "", false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct accept a;

		accept_parse(rows[i].header, &a);
		assert_int_equal(accept_allows(&a, "application/dicom+json"), rows[i].allowed);
	}
}

/* "406", or shape and syntax. */
static void
check_stored(const char *dialect, unsigned resource, const char *stored_uid, const char *header, const char *want)
{
	const struct dialect *d = dialect_find(dialect);
	struct accept_choice c;
	struct accept a;
	char got[128] = "406";

	accept_parse(header, &a);
	if (accept_choose(d->retrieve_rules, d->n_retrieve_rules, resource, stored_uid, &a, &c) == 0) {
		strcpy(got, c.multipart ? "multipart " : "single ");
		strcat(got, c.xfer_uid);
	}
	assert_string_equal(got, want);
}

static void
check_choice(const char *dialect, unsigned resource, const char *header, const char *want)
{
	check_stored(dialect, resource, NULL, header, want);
}

#define MP "multipart/related; type=\"application/dicom\""

static void
strict_dialects_follow_the_contract(void **state)
{
	(void)state;
	check_choice("v2", RESOURCE_STUDY, MP, "multipart 1.2.840.10008.1.2.1");
	check_choice("v2", RESOURCE_STUDY, MP "; transfer-syntax=*", "multipart *");
	check_choice("v2", RESOURCE_STUDY, "multipart/related; type=application/dicom; transfer-syntax=*", "multipart *");
	check_choice("v2", RESOURCE_STUDY, "application/dicom; transfer-syntax=*", "406");
	check_choice("v2", RESOURCE_STUDY, "*/*", "multipart *");
	check_choice("v2", RESOURCE_INSTANCE, "application/dicom", "single 1.2.840.10008.1.2.1");
	check_choice("v2", RESOURCE_INSTANCE, "application/dicom; transfer-syntax=*", "single *");
	check_choice("v2", RESOURCE_INSTANCE, "*/*", "multipart *");
	check_choice("v2", RESOURCE_INSTANCE, "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.90",
		     "single 1.2.840.10008.1.2.4.90");
	check_choice("v2", RESOURCE_INSTANCE, "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.50", "406");
	check_choice("v2", RESOURCE_INSTANCE, "image/png", "406");
	check_choice("v2", RESOURCE_INSTANCE, "", "406");
}

static void
plain_dialect_gives_what_is_stored(void **state)
{
	(void)state;
	check_choice("dicom-web", RESOURCE_STUDY, MP, "multipart *");
	check_choice("dicom-web", RESOURCE_STUDY, "multipart/related", "multipart *");
	check_choice("dicom-web", RESOURCE_STUDY, "*/*", "multipart *");
	check_choice("dicom-web", RESOURCE_STUDY, "application/dicom", "406");
	check_choice("dicom-web", RESOURCE_INSTANCE, "*/*", "single *");
	check_choice("dicom-web", RESOURCE_INSTANCE, "application/dicom", "single *");
	check_choice("dicom-web", RESOURCE_INSTANCE, MP, "multipart *");
	check_choice("dicom-web", RESOURCE_INSTANCE, "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.50",
		     "single 1.2.840.10008.1.2.4.50");
	check_choice("dicom-web", RESOURCE_INSTANCE, "application/dicom; transfer-syntax=x", "406");
}

static void
the_first_wins_but_a_later_as_stored_of_the_same_q_takes_over(void **state)
{
	(void)state;
	check_choice("v2", RESOURCE_INSTANCE, "application/dicom, application/dicom; transfer-syntax=*", "single *");
	check_choice("v2", RESOURCE_INSTANCE,
		     "application/dicom, application/dicom; transfer-syntax=*; q=0.9",
		     "single 1.2.840.10008.1.2.1");
	check_choice("v2", RESOURCE_INSTANCE, "image/png, application/dicom; q=0.2", "single 1.2.840.10008.1.2.1");
	check_choice("v2", RESOURCE_INSTANCE, "application/dicom; q=0.2, " MP "; q=0.9",
		     "multipart 1.2.840.10008.1.2.1");
}

#define ELE "1.2.840.10008.1.2.1"
#define JPEG "1.2.840.10008.1.2.4.50"
#define J2K "1.2.840.10008.1.2.4.90"
#define RAW "multipart/related; type=\"application/octet-stream\""

static void
frames_follow_the_contract_in_strict_dialects(void **state)
{
	(void)state;
	check_choice("v2", RESOURCE_FRAMES, RAW, "multipart " ELE);
	check_choice("v2", RESOURCE_FRAMES, RAW "; transfer-syntax=*", "multipart *");
	check_choice("v2", RESOURCE_FRAMES, "application/octet-stream; transfer-syntax=*", "single *");
	check_choice("v2", RESOURCE_FRAMES, "application/octet-stream; transfer-syntax=" J2K, "406");
	check_choice("v2", RESOURCE_FRAMES, "multipart/related; type=\"image/jp2\"", "multipart " J2K);
	check_choice("v2", RESOURCE_FRAMES, "multipart/related; type=\"image/jp2\"; transfer-syntax=*", "406");
	check_choice("v2", RESOURCE_FRAMES, "image/jp2", "406");
	check_choice("v2", RESOURCE_FRAMES, "*/*", "multipart *");
	check_choice("v2", RESOURCE_FRAMES, "application/dicom", "406");
}

static void
a_frame_stays_as_it_is_when_its_type_has_that_syntax(void **state)
{
	(void)state;
	check_stored("dicom-web", RESOURCE_FRAMES, JPEG, "multipart/related; type=\"image/jpeg\"", "multipart " JPEG);
	check_stored("dicom-web", RESOURCE_FRAMES, "1.2.840.10008.1.2.4.70", "image/jpeg", "single 1.2.840.10008.1.2.4.70");
	check_stored("dicom-web", RESOURCE_FRAMES, ELE, "image/jpeg", "single " JPEG);
	check_stored("dicom-web", RESOURCE_FRAMES, JPEG, "image/jp2", "single " J2K);
	check_stored("dicom-web", RESOURCE_FRAMES, JPEG, "image/jp2; transfer-syntax=" JPEG, "406");
	check_stored("dicom-web", RESOURCE_FRAMES, JPEG, RAW, "multipart " ELE);
	check_stored("dicom-web", RESOURCE_FRAMES, JPEG, RAW "; transfer-syntax=*", "multipart *");
	check_stored("dicom-web", RESOURCE_FRAMES, JPEG, "*/*", "multipart *");
	check_stored("dicom-web", RESOURCE_FRAMES, JPEG, "multipart/related", "multipart *");
}

static void
a_coding_is_chosen_by_q(void **state)
{
	(void)state;
	assert_int_equal(accept_coding(NULL), CODING_IDENTITY);
	assert_int_equal(accept_coding(""), CODING_IDENTITY);
	assert_int_equal(accept_coding("br, deflate"), CODING_IDENTITY);
	assert_int_equal(accept_coding("gzip, deflate"), CODING_GZIP);
	assert_int_equal(accept_coding("gzip, deflate, br, zstd"), CODING_ZSTD);
	assert_int_equal(accept_coding("zstd;q=0.5, GZIP"), CODING_GZIP);
	assert_int_equal(accept_coding("zstd; q=0 , gzip ; q=0.1"), CODING_GZIP);
	assert_int_equal(accept_coding("gzip;q=0"), CODING_IDENTITY);
	assert_int_equal(accept_coding("gzipped,,;q=1, ,x"), CODING_IDENTITY);
}

static void
origins_are_compared_whole(void **state)
{
	static const char list[] = "https://a.example,http://localhost:3000";

	(void)state;
	assert_int_equal(cors_check("*", NULL), 0);
	assert_int_equal(cors_check(list, NULL), 0);
	assert_int_equal(cors_check("http://[::1]:80", NULL), 0);
	assert_int_equal(cors_check("", NULL), -EINVAL);
	assert_int_equal(cors_check("https://a.example/", NULL), -EINVAL);
	assert_int_equal(cors_check("https://a.example,", NULL), -EINVAL);
	assert_int_equal(cors_check("https://a.example,*", NULL), -EINVAL);
	assert_int_equal(cors_check("a.example", NULL), -EINVAL);
	assert_int_equal(cors_check("http://a\r\nX: y", NULL), -EINVAL);
	assert_string_equal(cors_allows("*", "null"), "*");
	assert_string_equal(cors_allows(list, "http://localhost:3000"), "http://localhost:3000");
	assert_null(cors_allows(list, "http://localhost:300"));
	assert_null(cors_allows(list, "http://localhost:30000"));
	assert_null(cors_allows(list, ""));
	assert_null(cors_allows(NULL, "http://localhost:3000"));
	assert_null(cors_allows("*", NULL));
	assert_string_equal(cors_headers("accept, X-A"), "accept, X-A");
	assert_null(cors_headers("a: b"));
	assert_null(cors_headers(NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(media_types_are_taken_apart),
		cmocka_unit_test(malformed_media_types_are_refused),
		cmocka_unit_test(media_types_past_a_limit_are_refused),
		cmocka_unit_test(entries_are_ordered_by_q_and_broken_ones_left_out),
		cmocka_unit_test(json_is_allowed_by_its_name_and_ranges),
		cmocka_unit_test(strict_dialects_follow_the_contract),
		cmocka_unit_test(plain_dialect_gives_what_is_stored),
		cmocka_unit_test(frames_follow_the_contract_in_strict_dialects),
		cmocka_unit_test(a_frame_stays_as_it_is_when_its_type_has_that_syntax),
		cmocka_unit_test(the_first_wins_but_a_later_as_stored_of_the_same_q_takes_over),
		cmocka_unit_test(a_coding_is_chosen_by_q),
		cmocka_unit_test(origins_are_compared_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
