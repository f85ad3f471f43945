#include "conf/conf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/log.h"

/* Ceilings: a configuration is written by hand. */
#define FILE_BYTES_MAX (256 * 1024)
#define VALUE_MAX 8192

enum source { SOURCE_DEFAULT, SOURCE_FILE, SOURCE_STORE, SOURCE_ARGS };

static const struct option {
	const char *name;
	unsigned where;
	enum conf_type type;
	const char *argument;		/* NULL for a flag */
	const char *value;		/* the default, NULL none */
	uint64_t min, max;
	const char *help;
} options[OPT_MAX] = {
#define OPTION(id, name, where, type, argument, default, min, max, help) \
	[OPT_##id] = { name, where, type, argument, default, min, max, help },
#include "conf/options.tbl"
#undef OPTION
};

struct conf {
	struct {
		enum source source;
		char *text;		/* NULL: unset, or a flag */
		uint64_t number;
	} values[OPT_MAX];
};

int
conf_find(const char *name, unsigned command, enum conf_option *ret_option)
{
	int i;

	for (i = 0; i < OPT_MAX; i++)
		if ((options[i].where & command) != 0 && strcmp(options[i].name, name) == 0) {
			*ret_option = (enum conf_option)i;
			return 0;
		}
	return -ENOENT;
}

/* ------------------------------------------------------------ values ---- */

static const struct unit {
	enum conf_type type;
	const char *name;
	uint64_t factor;
} units[] = {
	{ CONF_SIZE, "K", 1ull << 10 }, { CONF_SIZE, "M", 1ull << 20 },
	{ CONF_SIZE, "G", 1ull << 30 }, { CONF_SIZE, "T", 1ull << 40 },
	{ CONF_DURATION, "ms", 1 }, { CONF_DURATION, "s", 1000 },
	{ CONF_DURATION, "m", 60000 }, { CONF_DURATION, "h", 3600000 },
	{ CONF_DURATION, "d", 86400000 },
};

int
conf_parse_number(enum conf_type type, const char *text, uint64_t *ret_number)
{
	uint64_t number = 0, factor = 1;
	const char *p = text;
	size_t i;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (number > (UINT64_MAX - 9) / 10)
			return -ERANGE;
		number = number * 10 + (uint64_t)(*p - '0');
	}
	if (type == CONF_DURATION && *p == '\0' && number != 0)
		return -EINVAL;		/* 30 what? */
	if (*p != '\0') {
		for (i = 0; i < sizeof units / sizeof *units; i++)
			if (units[i].type == type && strcmp(units[i].name, p) == 0)
				break;
		if (i == sizeof units / sizeof *units)
			return -EINVAL;
		factor = units[i].factor;
	}
	if (number > UINT64_MAX / factor)
		return -ERANGE;
	*ret_number = number * factor;
	return 0;
}

int
conf_parse_address(const char *text, char host[CONF_HOST_MAX], unsigned *ret_port, bool *ret_loopback)
{
	const char *colon = strrchr(text, ':'), *port = colon == NULL ? text : colon + 1;
	char name[CONF_HOST_MAX];
	struct in_addr in;
	uint64_t number;
	size_t len;

	len = colon == NULL ? 0 : (size_t)(colon - text);
	if (len >= sizeof name)
		return -EINVAL;
	memcpy(name, text, len);
	name[len] = '\0';
	if (colon == NULL || strcmp(name, "localhost") == 0)
		strcpy(name, "127.0.0.1");
	if (inet_pton(AF_INET, name, &in) != 1)
		return -EINVAL;
	if (conf_parse_number(CONF_COUNT, port, &number) < 0 || number > 65535)
		return -EINVAL;
	inet_ntop(AF_INET, &in, host, CONF_HOST_MAX);
	*ret_port = (unsigned)number;
	*ret_loopback = ntohl(in.s_addr) >> 24 == 127;
	return 0;
}

/* A number as a person would write it in the unit of the option. */
static const char *
format_number(enum conf_type type, uint64_t number, char text[32])
{
	size_t i, best = SIZE_MAX;

	for (i = 0; i < sizeof units / sizeof *units; i++)
		if (units[i].type == type && number != 0 && number % units[i].factor == 0)
			best = i;
	if (best == SIZE_MAX)
		snprintf(text, 32, "%llu", (unsigned long long)number);
	else
		snprintf(text, 32, "%llu%s", (unsigned long long)(number / units[best].factor),
			 units[best].name);
	return text;
}

