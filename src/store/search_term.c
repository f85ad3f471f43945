/* What a search asks for: its terms, collated, as ranges of the index, and as
 * conditions on rows (contract 4.4).
 */
#include <errno.h>
#include <string.h>

#include "dicom/collate.h"
#include "dicom/date.h"
#include "dicom/indexed.h"
#include "store/search_internal.h"

/* Words of a fuzzy query; more of them are not looked at. */
#define WORDS_MAX 16

/* -- terms ---------------------------------------------------------------- */

static int
add_word(void *ctx, const char *word, size_t len)
{
	struct term *t = ctx;

	if (t->n_words == WORDS_MAX)
		return 0;
	buf_put(&t->words, word, len);
	buf_putc(&t->words, '\0');
	t->n_words++;
	return 0;
}

static int
bad_value(const struct search_term *t, struct err *err)
{
	return err_set_dicom(err, -EINVAL, 0, t->tag, "the value given for (%04x,%04x) is not valid",
			     t->tag >> 16, t->tag & 0xFFFF);
}

static bool
is_integer_vr(uint16_t vr)
{
	return vr == VR('S', 'L') || vr == VR('S', 'S') || vr == VR('U', 'L') || vr == VR('U', 'S');
}

static bool
is_integer(const char *value, size_t len)
{
	size_t i = len > 0 && (value[0] == '-' || value[0] == '+') ? 1 : 0, digits = i;

	for (; i < len && value[i] >= '0' && value[i] <= '9'; i++)
		;
	return i == len && i > digits;
}

/* The UID of a study, series or instance: rows hold it, and the index its hash. */
static bool
is_own_uid(const struct term *t)
{
	return t->vr == VR('U', 'I') && t->number == 0;
}

static int
collate(const struct term *t, const char *value, struct buf *out)
{
	size_t len = strlen(value);

	while (len > 0 && value[len - 1] == ' ')
		len--;
	if ((t->vr == VR('D', 'A') && !date_is_valid(value, len)) || (t->vr == VR('T', 'M') && !time_is_valid(value, len)) ||
	    (t->vr == VR('D', 'T') && !date_time_is_valid(value, len)) || (is_integer_vr(t->vr) && !is_integer(value, len)))
		return -EINVAL;
	return collate_value(t->vr, value, len, out);
}

static void
set_range(struct term *t, uint64_t partition)
{
	uint32_t tag = t->given->tag;
	unsigned char hash[HASH_LEN];

	switch (t->given->match) {
	case SEARCH_EXACT:
		index_key_prefix(&t->from, partition, tag, INDEX_VALUE);
		key_escaped(&t->from, is_own_uid(t) ? index_uid(t->given->value, hash) : buf_slice(&t->low));
		key_end_value(&t->from);
		t->to = t->from;
		key_after(&t->to);
		t->in_order = true;
		break;
	case SEARCH_RANGE:
		index_key_prefix(&t->from, partition, tag, INDEX_VALUE);
		t->to = t->from;
		key_escaped(&t->from, buf_slice(&t->low));
		if (t->given->upper != NULL) {
			key_escaped(&t->to, buf_slice(&t->high));
			key_end_value(&t->to);
		}
		key_after(&t->to);
		break;
	case SEARCH_WORDS:
		index_key_prefix(&t->from, partition, tag, INDEX_WORD);
		key_escaped(&t->from, slice_str(t->words.data));
		t->to = t->from;
		key_after(&t->to);
		break;
	}
}

/* Where and as what the term's attribute is indexed.  -ENOENT: it is not. */
static int
find_attribute(struct term *t, struct kv_txn *txn)
{
	struct query_tag tag;
	int r = attribute_level(t->given->tag, &t->level);

	t->vr = indexed_vr(t->given->tag);
	if (r == 0)
		return 0;
	r = query_tag_get(txn, t->given->tag, &tag);
	if (r == 0 && tag.status != QUERY_TAG_READY)
		r = -ENOENT;
	if (r < 0)
		return r;
	t->level = tag.level;
	t->vr = tag.vr;
	t->number = tag.number;
	return 0;
}

