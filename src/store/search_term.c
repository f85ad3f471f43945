/* What a search asks for: its terms, collated, as ranges of the index, and as
 * conditions on rows (contract 4.4).
 */
#include <errno.h>
#include <string.h>

#include "catalog/external.h"
#include "dicom/collate.h"
#include "dicom/date.h"
#include "dicom/indexed.h"
#include "store/external_json.h"
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

/* The UID of a study, series or instance, or one that is looked up: compared as it is, and its hash
 * is what the index has. */
static bool
is_bare_uid(const struct term *t)
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

static char
kind_of(const struct term *t)
{
	return t->external ? INDEX_EXTERNAL : INDEX_VALUE;
}

/* The entries of one value: of a UID as it is, of anything else collated. */
static void
exact_range(const struct term *t, uint64_t partition, struct slice value, struct key *from, struct key *to)
{
	unsigned char hash[HASH_LEN];

	index_key_prefix(from, partition, t->given->tag, kind_of(t));
	key_escaped(from, is_bare_uid(t) ? index_uid(value.data, hash) : value);
	key_end_value(from);
	*to = *from;
	key_after(to);
}

void
term_value_range(const struct term *t, uint64_t partition, const char *value, struct key *from, struct key *to)
{
	exact_range(t, partition, slice_str(value), from, to);
}

static void
prefix_range(struct term *t, uint64_t partition, char kind, struct slice prefix)
{
	index_key_prefix(&t->from, partition, t->given->tag, kind);
	key_escaped(&t->from, prefix);
	t->to = t->from;
	key_after(&t->to);
}

static void
set_range(struct term *t, uint64_t partition)
{
	uint32_t tag = t->given->tag;
	size_t fixed;

	switch (t->given->match) {
	case SEARCH_EXACT:
		exact_range(t, partition, is_bare_uid(t) ? slice_str(t->given->value) : buf_slice(&t->low),
			    &t->from, &t->to);
		t->in_order = true;
		break;
	case SEARCH_RANGE:
		index_key_prefix(&t->from, partition, tag, kind_of(t));
		t->to = t->from;
		key_escaped(&t->from, buf_slice(&t->low));
		if (t->given->upper != NULL) {
			key_escaped(&t->to, buf_slice(&t->high));
			key_end_value(&t->to);
		}
		key_after(&t->to);
		break;
	case SEARCH_WORDS:
	case SEARCH_ANY_WORDS:
		prefix_range(t, partition, INDEX_WORD, slice_str(t->words.data));
		break;
	case SEARCH_WILD:
		for (fixed = 0; fixed < t->low.len && strchr("*?", t->low.data[fixed]) == NULL; fixed++)
			;
		prefix_range(t, partition, kind_of(t), slice_of(t->low.data, fixed));
		break;
	case SEARCH_LIST:		/* a range for each value (term_value_range) */
		break;
	}
}

static int
put_list(struct term *t)
{
	const char *p = t->given->value, *end;
	struct buf value;
	int r = 0;

	buf_init(&value, COLLATE_MAX);
	for (;; p = end + 1) {
		end = p + strcspn(p, "\\");
		buf_reset(&value);
		r = is_bare_uid(t) ? buf_put(&value, p, (size_t)(end - p))
				   : collate_value(t->vr, p, (size_t)(end - p), &value);
		if (r < 0)
			break;
		if (value.len > 0) {
			buf_put(&t->words, value.data, value.len);
			buf_putc(&t->words, '\0');
			t->n_words++;
		}
		if (*end == '\0')
			break;
	}
	buf_fini(&value);
	if (r == 0)
		r = buf_error(&t->words);
	return r == 0 && t->n_words == 0 ? -EINVAL : r;
}

/* By an extended query tag, when it has one that is ready.  1, or 0: it has not.  Where everything
 * may be looked up, the index must know all values to be better. */
static int
place_query_tag(struct term *t, const struct search *search, struct kv_txn *txn)
{
	struct query_tag tag;
	int r = query_tag_get(txn, t->given->tag, &tag);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (tag.status != QUERY_TAG_READY)
		return 0;
	t->vr = tag.vr;
	if (tag.level > (enum level)search->level || (search->scan && (tag.disabled || tag.errors > 0)))
		return 0;
	t->level = tag.level;
	t->number = tag.number;
	return 1;
}