/* what: how the user named the option ("--listen", "lake.conf:3: listen"). */
static int
parse_value(const struct option *o, const char *what, const char *text, uint64_t *ret_number, struct err *err)
{
	char host[CONF_HOST_MAX], low[32], high[32];
	enum log_level level;
	uint64_t number = 0;
	unsigned port;
	bool loopback;
	int r;

	if (strlen(text) > VALUE_MAX)
		return err_set(err, -EINVAL, "%s: the value is longer than %d bytes", what, VALUE_MAX);
	switch (o->type) {
	case CONF_FLAG:
		if (strcmp(text, "yes") == 0 || strcmp(text, "true") == 0 || strcmp(text, "on") == 0)
			number = 1;
		else if (strcmp(text, "no") != 0 && strcmp(text, "false") != 0 && strcmp(text, "off") != 0)
			return err_set(err, -EINVAL, "%s: '%s' is neither yes nor no", what, text);
		break;
	case CONF_TEXT:
	case CONF_LIST:
		if (*text == '\0')
			return err_set(err, -EINVAL, "%s: a value is needed", what);
		break;
	case CONF_COUNT:
	case CONF_SIZE:
	case CONF_DURATION:
		r = conf_parse_number(o->type, text, &number);
		if (r == -EINVAL)
			return err_set(err, r, "%s: '%s' is not a number%s", what, text,
				       o->type == CONF_SIZE ? " with K, M, G or T or without a unit" :
				       o->type == CONF_DURATION ? " with ms, s, m, h or d" : "");
		if (r < 0 || number < o->min || number > o->max)
			return err_set(err, -EINVAL, "%s: %s is outside %s to %s", what, text,
				       format_number(o->type, o->min, low),
				       format_number(o->type, o->max, high));
		break;
	case CONF_ADDRESS:
		if (conf_parse_address(text, host, &port, &loopback) < 0)
			return err_set(err, -EINVAL, "%s: '%s' is not an IPv4 address (or localhost), a colon and a port",
				       what, text);
		break;
	case CONF_LEVEL:
		if (log_level_parse(text, &level) < 0)
			return err_set(err, -EINVAL, "%s: '%s' is none of error, warning, info, debug", what, text);
		number = level;
		break;
	}
	*ret_number = number;
	return 0;
}

static int
put_value(struct conf *c, enum conf_option option, enum source source, const char *what,
	  const char *text, struct err *err)
{
	const struct option *o = &options[option];
	char *copy = NULL, *old = c->values[option].text;
	uint64_t number = 0;
	int r;

	r = parse_value(o, what, text, &number, err);
	if (r < 0)
		return r;
	if (source < c->values[option].source)
		return 0;
	if (o->type == CONF_LIST && old != NULL && source == c->values[option].source) {
		if (strlen(old) + strlen(text) > VALUE_MAX)
			return err_set(err, -EINVAL, "%s: the list is longer than %d bytes", what, VALUE_MAX);
		if (asprintf(&copy, "%s,%s", old, text) < 0)
			return err_set(err, -ENOMEM, "no memory");
	} else if (o->type != CONF_FLAG) {
		copy = strdup(text);
		if (copy == NULL)
			return err_set(err, -ENOMEM, "no memory");
	}
	free(old);
	c->values[option].text = copy;
	c->values[option].number = number;
	c->values[option].source = source;
	return 0;
}

int
conf_set(struct conf *c, enum conf_option option, const char *value, struct err *err)
{
	return put_value(c, option, SOURCE_ARGS, options[option].name, value == NULL ? "yes" : value, err);
}

int
conf_new(struct conf **ret_conf)
{
	struct conf *c = calloc(1, sizeof *c);
	int i;

	if (c == NULL)
		return -ENOMEM;
	for (i = 0; i < OPT_MAX; i++)
		if (options[i].value != NULL &&
		    put_value(c, (enum conf_option)i, SOURCE_DEFAULT, options[i].name, options[i].value, NULL) < 0) {
			conf_free(c);
			return -ENOMEM;
		}
	*ret_conf = c;
	return 0;
}

