#include "dicom/date.h"

#include <string.h>

static bool
all_digits(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (s[i] < '0' || s[i] > '9')
			return false;
	return true;
}

static unsigned
two_digits(const char *s)
{
	return (unsigned)(s[0] - '0') * 10 + (unsigned)(s[1] - '0');
}

unsigned
date_days_in_month(unsigned year, unsigned month)
{
	static const unsigned char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

bool
date_is_valid(const char *s, size_t len)
{
	unsigned year, month, day;

	if (len != 8 || !all_digits(s, 8))
		return false;
	year = two_digits(s) * 100 + two_digits(s + 2);
	month = two_digits(s + 4);
	day = two_digits(s + 6);
	return year > 0 && month >= 1 && month <= 12 && day >= 1 && day <= date_days_in_month(year, month);
}

bool
time_is_valid(const char *s, size_t len)
{
	size_t whole = len, i;
	const char *dot = memchr(s, '.', len);

	if (dot != NULL) {
		whole = (size_t)(dot - s);
		if (whole != 6 || len - whole < 2 || len - whole > 7 || !all_digits(dot + 1, len - whole - 1))
			return false;
	}
	if ((whole != 2 && whole != 4 && whole != 6) || !all_digits(s, whole))
		return false;
	for (i = 0; i < whole; i += 2)
		if (two_digits(s + i) > (i == 0 ? 23u : i == 2 ? 59u : 60u))
			return false;
	return true;
}

bool
date_time_is_valid(const char *s, size_t len)
{
	char full[9];

	if (len < 8) {
		if (len != 4 && len != 6)
			return false;
		memcpy(full, s, len);
		memcpy(full + len, &"0101"[len - 4], 8 - len);
		return date_is_valid(full, 8);
	}
	return date_is_valid(s, 8) && (len == 8 || time_is_valid(s + 8, len - 8));
}
