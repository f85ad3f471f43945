#include "catalog/query_tag.h"

#include <errno.h>
#include <string.h>

#include "catalog/attribute.h"
#include "catalog/codec.h"
#include "catalog/schema.h"
#include "dicom/json.h"
#include "dicom/tag.h"
#include "dicom/vr.h"
#include "dicom/vr_rules.h"

#define LAYOUT 1
/* Text of a value that is looked at; every rule allows far less. */
#define TEXT_MAX 4096
/* A member that is longer is not kept in a row: it comes from the header. */
#define JSON_KEPT_MAX 1024

/* -- rows ----------------------------------------------------------------- */

static struct key
tag_key(uint32_t tag)
{
	struct key k;

	key_start(&k);
	key_u32(&k, tag);
	return k;
}

static int
decode(uint32_t tag, struct slice value, struct query_tag *t)
{
	struct reader r;
	struct slice operation;

	reader_init(&r, value);
	if (get_u8(&r) != LAYOUT)
		r.bad = true;
	*t = (struct query_tag){ .tag = tag };
	t->number = get_u32(&r);
	t->vr = get_u16(&r);
	t->status = (enum query_tag_status)get_u8(&r);
	t->level = (enum level)get_u8(&r);
	t->disabled = get_u8(&r) != 0;
	t->created = (int64_t)get_u64(&r);
	t->errors = get_u64(&r);
	operation = get_raw(&r, OPERATION_ID_LEN);
	if (operation.len == OPERATION_ID_LEN)
		memcpy(t->operation, operation.data, OPERATION_ID_LEN);
	get_text(&r, t->creator, sizeof t->creator);
	if (t->level < LEVEL_STUDY || t->level > LEVEL_INSTANCE)
		r.bad = true;
	return r.bad ? -EIO : 0;
}

int
query_tag_get(struct kv_txn *txn, uint32_t tag, struct query_tag *ret_tag)
{
	struct key k = tag_key(tag);
	struct slice v;
	int r = kv_get(txn, T_TAG, key_slice(&k), &v);

	return r < 0 ? r : decode(tag, v, ret_tag);
}

int
query_tag_put(struct kv_txn *txn, const struct query_tag *t)
{
	struct key k = tag_key(t->tag);
	struct buf b;
	int r;

	buf_init(&b, 1024);
	put_u8(&b, LAYOUT);
	put_u32(&b, t->number);
	put_u16(&b, t->vr);
	put_u8(&b, (uint8_t)t->status);
	put_u8(&b, (uint8_t)t->level);
	put_u8(&b, t->disabled);
	put_u64(&b, (uint64_t)t->created);
	put_u64(&b, t->errors);
	buf_put(&b, t->operation, OPERATION_ID_LEN);
	put_short(&b, slice_str(t->creator));
	r = buf_error(&b);
	if (r == 0)
		r = kv_put(txn, T_TAG, key_slice(&k), buf_slice(&b));
	buf_fini(&b);
	return r;
}

int
query_tag_take_number(struct kv_txn *txn, uint32_t *ret_number)
{
	struct slice v, name = slice_str("next tag");
	struct key next;
	int r = kv_get(txn, T_META, name, &v);

	if (r < 0 && r != -ENOENT)
		return r;
	*ret_number = r == 0 && v.len == 4 ? read_u32(v.data) : 1;
	key_start(&next);
	key_u32(&next, *ret_number + 1);
	return kv_put(txn, T_META, name, key_slice(&next));
}

int
query_tags_load(struct kv_txn *txn, struct query_tags *tags)
{
	struct kv_range *g;
	struct slice k, v;
	int r = kv_range_open(txn, T_TAG, slice_of(NULL, 0), slice_of(NULL, 0), KV_ASCENDING, QUERY_TAGS_MAX, &g);

	tags->n = 0;
	if (r < 0)
		return r;
	while ((r = kv_range_next(g, &k, &v)) > 0) {
		r = k.len == 4 ? decode(read_u32(k.data), v, &tags->at[tags->n]) : -EIO;
		if (r < 0)
			break;
		tags->n++;
	}
	kv_range_close(g);
	return r;
}

struct query_tag *
query_tags_find(struct query_tags *tags, uint32_t tag)
{
	size_t i;

	for (i = 0; i < tags->n; i++)
		if (tags->at[i].tag == tag)
			return &tags->at[i];
	return NULL;
}

struct query_tag *
query_tags_find_number(struct query_tags *tags, uint32_t number)
{
	size_t i;

	for (i = 0; i < tags->n; i++)
		if (tags->at[i].number == number)
			return &tags->at[i];
	return NULL;
}

/* -- values --------------------------------------------------------------- */

static const char not_readable[] = "the value cannot be read";

/* The first value alone. */
static int
take_first(void *ctx, struct slice value)
{
	int r = dicom_json_text(value, ctx);

	return r < 0 ? r : 1;
}

/* Of {"vr":"XX",...}, as dicom/json_write.c writes it; 0: it is none. */
static uint16_t
member_vr(struct slice member)
{
	static const char begin[] = "{\"vr\":\"";
	const char *p = member.data;
	size_t n = sizeof begin - 1;

	return member.len > n + 3 && memcmp(p, begin, n) == 0 ? VR(p[n], p[n + 1]) : 0;
}

