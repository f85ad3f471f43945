#include "ops/health.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/ticker.h"

struct health {
	struct store *store;
	unsigned interval;		/* ms */
	struct ticker *ticker;
	bool ill;			/* of the ticker */
};

static int
probe(void *ctx)
{
	struct health *h = ctx;
	struct err err = { 0 };
	int r;

	store_log_about(h->store);
	r = store_probe_health(h->store, &err);
	if (r < 0 && !h->ill)
		log_error("health status=Degraded reason=ConnectedStoreDegraded error=\"%s\"", err_text(&err));
	else if (r == 0 && h->ill)
		log_info("health status=Healthy");
	h->ill = r < 0;
	return (int)h->interval;
}

int
health_start(struct store *st, unsigned interval, struct health **ret_health, struct err *err)
{
	struct health *h = calloc(1, sizeof *h);
	int r;

	if (h == NULL)
		return err_set(err, -ENOMEM, "out of memory");
	h->store = st;
	h->interval = interval;
	r = ticker_start("health", probe, h, &h->ticker, err);
	if (r < 0) {
		free(h);
		return r;
	}
	*ret_health = h;
	return 0;
}

void
health_stop(struct health *h)
{
	if (h == NULL)
		return;
	ticker_stop(h->ticker);
	free(h);
}
