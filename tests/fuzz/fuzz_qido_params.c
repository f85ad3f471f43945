/* Query strings as searches: what is accepted has its tags in order and its values in reach. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/tag.h"
#include "web/qido_params.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every VR matters here, not which attributes the store knows. */
static int
find_tag(void *ctx, uint32_t tag, struct search_tag *ret_tag)
{
	const struct tag_entry *entry = tag_find(tag);

	(void)ctx;
	*ret_tag = (struct search_tag){
		.level = tag % 3 == 0 ? STORE_STUDY : tag % 3 == 1 ? STORE_SERIES : STORE_INSTANCE,
		.vr = entry != NULL ? entry->vr : 0, .errors = (tag & 16) != 0,
	};
	return 0;
}

static void
check(const struct search *s)
{
	size_t i;

	for (i = 1; i < s->n_tags; i++)
		if (s->tags[i - 1] >= s->tags[i])
			abort();
	for (i = 0; i < s->n_terms; i++) {
		const struct search_term *t = &s->terms[i];

		if (t->value == NULL && (t->match != SEARCH_RANGE || t->upper == NULL))
			abort();
		if (t->value != NULL && strlen(t->value) == 0)
			abort();
		if (t->upper != NULL && strlen(t->upper) == 0)
			abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const dialects[] = { "v1", "v2", "dicom-web" };
	static struct uri_query query;
	static struct qido_params params;
	char *text = malloc(size + 1);
	struct err err = { 0 };
	unsigned i, url;

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (uri_parse_query(text, &query, &err) == 0)
		for (i = 0; i < 3; i++)
			for (url = 0; url < SEARCH_URLS; url++)
				if (qido_parse(dialect_find(dialects[i]), (enum search_url)url, &query, find_tag, NULL,
					       &params, &err) == 0)
					check(&params.search);
	free(text);
	return 0;
}