/* Is it a value of external metadata, and nothing else?  Where everything may be looked up, what files have is
 * asked for as well. */
static bool
is_external(const struct term *t, const struct search *search)
{
	return search->external && !search->scan && t->given->n_path == 0 && externals_may_have(t->given->tag) &&
	       TAG_ELEMENT(t->given->tag) >= 0x1000;
}

/* Where it is indexed, and as what it is to be compared.  -ENOENT: it is not. */
static int
place_term(struct terms *list, struct term *t, const struct search *search, struct kv_txn *txn)
{
	const struct tag_entry *entry = tag_find(t->given->tag);
	int r;

	if (t->given->n_path == 0 && attribute_level(t->given->tag, &t->level) == 0 &&
	    t->level <= (enum level)search->level) {
		t->vr = indexed_vr(t->given->tag);
		return 0;
	}
	t->vr = entry != NULL ? entry->vr : VR('L', 'O');
	if (is_external(t, search)) {
		t->external = true;
		t->level = LEVEL_STUDY;
		return 0;
	}
	if (!search->external || t->given->n_path > 0 || !externals_may_have(t->given->tag)) {
		r = t->given->n_path == 0 ? place_query_tag(t, search, txn) : 0;
		if (r != 0)
			return r < 0 ? r : 0;
		if (!search->scan)
			return -ENOENT;
	}
	t->level = LEVEL_ROOT;
	list->n_scanned++;
	return 0;
}

/* -EINVAL: it is no value. */
static int
compile_value(struct term *t)
{
	const struct search_term *given = t->given;
	int r = 0;

	if (given->value == NULL && (given->match != SEARCH_RANGE || given->upper == NULL))
		return -EINVAL;
	switch (given->match) {
	case SEARCH_EXACT:
	case SEARCH_WILD:
		return collate(t, given->value, &t->low);
	case SEARCH_RANGE:
		if (given->value != NULL)
			r = collate(t, given->value, &t->low);
		return r == 0 && given->upper != NULL ? collate(t, given->upper, &t->high) : r;
	case SEARCH_LIST:
		return put_list(t);
	case SEARCH_WORDS:
	case SEARCH_ANY_WORDS:
		if (t->vr != VR('P', 'N'))
			return -EINVAL;
		r = collate(t, given->value, &t->low);
		if (r == 0)
			r = collate_words(t->low.data != NULL ? t->low.data : "", t->low.len, add_word, t);
		return r == 0 && t->n_words == 0 ? -EINVAL : r;
	}
	return 0;
}

int
terms_compile(struct terms *list, const struct search *search, struct kv_txn *txn, uint64_t partition,
	      struct err *err)
{
	size_t i;

