#include "fs/xattr_dicom.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "dicom/json.h"
#include "dicom/tag.h"

/* Longer than any header that was accepted. */
#define HEADER_JSON_MAX (256u << 20)

#define NAME_MAX_LEN 255		/* of an extended attribute, as Linux has it */

static int
read_json(struct store *st, uint64_t id, struct buf *json)
{
	struct err err;

	err_clear(&err);
	buf_init(json, HEADER_JSON_MAX);
	return store_get_attributes(st, id, json, &err);
}

static bool
is_shown(struct slice element)
{
	uint16_t vr = dicom_json_vr(element);

	return vr != 0 && vr != VR('S', 'Q');
}

int
xattr_dicom_get(struct store *st, uint64_t id, const char *name, struct buf *out)
{
	struct slice element;
	struct buf json;
	uint32_t tag;
	int r;

	if (strncmp(name, XATTR_DICOM_PREFIX, strlen(XATTR_DICOM_PREFIX)) != 0)
		return -ENODATA;
	name += strlen(XATTR_DICOM_PREFIX);
	if (tag_parse(name, strlen(name), &tag) < 0)
		return -ENODATA;
	r = read_json(st, id, &json);
	if (r == 0) {
		r = dicom_json_find(buf_slice(&json), tag, &element);
		if (r == -ENOENT || (r == 0 && !is_shown(element)))
			r = -ENODATA;
	}
	if (r == 0)
		r = dicom_json_texts(element, out);
	buf_fini(&json);
	return r == -EMSGSIZE ? -E2BIG : r;
}

/* -- the list --------------------------------------------------------------- */

struct listed {
	uint32_t tag;
	uint32_t cost;
};

struct list {
	struct listed *at;
	size_t n, cap;
	struct buf texts;
};

static void
name_of(uint32_t tag, char name[NAME_MAX_LEN + 1])
{
	const struct tag_entry *entry = tag_find(tag), *back;
	char digits[9];

	tag_format(tag, digits);
	back = entry != NULL ? tag_find_keyword(entry->keyword, strlen(entry->keyword)) : NULL;
	snprintf(name, NAME_MAX_LEN + 1, XATTR_DICOM_PREFIX "%s",
		 back != NULL && back->tag == tag ? entry->keyword : digits);
}

uint32_t
xattr_cost(const char *name, size_t value_len)
{
	/* A header of 16 bytes, the name without "user.", the value; both rounded up. */
	return (uint32_t)(16 + ((strlen(name) - 5 + 3) & ~(size_t)3) + ((value_len + 3) & ~(size_t)3));
}

static int
note_attribute(void *ctx, uint32_t tag, struct slice element)
{
	char name[NAME_MAX_LEN + 1];
	struct list *l = ctx;
	int r;

	if (!is_shown(element))
		return 0;
	buf_reset(&l->texts);
	r = dicom_json_texts(element, &l->texts);
	if (r == -EMSGSIZE)
		return 0;		/* longer than can be got */
	if (r == 0)
		r = vec_room(&l->at, &l->cap, l->n, sizeof *l->at, 128);
	if (r < 0)
		return r;
	name_of(tag, name);
	l->at[l->n++] = (struct listed){ tag, xattr_cost(name, l->texts.len) };
	return 0;
}

/* Private ones go last, then by what they cost, then by tag. */
static int
by_worth(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;
	uint32_t x_private = TAG_GROUP(x->tag) & 1, y_private = TAG_GROUP(y->tag) & 1;

	if (x_private != y_private)
		return x_private ? 1 : -1;
	if (x->cost != y->cost)
		return x->cost > y->cost ? 1 : -1;
	return x->tag > y->tag ? 1 : x->tag < y->tag ? -1 : 0;
}

static int
by_tag(const void *a, const void *b)
{
	const struct listed *x = a, *y = b;

	return x->tag > y->tag ? 1 : x->tag < y->tag ? -1 : 0;
}

static void
choose(struct list *l, size_t room)
{
	size_t i, n = 0;

	qsort(l->at, l->n, sizeof *l->at, by_worth);
	for (i = 0; i < l->n; i++)
		if (l->at[i].cost <= room) {
			room -= l->at[i].cost;
			l->at[n++] = l->at[i];
		}
	l->n = n;
	qsort(l->at, l->n, sizeof *l->at, by_tag);
}

int
xattr_dicom_list(struct store *st, uint64_t id, size_t room, struct buf *out)
{
	char name[NAME_MAX_LEN + 1];
	struct list l = { .n = 0 };
	struct buf json;
	size_t i;
	int r = read_json(st, id, &json);

	buf_init(&l.texts, XATTR_MAX);
	if (r == 0)
		r = dicom_json_each(buf_slice(&json), note_attribute, &l);
	if (r == 0 && l.n > 0)
		choose(&l, room);
	for (i = 0; r == 0 && i < l.n; i++) {
		name_of(l.at[i].tag, name);
		r = buf_put(out, name, strlen(name) + 1);
	}
	buf_fini(&l.texts);
	buf_fini(&json);
	free(l.at);
	return r;
}
