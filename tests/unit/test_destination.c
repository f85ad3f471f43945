/* Where exports go: URIs, connection strings, signatures, tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/sha256.h"
#include "destination/private.h"
#include "destination/token.h"

static void
a_uri_says_what_kind_of_destination_it_is(void **state)
{
	static const struct { const char *uri; enum destination_kind kind; const char *kept, *sas; } cases[] = {
		{ "https://lake.blob.core.windows.net/out", DESTINATION_AZURE, "https://lake.blob.core.windows.net/out", NULL },
		{ "https://lake.blob.core.windows.net/out/?sv=1&sig=a%2Bb", DESTINATION_AZURE,
		  "https://lake.blob.core.windows.net/out", "sv=1&sig=a%2Bb" },
		{ "http://127.0.0.1:10000/devstoreaccount1/out", DESTINATION_AZURE, "http://127.0.0.1:10000/devstoreaccount1/out", NULL },
		{ "HTTPS://h/$root", DESTINATION_AZURE, "HTTPS://h/$root", NULL },
		{ "s3://bucket", DESTINATION_S3, "s3://bucket", NULL },
		{ "s3://bucket.of.dots/a/b/", DESTINATION_S3, "s3://bucket.of.dots/a/b", NULL },
		{ "file:///", DESTINATION_FILE, "file:///", NULL },
		{ "file://///", DESTINATION_FILE, "file:///", NULL },
		{ "file:///srv/out put/", DESTINATION_FILE, "file:///srv/out put", NULL },
	};
	struct destination_spec s;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(destination_spec_of_uri(cases[i].uri, &s, NULL), 0);
		assert_int_equal(s.kind, cases[i].kind);
		assert_string_equal(s.uri, cases[i].kept);
		if (cases[i].sas == NULL)
			assert_null(s.sas);
		else
			assert_string_equal(s.sas, cases[i].sas);
		destination_spec_fini(&s);
	}
}

static void
what_is_no_destination_is_refused(void **state)
{
	static const char *const bad[] = {
		"", "out", "ftp://host/out", "https://", "https://host", "https://host/", "https:///out", "https://u:p@host/out",
		"https://host/a/b/c", "https://host/o ut", "https://host/out#f", "https://host/out?a#f", "https://host/%2e%2e", "https://ho\nst/out",
		"s3://", "s3:///", "s3:////////", "s3://ab", "s3://bu_cket", "s3://bucket/a//b", "s3://bucket/a?b", "s3://bucket/a b", "s3:/bucket",
		"file://dir", "file:///a/../b", "file:///a/./b", "file:///a/..", "file:///%2e%2e", "file:///a?b", "file:///a\nb",
	};
	struct destination_spec s;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		err_clear(&err);
		assert_int_equal(destination_spec_of_uri(bad[i], &s, &err), -EINVAL);
		assert_true(err.text[0] != '\0');
	}
}

static void
a_connection_string_names_account_and_key(void **state)
{
	struct destination_spec s;

	(void)state;
	assert_int_equal(destination_spec_of_connection(
		"DefaultEndpointsProtocol=https;AccountName=lake;AccountKey=c2VjcmV0==;EndpointSuffix=core.windows.net", "out", &s, NULL), 0);
	assert_string_equal(s.uri, "https://lake.blob.core.windows.net/out");
	assert_string_equal(s.account, "lake");
	assert_string_equal(s.key, "c2VjcmV0==");
	assert_false(destination_is_emulator(&s));
	destination_spec_fini(&s);
	assert_int_equal(destination_spec_of_connection("BlobEndpoint=https://x.example/acc/;SharedAccessSignature=?sv=1&sig=x;;", "out", &s, NULL), 0);
	assert_string_equal(s.uri, "https://x.example/acc/out");
	assert_string_equal(s.sas, "sv=1&sig=x");
	assert_null(s.key);
	destination_spec_fini(&s);
	assert_int_equal(destination_spec_of_connection("usedevelopmentstorage=TRUE", "out", &s, NULL), 0);
	assert_string_equal(s.uri, "http://127.0.0.1:10000/devstoreaccount1/out");
	assert_true(destination_is_emulator(&s));
	assert_true(destination_is_private(&s));
	destination_spec_fini(&s);
	assert_int_equal(destination_spec_of_connection("", "out", &s, NULL), -EINVAL);
	assert_int_equal(destination_spec_of_connection("AccountName=lake\r\nEvil: 1;AccountKey=c2VjcmV0", "out", &s, NULL), -EINVAL);
	assert_int_equal(destination_spec_of_connection("nonsense", "out", &s, NULL), -EINVAL);
	assert_int_equal(destination_spec_of_connection("AccountName=lake", "o/ut", &s, NULL), -EINVAL);
	assert_int_equal(destination_spec_of_connection("BlobEndpoint=file:///etc", "out", &s, NULL), -EINVAL);
	assert_int_equal(destination_spec_of_connection("BlobEndpoint=https://h/a?x=", "out", &s, NULL), -EINVAL);
}

static void
a_specification_is_read_as_it_was_written(void **state)
{
	struct destination_spec s, t;
	struct buf out;

	(void)state;
	assert_int_equal(destination_spec_of_uri("https://h.example/out?sig=\"x", &s, NULL), 0);
	s.managed_identity = true;
	buf_init(&out, 65536);
	assert_int_equal(destination_spec_write(&s, &out), 0);
	assert_int_equal(destination_spec_read(out.data, out.len, &t, NULL), 0);
	assert_string_equal(t.uri, s.uri);
	assert_string_equal(t.sas, s.sas);
	assert_true(t.managed_identity);
	assert_null(t.key);
	destination_spec_fini(&s);
	destination_spec_fini(&t);
	assert_int_equal(destination_spec_read("{\"kind\":3,\"uri\":\"https://h/out\"}", 32, &t, NULL), -EINVAL);
	assert_int_equal(destination_spec_read("{}", 2, &t, NULL), -EINVAL);
	buf_fini(&out);
}

static void
a_directory_fits_the_root_it_lies_below(void **state)
{
	struct destination_spec s;

	(void)state;
	assert_int_equal(destination_spec_of_uri("file:///srv/lake/out", &s, NULL), 0);
	assert_true(destination_fits_root(&s, "/srv/lake"));
	assert_true(destination_fits_root(&s, "/srv/lake/"));
	assert_true(destination_fits_root(&s, "/srv/lake/out"));
	assert_true(destination_fits_root(&s, "/"));
	assert_false(destination_fits_root(&s, "/srv/la"));
	assert_false(destination_fits_root(&s, "/srv/lake/out/more"));
	assert_false(destination_fits_root(&s, "srv/lake"));
	destination_spec_fini(&s);
}

/* Fields and their order as the documentation of "Authorize with Shared Key" has them. */
static void
what_azure_signs_is_as_documented(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	azure_string_to_sign("PUT", 11, "text/plain; charset=UTF-8", "x-ms-date:Sun, 20 Sep 2009 20:36:40 GMT\nx-ms-version:2009-09-19\n",
			     "testaccount1", "/mycontainer/hello.txt", "blockid=AAAA&comp=block", &out);
	assert_string_equal(out.data, "PUT\n\n\n11\n\ntext/plain; charset=UTF-8\n\n\n\n\n\n\nx-ms-date:Sun, 20 Sep 2009 20:36:40 GMT\n"
			    "x-ms-version:2009-09-19\n/testaccount1/mycontainer/hello.txt\nblockid:AAAA\ncomp:block");
	buf_reset(&out);
	azure_string_to_sign("PUT", 0, "", "", "a", "/c/b", "", &out);
	assert_string_equal(out.data, "PUT\n\n\n\n\n\n\n\n\n\n\n\n/a/c/b");
	buf_fini(&out);
}