int
terms_compile(struct terms *list, const struct search *search, struct kv_txn *txn, uint64_t partition, struct err *err)
{
	size_t i;

	list->n = 0;
	if (search->n_terms > SEARCH_TERMS_MAX)
		return err_set(err, -EINVAL, "too many attributes to match");
	for (i = 0; i < search->n_terms; i++) {
		const struct search_term *given = &search->terms[i];
		struct term *t = &list->at[list->n++];
		int r;

		*t = (struct term){ .given = given };
		buf_init(&t->low, COLLATE_MAX);
		buf_init(&t->high, COLLATE_MAX);
		buf_init(&t->words, 4096);
		r = find_attribute(t, txn);
		if (r < 0 && r != -ENOENT)
			return err_set(err, r, "cannot read the index: %s", strerror(-r));
		if (r < 0 || t->level > (enum level)search->level)
			return err_set_dicom(err, -EINVAL, 0, given->tag, "(%04x,%04x) cannot be searched here",
					     given->tag >> 16, given->tag & 0xFFFF);
		switch (given->match) {
		case SEARCH_EXACT:
			r = given->value == NULL ? -EINVAL : collate(t, given->value, &t->low);
			break;
		case SEARCH_RANGE:
			if (given->value == NULL && given->upper == NULL)
				r = -EINVAL;
			if (r == 0 && given->value != NULL)
				r = collate(t, given->value, &t->low);
			if (r == 0 && given->upper != NULL)
				r = collate(t, given->upper, &t->high);
			break;
		case SEARCH_WORDS:
			if (t->vr != VR('P', 'N') || given->value == NULL)
				r = -EINVAL;
			else
				r = collate(t, given->value, &t->low);
			if (r == 0)
				r = collate_words(t->low.data != NULL ? t->low.data : "", t->low.len, add_word, t);
			if (r == 0 && t->n_words == 0)
				r = -EINVAL;
			break;
		}
		if (r < 0)
			return bad_value(given, err);
		set_range(t, partition);
	}
	return 0;
}

/* -- checking rows -------------------------------------------------------- */

/* A collated name holds COLLATE_MAX bytes at most, so its words fit. */
struct name_words {
	char text[2 * COLLATE_MAX];
	size_t used;
	size_t start[64], len[64];
	unsigned n;
};

static int
note_word(void *ctx, const char *word, size_t len)
{
	struct name_words *w = ctx;

	if (w->n == sizeof w->len / sizeof *w->len || len > sizeof w->text - w->used)
		return 0;
	memcpy(w->text + w->used, word, len);
	w->start[w->n] = w->used;
	w->len[w->n++] = len;
	w->used += len;
	return 0;
}

/* The query's words are, in order, beginnings of adjacent words of the name. */
static bool
words_match(const struct term *t, struct slice name)
{
	struct name_words w;
	unsigned i, j;

	w.n = 0;
	w.used = 0;
	collate_words(name.data, name.len, note_word, &w);
	for (i = 0; i + t->n_words <= w.n; i++) {
		const char *q = t->words.data;

		for (j = 0; j < t->n_words; j++, q += strlen(q) + 1)
			if (w.len[i + j] < strlen(q) || memcmp(w.text + w.start[i + j], q, strlen(q)) != 0)
				break;
		if (j == t->n_words)
			return true;
	}
	return false;
}

static bool
value_matches(const struct term *t, struct slice collated)
{
	if (collated.len == 0)
		return false;
	switch (t->given->match) {
	case SEARCH_EXACT:
		return slice_compare(collated, buf_slice(&t->low)) == 0;
	case SEARCH_RANGE:
		return slice_compare(collated, buf_slice(&t->low)) >= 0 &&
		       (t->given->upper == NULL || slice_compare(collated, buf_slice(&t->high)) <= 0);
	default:
		return words_match(t, collated);
	}
}

static bool
modality_matches(const struct term *t, struct slice modalities)
{
	struct buf collated;
	const unsigned char *p = modalities.data, *end = p + modalities.len;
	bool found = false;

	buf_init(&collated, COLLATE_MAX);
	/* (count:4 text:short)* */
	while (!found && end - p > 5 && (size_t)(end - p) >= 5u + p[4]) {
		buf_reset(&collated);
		collate_value(t->vr, (const char *)p + 5, p[4], &collated);
		found = value_matches(t, buf_slice(&collated));
		p += 5 + p[4];
	}
	buf_fini(&collated);
	return found;
}

bool
terms_match(const struct terms *list, enum level level, const char *uid, struct slice attributes,
	    struct slice modalities, struct slice extended)
{
	struct attribute a;
	size_t i;

	for (i = 0; i < list->n; i++) {
		const struct term *t = &list->at[i];

		if (t->level != level)
			continue;
		if (t->given->tag == TAG_MODALITIES_IN_STUDY) {
			if (!modality_matches(t, modalities))
				return false;
		} else if (t->number != 0) {
			if (!attributes_get(extended, t->number, &a) || !value_matches(t, a.collated))
				return false;
		} else if (is_own_uid(t)) {
			if (strcmp(uid, t->given->value) != 0)
				return false;
		} else if (!attributes_get(attributes, t->given->tag, &a) || !value_matches(t, a.collated))
			return false;
	}
	return true;
}

bool
terms_have(const struct terms *list, enum level level)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (list->at[i].level == level)
			return true;
	return false;
}

const struct term *
terms_find(const struct terms *list, uint32_t tag)
{
	size_t i;

	for (i = 0; i < list->n; i++)
		if (list->at[i].given->tag == tag)
			return &list->at[i];
	return NULL;
}

void
terms_fini(struct terms *list)
{
	size_t i;

	for (i = 0; i < list->n; i++) {
		buf_fini(&list->at[i].low);
		buf_fini(&list->at[i].high);
		buf_fini(&list->at[i].words);
	}
}
