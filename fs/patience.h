/* patience.h: how long to look for the next thing to do without sleeping.
 *
 * Waking a thread costs more than much of the work here.  Who is given things one after the other looks for the
 * next a while before it sleeps, as long as that pays and nobody else wants the processor.
 *
 * Threads: one at a time.
 */
#ifndef FS_PATIENCE_H
#define FS_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

struct patience {
	bool awake;
	int64_t ns;			/* how long, 0: not at all */
	int64_t rest_until;		/* it sleeps at once until then, monotonic ns */
};

/* awake: where there is more than one processor. */
void patience_init(struct patience *p, bool awake);
/* Waiting since then: is it time to sleep? */
bool patience_is_over(const struct patience *p, int64_t since, int64_t now);
/* It is, and nothing came. */
void patience_lost(struct patience *p);
/* Something came, waited for since then and asleep since then (0: not). */
void patience_learn(struct patience *p, int64_t since, int64_t asleep);

#endif