static void
a_token_is_taken_with_its_end(void **state)
{
	static const struct { const char *json; int r; int64_t ends; } cases[] = {
		{ "{\"access_token\":\"ey.x.y\",\"expires_in\":\"3599\",\"token_type\":\"Bearer\"}", 0, 3600 },
		{ "{\"access_token\":\"ey.x.y\",\"expires_in\":59}", 0, 60 },
		{ "{\"access_token\":\"ey.x.y\",\"expires_on\":\"1700000000\"}", 0, 1700000000 },
		{ "{\"access_token\":\"ey.x.y\"}", -EBADMSG, 0 },
		{ "{\"access_token\":\"\",\"expires_in\":1}", -EBADMSG, 0 },
		{ "{\"access_token\":\"a\\r\\nEvil: 1\",\"expires_in\":1}", -EBADMSG, 0 },
		{ "{\"access_token\":\"ey\",\"expires_in\":\"99999999999999999999\"}", -EBADMSG, 0 },
		{ "{\"access_token\":\"ey\",\"expires_in\":-5}", -EBADMSG, 0 },
		{ "{\"access_token\":7,\"expires_in\":5}", -EBADMSG, 0 },
		{ "[]", -EBADMSG, 0 }, { "", -EBADMSG, 0 }, { "<html>", -EBADMSG, 0 },
	};
	int64_t ends;
	struct buf token;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof *cases; i++) {
		buf_init(&token, 16384);
		assert_int_equal(token_parse(cases[i].json, strlen(cases[i].json), 1000000000, &token, &ends), cases[i].r);
		if (cases[i].r == 0) {
			assert_string_equal(token.data, "ey.x.y");
			assert_int_equal(ends / 1000000000, cases[i].ends);
		}
		buf_fini(&token);
	}
}

static void
text_of_a_reply_is_found(void **state)
{
	char text[8];

	(void)state;
	assert_int_equal(xml_text("<A><UploadIdx>n</UploadIdx><UploadId>abc</UploadId></A>", "UploadId", text, sizeof text), 0);
	assert_string_equal(text, "abc");
	assert_int_equal(xml_text("<Code>12345678</Code>", "Code", text, sizeof text), -EMSGSIZE);
	assert_int_equal(xml_text("<Code>123", "Code", text, sizeof text), -ENOENT);
	assert_int_equal(xml_text("", "Code", text, sizeof text), -ENOENT);
}

static void
a_large_object_is_cut_into_no_more_parts_than_are_taken(void **state)
{
	struct parts p = { .len = WHOLE_MAX + 1 };

	(void)state;
	parts_cut(&p);
	assert_int_equal(p.part, PART_MIN);
	assert_int_equal(p.n, 5);
	p.len = PART_MIN * PARTS_MAX * 3;
	parts_cut(&p);
	assert_true(p.n <= PARTS_MAX && p.n * p.part >= p.len && (p.n - 1) * p.part < p.len);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_uri_says_what_kind_of_destination_it_is),
		cmocka_unit_test(what_is_no_destination_is_refused),
		cmocka_unit_test(a_connection_string_names_account_and_key),
		cmocka_unit_test(a_specification_is_read_as_it_was_written),
		cmocka_unit_test(a_directory_fits_the_root_it_lies_below),
		cmocka_unit_test(what_azure_signs_is_as_documented),
		cmocka_unit_test(a_token_is_taken_with_its_end),
		cmocka_unit_test(text_of_a_reply_is_found),
		cmocka_unit_test(a_large_object_is_cut_into_no_more_parts_than_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
