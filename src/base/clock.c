#include "base/clock.h"

#include <stdio.h>

#define NS 1000000000

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
