#include "base/clock.h"

#include <stdio.h>
#include <time.h>

#define NS 1000000000

int64_t
clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * NS + ts.tv_nsec;
}

int64_t
clock_monotonic(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * NS + ts.tv_nsec;
}

void
clock_format(int64_t ns, char text[CLOCK_TEXT_MAX])
{
	int64_t part = ns % NS;
	time_t sec = (time_t)(ns / NS);
	struct tm tm;
	size_t n;

	if (part < 0) {
		part += NS;
		sec--;
	}
	gmtime_r(&sec, &tm);
	n = strftime(text, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, CLOCK_TEXT_MAX - n, ".%07dZ", (int)(part / 100));
}
