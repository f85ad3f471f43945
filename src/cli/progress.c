#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"

#define BAR_WIDTH 24
#define DRAW_EVERY 100000000		/* ns */
#define RATE_AFTER 500000000		/* ns: an earlier rate is noise */

void
progress_init(struct progress *p, bool wanted)
{
	*p = (struct progress){
		.wanted = wanted && isatty(STDERR_FILENO),
		.started = clock_monotonic(),
	};
	p->drawn = p->started;		/* what is done at once needs no bar */
}

void
progress_draw(struct progress *p, uint64_t done, uint64_t total, bool total_known, uint64_t bytes)
{
	char size[CLI_BYTES_MAX], bar[BAR_WIDTH + 1];
	int64_t now;
	int i, filled;

	if (!p->wanted)
		return;
	now = clock_monotonic();
	if (now - p->drawn < DRAW_EVERY)
		return;
	p->drawn = now;
	filled = total == 0 ? 0 : (int)(done * BAR_WIDTH / total);
	for (i = 0; i < BAR_WIDTH; i++)
		bar[i] = i < filled ? '#' : '.';
	bar[BAR_WIDTH] = '\0';
	fprintf(stderr, "\r[%s] %" PRIu64 " of %" PRIu64 "%s files, %s", bar, done, total,
		total_known ? "" : "+", cli_format_bytes(bytes, size));
	if (now - p->started > RATE_AFTER)
		fprintf(stderr, ", %.0f a second", (double)done * 1e9 / (double)(now - p->started));
	fputs("\033[K", stderr);
	fflush(stderr);
	p->shown = true;
}

void
progress_clear(struct progress *p)
{
	if (!p->shown)
		return;
	fputs("\r\033[K", stderr);
	fflush(stderr);
	p->shown = false;
}
