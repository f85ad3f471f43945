/* The rules of PS3.5 table 6.2-1.
 *
 * An ingest looks at every element of every header, so the common case is one
 * pass over the bytes: which of the repertoires below hold all of them, and is the element no
 * longer than one value may be?  Only what needs it is split at its backslashes. */
#include "dicom/vr_rules.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "dicom/date.h"
#include "dicom/value.h"

#define LONGER(n) "longer than " #n " characters"
#define CONTROL "a control character"

/* ------------------------------------------------------- repertoires ---- */

enum {
	PLAIN	= 1,		/* the same in every character set: nothing to convert */
	TEXT	= 2,		/* LO SH PN UC, bytes of other sets and escapes to them included */
	LONG	= 4,		/* LT ST UT: also what lays text out */
	TITLE	= 8,		/* AE */
	CODE	= 16,		/* CS */
	DECIMAL	= 32,		/* DS, IS, DA, TM and DT look closer by themselves */
	UID	= 64,
	URI	= 128,
};

#define ALL_TEXT (PLAIN | TEXT | LONG)
#define VISIBLE (ALL_TEXT | TITLE)
#define DIGIT (VISIBLE | CODE | DECIMAL | UID | URI)
#define UPPER (VISIBLE | CODE | URI)
#define LOWER (VISIBLE | URI)
#define MARK (VISIBLE | URI)
#define FOREIGN (TEXT | LONG)
#define TIMES_8(x) x, x, x, x, x, x, x, x
#define TIMES_64(x) TIMES_8(x), TIMES_8(x), TIMES_8(x), TIMES_8(x), TIMES_8(x), TIMES_8(x), TIMES_8(x), TIMES_8(x)

/* The backslash is in all but URI: it separates values. */
static const unsigned char repertoires[256] = {
	/* NUL .. US: BS HT LF VT FF CR; ESC */
	PLAIN, PLAIN, PLAIN, PLAIN, PLAIN, PLAIN, PLAIN, PLAIN,
	PLAIN, PLAIN | LONG, PLAIN | LONG, PLAIN, PLAIN | LONG, PLAIN | LONG, PLAIN, PLAIN,
	TIMES_8(PLAIN), PLAIN, PLAIN, PLAIN, FOREIGN, PLAIN, PLAIN, PLAIN, PLAIN,
	/* sp ! " # $ % & '  ( ) * + , - . / */
	VISIBLE | CODE | DECIMAL, MARK, VISIBLE, MARK, MARK, MARK, MARK, MARK,
	MARK, MARK, MARK, MARK | DECIMAL, MARK, MARK | DECIMAL, MARK | DECIMAL | UID, MARK,
	/* 0 .. 9 : ; < = > ? */
	TIMES_8(DIGIT), DIGIT, DIGIT, MARK, MARK, VISIBLE, MARK, VISIBLE, MARK,
	/* @ A .. Z [ \ ] ^ _ */
	MARK, UPPER, UPPER, UPPER, UPPER, UPPER | DECIMAL, UPPER, UPPER, TIMES_8(UPPER), TIMES_8(UPPER),
	UPPER, UPPER, UPPER, MARK, VISIBLE | CODE | DECIMAL | UID, MARK, VISIBLE, MARK | CODE,
	/* ` a .. z { | } ~ DEL */
	VISIBLE, LOWER, LOWER, LOWER, LOWER, LOWER | DECIMAL, LOWER, LOWER, TIMES_8(LOWER), TIMES_8(LOWER),
	LOWER, LOWER, LOWER, VISIBLE, VISIBLE, VISIBLE, MARK, PLAIN,
	TIMES_64(FOREIGN), TIMES_64(FOREIGN),
};

/* The repertoires that hold every byte. */
static unsigned
held_by(const char *s, size_t len)
{
	unsigned held = 0xFF;
	size_t i;

	for (i = 0; i < len; i++)
		held &= repertoires[(unsigned char)s[i]];
	return held;
}

/* Of UTF-8. */
static size_t
characters(const char *s, size_t len)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++)
		n += ((unsigned char)s[i] & 0xC0) != 0x80;
	return n;
}

/* ------------------------------------------------------------- forms ---- */

/* Of one value each, without padding, not empty. */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
has_digits(const char *s, size_t n)
{
	while (n > 0)
		if (!is_digit(s[--n]))
			return false;
	return true;
}

/* &ZZXX of a DT */
static bool
is_offset(const char *s)
{
	int hours, minutes;

	if (!has_digits(s + 1, 4))
		return false;
	hours = (s[1] - '0') * 10 + s[2] - '0';
	minutes = (s[3] - '0') * 10 + s[4] - '0';
	if (minutes > 59)
		return false;
	return s[0] == '+' ? hours <= 14 : hours <= 12 && hours + minutes > 0;
}