int
conf_copy(const struct conf *c, struct conf **ret_copy)
{
	struct conf *copy = calloc(1, sizeof *copy);
	int i;

	if (copy == NULL)
		return -ENOMEM;
	for (i = 0; i < OPT_MAX; i++) {
		copy->values[i] = c->values[i];
		copy->values[i].text = c->values[i].text != NULL ? strdup(c->values[i].text) : NULL;
	}
	for (i = 0; i < OPT_MAX; i++)
		if ((c->values[i].text != NULL) != (copy->values[i].text != NULL)) {
			conf_free(copy);
			return -ENOMEM;
		}
	*ret_copy = copy;
	return 0;
}

void
conf_free(struct conf *c)
{
	int i;

	if (c == NULL)
		return;
	for (i = 0; i < OPT_MAX; i++)
		free(c->values[i].text);
	free(c);
}

bool
conf_is_set(const struct conf *c, enum conf_option option)
{
	return c->values[option].source != SOURCE_DEFAULT;
}

bool
conf_flag(const struct conf *c, enum conf_option option)
{
	return c->values[option].number != 0;
}

const char *
conf_text(const struct conf *c, enum conf_option option)
{
	return c->values[option].text;
}

uint64_t
conf_number(const struct conf *c, enum conf_option option)
{
	return c->values[option].number;
}

/* ------------------------------------------------------ command line ---- */

int
conf_parse_args(struct conf *c, unsigned command, int argc, char **argv, int *ret_operands, struct err *err)
{
	int operands = 0, i, r;

	for (i = 0; i < argc; i++) {
		const char *value;
		char *arg = argv[i], name[64], what[sizeof name + 2];
		enum conf_option option;

		if (arg[0] != '-' || arg[1] == '\0') {
			argv[operands++] = arg;
			continue;
		}
		if (strcmp(arg, "--") == 0) {
			while (++i < argc)
				argv[operands++] = argv[i];
			break;
		}
		if (arg[1] == 'o' && (command & CONF_MOUNT) != 0) {
			/* -o OPTIONS, as every mount command has it */
			strcpy(name, "mount-options");
			strcpy(what, "-o");
			value = arg[2] != '\0' ? arg + 2 : NULL;
		} else if (arg[1] != '-') {
			return err_set(err, -EINVAL, "there is no option %s", arg);
		} else {
			size_t len = strcspn(arg + 2, "=");

			value = arg[2 + len] == '=' ? arg + 2 + len : NULL;
			if (len >= sizeof name)
				len = sizeof name - 1;
			memcpy(name, arg + 2, len);
			name[len] = '\0';
			snprintf(what, sizeof what, "--%s", name);
			if (value != NULL)
				value++;
		}
		if (conf_find(name, command, &option) < 0)
			return err_set(err, -EINVAL, "there is no option --%s", name);
		if (options[option].type == CONF_FLAG) {
			if (value != NULL)
				return err_set(err, -EINVAL, "%s takes no value", what);
			value = "yes";
		} else if (value == NULL) {
			if (i + 1 == argc)
				return err_set(err, -EINVAL, "%s needs a value: %s", what,
					       options[option].argument);
			value = argv[++i];
		}
		r = put_value(c, option, SOURCE_ARGS, what, value, err);
		if (r < 0)
			return r;
	}
	*ret_operands = operands;
	return 0;
}

void
conf_print_help(FILE *out, unsigned command)
{
	char left[48], range[96], low[32], high[32];
	int i;

	for (i = 0; i < OPT_MAX; i++) {
		const struct option *o = &options[i];

		if ((o->where & command) == 0)
			continue;
		snprintf(left, sizeof left, "--%s%s%s", o->name, o->argument != NULL ? " " : "",
			 o->argument != NULL ? o->argument : "");
		range[0] = '\0';
		if (o->max != 0 && o->min != 0)
			snprintf(range, sizeof range, " (%s to %s)", format_number(o->type, o->min, low),
				 format_number(o->type, o->max, high));
		fprintf(out, "  %-27s%s%s", left, o->help, range);
		if (o->value != NULL && strcmp(o->value, "0") != 0)
			fprintf(out, " [%s]", o->value);
		fputc('\n', out);
	}
}

/* -------------------------------------------------------------- file ---- */

