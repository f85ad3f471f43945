#include "fs/patience.h"

#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"

/* What comes closer than this is waited for without sleep. */
#define LONGEST_NS INT64_C(100000)
#define SHORTEST_NS INT64_C(4000)
/* What comes so soon after the fall asleep came because of it: who gives it wanted this processor. */
#define AT_ONCE_NS INT64_C(25000)
/* After that nothing is waited for without sleep for a while; on an idle machine it happens now and then. */
#define REST_NS INT64_C(1000000)

void
patience_init(struct patience *p, bool awake)
{
	*p = (struct patience){ .awake = awake && sysconf(_SC_NPROCESSORS_ONLN) > 1 };
}

bool
patience_is_over(const struct patience *p, int64_t since, int64_t now)
{
	return now - since >= p->ns;
}

void
patience_lost(struct patience *p)
{
	p->ns = p->ns / 2 > SHORTEST_NS ? p->ns / 2 : 0;
}

/* Others wanted the processor that this thread was on. */
static bool
was_preempted(void)
{
	static _Thread_local long seen;
	struct rusage usage;
	long before = seen;

	if (getrusage(RUSAGE_THREAD, &usage) < 0)
		return false;
	seen = usage.ru_nivcsw;
	return seen != before;
}

void
patience_learn(struct patience *p, int64_t since, int64_t asleep)
{
	int64_t now;

	if (!p->awake)
		return;
	now = clock_monotonic();
	if (was_preempted() || (asleep > since && now - asleep < AT_ONCE_NS))
		p->rest_until = now + REST_NS;
	if (now < p->rest_until)
		p->ns = 0;
	else if (asleep != 0 && now - since < LONGEST_NS)
		p->ns = LONGEST_NS;
}