	list->n = list->n_scanned = 0;
	if (search->n_terms > SEARCH_TERMS_MAX)
		return err_set(err, -EINVAL, "too many attributes to match");
	for (i = 0; i < search->n_terms; i++) {
		const struct search_term *given = &search->terms[i];
		struct term *t = &list->at[list->n++];
		int r;

		*t = (struct term){ .given = given };
		buf_init(&t->low, COLLATE_MAX);
		buf_init(&t->high, COLLATE_MAX);
		buf_init(&t->words, 32 << 10);
		r = place_term(list, t, search, txn);
		if (r < 0 && r != -ENOENT)
			return err_set(err, r, "cannot read the index: %s", strerror(-r));
		if (r < 0)
			return err_set_dicom(err, -EINVAL, 0, given->tag, "(%04x,%04x) cannot be searched here",
					     given->tag >> 16, given->tag & 0xFFFF);
		r = compile_value(t);
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

static bool
begins(const struct name_words *w, unsigned i, const char *prefix)
{
	size_t len = strlen(prefix);

	return w->len[i] >= len && memcmp(w->text + w->start[i], prefix, len) == 0;
}

/* The query's words are, in order, beginnings of adjacent words of the name. */
static bool
adjacent_words_match(const struct term *t, const struct name_words *w)
{
	unsigned i, j;

	for (i = 0; i + t->n_words <= w->n; i++) {
		const char *q = t->words.data;

		for (j = 0; j < t->n_words && begins(w, i + j, q); j++)
			q += strlen(q) + 1;
		if (j == t->n_words)
			return true;
	}
	return false;
}

/* Each of the query's words is the beginning of some word of the name. */
static bool
any_words_match(const struct term *t, const struct name_words *w)
{
	const char *q = t->words.data;
	unsigned i, j;

	for (j = 0; j < t->n_words; j++, q += strlen(q) + 1) {
		for (i = 0; i < w->n && !begins(w, i, q); i++)
			;
		if (i == w->n)
			return false;
	}
	return true;
}

static bool
words_match(const struct term *t, struct slice name)
{
	struct name_words w;

	w.n = 0;
	w.used = 0;
	collate_words(name.data, name.len, note_word, &w);
	return t->given->match == SEARCH_WORDS ? adjacent_words_match(t, &w) : any_words_match(t, &w);
}

static bool
list_has(const struct term *t, struct slice value)
{
	const char *p = t->words.data;
	unsigned i;

	for (i = 0; i < t->n_words; i++, p += strlen(p) + 1)
		if (slice_compare(value, slice_str(p)) == 0)
			return true;
	return false;
}

/* PS3.4 C.2.2.2.4, on UTF-8.  When a part after a * does not fit, only the last * needs to
 * take more, so the work is pattern times value at the worst. */
static bool
wild_match(struct slice pattern, struct slice value)
{
	const char *p = pattern.data, *p_end = p + pattern.len, *v = value.data, *v_end = v + value.len;
	const char *star = NULL, *from = NULL;

	while (v < v_end) {
		if (p < p_end && *p == '*') {
			star = ++p;
			from = v;
		} else if (p < p_end && *p == '?') {
			p++;
			for (v++; v < v_end && ((unsigned char)*v & 0xC0) == 0x80; v++)
				;
		} else if (p < p_end && *p == *v) {
			p++;
			v++;
		} else if (star != NULL) {
			p = star;
			v = ++from;
		} else {
			return false;
		}
	}
	while (p < p_end && *p == '*')
		p++;
	return p == p_end;
}

bool
term_matches(const struct term *t, struct slice collated)
{
	if (collated.len == 0)
		return false;
	switch (t->given->match) {
	case SEARCH_LIST:
		return list_has(t, collated);
	case SEARCH_WILD:
		return wild_match(buf_slice(&t->low), collated);
	case SEARCH_EXACT:
		return slice_compare(collated, buf_slice(&t->low)) == 0;
	case SEARCH_RANGE:
		return slice_compare(collated, buf_slice(&t->low)) >= 0 &&
		       (t->given->upper == NULL || slice_compare(collated, buf_slice(&t->high)) <= 0);
	default:
		return words_match(t, collated);
	}
}

bool
term_matches_uid(const struct term *t, const char *uid)
{
	return t->given->match == SEARCH_LIST ? list_has(t, slice_str(uid)) : strcmp(uid, t->given->value) == 0;
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
		found = term_matches(t, buf_slice(&collated));
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

		if (t->level != level || t->external)
			continue;
		if (t->given->tag == TAG_MODALITIES_IN_STUDY) {
			if (!modality_matches(t, modalities))
				return false;
		} else if (t->number != 0) {
			if (!attributes_get(extended, t->number, &a) || !term_matches(t, a.collated))
				return false;
		} else if (is_bare_uid(t)) {
			if (!term_matches_uid(t, uid))
				return false;
		} else if (!attributes_get(attributes, t->given->tag, &a) || !term_matches(t, a.collated))
			return false;
	}
	return true;
}

static int
match_external(const struct term *t, struct kv_txn *txn, uint64_t study)
{
	struct buf collated;
	struct external e;
	int r = external_get(txn, study, t->given->tag, &e);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	buf_init(&collated, COLLATE_MAX);
	r = external_collate(e.text, &collated);
	if (r == 0)
		r = term_matches(t, buf_slice(&collated));
	buf_fini(&collated);
	return r;
}

int
terms_match_external(const struct terms *list, struct kv_txn *txn, uint64_t study)
{
	size_t i;
	int r = 1;

	for (i = 0; i < list->n && r > 0; i++)
		if (list->at[i].external)
			r = match_external(&list->at[i], txn, study);
	return r;
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
		if (list->at[i].given->tag == tag && list->at[i].level != LEVEL_ROOT)
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
