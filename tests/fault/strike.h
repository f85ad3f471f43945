/* strike.h: kill -9 a child at a numbered step (step.h), or after a while, and look at what it has left.
 *
 * A victim is prepared in a new directory by this process; its script runs in a child, which is killed; then this
 * process looks whether what it promises holds.  Each way of killing it is a line of TAP.
 */
#ifndef TESTS_FAULT_STRIKE_H
#define TESTS_FAULT_STRIKE_H

#include <stdbool.h>
#include <stddef.h>

#include "store/step.h"

struct victim {
	const char *name;		/* said before each line; NULL: nothing */
	const char *dir;		/* the name its directories begin with */
	bool in_memory;			/* they are in memory where there is room: it is the process that dies, not the disk */
	/* In a new directory. */
	void (*prepare)(void *ctx, const char *dir);
	/* The child's; it calls strike_arm, and ends the process, by 0 when all went well. */
	void (*script)(void *ctx, const char *dir);
	/* Of this process, while the child runs; NULL: nothing. */
	void (*listen)(void *ctx);
	/* Does all hold?  false: trouble. */
	bool (*look)(void *ctx, const char *dir);
	void *ctx;
};

struct strike {
	enum step step;
	const char *name;		/* "killed when NAME" */
	int every;			/* not each of many alike; 0: each */
	bool rare;			/* it need not be reached */
};

/* From here on steps count. */
void strike_arm(void);
/* what, or else remember the trouble. */
bool holds(bool what, const char *else_trouble);
/* false, and the trouble. */
bool trouble(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Kill it at the first of these steps, at the next ... until it runs through.  *number: of the last line
 * printed.  Returns how many lines are not ok. */
int strike_at(const struct victim *v, const struct strike *strikes, size_t n, int *number);
/* So many times, each within so many microseconds, other ones at each call.  The seed is printed. */
int strike_at_random(const struct victim *v, int times, unsigned within, int *number);

#endif
