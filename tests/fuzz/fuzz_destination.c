/* Destinations: URIs, connection strings, kept specifications and replies of servers; the first byte says which.
 * What is accepted can be written, and is read as it was. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "destination/private.h"
#include "destination/token.h"
#include "tests/fuzz/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
same(const char *a, const char *b)
{
	return (a == NULL && b == NULL) || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static int
is_utf8_plain(const char *s)
{
	for (; s != NULL && *s != '\0'; s++)
		if ((unsigned char)*s >= 0x80)
			return 0;
	return 1;
}

static void
go_round(struct destination_spec *s)
{
	struct destination_spec t;
	struct buf out;

	buf_init(&out, 65536);
	check(destination_spec_write(s, &out) == 0, "it can be written");
	/* Bytes that are no UTF-8 are not kept as they are. */
	if (is_utf8_plain(s->uri)) {
		check(destination_spec_read(out.data, out.len, &t, NULL) == 0, "it can be read");
		check(t.kind == s->kind && same(t.uri, s->uri) && same(t.sas, s->sas) && same(t.key, s->key) &&
		      same(t.account, s->account), "it is the same");
		destination_spec_fini(&t);
	}
	buf_fini(&out);
	destination_spec_fini(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct destination_spec s;
	char *text, small[40];
	struct buf token;
	int64_t ends;

	if (size == 0 || size > 8192 || (text = malloc(size)) == NULL)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	switch (data[0]) {
	case 'u':
		if (destination_spec_of_uri(text, &s, NULL) == 0)
			go_round(&s);
		break;
	case 'c':
		if (destination_spec_of_connection(text, "out", &s, NULL) == 0)
			go_round(&s);
		break;
	case 's':
		if (destination_spec_read(text, size - 1, &s, NULL) == 0)
			destination_spec_fini(&s);
		break;
	case 't':
		buf_init(&token, 16384);
		if (token_parse(text, size - 1, 0, &token, &ends) == 0)
			check(token.len > 0 && strpbrk(token.data, "\r\n ") == NULL && ends >= 0, "a token fits a header");
		buf_fini(&token);
		break;
	case 'x':
		if (xml_text(text, "UploadId", small, sizeof small) == 0)
			check(strlen(small) < sizeof small, "it fits");
		break;
	}
	free(text);
	return 0;
}
