#include "store/tiers_conf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/conf.h"

static const char *const names[STORE_TIERS] = {
	[STORE_HOT] = "hot", [STORE_COOL] = "cool", [STORE_COLD] = "cold", [STORE_ARCHIVE] = "archive",
};

const char *
store_tier_name(enum store_tier tier)
{
	return (unsigned)tier < STORE_TIERS ? names[tier] : "unknown";
}

int
store_tier_parse(const char *text, size_t len, enum store_tier *ret_tier)
{
	unsigned i;

	for (i = 0; i < STORE_TIERS; i++)
		if (strlen(names[i]) == len && memcmp(names[i], text, len) == 0) {
			*ret_tier = (enum store_tier)i;
			return 0;
		}
	return -EINVAL;
}

/* -- lines ---------------------------------------------------------------- */

struct line {
	const char *file;
	unsigned number;
	struct err *err;
};

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of a text that ends with NUL, cut out in place; "" at the end. */
static char *
next_word(char **p)
{
	char *word;

	while (is_space(**p))
		(*p)++;
	word = *p;
	while (**p != '\0' && !is_space(**p))
		(*p)++;
	if (**p != '\0')
		*(*p)++ = '\0';
	return word;
}

static int
parse_tier(const struct line *l, const char *word, enum store_tier *ret_tier)
{
	if (store_tier_parse(word, strlen(word), ret_tier) == 0)
		return 0;
	return err_set(l->err, -EINVAL, "%s:%u: '%.40s' is none of hot, cool, cold, archive", l->file, l->number, word);
}

static int
take_tier(const struct line *l, char *value, struct tiers_conf *conf)
{
	enum store_tier tier;
	const char *word = next_word(&value);
	size_t len;
	int r = parse_tier(l, word, &tier);

	if (r < 0)
		return r;
	if (tier == STORE_HOT)
		return err_set(l->err, -EINVAL, "%s:%u: the tier hot is the store's own directory", l->file, l->number);
	while (is_space(*value))
		value++;
	len = strlen(value);
	while (len > 1 && value[len - 1] == '/')
		value[--len] = '\0';
	if (value[0] != '/' || len < 2)
		return err_set(l->err, -EINVAL, "%s:%u: the directory of the tier %s must begin with a slash, and not be the root",
			       l->file, l->number, names[tier]);
	if (len >= BLOB_TIER_PATH_MAX)
		return err_set(l->err, -EINVAL, "%s:%u: the path is longer than %d bytes", l->file, l->number, BLOB_TIER_PATH_MAX - 1);
	if (conf->dirs[tier][0] != '\0')
		return err_set(l->err, -EINVAL, "%s:%u: the tier %s has a directory already", l->file, l->number, names[tier]);
	strcpy(conf->dirs[tier], value);
	return 0;
}

static int
take_time(const struct line *l, const char *key, const char *value, int64_t *ret_ns)
{
	uint64_t ms;

	if (conf_parse_number(CONF_DURATION, value, &ms) < 0 || ms > INT64_MAX / 1000000)
		return err_set(l->err, -EINVAL, "%s:%u: %s: '%.40s' is not a number with ms, s, m, h or d", l->file, l->number, key,
			       value);
	*ret_ns = (int64_t)ms * 1000000;
	return 0;
}

static int
take_text(const struct line *l, const char *key, const char *value, char *text, size_t size)
{
	if (*value == '\0' || strlen(value) >= size)
		return err_set(l->err, -EINVAL, "%s:%u: %s: '%.80s' can be none", l->file, l->number, key, value);
	strcpy(text, value);
	return 0;
}

