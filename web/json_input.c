#include "web/json_input.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "web/accept.h"

/* ------------------------------------------------------------- text ---- */

/* Behind the string that opens at p. */
static char *
pass_string(char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\' && p + 1 < end)
			p++;
	return p < end ? p + 1 : p;
}

/* Blank the comment at p; NULL: there is none. */
static char *
blank_comment(char *p, const char *end)
{
	char *stop = NULL;

	if (end - p < 2 || p[0] != '/')
		return NULL;
	if (p[1] == '/') {
		stop = memchr(p, '\n', (size_t)(end - p));
	} else if (p[1] == '*') {
		for (stop = p + 2; end - stop >= 2 && (stop[0] != '*' || stop[1] != '/'); stop++)
			;
		if (end - stop < 2)
			return NULL;	/* it does not end: not JSON, as it will turn out */
		stop += 2;
	} else {
		return NULL;
	}
	if (stop == NULL)
		stop = p + (end - p);
	memset(p, ' ', (size_t)(stop - p));
	return stop;
}

void
json_relax(char *text, size_t len)
{
	char *p = text, *end = text + len, *comma = NULL, *next;

	while (p < end) {
		switch (*p) {
		case '/':
			next = blank_comment(p, end);
			if (next != NULL) {
				p = next;
				continue;
			}
			comma = NULL;
			break;
		case '"':
			comma = NULL;
			p = pass_string(p, end);
			continue;
		case ',':
			comma = comma == NULL ? p : NULL;	/* one is tolerated */
			break;
		case '}':
		case ']':
			if (comma != NULL)
				*comma = ' ';
			comma = NULL;
			break;
		case ' ':
		case '\t':
		case '\r':
		case '\n':
			break;
		default:
			comma = NULL;
		}
		p++;
	}
}

/* ------------------------------------------------------------- body ---- */

static int
check_type(const struct request *rq, struct err *err)
{
	const char *type = request_header(rq, "Content-Type"), *end;
	struct media media;

	if (type != NULL && media_parse(type, &media, &end) == 0 && *end == '\0' &&
	    strcmp(media.type, "application/json") == 0)
		return 0;
	return err_set(err, -EPROTONOSUPPORT, "Content-Type must be application/json");
}

static int
read_text(struct request *rq, struct buf *text, struct err *err)
{
	char *room;
	ssize_t n;
	int r;

	do {
		r = buf_reserve(text, 4096, &room);
		if (r < 0)
			return r == -EMSGSIZE ? err_set(err, -EFBIG, "The body is larger than %d bytes", LIMIT_JSON) : r;
		n = request_read(rq, room, 4096, err);
		if (n > 0)
			buf_grow(text, (size_t)n);
	} while (n > 0);
	return (int)n;
}

int
json_read_body(struct request *rq, json_t **ret_json, struct err *err)
{
	json_error_t error;
	struct buf text;
	int r = check_type(rq, err);

	if (r < 0)
		return r;
	buf_init(&text, LIMIT_JSON + 4096);
	r = read_text(rq, &text, err);
	if (r == 0 && text.len == 0)
		r = err_set(err, -EINVAL, "The body is missing");
	if (r == 0) {
		json_relax(text.data, text.len);
		*ret_json = json_loadb(text.data, text.len, JSON_DECODE_ANY, &error);
		if (*ret_json == NULL)
			r = err_set(err, -EINVAL, "The body is no JSON (line %d)", error.line);
	}
	buf_fini(&text);
	return r;
}

/* ---------------------------------------------------------- members ---- */

json_t *
json_member(json_t *object, const char *name)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
		if (strcasecmp(key, name) == 0)
			return json_is_null(value) ? NULL : value;
	return NULL;
}

int
json_member_text(json_t *object, const char *name, const char **ret_text, struct err *err)
{
	json_t *value = json_member(object, name);

	*ret_text = NULL;
	if (value == NULL)
		return 0;
	if (!json_is_string(value))
		return err_set(err, -EINVAL, "%s must be a string", name);
	*ret_text = json_string_value(value);
	return 0;
}

int
json_member_object(json_t *object, const char *name, json_t **ret_value, struct err *err)
{
	*ret_value = json_member(object, name);
	return *ret_value != NULL && !json_is_object(*ret_value) ? err_set(err, -EINVAL, "%s must be an object", name) : 0;
}

int
json_member_array(json_t *object, const char *name, json_t **ret_value, struct err *err)
{
	*ret_value = json_member(object, name);
	return *ret_value != NULL && !json_is_array(*ret_value) ? err_set(err, -EINVAL, "%s must be an array", name) : 0;
}

int
json_member_bool(json_t *object, const char *name, bool *ret_value, struct err *err)
{
	json_t *value = json_member(object, name);

	*ret_value = json_is_true(value);
	return value != NULL && !json_is_boolean(value) ? err_set(err, -EINVAL, "%s must be true or false", name) : 0;
}