static size_t
trim(const char **p, size_t len)
{
	while (len > 0 && (**p == ' ' || **p == '\t')) {
		(*p)++;
		len--;
	}
	while (len > 0 && ((*p)[len - 1] == ' ' || (*p)[len - 1] == '\t' || (*p)[len - 1] == '\r'))
		len--;
	return len;
}

static int
parse_line(struct conf *c, enum source source, const char *name, unsigned number, const char *line, size_t len, struct err *err)
{
	char key[64], value[VALUE_MAX + 1], what[256];
	const char *equals, *p;
	enum conf_option option;
	size_t n;

	len = trim(&line, len);
	if (len == 0 || *line == '#')
		return 0;
	if (memchr(line, '\0', len) != NULL)
		return err_set(err, -EINVAL, "%s:%u: a NUL byte", name, number);
	equals = memchr(line, '=', len);
	if (equals == NULL)
		return err_set(err, -EINVAL, "%s:%u: not of the form key = value", name, number);
	p = line;
	n = trim(&p, (size_t)(equals - line));
	if (n >= sizeof key)
		return err_set(err, -EINVAL, "%s:%u: there is no option of such a long name", name, number);
	memcpy(key, p, n);
	key[n] = '\0';
	if (conf_find(key, CONF_IN_FILE, &option) < 0)
		return err_set(err, -EINVAL, "%s:%u: there is no option '%s'", name, number, key);
	if (source == SOURCE_STORE && (options[option].where & CONF_IN_STORE) == 0)
		return err_set(err, -EINVAL, "%s:%u: '%s' is not about a store: it belongs into the file of --config", name,
			       number, key);
	p = equals + 1;
	n = trim(&p, len - (size_t)(p - line));
	if (n > VALUE_MAX)
		return err_set(err, -EINVAL, "%s:%u: the value is longer than %d bytes", name, number, VALUE_MAX);
	memcpy(value, p, n);
	value[n] = '\0';
	snprintf(what, sizeof what, "%s:%u: %s", name, number, key);
	return put_value(c, option, source, what, value, err);
}

static int
parse_text(struct conf *c, enum source source, const char *name, const char *text, size_t len, struct err *err)
{
	unsigned number;
	int r;

	for (number = 1; len > 0; number++) {
		const char *end = memchr(text, '\n', len);
		size_t n = end == NULL ? len : (size_t)(end - text);

		r = parse_line(c, source, name, number, text, n, err);
		if (r < 0)
			return r;
		n += end != NULL;
		text += n;
		len -= n;
	}
	return 0;
}

int
conf_parse_text(struct conf *c, const char *name, const char *text, size_t len, struct err *err)
{
	return parse_text(c, SOURCE_FILE, name, text, len, err);
}

static int
parse_file(struct conf *c, enum source source, const char *path, struct err *err)
{
	char *text = NULL;
	struct stat sb;
	ssize_t n;
	int fd, r;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && source == SOURCE_STORE)
		return 0;
	if (fd < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	/* It is read unasked. */
	if (source == SOURCE_STORE && fstat(fd, &sb) == 0 &&
	    ((sb.st_uid != geteuid() && sb.st_uid != 0) || (sb.st_mode & S_IWOTH) != 0)) {
		r = err_set(err, -EACCES, "%s: it is somebody else's, or everybody may write it", path);
		goto out;
	}
	text = malloc(FILE_BYTES_MAX + 1);
	if (text == NULL) {
		r = err_set(err, -ENOMEM, "no memory");
		goto out;
	}
	n = io_pread_all(fd, text, FILE_BYTES_MAX + 1, 0);
	if (n < 0) {
		r = err_set(err, (int)n, "%s: %s", path, strerror((int)-n));
		goto out;
	}
	if (n > FILE_BYTES_MAX) {
		r = err_set(err, -EFBIG, "%s: longer than %d bytes", path, FILE_BYTES_MAX);
		goto out;
	}
	r = parse_text(c, source, path, text, (size_t)n, err);
out:
	free(text);
	close(fd);
	return r;
}

int
conf_parse_file(struct conf *c, const char *path, struct err *err)
{
	return parse_file(c, SOURCE_FILE, path, err);
}

int
conf_parse_store_file(struct conf *c, const char *path, struct err *err)
{
	return parse_file(c, SOURCE_STORE, path, err);
}
