#include "web/uri.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool
is_utf8(const char *s)
{
	size_t left = strlen(s), n;

	for (; left > 0; s += n, left -= n) {
		n = utf8_sequence(s, left);
		if (n == 0)
			return false;
	}
	return true;
}

int
uri_decode(const char *text, size_t len, bool plus, char *out, size_t size)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		char c = text[i];

		if (c == '%') {
			int hi = len - i > 2 ? hex_digit(text[i + 1]) : -1;
			int lo = len - i > 2 ? hex_digit(text[i + 2]) : -1;

			if (hi < 0 || lo < 0)
				return -EINVAL;
			c = (char)(hi << 4 | lo);
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		if (c == '\0')
			return -EINVAL;
		if (n + 1 >= size)
			return -E2BIG;
		out[n++] = c;
	}
	if (n >= size)
		return -E2BIG;
	out[n] = '\0';
	return is_utf8(out) ? 0 : -EINVAL;
}

int
uri_split(const char *path, struct uri_path *ret_path)
{
	size_t used = 0;

	ret_path->count = 0;
	if (*path == '/')
		path++;
	while (*path != '\0') {
		size_t len = strcspn(path, "/");
		char *out = ret_path->text + used;
		int r;

		if (ret_path->count == LIMIT_SEGMENTS)
			return -E2BIG;
		r = uri_decode(path, len, false, out, sizeof ret_path->text - used);
		if (r < 0)
			return r;
		if (strchr(out, '/') != NULL)
			return -EINVAL;
		ret_path->segment[ret_path->count++] = out;
		used += strlen(out) + 1;
		path += len;
		if (*path == '/')
			path++;
	}
	return 0;
}

static const char *const var_names[URI_VARS] = {
	[URI_STUDY] = "{study}",
	[URI_SERIES] = "{series}",
	[URI_INSTANCE] = "{instance}",
	[URI_FRAMES] = "{frames}",
	[URI_TAG] = "{tag}",
	[URI_OPERATION] = "{operation}",
	[URI_REST] = "{rest}",
};

bool
uri_match(const char *template, const struct uri_path *path, unsigned first, struct uri_vars *ret_vars)
{
	struct uri_vars vars = { 0 };
	unsigned i = first;

	while (*template != '\0') {
		size_t len = strcspn(template, "/");

		if (i >= path->count || path->segment[i][0] == '\0')
			return false;
		if (*template == '{') {
			unsigned v;

			for (v = 0; v < URI_VARS; v++)
				if (strncmp(var_names[v], template, len) == 0 &&
				    var_names[v][len] == '\0')
					break;
			/* "$" begins what is done, never what it is done to. */
			if (v == URI_VARS || (path->segment[i][0] == '$' && v != URI_REST))
				return false;
			vars.value[v] = path->segment[i];
			if (v == URI_REST) {
				vars.rest = i;
				i = path->count - 1;
			}
		} else if (strncasecmp(template, path->segment[i], len) != 0 ||
			   path->segment[i][len] != '\0') {
			return false;
		}
		i++;
		template += len;
		if (*template == '/')
			template++;
	}
	if (i != path->count)
		return false;
	*ret_vars = vars;
	return true;
}

int
uri_parse_query(const char *raw, struct uri_query *ret_query, struct err *err)
{
	size_t used = 0;

	ret_query->count = 0;
	if (raw == NULL)
		return 0;
	while (*raw != '\0') {
		size_t len = strcspn(raw, "&");
		const char *eq = memchr(raw, '=', len);
		size_t name_len = eq == NULL ? len : (size_t)(eq - raw);
		const char *raw_value = eq == NULL ? raw + len : eq + 1;
		char *name, *value = NULL;
		int r;

		if (len == 0) {
			raw++;
			continue;
		}
		if (ret_query->count == LIMIT_QUERY_PARAMS)
			return err_set(err, -E2BIG, "More than %d query parameters", LIMIT_QUERY_PARAMS);
		name = ret_query->text + used;
		r = uri_decode(raw, name_len, true, name, sizeof ret_query->text - used);
		if (r == 0) {
			used += strlen(name) + 1;
			value = ret_query->text + used;
			r = uri_decode(raw_value, (size_t)(raw + len - raw_value), true, value,
				       sizeof ret_query->text - used);
		}
		if (r == -E2BIG)
			return err_set(err, r, "The query string is longer than %d bytes", LIMIT_QUERY);
		if (r < 0)
			return err_set(err, r, "Query parameter %u is not well-formed percent-encoded UTF-8",
				       ret_query->count + 1);
		used += strlen(value) + 1;
		ret_query->param[ret_query->count].name = name;
		ret_query->param[ret_query->count].value = value;
		ret_query->count++;
		raw += len;
		if (*raw == '&')
			raw++;
	}
	return 0;
}

const char *
uri_query_find(const struct uri_query *query, const char *name)
{
	unsigned i;

	for (i = 0; i < query->count; i++)
		if (strcasecmp(query->param[i].name, name) == 0)
			return query->param[i].value;
	return NULL;
}
