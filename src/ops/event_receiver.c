#include "ops/event_receiver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ALL_ACTIONS (1u << CHANGE_CREATE | 1u << CHANGE_UPDATE | 1u << CHANGE_DELETE)

/* -- words ---------------------------------------------------------------- */

static int
copy_text(char *out, size_t size, const char *key, const char *value, struct err *err)
{
	if (*value == '\0')
		return err_set(err, -EINVAL, "%s: a value is needed", key);
	if (strlen(value) >= size)
		return err_set(err, -EINVAL, "%s: the value is longer than %zu bytes", key, size - 1);
	strcpy(out, value);
	return 0;
}

/* The name of a variable. */
static int
copy_name(char *out, size_t size, const char *key, const char *value, struct err *err)
{
	if (value[strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_")] != '\0')
		return err_set(err, -EINVAL, "%s: '%s' is not the name of a variable; the secret itself does not stand here", key, value);
	return copy_text(out, size, key, value, err);
}

/* "created+deleted" */
static int
parse_types(const char *value, unsigned *ret_actions, struct err *err)
{
	static const struct {
		const char *name;
		enum change_action action;
	} types[] = { { "created", CHANGE_CREATE }, { "updated", CHANGE_UPDATE }, { "deleted", CHANGE_DELETE } };
	const char *p = value;
	unsigned actions = 0;
	size_t len, i;

	for (;; p += len + 1) {
		len = strcspn(p, "+");
		for (i = 0; i < 3; i++)
			if (strlen(types[i].name) == len && strncmp(p, types[i].name, len) == 0)
				break;
		if (i == 3)
			return err_set(err, -EINVAL, "types: '%.*s' is none of created, updated, deleted", (int)len, p);
		actions |= 1u << types[i].action;
		if (p[len] == '\0')
			break;
	}
	*ret_actions = actions;
	return 0;
}

static int
parse_choice(const char *key, const char *value, const char *no, const char *yes, bool *ret_yes, struct err *err)
{
	*ret_yes = strcmp(value, yes) == 0;
	if (*ret_yes || strcmp(value, no) == 0)
		return 0;
	return err_set(err, -EINVAL, "%s: '%s' is neither %s nor %s", key, value, no, yes);
}

static int
parse_key(struct event_receiver *v, const char *key, const char *value, struct err *err)
{
	bool cloud;
	int r;

	if (strcmp(key, "schema") == 0) {
		r = parse_choice(key, value, "eventgrid", "cloudevents", &cloud, err);
		if (r == 0)
			v->schema = cloud ? EVENT_CLOUD : EVENT_GRID;
		return r;
	}
	if (strcmp(key, "types") == 0)
		return parse_types(value, &v->actions, err);
	if (strcmp(key, "begins") == 0)
		return copy_text(v->begins, sizeof v->begins, key, value, err);
	if (strcmp(key, "ends") == 0)
		return copy_text(v->ends, sizeof v->ends, key, value, err);
	if (strcmp(key, "from") == 0)
		return parse_choice(key, value, "now", "first", &v->first, err);
	if (strcmp(key, "validate") == 0)
		return parse_choice(key, value, "no", "yes", &v->validate, err);
	if (strcmp(key, "header") == 0)
		return copy_name(v->header_secret, sizeof v->header_secret, key, value, err);
	if (strcmp(key, "query") == 0)
		return copy_name(v->query_secret, sizeof v->query_secret, key, value, err);
	return err_set(err, -EINVAL, "there is no key '%s'", key);
}

/* A URL that curl takes as it is, without a fragment and without a password, which a log would show. */
static int
parse_url(struct event_receiver *v, const char *url, struct err *err)
{
	const char *host = strstr(url, "://");
	size_t i;

	for (i = 0; url[i] != '\0'; i++)
		if ((unsigned char)url[i] <= ' ' || (unsigned char)url[i] >= 0x7F || url[i] == '#')
			return err_set(err, -EINVAL, "its URL has a character that must be escaped");
	if (strlen(url) >= sizeof v->url)
		return err_set(err, -EINVAL, "its URL is longer than %d bytes", EVENT_URL_MAX - 1);
	strcpy(v->url, url);
	if (strncmp(url, "file:///", 8) == 0) {
		strcpy(v->path, url + 7);
		return 0;
	}
	if (host == NULL || (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) ||
	    host[3 + strcspn(host + 3, "/?")] == host[3])
		return err_set(err, -EINVAL, "its URL begins with none of https://HOST, http://HOST and file:///");
	if (memchr(host + 3, '@', strcspn(host + 3, "/?")) != NULL)
		return err_set(err, -EINVAL, "its URL must not have a password: use header=");
	return 0;
}

int
event_receiver_parse(const char *text, struct event_receiver *v, struct err *err)
{
	char *copy = strdup(text), *state = NULL, *word, *equals;
	int r = 0;

	*v = (struct event_receiver){ .actions = ALL_ACTIONS, .validate = true };
	if (copy == NULL)
		return err_set(err, -ENOMEM, "no memory");
	word = strtok_r(copy, " \t", &state);
	if (word == NULL || !store_name_is_valid(word)) {
		r = err_set(err, -EINVAL, "a receiver of events is NAME URL [KEY=VALUE]...");
		goto out;
	}
	strcpy(v->name, word);
	word = strtok_r(NULL, " \t", &state);
	r = word != NULL ? parse_url(v, word, err) : err_set(err, -EINVAL, "its URL is missing");
	while (r == 0 && (word = strtok_r(NULL, " \t", &state)) != NULL) {
		equals = strchr(word, '=');
		if (equals == NULL) {
			r = err_set(err, -EINVAL, "'%s' is not of the form KEY=VALUE", word);
			break;
		}
		*equals = '\0';
		r = parse_key(v, word, equals + 1, err);
	}
	if (r == 0 && v->path[0] != '\0' && (v->header_secret[0] != '\0' || v->query_secret[0] != '\0'))
		r = err_set(err, -EINVAL, "a file takes no secrets");
	if (r < 0)
		err_prefix(err, "receiver %s", v->name);
out:
	free(copy);
	return r;
}

/* -- secrets -------------------------------------------------------------- */

bool
event_header_is_valid(const char *text)
{
	size_t name = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
	const char *p;

	if (name == 0 || text[name] != ':')
		return false;
	for (p = text + name; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7F)
			return false;
	return true;
}

bool
event_query_is_valid(const char *text)
{
	const char *p;

	for (p = text; *p != '\0'; p++)
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7F || *p == '#')
			return false;
	return strchr(text, '=') != NULL && *text != '=';
}

/* -- filters -------------------------------------------------------------- */

/* Whole subjects differ by case, and so do filters. */
bool
event_receiver_wants(const struct event_receiver *v, const struct event_source *source, const struct change_entry *e)
{
	size_t begins = strlen(v->begins), ends = strlen(v->ends);
	struct buf subject;
	bool wants;

	if ((v->actions & 1u << e->change.action) == 0)
		return false;
	if (begins == 0 && ends == 0)
		return true;
	buf_init(&subject, 2048);
	event_put_subject(source, e, &subject);
	wants = buf_error(&subject) == 0 && subject.len >= begins && subject.len >= ends &&
		memcmp(subject.data, v->begins, begins) == 0 &&
		memcmp(subject.data + subject.len - ends, v->ends, ends) == 0;
	buf_fini(&subject);
	return wants;
}
