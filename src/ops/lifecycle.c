#include "ops/lifecycle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/ticker.h"
#include "store/tier.h"

/* The clock may be set, or another process begin one: look at least that often, ms. */
#define LOOK_MS 60000

struct lifecycle {
	struct store *store;
	struct ops *ops;
	int64_t interval;		/* ns */
	struct ticker *ticker;
};

/* How long until the next is due, ns; not above 0: it is. */
static int64_t
until_due(struct lifecycle *l)
{
	int64_t last = 0, now = clock_now();
	int r = store_last_tiering(l->store, &last);

	if (r < 0) {
		log_error("tier: cannot look for operations error=%s", strerror(-r));
		return (int64_t)LOOK_MS * 1000000;
	}
	return last == 0 || last > now ? 0 : last + l->interval - now;
}

static void
begin(struct lifecycle *l)
{
	const struct tier_request rq = { .by_rules = true };
	char id[OPERATION_TEXT_MAX];
	struct err err = { 0 };

	if (store_begin_tiering(l->store, &rq, id, &err) < 0)
		log_error("tier: %s", err_text(&err));
	else
		ops_wake(l->ops);
}

static int
look(void *ctx)
{
	struct lifecycle *l = ctx;
	int64_t left;

	store_log_about(l->store);
	left = until_due(l);
	if (left <= 0) {
		begin(l);
		left = l->interval;
	}
	left = left / 1000000 + 1;
	return left < LOOK_MS ? (int)left : LOOK_MS;
}

int
lifecycle_start(struct store *st, struct ops *ops, uint64_t interval, struct lifecycle **ret_lifecycle, struct err *err)
{
	struct lifecycle *l;
	int r;

	*ret_lifecycle = NULL;
	if (!store_has_tier_rules(st))
		return 0;
	l = calloc(1, sizeof *l);
	if (l == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	l->store = st;
	l->ops = ops;
	l->interval = (int64_t)interval * 1000000;
	r = ticker_start("lifecycle", look, l, &l->ticker, err);
	if (r < 0) {
		free(l);
		return r;
	}
	*ret_lifecycle = l;
	return 0;
}

void
lifecycle_stop(struct lifecycle *l)
{
	if (l == NULL)
		return;
	ticker_stop(l->ticker);
	free(l);
}
