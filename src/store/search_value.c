#include "store/search_value.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "dicom/date.h"
#include "dicom/number.h"
#include "dicom/tag.h"
#include "dicom/uid.h"
#include "dicom/vr.h"

struct value_rule {
	uint16_t vr;
	bool (*check)(const char *s, size_t len);
	const char *format;
};

/* PS3.4 C.2.2.2.4: those whose values may hold wildcards. */
static bool
takes_wildcards(uint16_t vr)
{
	switch (vr) {
	case VR('A', 'E'):
	case VR('C', 'S'):
	case VR('L', 'O'):
	case VR('L', 'T'):
	case VR('P', 'N'):
	case VR('S', 'H'):
	case VR('S', 'T'):
	case VR('U', 'C'):
	case VR('U', 'R'):
	case VR('U', 'T'):
		return true;
	default:
		return false;
	}
}

static const struct value_rule range_rules[] = {
	{ VR('D', 'A'), date_is_valid, "yyyyMMdd" },
	{ VR('T', 'M'), time_is_valid, "HH, HHmm, HHmmss or HHmmss.FFFFFF" },
	{ VR('D', 'T'), date_time_is_valid, "yyyy to yyyyMMddHHmmss.FFFFFF, without an offset" },
};

static const struct value_rule *
range_rule(uint16_t vr)
{
	size_t i;

	for (i = 0; i < sizeof range_rules / sizeof *range_rules; i++)
		if (range_rules[i].vr == vr)
			return &range_rules[i];
	return NULL;
}

static char *
keep_text(char **room, const char *s, size_t len)
{
	char *out = *room;

	memcpy(out, s, len);
	out[len] = '\0';
	*room += len + 1;
	return out;
}

/* A value with exactly one '-' is a range (contract 4.4). */
int
search_parse_range(uint16_t vr, const char *name, const char *value, struct search_term *term,
		   char **room, struct err *err)
{
	const struct value_rule *rule = range_rule(vr);
	size_t len = strlen(value), low, high;
	const char *dash = strchr(value, '-');

	if (rule == NULL)
		return 0;
	if (dash == NULL || strchr(dash + 1, '-') != NULL) {
		if (!rule->check(value, len))
			return err_set(err, -EINVAL, "\"%.40s\" is no value of %.80s: %s is expected",
				       value, name, rule->format);
		return 0;
	}
	low = (size_t)(dash - value);
	high = len - low - 1;
	if (low == 0 && high == 0)
		return err_set(err, -EINVAL, "%.80s: a range needs one end at least", name);
	if ((low > 0 && !rule->check(value, low)) || (high > 0 && !rule->check(dash + 1, high)))
		return err_set(err, -EINVAL, "\"%.60s\" is no range of %.80s: %s is expected at its ends",
			       value, name, rule->format);
	term->match = SEARCH_RANGE;
	term->value = low > 0 ? keep_text(room, value, low) : NULL;
	term->upper = high > 0 ? keep_text(room, dash + 1, high) : NULL;
	/* Only ends of the same precision compare as text. */
	if (low > 0 && low == high && strcmp(term->value, term->upper) > 0)
		return err_set(err, -EINVAL, "%.80s: the range begins at %.30s, after its end %.30s",
			       name, term->value, term->upper);
	return 0;
}

/* Values of a list are separated by commas (PS3.18 8.3.4.1) or, as in PS3.4, backslashes. */
static int
parse_list(uint16_t vr, const char *name, const char *value, struct search_term *term, char **room,
	   struct err *err)
{
	char *list = keep_text(room, value, strlen(value)), *p = list;
	bool any = false;
	size_t n;

	term->value = list;
	while (*(p += strspn(p, ",\\")) != '\0') {
		n = strcspn(p, ",\\");
		if (vr == VR('U', 'I') && !uid_is_valid(p, n))
			return err_set(err, -EINVAL, "\"%.80s\" is given something that is no UID", name);
		p += n;
		if (*p == ',')
			*p = '\\';
		any = true;
	}
	if (!any)
		return err_set(err, -EINVAL, "\"%.80s\" is given a list of nothing", name);
	if (strchr(list, '\\') != NULL)
		term->match = SEARCH_LIST;
	return 0;
}

int
search_parse_value(uint16_t vr, const char *name, const char *value, struct search_term *term,
		   char **room, struct err *err)
{
	double number;

	if (value[strspn(value, " *")] == '\0') {
		term->value = NULL;
		return 0;
	}
	switch (vr) {
	case VR('S', 'Q'):
		return err_set(err, -EINVAL, "\"%.80s\" is a sequence: name an attribute of it after a period", name);
	case VR('O', 'B'):
	case VR('O', 'D'):
	case VR('O', 'F'):
	case VR('O', 'L'):
	case VR('O', 'V'):
	case VR('O', 'W'):
	case VR('U', 'N'):
		return err_set(err, -EINVAL, "\"%.80s\" is bulk data, which cannot be searched", name);
	case VR('U', 'I'):
	case VR('C', 'S'):
		if (vr == VR('U', 'I') || strpbrk(value, ",\\") != NULL)
			return parse_list(vr, name, value, term, room, err);
		break;
	default:
		if ((vr_info(vr)->kind == VR_BINARY || vr_info(vr)->kind == VR_NUMBER_STRING) &&
		    !number_parse(value, strlen(value), &number))
			return err_set(err, -EINVAL, "\"%.40s\" is no value of %.80s: a number is expected", value, name);
	}
	if (takes_wildcards(vr) && strpbrk(value, "*?") != NULL)
		term->match = SEARCH_WILD;
	return search_parse_range(vr, name, value, term, room, err);
}