static int
take_condition(const struct line *l, char *word, struct tier_rule *rule)
{
	char *value = strchr(word, '=');

	if (value == NULL)
		return err_set(l->err, -EINVAL, "%s:%u: '%.40s' is not of the form KEY=VALUE", l->file, l->number, word);
	*value++ = '\0';
	if (strcmp(word, "age") == 0)
		return take_time(l, word, value, &rule->age);
	if (strcmp(word, "unused") == 0)
		return take_time(l, word, value, &rule->unused);
	if (strcmp(word, "partition") == 0)
		return take_text(l, word, value, rule->partition, sizeof rule->partition);
	if (strcmp(word, "modality") == 0)
		return take_text(l, word, value, rule->modality, sizeof rule->modality);
	return err_set(l->err, -EINVAL, "%s:%u: '%.40s' is none of age, unused, partition, modality", l->file, l->number, word);
}

static int
take_rule(const struct line *l, char *value, struct tiers_conf *conf)
{
	struct tier_rule rule = { .tier = STORE_HOT };
	char *word = next_word(&value);
	int r = parse_tier(l, word, &rule.tier);

	while (r == 0 && *(word = next_word(&value)) != '\0')
		r = take_condition(l, word, &rule);
	if (r < 0)
		return r;
	if (conf->n_rules == TIER_RULES_MAX)
		return err_set(l->err, -EINVAL, "%s:%u: there are more than %d rules", l->file, l->number, TIER_RULES_MAX);
	conf->rules[conf->n_rules++] = rule;
	return 0;
}

static int
take_line(const struct line *l, char *text, struct tiers_conf *conf)
{
	char *equals, *key, *end;

	while (is_space(*text))
		text++;
	for (end = text + strlen(text); end > text && is_space(end[-1]); end--)
		end[-1] = '\0';
	if (*text == '\0' || *text == '#')
		return 0;
	equals = strchr(text, '=');
	if (equals == NULL)
		return err_set(l->err, -EINVAL, "%s:%u: not of the form key = value", l->file, l->number);
	*equals++ = '\0';
	key = next_word(&text);
	if (*next_word(&text) == '\0') {
		if (strcmp(key, "tier") == 0)
			return take_tier(l, equals, conf);
		if (strcmp(key, "rule") == 0)
			return take_rule(l, equals, conf);
	}
	return err_set(l->err, -EINVAL, "%s:%u: '%.40s' is neither tier nor rule", l->file, l->number, key);
}

int
tiers_conf_parse(const char *name, const char *text, size_t len, struct tiers_conf *conf, struct err *err)
{
	struct line l = { .file = name, .err = err };
	char *copy, *line, *next;
	int r = 0;
	size_t i;

	memset(conf, 0, sizeof *conf);
	if (len > TIERS_CONF_BYTES_MAX)
		return err_set(err, -EFBIG, "%s: longer than %d bytes", name, TIERS_CONF_BYTES_MAX);
	if (memchr(text, '\0', len) != NULL)
		return err_set(err, -EINVAL, "%s: a NUL byte", name);
	copy = malloc(len + 1);
	if (copy == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	memcpy(copy, text, len);
	copy[len] = '\0';
	for (line = copy; r == 0 && line != NULL; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		l.number++;
		r = take_line(&l, line, conf);
	}
	free(copy);
	for (i = 0; r == 0 && i < conf->n_rules; i++)
		if (conf->rules[i].tier != STORE_HOT && conf->dirs[conf->rules[i].tier][0] == '\0')
			r = err_set(err, -EINVAL, "%s: there is a rule for the tier %s, which has no directory", name,
				    names[conf->rules[i].tier]);
	return r;
}

/* -- rules ---------------------------------------------------------------- */

const struct tier_rule *
tiers_conf_match(const struct tiers_conf *conf, const struct tier_facts *f, int64_t (*unused)(void *ctx), void *ctx)
{
	size_t i;

	for (i = 0; i < conf->n_rules; i++) {
		const struct tier_rule *rule = &conf->rules[i];

		if ((rule->age == 0 || f->age >= rule->age) &&
		    (rule->partition[0] == '\0' || strcasecmp(rule->partition, f->partition) == 0) &&
		    (rule->modality[0] == '\0' || strcmp(rule->modality, f->modality) == 0) &&
		    (rule->unused == 0 || unused(ctx) >= rule->unused))
			return rule;
	}
	return NULL;
}
