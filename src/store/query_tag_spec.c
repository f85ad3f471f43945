/* What may be an extended query tag (contract 7.1). */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "dicom/indexed.h"
#include "dicom/tag_private.h"
#include "dicom/vr.h"
#include "dicom/vr_rules.h"
#include "store/query_tags_internal.h"

static const char supported[][3] = {
	"AE", "AS", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "PN", "SH", "SL", "SS", "TM", "UI", "UL", "US",
};

static bool
is_supported(uint16_t vr)
{
	size_t i;

	for (i = 0; i < sizeof supported / sizeof *supported; i++)
		if (VR(supported[i][0], supported[i][1]) == vr)
			return true;
	return false;
}

static bool
is_private(uint32_t tag)
{
	return (TAG_GROUP(tag) & 1) != 0;
}

/* The element that names the creator of a block (PS3.5 7.8.1). */
static bool
is_creator(uint32_t tag)
{
	return is_private(tag) && TAG_ELEMENT(tag) >= 0x10 && TAG_ELEMENT(tag) <= 0xFF;
}

int
query_tag_parse_path(const char *path, uint32_t *ret_tag, struct err *err)
{
	if (path == NULL || *path == '\0')
		return err_set(err, -EINVAL, "an extended query tag needs a path");
	if (strchr(path, '.') != NULL)
		return err_set(err, -EINVAL, "%.80s: attributes in sequences are not supported", path);
	if (tag_parse(path, strlen(path), ret_tag) < 0 ||
	    (!is_private(*ret_tag) && tag_find(*ret_tag) == NULL) || TAG_GROUP(*ret_tag) < 8)
		return err_set(err, -EINVAL, "%.80s is no attribute: a path is a keyword or 8 hexadecimal digits", path);
	return 0;
}

static int
parse_level(const struct query_tag_spec *s, enum level *ret_level, struct err *err)
{
	static const char *const names[] = {
		[LEVEL_STUDY] = "study", [LEVEL_SERIES] = "series", [LEVEL_INSTANCE] = "instance",
	};
	enum level level;

	for (level = LEVEL_STUDY; level <= LEVEL_INSTANCE; level++)
		if (s->level != NULL && strcasecmp(s->level, names[level]) == 0) {
			*ret_level = level;
			return 0;
		}
	return err_set(err, -EINVAL, "%.80s: level must be Study, Series or Instance", s->path);
}

static int
parse_vr(const struct query_tag_spec *s, uint32_t tag, uint16_t *ret_vr, struct err *err)
{
	const struct tag_entry *entry = is_private(tag) ? NULL : tag_find(tag);
	uint16_t vr;

	if (s->vr == NULL || *s->vr == '\0') {
		if (entry == NULL)
			return err_set(err, -EINVAL, "%.80s: a private attribute needs a vr", s->path);
		vr = entry->vr;
	} else {
		vr = strlen(s->vr) == 2 ? VR(s->vr[0] & ~0x20, s->vr[1] & ~0x20) : 0;
		if (vr_info(vr)->kind == VR_UNKNOWN)
			return err_set(err, -EINVAL, "%.80s: \"%.20s\" is no value representation", s->path, s->vr);
		if (is_creator(tag) && vr != VR('L', 'O'))
			return err_set(err, -EINVAL, "%.80s: the value representation expected is LO", s->path);
		if (entry != NULL && vr != entry->vr && !(tag_is_us_or_ss(tag) && vr == VR('S', 'S')))
			return err_set(err, -EINVAL, "%.80s: the value representation expected is %c%c", s->path,
				       entry->vr >> 8, entry->vr & 0xFF);
	}
	if (!is_supported(vr))
		return err_set(err, -EINVAL, "%.80s: attributes of the value representation %c%c cannot be indexed",
			       s->path, vr >> 8, vr & 0xFF);
	*ret_vr = vr;
	return 0;
}

static int
parse_creator(const struct query_tag_spec *s, uint32_t tag, char creator[4 * QUERY_TAG_CREATOR_MAX + 1], struct err *err)
{
	bool given = s->creator != NULL && *s->creator != '\0', wanted = is_private(tag) && !is_creator(tag);

	creator[0] = '\0';
	if (given && !wanted)
		return err_set(err, -EINVAL, "%.80s: a private creator belongs to private attributes, and not to their creators",
			       s->path);
	if (!given && wanted)
		return err_set(err, -EINVAL, "%.80s: a private attribute needs its private creator", s->path);
	if (!wanted)
		return 0;
	if (vr_check_minimum(VR('L', 'O'), s->creator, strlen(s->creator)) != NULL || strchr(s->creator, '\\') != NULL ||
	    strlen(s->creator) > 4 * QUERY_TAG_CREATOR_MAX)
		return err_set(err, -EINVAL, "%.80s: a private creator is text of at most %d characters", s->path,
			       QUERY_TAG_CREATOR_MAX);
	strcpy(creator, s->creator);
	return 0;
}

int
query_tag_parse(const struct query_tag_spec *s, struct query_tag *t, struct err *err)
{
	int r = query_tag_parse_path(s->path, &t->tag, err);

	if (r == 0 && indexed_vr(t->tag) != 0)
		r = err_set(err, -EINVAL, "%.80s can be searched already", s->path);
	if (r == 0)
		r = parse_level(s, &t->level, err);
	if (r == 0)
		r = parse_vr(s, t->tag, &t->vr, err);
	if (r == 0)
		r = parse_creator(s, t->tag, t->creator, err);
	return r;
}