static const char *
check_date_time(const char *s, size_t len)
{
	if (len > 26)
		return LONGER(26);
	if (len >= 9 && (s[len - 5] == '+' || s[len - 5] == '-')) {
		if (!is_offset(s + len - 5))
			return "not an offset from UTC";
		len -= 5;
	}
	return date_time_is_valid(s, len) ? NULL : "not a date and time";
}

static const char *
check_date(const char *s, size_t len)
{
	return date_is_valid(s, len) ? NULL : "not a date";
}

static const char *
check_time(const char *s, size_t len)
{
	return time_is_valid(s, len) ? NULL : "not a time";
}

static const char *
check_age(const char *s, size_t len)
{
	return len == 4 && has_digits(s, 3) && strchr("DWMY", s[3]) != NULL ? NULL : "not an age";
}

static size_t
digits(const char **p, const char *end)
{
	const char *from = *p;

	while (*p < end && is_digit(**p))
		++*p;
	return (size_t)(*p - from);
}

static void
sign(const char **p, const char *end)
{
	if (*p < end && (**p == '+' || **p == '-'))
		++*p;
}

static const char *
check_integer(const char *s, size_t len)
{
	const char *p = s, *end = s + len;
	int64_t n = 0;

	if (len > 12)
		return LONGER(12);
	while (p < end && *p == ' ')
		p++;
	s = p;
	sign(&p, end);
	if (digits(&p, end) == 0 || p != end)
		return "not an integer";
	/* twelve digits fit */
	for (p = is_digit(*s) ? s : s + 1; p < end; p++)
		n = n * 10 + (*p - '0');
	return n <= (*s == '-' ? (int64_t)1 << 31 : ((int64_t)1 << 31) - 1) ? NULL : "an integer of more than 32 bits";
}

static const char *
check_decimal(const char *s, size_t len)
{
	const char *p = s, *end = s + len;
	size_t n;

	if (len > 16)
		return LONGER(16);
	while (p < end && *p == ' ')
		p++;
	sign(&p, end);
	n = digits(&p, end);
	if (p < end && *p == '.') {
		p++;
		n += digits(&p, end);
	}
	if (n > 0 && p < end && (*p == 'e' || *p == 'E')) {
		p++;
		sign(&p, end);
		n = digits(&p, end);
	}
	return n > 0 && p == end ? NULL : "not a decimal number";
}

/* PS3.5 9.1 */
static const char *
check_uid(const char *s, size_t len)
{
	const char *p = s, *end = s + len, *from;

	if (len > 64)
		return LONGER(64);
	for (;; p++) {
		from = p;
		if (digits(&p, end) == 0)
			return "not a UID";
		if (*from == '0' && p - from > 1)
			return "a component of a UID begins with 0";
		if (p == end)
			return NULL;
		if (*p != '.')
			return "not a UID";
	}
}

static const char *
check_name(const char *s, size_t len)
{
	unsigned groups = 1, components = 1;
	size_t from = 0, i;

	for (i = 0; i <= len; i++) {
		if (i == len || s[i] == '=') {
			if (i - from > 64 && characters(s + from, i - from) > 64)
				return "a group of a person name is " LONGER(64);
			from = i + 1;
			if (i < len) {
				components = 1;
				if (++groups > 3)
					return "a person name has more than 3 groups";
			}
		} else if (s[i] == '^' && ++components > 5) {
			return "a person name has more than 5 components";
		}
	}
	return NULL;
}

/* ------------------------------------------------------- full rules ---- */

static const struct rule {
	uint16_t vr;
	unsigned char repertoire;
	const char *stranger;		/* a character outside of it */
	size_t max;			/* characters of a value; 0: no limit */
	const char *longer;
	const char *(*form)(const char *s, size_t len);
} rules[] = {
	{ VR('C', 'S'), CODE, "a character that is no capital, digit, space or underscore", 16, LONGER(16), NULL },
	{ VR('L', 'O'), TEXT, CONTROL, 64, LONGER(64), NULL },
	{ VR('S', 'H'), TEXT, CONTROL, 16, LONGER(16), NULL },
	{ VR('U', 'I'), UID, "not a UID", 0, NULL, check_uid },
	{ VR('D', 'S'), DECIMAL, "not a decimal number", 0, NULL, check_decimal },
	{ VR('I', 'S'), DECIMAL, "not an integer", 0, NULL, check_integer },
	{ VR('D', 'A'), DECIMAL, "not a date", 0, NULL, check_date },
	{ VR('T', 'M'), DECIMAL, "not a time", 0, NULL, check_time },
	{ VR('P', 'N'), TEXT, CONTROL, 0, NULL, check_name },
	{ VR('A', 'E'), TITLE, "a character outside the default repertoire", 16, LONGER(16), NULL },
	{ VR('A', 'S'), TITLE, "not an age", 0, NULL, check_age },
	{ VR('D', 'T'), DECIMAL, "not a date and time", 0, NULL, check_date_time },
	{ VR('L', 'T'), LONG, CONTROL, 10240, LONGER(10240), NULL },
	{ VR('S', 'T'), LONG, CONTROL, 1024, LONGER(1024), NULL },
	{ VR('U', 'C'), TEXT, CONTROL, 0, NULL, NULL },
	{ VR('U', 'R'), URI, "a character that no URI has", 0, NULL, NULL },
	{ VR('U', 'T'), LONG, CONTROL, 0, NULL, NULL },
};