static bool
is_blank(const struct buf *text)
{
	size_t i;

	for (i = 0; i < text->len; i++)
		if (text->data[i] != ' ')
			return false;
	return true;
}

/* The member of a tag: its VR must be the tag's, and its first value one of that. */
static const char *
read_value(const struct query_tag *t, struct slice member, struct buf *text, struct query_value *v)
{
	uint16_t vr = member_vr(member);
	const char *why;
	int r;

	buf_reset(text);
	r = dicom_json_values(member, take_first, text);
	if (r < 0)
		return not_readable;
	/* Bulk data have no values, but are something: UN of an implicit VR. */
	if (vr != t->vr && (r > 0 || (vr_info(vr)->kind == VR_BULK && member.len > sizeof "{\"vr\":\"UN\"}" - 1)))
		return "the value representation is not the one expected";
	if (text->len == 0 || is_blank(text))
		return NULL;
	why = vr_check_minimum(t->vr, text->data, text->len);
	if (why == NULL && collate_value(t->vr, text->data, text->len, &v->collated) < 0) {
		buf_reset(&v->collated);
		why = not_readable;
	}
	return why;
}

static int
read_values(const struct query_tags *tags, bool (*wanted)(const struct query_tag *tag, const void *ctx),
	    const void *ctx, struct slice json, struct buf *text, struct query_value *values)
{
	struct slice member;
	size_t i, pos = 0;
	int r;

	for (i = 0; i < tags->n; i++) {
		const struct query_tag *t = &tags->at[i];
		struct query_value *v = &values[i];

		if (t->status == QUERY_TAG_DELETING || (wanted != NULL && !wanted(t, ctx)))
			continue;
		r = dicom_json_find_next(json, &pos, t->tag, &member);
		if (r == -ENOENT)
			continue;
		if (r < 0)
			return r;
		buf_init(&v->collated, COLLATE_MAX);
		v->json = member;
		v->why = read_value(t, member, text, v);
		if (buf_error(&v->collated) < 0)
			return buf_error(&v->collated);
	}
	return 0;
}

int
query_values_read(const struct query_tags *tags, bool (*wanted)(const struct query_tag *tag, const void *ctx),
		  const void *ctx, struct slice json, struct query_value *values)
{
	struct buf text;
	int r;

	buf_init(&text, TEXT_MAX);
	r = read_values(tags, wanted, ctx, json, &text, values);
	buf_fini(&text);
	return r == -EBADMSG ? -EIO : r;
}

void
query_values_fini(const struct query_tags *tags, struct query_value *values)
{
	size_t i;

	for (i = 0; i < tags->n; i++)
		buf_fini(&values[i].collated);
}

int
query_values_put(const struct query_tags *tags, const struct query_value *values, enum level level, struct buf *out)
{
	uint32_t last = 0;
	size_t i, next;

	/* Ascending by number; there are few. */
	for (;;) {
		for (i = 0, next = tags->n; i < tags->n; i++)
			if (tags->at[i].level == level && values[i].collated.len > 0 && tags->at[i].number > last &&
			    (next == tags->n || tags->at[i].number < tags->at[next].number))
				next = i;
		if (next == tags->n)
			return buf_error(out);
		last = tags->at[next].number;
		attribute_put(last, buf_slice(&values[next].collated),
			      values[next].json.len <= JSON_KEPT_MAX ? values[next].json : slice_of(NULL, 0), out);
	}
}

/* -- errors --------------------------------------------------------------- */

static struct key
error_key(uint32_t number, uint64_t instance)
{
	struct key k;

	key_start(&k);
	key_u32(&k, number);
	key_u64(&k, instance);
	return k;
}

int
tag_error_put(struct kv_txn *txn, uint32_t number, uint64_t instance, const struct tag_error *e)
{
	struct key k = error_key(number, instance);
	struct buf b;
	int r;

	buf_init(&b, 1024);
	put_u8(&b, LAYOUT);
	put_u64(&b, (uint64_t)e->time);
	put_u64(&b, e->partition);
	put_u64(&b, e->study);
	put_u64(&b, e->series);
	put_short(&b, slice_str(e->why));
	r = buf_error(&b);
	if (r == 0)
		r = kv_insert(txn, T_TAG_ERROR, key_slice(&k), buf_slice(&b));
	buf_fini(&b);
	return r;
}

int
tag_error_get(struct slice value, struct tag_error *e)
{
	struct reader r;

	reader_init(&r, value);
	if (get_u8(&r) != LAYOUT)
		r.bad = true;
	e->time = (int64_t)get_u64(&r);
	e->partition = get_u64(&r);
	e->study = get_u64(&r);
	e->series = get_u64(&r);
	get_text(&r, e->why, sizeof e->why);
	return r.bad ? -EIO : 0;
}

int
tag_error_del(struct kv_txn *txn, uint32_t number, uint64_t instance)
{
	struct key k = error_key(number, instance);

	return kv_del(txn, T_TAG_ERROR, key_slice(&k));
}
