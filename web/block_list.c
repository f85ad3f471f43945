/* A small part of XML: one element BlockList with elements Latest, Uncommitted and Committed, a text each. */
#include "web/block_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"

bool
block_id_is_valid(const char *id)
{
	size_t len = strlen(id), digits = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");

	return len > 0 && len < BLOCK_ID_MAX && len % 4 == 0 && digits > 0 && len - digits <= 2 &&
		strspn(id + digits, "=") == len - digits;
}

struct text {
	const char *at, *end;
};

static void
skip_space(struct text *t)
{
	while (t->at < t->end && (*t->at == ' ' || *t->at == '\t' || *t->at == '\r' || *t->at == '\n'))
		t->at++;
}

static bool
skip_literal(struct text *t, const char *s)
{
	size_t len = strlen(s);

	if ((size_t)(t->end - t->at) < len || memcmp(t->at, s, len) != 0)
		return false;
	t->at += len;
	return true;
}

static bool
skip_past(struct text *t, const char *s)
{
	const char *found = memmem(t->at, (size_t)(t->end - t->at), s, strlen(s));

	if (found == NULL)
		return false;
	t->at = found + strlen(s);
	return true;
}

/* What may stand before and between elements. */
static bool
skip_misc(struct text *t)
{
	for (;;) {
		skip_space(t);
		if (skip_literal(t, "<!--")) {
			if (!skip_past(t, "-->"))
				return false;
		} else if (skip_literal(t, "<?")) {
			if (!skip_past(t, "?>"))
				return false;
		} else {
			return true;
		}
	}
}

/* One element of the list, its begin tag read already. */
static int
read_id(struct text *t, const char *end_tag, struct block_name *name)
{
	const char *from;
	size_t len;

	skip_space(t);
	from = t->at;
	while (t->at < t->end && *t->at != '<' && *t->at != ' ' && *t->at != '\r' && *t->at != '\n' && *t->at != '\t')
		t->at++;
	len = (size_t)(t->at - from);
	skip_space(t);
	if (len >= sizeof name->id || memchr(from, '\0', len) != NULL || !skip_literal(t, end_tag))
		return -EINVAL;
	memcpy(name->id, from, len);
	name->id[len] = '\0';
	return block_id_is_valid(name->id) ? 0 : -EINVAL;
}

static int
read_names(struct text *t, struct block_name **names, size_t *n)
{
	static const struct { const char *begin, *end; bool committed; } kinds[] = {
		{ "<Latest>", "</Latest>", false }, { "<Uncommitted>", "</Uncommitted>", false },
		{ "<Committed>", "</Committed>", true },
	};
	size_t cap = 0, k;
	int r;

	for (;;) {
		if (!skip_misc(t))
			return -EINVAL;
		if (skip_literal(t, "</BlockList>"))
			return 0;
		for (k = 0; k < sizeof kinds / sizeof *kinds && !skip_literal(t, kinds[k].begin); k++)
			;
		if (k == sizeof kinds / sizeof *kinds)
			return -EINVAL;
		if (*n == BLOCK_LIST_MAX)
			return -E2BIG;
		r = vec_room(names, &cap, *n, sizeof **names, 64);
		if (r == 0)
			r = read_id(t, kinds[k].end, &(*names)[*n]);
		if (r < 0)
			return r;
		(*names)[(*n)++].committed = kinds[k].committed;
	}
}

int
block_list_parse(const char *xml, size_t len, struct block_name **ret_names, size_t *ret_n)
{
	struct text t = { xml, xml + len };
	struct block_name *names = NULL;
	size_t n = 0;
	int r = -EINVAL;

	skip_literal(&t, "\xEF\xBB\xBF");
	if (skip_misc(&t) && skip_literal(&t, "<BlockList")) {
		skip_space(&t);
		r = 0;
		if (!skip_literal(&t, "/>"))
			r = skip_literal(&t, ">") ? read_names(&t, &names, &n) : -EINVAL;
	}
	if (r == 0 && (!skip_misc(&t) || t.at != t.end))
		r = -EINVAL;
	if (r < 0) {
		free(names);
		return r;
	}
	*ret_names = names;
	*ret_n = n;
	return 0;
}
