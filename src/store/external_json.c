#include "store/external_json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "catalog/external.h"
#include "dicom/json.h"
#include "dicom/number.h"
#include "dicom/vr.h"

#define JSON_MAX (16u << 20)

void
externals_init(struct externals *e)
{
	*e = (struct externals){ .study = 0 };
	buf_init(&e->json, JSON_MAX);
}

void
externals_fini(struct externals *e)
{
	free(e->at);
	buf_fini(&e->json);
}

static int
begin_element(struct externals *e, uint32_t tag)
{
	int r = vec_room(&e->at, &e->cap, e->n, sizeof *e->at, 16);

	if (r == 0)
		e->at[e->n++] = (struct externals_element){ tag, e->json.len, 0 };
	return r;
}

static int
end_element(struct externals *e)
{
	struct externals_element *last = &e->at[e->n - 1];

	last->len = e->json.len - last->at;
	return buf_error(&e->json);
}

/* "A=B=C", of which the empty ones are left out. */
static void
put_name(struct slice text, struct buf *out)
{
	static const char *const groups[] = { "Alphabetic", "Ideographic", "Phonetic" };
	const char *p = text.data, *end = p + text.len;
	bool first = true;
	size_t i;

	buf_putc(out, '{');
	for (i = 0; i < 3 && p <= end; i++) {
		const char *stop = memchr(p, '=', (size_t)(end - p));
		size_t len = (size_t)((stop != NULL && i < 2 ? stop : end) - p);

		if (len > 0) {
			buf_printf(out, "%s\"%s\":", first ? "" : ",", groups[i]);
			buf_put_json_string(out, p, len);
			first = false;
		}
		p += len + 1;
	}
	buf_putc(out, '}');
}

static void
put_number(struct slice text, struct buf *out)
{
	char number[64];
	size_t n = text.len < sizeof number ? number_put_text(number, text.data, text.len) : 0;

	if (n > 0)
		buf_put(out, number, n);
	else
		buf_put_json_string(out, text.data, text.len);
}

static int
add(void *ctx, const struct external *v)
{
	struct externals *e = ctx;
	enum vr_kind kind = vr_info(v->vr)->kind;
	uint32_t creator = (v->tag & 0xFFFF0000u) | TAG_ELEMENT(v->tag) >> 8;
	int r = begin_element(e, creator);

	if (r < 0)
		return r;
	buf_puts(&e->json, "{\"vr\":\"LO\",\"Value\":[\"Microsoft\"]}");
	r = end_element(e);
	if (r == 0)
		r = begin_element(e, v->tag);
	if (r < 0)
		return r;
	buf_printf(&e->json, "{\"vr\":\"%c%c\",\"Value\":[", v->vr >> 8, v->vr & 0xFF);
	if (kind == VR_NAME)
		put_name(v->text, &e->json);
	else if (kind == VR_BINARY || kind == VR_NUMBER_STRING)
		put_number(v->text, &e->json);
	else
		buf_put_json_string(&e->json, v->text.data, v->text.len);
	buf_puts(&e->json, "]}");
	return end_element(e);
}

static int
by_tag(const void *a, const void *b)
{
	const struct externals_element *x = a, *y = b;

	return x->tag < y->tag ? -1 : x->tag > y->tag;
}

int
externals_load(struct externals *e, struct kv_txn *txn, uint64_t study)
{
	size_t i, n = 0;
	int r;

	if (e->study == study)
		return 0;
	e->n = 0;
	e->study = 0;
	buf_reset(&e->json);
	r = external_each(txn, study, add, e);
	if (r < 0)
		return r;
	if (e->n > 0)
		qsort(e->at, e->n, sizeof *e->at, by_tag);
	/* A creator is there once. */
	for (i = 0; i < e->n; i++)
		if (n == 0 || e->at[n - 1].tag != e->at[i].tag)
			e->at[n++] = e->at[i];
	e->n = n;
	e->study = study;
	return 0;
}

struct merge {
	const struct externals *e;
	size_t next;
	struct buf *out;
	bool first;
};

static void
put_member(struct merge *m, uint32_t tag, const char *json, size_t len)
{
	buf_printf(m->out, "%s\"%08" PRIX32 "\":", m->first ? "" : ",", tag);
	buf_put(m->out, json, len);
	m->first = false;
}

static void
put_up_to(struct merge *m, uint64_t tag)
{
	for (; m->next < m->e->n && m->e->at[m->next].tag <= tag; m->next++) {
		const struct externals_element *at = &m->e->at[m->next];

		put_member(m, at->tag, m->e->json.data + at->at, at->len);
	}
}

static int
pass_member(void *ctx, uint32_t tag, struct slice element)
{
	struct merge *m = ctx;
	size_t before = m->next;

	put_up_to(m, tag);
	if (m->next == before || m->e->at[m->next - 1].tag != tag)
		put_member(m, tag, element.data, element.len);
	return 0;
}

int
externals_merge(const struct externals *e, struct slice object, struct buf *out)
{
	struct merge m = { .e = e, .out = out, .first = true };
	int r;

	if (e->n == 0)
		return buf_put(out, object.data, object.len);
	buf_putc(out, '{');
	r = dicom_json_each(object, pass_member, &m);
	put_up_to(&m, UINT64_MAX);
	buf_putc(out, '}');
	return r < 0 ? r : buf_error(out);
}

uint64_t
externals_number(const struct externals *e)
{
	unsigned char hash[HASH_LEN];
	struct buf all;
	uint64_t n;
	size_t i;

	buf_init(&all, 2 * JSON_MAX);
	for (i = 0; i < e->n; i++) {
		buf_printf(&all, "%08" PRIX32, e->at[i].tag);
		buf_put(&all, e->json.data + e->at[i].at, e->at[i].len);
	}
	hash_bytes(all.len > 0 ? all.data : "", all.len, hash);
	buf_fini(&all);
	n = read_u64(hash);
	return n != 0 ? n : 1;
}

bool
externals_may_have(uint32_t tag)
{
	return (TAG_GROUP(tag) & 1) != 0;
}
