#include "base/clock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define NS 1000000000
#define TICK 100

int64_t
clock_ns(struct timespec ts)
{
	return (int64_t)ts.tv_sec * NS + ts.tv_nsec;
}

struct timespec
clock_timespec(int64_t ns)
{
	struct timespec ts = { .tv_sec = (time_t)(ns / NS), .tv_nsec = (long)(ns % NS) };

	if (ts.tv_nsec < 0) {		/* before 1970 */
		ts.tv_nsec += NS;
		ts.tv_sec--;
	}
	return ts;
}

int64_t
clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return clock_ns(ts);
}

int64_t
clock_monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return clock_ns(ts);
}

void
clock_format(int64_t ns, char text[CLOCK_TEXT_MAX])
{
	struct timespec ts = clock_timespec(ns);
	struct tm tm;
	size_t n;

	gmtime_r(&ts.tv_sec, &tm);
	n = strftime(text, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, CLOCK_TEXT_MAX - n, ".%07dZ", (int)(ts.tv_nsec / 100));
}

int64_t
clock_ticks(int64_t ns)
{
	return ns / TICK - (ns % TICK < 0);
}

/* Days from 1970-01-01 to a day of the Gregorian calendar. */
static int64_t
days_of(int year, int month, int day)
{
	/* Years begin in March, so that a leap day is the last of one. */
	int64_t y = month > 2 ? year : year - 1, m = month > 2 ? month - 3 : month + 9;

	return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static int
days_in_month(int year, int month)
{
	return (int)(days_of(month < 12 ? year : year + 1, month % 12 + 1, 1) - days_of(year, month, 1));
}

/* n digits as a number within bounds, and *p behind them. */
static bool
take_digits(const char **p, int n, int min, int max, int *ret)
{
	*ret = 0;
	while (n-- > 0) {
		if (**p < '0' || **p > '9')
			return false;
		*ret = *ret * 10 + (*(*p)++ - '0');
	}
	return *ret >= min && *ret <= max;
}

static bool
take(const char **p, const char *any)
{
	return **p != '\0' && strchr(any, **p) != NULL && ++*p;
}

static bool
take_fraction(const char **p, int *ret_ticks)
{
	int n = 0, digit;

	*ret_ticks = 0;
	for (; **p >= '0' && **p <= '9'; ++*p, n++) {
		digit = **p - '0';
		if (n < 7)
			*ret_ticks = *ret_ticks * 10 + digit;
	}
	if (n < 1 || n > 9)
		return false;
	for (; n < 7; n++)
		*ret_ticks *= 10;
	return true;
}

static bool
take_zone(const char **p, int *ret_minutes)
{
	int sign = **p == '-' ? -1 : 1, hours, minutes;

	*ret_minutes = 0;
	if (take(p, "Zz"))
		return true;
	if (!take(p, "+-") || !take_digits(p, 2, 0, 14, &hours) || !take(p, ":") ||
	    !take_digits(p, 2, 0, 59, &minutes))
		return false;
	*ret_minutes = sign * (hours * 60 + minutes);
	return true;
}

int
clock_parse(const char *text, int64_t *ret_ticks)
{
	int year, month, day, hour, minute, second, ticks = 0, zone;
	const char *p = text;
	int64_t seconds;

	if (!take_digits(&p, 4, 1, 9999, &year) || !take(&p, "-") ||
	    !take_digits(&p, 2, 1, 12, &month) || !take(&p, "-") ||
	    !take_digits(&p, 2, 1, days_in_month(year, month), &day) || !take(&p, "Tt") ||
	    !take_digits(&p, 2, 0, 23, &hour) || !take(&p, ":") ||
	    !take_digits(&p, 2, 0, 59, &minute) || !take(&p, ":") ||
	    !take_digits(&p, 2, 0, 59, &second))
		return -EINVAL;
	if (take(&p, ".") && !take_fraction(&p, &ticks))
		return -EINVAL;
	if (!take_zone(&p, &zone) || *p != '\0')
		return -EINVAL;
	seconds = days_of(year, month, day) * 86400 + hour * 3600 + (minute - zone) * 60 + second;
	*ret_ticks = seconds * (NS / TICK) + ticks;
	return 0;
}
