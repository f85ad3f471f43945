/* What a destination is: from URIs, connection strings and back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include "destination/private.h"

#define URI_MAX 2048
#define EMULATOR "devstoreaccount1"
/* Known to everybody: it is in the documentation of the emulators. */
#define EMULATOR_KEY "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
#define EMULATOR_ENDPOINT "http://127.0.0.1:10000/" EMULATOR

/* A string of its own, or why not. */
static int
set(char **to, const char *text, size_t len, struct err *err)
{
	char *copy = strndup(text, len);

	if (copy == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	free(*to);
	*to = copy;
	return 0;
}

static void
wipe(char **secret)
{
	if (*secret != NULL)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

void
destination_spec_fini(struct destination_spec *s)
{
	free(s->uri);
	free(s->root);
	free(s->endpoint);
	free(s->region);
	wipe(&s->sas);
	wipe(&s->account);
	wipe(&s->key);
	wipe(&s->session);
	*s = (struct destination_spec){ 0 };
}

/* -- names ---------------------------------------------------------------- */

static bool
is_plain(const char *text, size_t len, const char *others)
{
	size_t i;

	for (i = 0; i < len; i++) {
		char c = text[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      (c != '\0' && strchr(others, c) != NULL)))
			return false;
	}
	return len > 0;
}

/* Lower case letters, digits and dashes; $root and $logs are containers too. */
static bool
is_container(const char *text, size_t len)
{
	return len < 64 && is_plain(text + (len > 0 && *text == '$'), len - (len > 0 && *text == '$'), "-");
}

int
azure_name_of(const char *uri, struct azure_name *name, struct err *err)
{
	const char *host = strstr(uri, "://"), *path, *slash;
	size_t host_len, len;

	if (host == NULL || (strncasecmp(uri, "https://", 8) != 0 && strncasecmp(uri, "http://", 7) != 0))
		return err_set(err, -EINVAL, "the URI of a container begins with https:// or http://");
	host += 3;
	host_len = strcspn(host, "/");
	/* No user information: what stands before an @ would be taken for the host by a hasty reader. */
	if (host_len > 200 || !is_plain(host, host_len, ".-:[]"))
		return err_set(err, -EINVAL, "the URI of the container names no host");
	snprintf(name->origin, sizeof name->origin, "%.*s", (int)(host - uri + (ptrdiff_t)host_len), uri);
	path = host + host_len;
	path += *path == '/';
	len = strcspn(path, "/");
	slash = path[len] == '/' && path[len + 1] != '\0' ? path + len + 1 : NULL;
	if (slash != NULL) {
		/* The emulators' way: the account stands in the path. */
		if (len >= sizeof name->account || !is_plain(path, len, "-"))
			return err_set(err, -EINVAL, "the URI of the container names no account");
		snprintf(name->account, sizeof name->account, "%.*s", (int)len, path);
		path = slash;
		len = strcspn(path, "/");
	} else {
		size_t label = strcspn(host, ".:/");

		snprintf(name->account, sizeof name->account, "%.*s", (int)(label < 63 ? label : 63), host);
	}
	if (path[len] == '/' && path[len + 1] != '\0')
		return err_set(err, -EINVAL, "the URI names more than a container");
	if (!is_container(path, len))
		return err_set(err, -EINVAL, "the URI names no container");
	snprintf(name->container, sizeof name->container, "%.*s", (int)len, path);
	snprintf(name->base, sizeof name->base, "%s%s%s/%s", name->origin, slash != NULL ? "/" : "",
		 slash != NULL ? name->account : "", name->container);
	return 0;
}

int
s3_name_of(const char *uri, char bucket[64], char prefix[256], struct err *err)
{
	const char *p = uri + strlen("s3://"), *rest;
	size_t len = strcspn(p, "/"), n;

	if (len < 3 || len > 63 || !is_plain(p, len, ".-"))
		return err_set(err, -EINVAL, "s3://BUCKET[/PREFIX]: '%.80s' is no bucket", p);
	snprintf(bucket, 64, "%.*s", (int)len, p);
	rest = p + len;
	while (*rest == '/')
		rest++;
	n = strlen(rest);
	while (n > 0 && rest[n - 1] == '/')
		n--;
	if (n > 200 || (n > 0 && !is_plain(rest, n, "._-/")) || strstr(rest, "//") != NULL)
		return err_set(err, -EINVAL, "s3://BUCKET/PREFIX: a prefix has at most 200 letters, digits, '.', '_', '-' and '/'");
	snprintf(prefix, 256, "%.*s", (int)n, rest);
	return 0;
}

/* -- a URI ---------------------------------------------------------------- */

/* An absolute path without "." and ".." in it; percent signs are not understood but refused. */
static int
check_path(const char *path, struct err *err)
{
	const char *p = path, *end;

	if (*path != '/')
		return err_set(err, -EINVAL, "file:///DIR: the path must be absolute");
	while (*p != '\0') {
		p += strspn(p, "/");
		end = p + strcspn(p, "/");
		if ((end - p == 1 && p[0] == '.') || (end - p == 2 && p[0] == '.' && p[1] == '.'))
			return err_set(err, -EINVAL, "file:///DIR: '.' and '..' are not allowed");
		if (memchr(p, '%', (size_t)(end - p)) != NULL)
			return err_set(err, -EINVAL, "file:///DIR: escapes are not understood");
		p = end;
	}
	return 0;
}

static int
check_spec(const struct destination_spec *s, struct err *err)
{
	struct azure_name name;
	char bucket[64], prefix[256];

	switch (s->kind) {
	case DESTINATION_AZURE:
		return azure_name_of(s->uri, &name, err);
	case DESTINATION_S3:
		return s3_name_of(s->uri, bucket, prefix, err);
	case DESTINATION_FILE:
		return check_path(s->uri + strlen("file://"), err);
	}
	return err_set(err, -EINVAL, "no destination");
}

int
destination_spec_of_uri(const char *uri, struct destination_spec *ret_spec, struct err *err)
{
	struct destination_spec s = { 0 };
	size_t len = strcspn(uri, "?#"), i;
	int r;

	/* The name of a directory is taken as it is. */
	for (i = 0; uri[i] != '\0'; i++)
		if ((unsigned char)uri[i] < ' ' || uri[i] == 0x7F ||
		    ((uri[i] == ' ' || (unsigned char)uri[i] > 0x7F) && strncmp(uri, "file:///", 8) != 0))
			return err_set(err, -EINVAL, "the URI of the destination has characters that must be escaped");
	if (i > URI_MAX)
		return err_set(err, -EINVAL, "the URI of the destination is longer than %d characters", URI_MAX);
	if (strncasecmp(uri, "https://", 8) == 0 || strncasecmp(uri, "http://", 7) == 0)
		s.kind = DESTINATION_AZURE;
	else if (strncmp(uri, "s3://", 5) == 0)
		s.kind = DESTINATION_S3;
	else if (strncmp(uri, "file:///", 8) == 0)
		s.kind = DESTINATION_FILE;
	else
		return err_set(err, -EINVAL, "the URI of a destination begins with https://, s3:// or file:///");
	if (uri[len] == '#' || (uri[len] == '?' && s.kind != DESTINATION_AZURE))
		return err_set(err, -EINVAL, "the URI of the destination has a part too many after '%c'", uri[len]);
	if (strchr(uri + len, '#') != NULL)
		return err_set(err, -EINVAL, "the URI of the destination has a fragment");
	if (uri[len] == '?' && uri[len + 1] != '\0')
		r = set(&s.sas, uri + len + 1, strlen(uri + len + 1), err);
	else
		r = 0;
	/* The slashes at its end, but none of those that begin it. */
	while (len > strlen("file:///") && uri[len - 1] == '/')
		len--;
	if (r == 0)
		r = set(&s.uri, uri, len, err);
	if (r == 0)
		r = check_spec(&s, err);
	if (r < 0)
		destination_spec_fini(&s);
	else
		*ret_spec = s;
	return r;
}

/* -- a connection string -------------------------------------------------- */

struct connection {
	char protocol[16], account[64], key[256], suffix[128], endpoint[512], sas[1024];
	bool emulator;
};

static int
take_field(struct connection *c, const char *name, size_t name_len, const char *value, size_t len, struct err *err)
{
	struct {
		const char *name;
		char *to;
		size_t size;
	} fields[] = {
		{ "DefaultEndpointsProtocol", c->protocol, sizeof c->protocol },
		{ "AccountName", c->account, sizeof c->account },
		{ "AccountKey", c->key, sizeof c->key },
		{ "EndpointSuffix", c->suffix, sizeof c->suffix },
		{ "BlobEndpoint", c->endpoint, sizeof c->endpoint },
		{ "SharedAccessSignature", c->sas, sizeof c->sas },
	};
	size_t i;

	/* Some of it becomes part of a URL or of a header. */
	for (i = 0; i < len; i++)
		if ((unsigned char)value[i] <= ' ' || (unsigned char)value[i] >= 0x7F)
			return err_set(err, -EINVAL, "connection string: a value has characters that cannot be in one");
	if (name_len == 21 && strncasecmp(name, "UseDevelopmentStorage", name_len) == 0) {
		c->emulator = len == 4 && strncasecmp(value, "true", 4) == 0;
		return 0;
	}
	for (i = 0; i < sizeof fields / sizeof *fields; i++) {
		if (strlen(fields[i].name) != name_len || strncasecmp(fields[i].name, name, name_len) != 0)
			continue;
		if (len >= fields[i].size)
			return err_set(err, -EINVAL, "connection string: %s is too long", fields[i].name);
		memcpy(fields[i].to, value, len);
		fields[i].to[len] = '\0';
		return 0;
	}
	return 0;		/* of queues, tables and files */
}

static int
parse_connection(const char *text, struct connection *c, struct err *err)
{
	int r;

	while (*text != '\0') {
		size_t len = strcspn(text, ";"), name = strcspn(text, "=");

		if (len > 0) {
			if (name >= len)
				return err_set(err, -EINVAL, "connection string: not of the form Name=Value;Name=Value");
			r = take_field(c, text, name, text + name + 1, len - name - 1, err);
			if (r < 0)
				return r;
		}
		text += len + (text[len] == ';');
	}
	return 0;
}

int
destination_spec_of_connection(const char *text, const char *container, struct destination_spec *ret_spec, struct err *err)
{
	struct connection c = { .protocol = "https", .suffix = "core.windows.net" };
	struct destination_spec s = { 0 };
	const char *sas;
	char uri[1024];
	int r = parse_connection(text, &c, err);

	if (r < 0)
		goto out;
	if (c.emulator) {
		strcpy(c.account, EMULATOR);
		strcpy(c.key, EMULATOR_KEY);
		if (c.endpoint[0] == '\0')
			strcpy(c.endpoint, EMULATOR_ENDPOINT);
	}
	if (c.endpoint[0] == '\0' && c.account[0] == '\0') {
		r = err_set(err, -EINVAL, "connection string: it has neither AccountName nor BlobEndpoint");
		goto out;
	}
	if (c.endpoint[0] == '\0')
		snprintf(c.endpoint, sizeof c.endpoint, "%s://%s.blob.%s", c.protocol, c.account, c.suffix);
	while (c.endpoint[0] != '\0' && c.endpoint[strlen(c.endpoint) - 1] == '/')
		c.endpoint[strlen(c.endpoint) - 1] = '\0';
	if (!is_container(container, strlen(container))) {
		r = err_set(err, -EINVAL, "'%.80s' is no name of a container", container);
		goto out;
	}
	if (strpbrk(c.endpoint, "?#") != NULL) {
		r = err_set(err, -EINVAL, "connection string: BlobEndpoint has a query");
		goto out;
	}
	snprintf(uri, sizeof uri, "%s/%s", c.endpoint, container);
	r = destination_spec_of_uri(uri, &s, err);
	if (r == 0 && s.kind != DESTINATION_AZURE)
		r = err_set(err, -EINVAL, "connection string: BlobEndpoint begins with https:// or http://");
	sas = c.sas + (c.sas[0] == '?');
	if (r == 0 && *sas != '\0')
		r = set(&s.sas, sas, strlen(sas), err);
	if (r == 0 && c.key[0] != '\0' && s.sas == NULL) {
		struct azure_name name;

		r = azure_name_of(s.uri, &name, err);
		if (r == 0)
			r = set(&s.account, c.account[0] != '\0' ? c.account : name.account,
				strlen(c.account[0] != '\0' ? c.account : name.account), err);
		if (r == 0)
			r = set(&s.key, c.key, strlen(c.key), err);
	}
	if (r < 0)
		destination_spec_fini(&s);
	else
		*ret_spec = s;
out:
	explicit_bzero(&c, sizeof c);
	return r;
}

bool
destination_is_emulator(const struct destination_spec *s)
{
	return s->kind == DESTINATION_AZURE && s->account != NULL && strcmp(s->account, EMULATOR) == 0;
}

bool
destination_is_private(const struct destination_spec *s)
{
	const char *host;
	size_t len;

	if (s->kind != DESTINATION_AZURE || strncasecmp(s->uri, "http://", 7) != 0)
		return true;
	host = s->uri + 7;
	len = strcspn(host, ":/");
	return (len == 9 && strncasecmp(host, "localhost", 9) == 0) || (len == 9 && strncmp(host, "127.0.0.1", 9) == 0);
}

/* -- to text and back ----------------------------------------------------- */

struct member {
	const char *name;
	char **text;
};

#define MEMBERS 8

static void
members_of(struct destination_spec *s, struct member members[MEMBERS])
{
	const struct member all[MEMBERS] = {
		{ "uri", &s->uri }, { "root", &s->root }, { "endpoint", &s->endpoint }, { "region", &s->region },
		{ "sas", &s->sas }, { "account", &s->account }, { "key", &s->key }, { "session", &s->session },
	};

	memcpy(members, all, sizeof all);
}

int
destination_spec_write(const struct destination_spec *spec, struct buf *out)
{
	struct destination_spec s = *spec;
	struct member members[MEMBERS];
	size_t i;

	members_of(&s, members);
	buf_printf(out, "{\"kind\":%d,\"managedIdentity\":%s", s.kind, s.managed_identity ? "true" : "false");
	for (i = 0; i < MEMBERS; i++)
		if (*members[i].text != NULL) {
			buf_printf(out, ",\"%s\":", members[i].name);
			buf_put_json_string(out, *members[i].text, strlen(*members[i].text));
		}
	buf_puts(out, "}\n");
	return buf_error(out);
}

int
destination_spec_read(const char *text, size_t len, struct destination_spec *ret_spec, struct err *err)
{
	json_t *json = json_loadb(text, len, 0, NULL), *value;
	struct destination_spec s = { 0 };
	struct member members[MEMBERS];
	int r = 0;
	size_t i;

	members_of(&s, members);
	for (i = 0; i < MEMBERS && r == 0; i++) {
		value = json_object_get(json, members[i].name);
		if (json_is_string(value))
			r = set(members[i].text, json_string_value(value), json_string_length(value), err);
	}
	s.kind = (enum destination_kind)json_integer_value(json_object_get(json, "kind"));
	s.managed_identity = json_is_true(json_object_get(json, "managedIdentity"));
	json_decref(json);
	if (r == 0 && s.uri == NULL)
		r = err_set(err, -EINVAL, "no destination");
	if (r == 0) {
		struct destination_spec again = { 0 };

		/* Of the kind it says: what is read is as good as what was parsed. */
		r = destination_spec_of_uri(s.uri, &again, err);
		if (r == 0 && (again.kind != s.kind || again.sas != NULL))
			r = err_set(err, -EINVAL, "no destination");
		destination_spec_fini(&again);
	}
	if (r < 0)
		destination_spec_fini(&s);
	else
		*ret_spec = s;
	return r;
}
