#include "fs/xattr_meta.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/log.h"
#include "dicom/tag.h"
#include "fs/xattr_dicom.h"
#include "store/external.h"

/* Eight digits, as they are listed, but in either case. */
static int
parse_name(const char *name, uint32_t *ret_tag)
{
	name += strlen(XATTR_META_PREFIX);
	if (strlen(name) != 8 || strspn(name, "0123456789abcdefABCDEF") != 8)
		return -EINVAL;
	return tag_parse(name, 8, ret_tag);
}

struct wanted {
	uint32_t tag;
	struct buf *out;
};

static int
take_value(void *ctx, const struct external_value *v)
{
	const struct wanted *w = ctx;
	int r;

	if (v->tag != w->tag)
		return 0;
	r = buf_printf(w->out, "%c%c:%s", v->vr >> 8, v->vr & 0xff, v->text);
	return r < 0 ? r : 1;
}

int
xattr_meta_get(struct store *st, uint64_t study, const char *name, struct buf *out)
{
	struct wanted w = { 0, out };
	struct err err;
	int r;

	if (parse_name(name, &w.tag) < 0)
		return -ENODATA;
	err_clear(&err);
	r = store_get_external(st, study, take_value, &w, &err);
	return r < 0 ? r : r == 0 ? -ENODATA : 0;
}

struct list {
	size_t *room;
	struct buf *out;
};

static int
add_name(void *ctx, const struct external_value *v)
{
	char name[sizeof XATTR_META_PREFIX + 8], digits[9];
	struct list *l = ctx;
	size_t cost;

	tag_format(v->tag, digits);
	snprintf(name, sizeof name, XATTR_META_PREFIX "%s", digits);
	cost = xattr_cost(name, strlen("VR:") + strlen(v->text));
	if (cost > *l->room)
		return 0;
	*l->room -= cost;
	return buf_put(l->out, name, strlen(name) + 1);
}

int
xattr_meta_list(struct store *st, uint64_t study, size_t *room, struct buf *out)
{
	struct list l = { room, out };
	struct err err;

	err_clear(&err);
	return store_get_external(st, study, add_name, &l, &err);
}

int
xattr_meta_set(struct store *st, uint64_t study, const char *name, const char *value, size_t len, int flags)
{
	char text[EXTERNAL_TEXT_MAX + 1];
	struct external_value v = { .text = text };
	struct wanted w = { 0, NULL };
	struct buf old;
	struct err err;
	int r = parse_name(name, &v.tag);

	if (r < 0 || len < 4 || value[2] != ':' || len - 3 > EXTERNAL_TEXT_MAX || memchr(value, '\0', len) != NULL)
		return -EINVAL;
	v.vr = VR(value[0], value[1]);
	memcpy(text, value + 3, len - 3);
	text[len - 3] = '\0';
	if (flags != 0) {
		buf_init(&old, XATTR_MAX);
		w.tag = v.tag;
		w.out = &old;
		err_clear(&err);
		r = store_get_external(st, study, take_value, &w, &err);
		buf_fini(&old);
		if (r < 0)
			return r;
		if (r > 0 && (flags & XATTR_CREATE))
			return -EEXIST;
		if (r == 0 && (flags & XATTR_REPLACE))
			return -ENODATA;
	}
	err_clear(&err);
	r = store_put_external(st, study, &v, 1, &err);
	if (r < 0 && r != -ENOENT)
		log_warning("external metadata door=mount study=%llu error=\"%s\"", (unsigned long long)study, err_text(&err));
	return r;
}
