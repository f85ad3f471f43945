/* Terms that are not indexed: looked up in what is shown of a match, its rows and then its header.
 *
 * The value is collated as the dictionary's value representation wants, like the
 * term itself, whatever the data set says it is. */
#include <errno.h>
#include <string.h>

#include "dicom/collate.h"
#include "dicom/json.h"
#include "store/search_internal.h"

struct look {
	const struct term *term;
	size_t depth;			/* sequences of its path passed */
	struct buf text, collated;
};

static int look_at(struct look *l, struct slice element);

static int
look_into_item(void *ctx, struct slice item)
{
	struct look *l = ctx;
	const struct search_term *given = l->term->given;
	struct slice element;
	int r;

	l->depth++;
	r = dicom_json_find(item, l->depth < given->n_path ? given->path[l->depth] : given->tag, &element);
	if (r == 0)
		r = look_at(l, element);
	l->depth--;
	return r == -ENOENT || r == -EBADMSG ? 0 : r;	/* an item of its own kind */
}

static int
look_at_value(void *ctx, struct slice value)
{
	struct look *l = ctx;
	uint16_t vr = l->term->vr;

	buf_reset(&l->text);
	buf_reset(&l->collated);
	if (dicom_json_text(value, &l->text) < 0 || l->text.len == 0)
		return 0;
	if (vr == VR('U', 'I'))
		return term_matches_uid(l->term, l->text.data);
	if (collate_value(vr, l->text.data, l->text.len, &l->collated) < 0)
		return 0;
	return term_matches(l->term, buf_slice(&l->collated));
}

/* 1 when a value fits. */
static int
look_at(struct look *l, struct slice element)
{
	return dicom_json_values(element, l->depth < l->term->given->n_path ? look_into_item : look_at_value, l);
}

static int
scan_term(const struct term *t, struct match *m)
{
	struct look l = { .term = t };
	uint32_t tag = t->given->n_path > 0 ? t->given->path[0] : t->given->tag;
	struct slice element;
	int r = match_kept(m, tag, &element);

	if (r == -ENOENT) {
		r = match_header(m);
		if (r == 0)
			r = dicom_json_find(buf_slice(&m->header), tag, &element) == 0;
	}
	if (r <= 0)
		return r;
	/* Longer text has its beginning collated, as in the index. */
	buf_init(&l.text, 1 << 20);
	buf_init(&l.collated, COLLATE_MAX + 1);
	r = look_at(&l, element);
	buf_fini(&l.text);
	buf_fini(&l.collated);
	return r == -EBADMSG ? 0 : r;
}

int
scan_match(const struct terms *terms, struct match *m)
{
	size_t i;
	int r = 1;

	for (i = 0; i < terms->n && r > 0; i++)
		if (terms->at[i].level == LEVEL_ROOT)
			r = scan_term(&terms->at[i], m);
	return r;
}
