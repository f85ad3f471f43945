#include "web/accept.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* RFC 9110 5.6.2: the characters of a token. */
static bool
is_token(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		(c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static const char *
skip_space(const char *p)
{
	return p + strspn(p, " \t");
}

struct writer {
	char *at;
	size_t left;
};

static int
put(struct writer *w, char c)
{
	if (w->left == 0)
		return -E2BIG;
	*w->at++ = c;
	w->left--;
	return 0;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Copy a token (slashes too when asked for) in lower case; -EINVAL when empty. */
static int
take_token(const char **p, bool slash, struct writer *w)
{
	const char *start = *p;
	int r;

	while (is_token(**p) || (slash && **p == '/')) {
		r = put(w, lower(*(*p)++));
		if (r < 0)
			return r;
	}
	return *p == start ? -EINVAL : put(w, '\0');
}

static int
take_value(const char **p, struct writer *w)
{
	int r;

	if (**p != '"') {
		/* Bare values hold slashes in the wild: type=application/dicom. */
		while (is_token(**p) || (**p != '\0' && strchr("/:@()?={}[]", **p) != NULL)) {
			r = put(w, *(*p)++);
			if (r < 0)
				return r;
		}
		return put(w, '\0');
	}
	for ((*p)++; **p != '"'; (*p)++) {
		if (**p == '\\')
			(*p)++;
		if (**p == '\0')
			return -EINVAL;
		r = put(w, **p);
		if (r < 0)
			return r;
	}
	(*p)++;
	return put(w, '\0');
}

int
media_parse(const char *text, struct media *ret_media, const char **ret_end)
{
	struct writer w = { ret_media->text, sizeof ret_media->text };
	const char *p = skip_space(text);
	int r;

	ret_media->type = w.at;
	ret_media->count = 0;
	r = take_token(&p, true, &w);
	if (r < 0)
		return r;
	if (strchr(ret_media->type, '/') == NULL)
		return -EINVAL;
	for (p = skip_space(p); *p == ';'; p = skip_space(p)) {
		unsigned i = ret_media->count;

		p = skip_space(p + 1);
		if (*p == ';' || *p == ',' || *p == '\0')
			continue;	/* RFC 9110 allows an empty parameter */
		if (i == LIMIT_MEDIA_PARAMS)
			return -E2BIG;
		ret_media->param[i].name = w.at;
		r = take_token(&p, false, &w);
		if (r < 0)
			return r;
		p = skip_space(p);
		ret_media->param[i].value = w.at;
		if (*p == '=') {
			p = skip_space(p + 1);
			r = take_value(&p, &w);
		} else {
			r = put(&w, '\0');
		}
		if (r < 0)
			return r;
		ret_media->count++;
	}
	if (*p != '\0' && *p != ',')
		return -EINVAL;
	*ret_end = p;
	return 0;
}

const char *
media_param(const struct media *media, const char *name)
{
	unsigned i;

	for (i = 0; i < media->count; i++)
		if (strcmp(media->param[i].name, name) == 0)
			return media->param[i].value;
	return NULL;
}

/* "0.5" -> 500; what is none counts as 1. */
static unsigned
parse_q(const char *text)
{
	unsigned q, scale = 100;

	if (text == NULL || (*text != '0' && *text != '1'))
		return 1000;
	q = *text == '1' ? 1000 : 0;
	if (text[1] == '.')
		for (text += 2; *text >= '0' && *text <= '9' && scale > 0; text++) {
			q += (unsigned)(*text - '0') * scale;
			scale /= 10;
		}
	return q > 1000 ? 1000 : q;
}

static int
entry_of(const struct media *media, struct accept_entry *ret_entry)
{
	struct accept_entry e = { .multipart = strcmp(media->type, "multipart/related") == 0 };
	const char *type = e.multipart ? media_param(media, "type") : media->type;
	const char *xfer = media_param(media, "transfer-syntax");
	size_t i;

	if (type != NULL) {
		if (strlen(type) >= sizeof e.type)
			return -E2BIG;
		for (i = 0; type[i] != '\0'; i++)
			e.type[i] = lower(type[i]);
	}
	if (xfer != NULL) {
		if (strlen(xfer) >= sizeof e.xfer_uid)
			return -E2BIG;
		strcpy(e.xfer_uid, xfer);
	}
	e.q = parse_q(media_param(media, "q"));
	*ret_entry = e;
	return 0;
}

/* The comma that ends a broken element; commas in quotes do not. */
static const char *
skip_element(const char *p)
{
	for (; *p != '\0' && *p != ','; p++)
		if (*p == '"') {
			const char *end = strchr(p + 1, '"');

			if (end == NULL)
				return p + strlen(p);
			p = end;
		}
	return p;
}

void
accept_parse(const char *header, struct accept *ret_accept)
{
	const char *p = header;

	ret_accept->count = 0;
	while (ret_accept->count < LIMIT_ACCEPT_ENTRIES) {
		struct accept_entry e;
		struct media media;
		unsigned i;

		p += strspn(p, " \t,");
		if (*p == '\0')
			return;
		if (media_parse(p, &media, &p) < 0) {
			p = skip_element(p);
			continue;
		}
		if (entry_of(&media, &e) < 0 || e.q == 0)
			continue;
		for (i = ret_accept->count; i > 0 && ret_accept->entry[i - 1].q < e.q; i--)
			ret_accept->entry[i] = ret_accept->entry[i - 1];
		ret_accept->entry[i] = e;
		ret_accept->count++;
	}
}

bool
accept_allows(const struct accept *accept, const char *type)
{
	size_t main_len = strcspn(type, "/") + 1;
	unsigned i;

	for (i = 0; i < accept->count; i++) {
		const struct accept_entry *e = &accept->entry[i];

		if (e->multipart)
			continue;
		if (strcmp(e->type, type) == 0 || strcmp(e->type, "*/*") == 0 ||
		    (strncmp(e->type, type, main_len) == 0 && strcmp(e->type + main_len, "*") == 0))
			return true;
	}
	return false;
}

static bool
xfer_allowed(const struct accept_rule *rule, const char *xfer_uid)
{
	const char *const *x;

	if (rule->xfer_uids == NULL)
		return strcmp(xfer_uid, "*") == 0 || uid_is_valid(xfer_uid, strlen(xfer_uid));
	for (x = rule->xfer_uids; *x != NULL; x++)
		if (strcmp(*x, xfer_uid) == 0)
			return true;
	return false;
}

/* The syntax an entry means that names none. */
static const char *
unnamed_xfer(const struct accept_rule *rule, const char *stored_uid)
{
	bool stored = (rule->asked & ACCEPT_STORED) != 0 && stored_uid != NULL && xfer_allowed(rule, stored_uid);

	return stored ? stored_uid : rule->default_xfer;
}

static bool
entry_matches(const struct accept_rule *rule, unsigned resource, const char *stored_uid,
	      const struct accept_entry *e, struct accept_choice *ret_choice)
{
	const char *xfer = e->xfer_uid[0] != '\0' ? e->xfer_uid : unnamed_xfer(rule, stored_uid);
	unsigned shape = e->multipart ? ACCEPT_MULTIPART : ACCEPT_SINGLE;

	if ((rule->resources & resource) == 0 || (rule->asked & shape) == 0 ||
	    strcmp(rule->type, e->type) != 0 || !xfer_allowed(rule, xfer))
		return false;
	if (rule->shape != 0)
		shape = rule->shape;
	ret_choice->type = rule->served;
	ret_choice->multipart = shape == ACCEPT_MULTIPART;
	memcpy(ret_choice->xfer_uid, xfer, strlen(xfer) + 1);
	return true;
}

int
accept_choose(const struct accept_rule *rules, size_t n_rules, unsigned resource, const char *stored_uid,
	      const struct accept *accept, struct accept_choice *ret_choice)
{
	struct accept_choice choice;
	unsigned chosen_q = 0, i;
	bool found = false;
	size_t k;

	for (i = 0; i < accept->count; i++) {
		const struct accept_entry *e = &accept->entry[i];

		if (found && (e->q < chosen_q || strcmp(ret_choice->xfer_uid, "*") == 0))
			break;
		for (k = 0; k < n_rules; k++)
			if (entry_matches(&rules[k], resource, stored_uid, e, &choice))
				break;
		if (k == n_rules)
			continue;
		if (!found || strcmp(e->xfer_uid, "*") == 0) {
			*ret_choice = choice;
			chosen_q = e->q;
			found = true;
		}
	}
	return found ? 0 : -ENOENT;
}

/* 0: not named. */
static unsigned
coding_q(const char *header, const char *name)
{
	const char *p = header, *end, *q;
	size_t len;

	for (;; p = end + 1) {
		p = skip_space(p);
		end = p + strcspn(p, ",");
		len = strcspn(p, " \t;,");
		if (len == strlen(name) && strncasecmp(p, name, len) == 0) {
			q = p + len + strspn(p + len, " \t;");
			return q < end && (*q == 'q' || *q == 'Q') && q[1] == '=' ? parse_q(q + 2) : 1000;
		}
		if (*end == '\0')
			return 0;
	}
}

enum coding
accept_coding(const char *header)
{
	unsigned zstd, gzip;

	if (header == NULL)
		return CODING_IDENTITY;
	zstd = coding_q(header, "zstd");
	gzip = coding_q(header, "gzip");
	if (gzip == 0 && zstd == 0)
		return CODING_IDENTITY;
	return zstd >= gzip ? CODING_ZSTD : CODING_GZIP;
}
