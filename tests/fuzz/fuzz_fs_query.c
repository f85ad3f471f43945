/* Names of directories as a search: what is accepted has values that lie in the query. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/tag.h"
#include "fs/query.h"
#include "fs/virtual.h"
#include "tests/fuzz/check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Private ones may be of any VR. */
static int
find_tag(void *ctx, uint32_t tag, struct search_tag *ret_tag)
{
	static const uint16_t vrs[] = { VR('D', 'A'), VR('T', 'M'), VR('D', 'T'), VR('U', 'I'), VR('C', 'S'), VR('F', 'D') };

	(void)ctx;
	if ((TAG_GROUP(tag) & 1) == 0)
		return -ENOENT;
	*ret_tag = (struct search_tag){ .level = STORE_STUDY, .vr = vrs[tag % (sizeof vrs / sizeof *vrs)] };
	return 0;
}

static void
check_text(const struct query *q, const char *text)
{
	check(text >= q->text && text + strlen(text) < q->text + sizeof q->text && *text != '\0', "texts lie in the query");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct query q;
	char *text = malloc(size + 1);
	struct err err;
	size_t i;

	if (text == NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	err_clear(&err);
	if (query_parse(text, find_tag, NULL, &q, &err) == 0) {
		check(q.n <= QUERY_TERMS_MAX, "terms have a bound");
		for (i = 0; i < q.n; i++) {
			const struct search_term *t = &q.terms[i];

			check(t->value != NULL || (t->match == SEARCH_RANGE && t->upper != NULL), "a term has a value");
			if (t->value != NULL)
				check_text(&q, t->value);
			if (t->match == SEARCH_RANGE && t->upper != NULL)
				check_text(&q, t->upper);
			check(t->n_path == 0 || (t->path >= q.path && t->path + t->n_path <= q.path + QUERY_TERMS_MAX),
			      "paths lie in the query");
		}
	} else {
		check(err.num != 0, "a refusal is explained");
	}
	virtual_is_name_somewhere(text);
	free(text);
	return 0;
}
