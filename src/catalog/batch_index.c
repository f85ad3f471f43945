/* The attribute index, kept in step with the rows of studies and series. */
#include <errno.h>
#include <string.h>

#include "catalog/batch_internal.h"
#include "catalog/codec.h"
#include "dicom/collate.h"
#include "dicom/indexed.h"

/* -- the attribute index -------------------------------------------------- */

struct index_change {
	struct catalog_batch *b;
	uint64_t partition;
	uint32_t tag;
	uint16_t vr;
	uint64_t id, parent;
	bool put;
};

static int
index_one(const struct index_change *c, char kind, struct slice value)
{
	struct key k, parent = key_of_1(c->parent);
	int r;

	index_key_prefix(&k, c->partition, c->tag, kind);
	key_escaped(&k, value);
	key_end_value(&k);
	key_u64(&k, c->id);
	if (c->put)
		return kv_put(c->b->txn, T_ATTRIBUTE, key_slice(&k), key_slice(&parent));
	r = kv_del(c->b->txn, T_ATTRIBUTE, key_slice(&k));
	return r == -ENOENT ? 0 : r;	/* a word that the name has twice */
}

static int
index_word(void *ctx, const char *word, size_t len)
{
	return index_one(ctx, INDEX_WORD, slice_of(word, len));
}

static int
index_value(const struct index_change *c, struct slice collated)
{
	int r = index_one(c, INDEX_VALUE, collated);

	if (r == 0 && c->vr == VR('P', 'N'))
		r = collate_words(collated.data, collated.len, index_word, (void *)(uintptr_t)c);
	return r;
}

/* What the index has a value of a row under.  false: it has it not. */
static bool
set_tag(struct index_change *c, bool extended, uint32_t tag)
{
	const struct query_tag *t;

	if (!extended) {
		c->tag = tag;
		c->vr = indexed_vr(tag);
		return true;
	}
	t = query_tags_find_number(c->b->tags, tag);
	if (t == NULL || t->status == QUERY_TAG_DELETING)
		return false;
	c->tag = t->tag;
	c->vr = t->vr;
	return true;
}

/* The entries of `is` that `was` does not have alike: put, or deleted. */
static int
index_difference(struct index_change *c, bool extended, struct slice is, struct slice was)
{
	struct attribute a, other;
	int r = 0;

	while (r == 0 && attributes_next(&is, &a)) {
		if (a.collated.len == 0 ||
		    (attributes_get(was, a.tag, &other) && slice_compare(other.collated, a.collated) == 0))
			continue;
		if (set_tag(c, extended, a.tag))
			r = index_value(c, a.collated);
	}
	return r;
}

/* Bring the index from the old attributes to the new; either may be empty. */
static int
index_attributes(struct index_change *c, bool extended, struct slice old, struct slice now)
{
	int r;

	c->put = false;
	r = index_difference(c, extended, old, now);
	c->put = true;
	return r < 0 ? r : index_difference(c, extended, now, old);
}

int
index_extended(struct catalog_batch *b, uint64_t partition, uint64_t id, uint64_t parent, struct slice old, struct slice now)
{
	struct index_change c = { .b = b, .partition = partition, .id = id, .parent = parent };

	return b->tags == NULL ? 0 : index_attributes(&c, true, old, now);
}

int
index_study(struct catalog_batch *b, const struct open_study *s, struct slice old, struct slice now)
{
	struct index_change c = { .b = b, .partition = s->partition->id, .id = s->id, .parent = s->partition->id };

	return index_attributes(&c, false, old, now);
}

int
index_series(struct catalog_batch *b, const struct open_series *s, struct slice old, struct slice now)
{
	struct index_change c = { .b = b, .partition = s->study->partition->id, .id = s->id, .parent = s->study->id };

	return index_attributes(&c, false, old, now);
}

int
index_uid_entry(struct catalog_batch *b, uint64_t partition, uint32_t tag, const char *uid, uint64_t id,
		uint64_t parent, bool put)
{
	unsigned char hash[HASH_LEN];
	struct index_change c = { b, partition, tag, VR('U', 'I'), id, parent, put };

	return index_one(&c, INDEX_VALUE, index_uid(uid, hash));
}

/* -- modalities of a study ------------------------------------------------ */

static int
collate_modality(struct slice text, struct buf *out)
{
	buf_reset(out);
	return collate_value(VR('C', 'S'), text.data, text.len, out);
}

/* Spellings that collate alike are one entry, as they are one key of the index. */
int
count_modality(struct catalog_batch *b, struct open_study *s, const char *modality, int n)
{
	struct index_change c = { b, s->partition->id, TAG_MODALITIES_IN_STUDY, VR('C', 'S'), s->id, s->partition->id, n > 0 };
	struct buf out, collated, other;
	struct reader in;
	struct slice text = slice_str(modality), t;
	uint32_t count, before = 0;
	int r;

	if (text.len == 0)
		return 0;
	buf_init(&out, ATTRIBUTES_MAX);
	buf_init(&collated, COLLATE_MAX);
	buf_init(&other, COLLATE_MAX);
	r = collate_modality(text, &collated);
	reader_init(&in, buf_slice(&s->modalities));
	while (r == 0 && s->modalities.len > 0 && in.p < in.end && !in.bad) {
		count = get_u32(&in);
		t = get_short(&in);
		r = collate_modality(t, &other);
		if (r == 0 && slice_compare(buf_slice(&other), buf_slice(&collated)) == 0) {
			before = count;
			text = t;
			continue;
		}
		put_u32(&out, count);
		put_short(&out, t);
	}
	count = n > 0 ? before + 1 : before > 0 ? before - 1 : 0;
	if (count > 0) {
		put_u32(&out, count);
		put_short(&out, text);
	}
	if (r == 0)
		r = buf_error(&out);
	if (r == 0 && (before == 0) != (count == 0))
		r = index_one(&c, INDEX_VALUE, buf_slice(&collated));
	buf_fini(&other);
	buf_fini(&collated);
	buf_fini(&s->modalities);
	s->modalities = out;
	return r;
}
