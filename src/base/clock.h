/* clock.h: time.  Wall-clock times are nanoseconds since 1970 UTC. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

int64_t clock_now(void);
/* Never steps back; for measuring. */
int64_t clock_monotonic(void);
/* Nanoseconds of a time the system gave, such as st_mtim; and back. */
int64_t clock_ns(struct timespec ts);
struct timespec clock_timespec(int64_t ns);
#define CLOCK_TEXT_MAX 40
/* 2025-03-01T08:00:00.1234567Z: seven digits, UTC. */
void clock_format(int64_t ns, char text[CLOCK_TEXT_MAX]);
/* That form, with 0 to 9 digits of a second, and with any zone, Z or +hh:mm; a zone there must
 * be.  Ticks are the 100 ns that clock_format prints.  -EINVAL. */
int  clock_parse(const char *text, int64_t *ret_ticks);
int64_t clock_ticks(int64_t ns);

#endif