static const struct rule *
rule_of(uint16_t vr)
{
	size_t i;

	for (i = 0; i < sizeof rules / sizeof *rules; i++)
		if (rules[i].vr == vr)
			return &rules[i];
	return NULL;
}

static const char *
check_value(const struct rule *rule, const char *s, size_t len)
{
	len = value_trimmed(s, len);
	if (len == 0)
		return NULL;
	if (rule->form != NULL)
		return rule->form(s, len);
	return rule->max != 0 && len > rule->max && characters(s, len) > rule->max ? rule->longer : NULL;
}

static const char *
check_values(const struct rule *rule, bool single, const char *s, size_t len)
{
	const char *end = s + len, *sep, *why = NULL;

	while (why == NULL) {
		sep = single ? NULL : memchr(s, '\\', (size_t)(end - s));
		why = check_value(rule, s, (size_t)((sep != NULL ? sep : end) - s));
		if (sep == NULL)
			break;
		s = sep + 1;
	}
	return why;
}

static const char *
check_text(const struct dicom_element *el, const struct vr_info *info, const struct rule *rule,
	   const struct vr_text *text)
{
	size_t len = value_trimmed(el->value.data, el->value.len);
	unsigned held = held_by(el->value.data, len);
	struct charset cs;

	if (len == 0)
		return NULL;
	if ((held & rule->repertoire) == 0)
		return rule->stranger;
	if (rule->form == NULL && (rule->max == 0 || len <= rule->max))
		return NULL;
	if (held & PLAIN)
		return check_values(rule, info->single, el->value.data, len);
	cs = text->charset(text->ctx);
	buf_reset(text->scratch);
	if (charset_to_utf8(&cs, value_text_kind(info), el->value.data, len, text->scratch) < 0 ||
	    text->scratch->len == 0)
		return NULL;
	return check_values(rule, info->single, text->scratch->data, text->scratch->len);
}

const char *
vr_check_full(const struct dicom_element *el, const struct vr_text *text)
{
	const struct vr_info *info = vr_info(el->vr);
	const struct rule *rule;

	switch (info->kind) {
	case VR_STRING:
	case VR_TEXT:
	case VR_NAME:
	case VR_NUMBER_STRING:
		rule = rule_of(el->vr);
		return rule != NULL && el->value.len > 0 ? check_text(el, info, rule, text) : NULL;
	case VR_TAG:
		return el->length % 4 == 0 ? NULL : "not a whole number of tags";
	case VR_BINARY:
		return el->length % info->size == 0 ? NULL : "not a whole number of values";
	case VR_BULK:
		return el->encapsulated || el->length % info->size == 0 ? NULL : "not a whole number of words";
	case VR_SEQUENCE:
	case VR_UNKNOWN:
		break;
	}
	return NULL;
}

/* ---------------------------------------------------- minimum rules ---- */

static const char *
at_most(const char *text, size_t len, size_t max, const char *why)
{
	return len > max && characters(text, len) > max ? why : NULL;
}

const char *
vr_check_minimum(uint16_t vr, const char *text, size_t len)
{
	const char *why;

	len = value_trimmed(text, len);
	if (len == 0)
		return NULL;
	switch (vr) {
	case VR('A', 'E'):
	case VR('C', 'S'):
	case VR('S', 'H'):
		return at_most(text, len, 16, LONGER(16));
	case VR('A', 'S'):
		return characters(text, len) == 4 ? NULL : "not 4 characters";
	case VR('D', 'A'):
		return check_date(text, len);
	case VR('D', 'T'):
		return check_date_time(text, len);
	case VR('T', 'M'):
		return check_time(text, len);
	case VR('I', 'S'):
		return check_integer(text, len);
	case VR('L', 'O'):
		why = at_most(text, len, 64, LONGER(64));
		return why == NULL && !(held_by(text, len) & TEXT) ? CONTROL : why;
	case VR('P', 'N'):
		return held_by(text, len) & TEXT ? check_name(text, len) : CONTROL;
	case VR('U', 'I'):
		return uid_is_valid(text, len) ? NULL : "not a UID: 1 to 64 digits and dots, a digit last";
	default:
		return NULL;
	}
}
