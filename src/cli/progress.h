/* progress.h: a line on a terminal that says how far a long command is.
 *
 * Without a terminal on standard error it prints nothing.  Lines of talk go through
 * progress_clear, so that they do not run into the bar.
 * Threads: one at a time; the caller locks.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool shown;			/* private */
	bool wanted;
	int64_t started, drawn;
};

void progress_init(struct progress *p, bool wanted);
/* total is a lower bound unless total_known.  Draws some times a second only. */
void progress_draw(struct progress *p, uint64_t done, uint64_t total, bool total_known, uint64_t bytes);
void progress_clear(struct progress *p);

#endif
