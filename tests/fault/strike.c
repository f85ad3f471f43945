#include "tests/fault/strike.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/scratch.h"

static char what_trouble[300];

bool
holds(bool what, const char *else_trouble)
{
	return what || trouble("%s", else_trouble);
}

bool
trouble(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(what_trouble, sizeof what_trouble, format, ap);
	va_end(ap);
	return false;
}

/* -- in the child --------------------------------------------------------- */

static enum step strike_step;
static int strike_count;

static void
strike(enum step s)
{
	if (s == strike_step && __atomic_sub_fetch(&strike_count, 1, __ATOMIC_SEQ_CST) == 0)
		kill(getpid(), SIGKILL);
}

void
strike_arm(void)
{
	step_hook = strike;
}

/* -- runs ----------------------------------------------------------------- */

/* Killed at the nth of these steps, or when nth is 0 after so many microseconds.  1: it was killed
 * and all holds; 0: it ran through; -1 trouble. */
static int
run(const struct victim *v, enum step s, int nth, unsigned after)
{
	char dir[SCRATCH_MAX];
	int status;
	bool fine;
	pid_t pid;

	if (scratch_make(dir, v->dir, v->in_memory) < 0) {
		trouble("cannot make a directory");
		return -1;
	}
	v->prepare(v->ctx, dir);
	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		trouble("cannot fork");
		return -1;
	}
	if (pid == 0) {
		strike_step = s;
		strike_count = nth;
		v->script(v->ctx, dir);
	}
	if (v->listen != NULL)
		v->listen(v->ctx);
	if (nth == 0) {
		usleep(after);
		kill(pid, SIGKILL);
	}
	waitpid(pid, &status, 0);
	fine = holds(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0, "the script failed") &&
		v->look(v->ctx, dir);
	if (scratch_remove(dir) != 0)
		fine = false;
	return !fine ? -1 : WIFSIGNALED(status);
}

/* Returns 1 when the line is not ok. */
static int
tell(const struct victim *v, int number, const char *name, int times, int r)
{
	const char *before = v->name != NULL ? v->name : "", *comma = v->name != NULL ? ", " : "";

	if (r < 0)
		printf("not ok %d - %s%skilled when %s (after %d times): %s\n", number, before, comma, name, times, what_trouble);
	else
		printf("ok %d - %s%skilled when %s, %d times\n", number, before, comma, name, times);
	fflush(stdout);
	return r < 0;
}

int
strike_at(const struct victim *v, const struct strike *strikes, size_t n, int *number)
{
	int nth, times, r, failed = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		const struct strike *s = &strikes[i];

		for (nth = 1, times = 0; (r = run(v, s->step, nth, 0)) > 0; nth += s->every > 0 ? s->every : 1)
			times++;
		if (r == 0 && times == 0 && !s->rare) {
			trouble("the step was never reached");
			r = -1;
		}
		failed += tell(v, ++*number, s->name, times, r);
	}
	return failed;
}

int
strike_at_random(const struct victim *v, int times, unsigned within, int *number)
{
	static unsigned seed;
	int i, r = 0;

	if (seed == 0)
		seed = (unsigned)getpid();
	printf("# seed %u\n", seed);
	for (i = 0; i < times && r >= 0; i++) {
		seed = seed * 1103515245 + 12345;
		r = run(v, STEP_END, 0, seed / 65536 % within);
	}
	return tell(v, ++*number, "at random", i, r);
}
