/* metrics.h: what /metrics counts.
 *
 * Threads: any.
 */
#ifndef WEB_METRICS_H
#define WEB_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

#include "web/route.h"

#define METRICS_BUCKETS 12

struct metrics {
	/* By route (the last: none matched) and class of status. */
	atomic_uint_fast64_t requests[ROUTE_MAX + 1][6];
	atomic_uint_fast64_t buckets[ROUTE_MAX + 1][METRICS_BUCKETS];	/* the last: +Inf */
	atomic_uint_fast64_t nanoseconds[ROUTE_MAX + 1];
	atomic_uint_fast64_t bytes_in, bytes_out;
};

/* id ROUTE_MAX: no route matched. */
void metrics_count(struct metrics *m, enum route_id id, int status, int64_t ns,
		   uint64_t bytes_in, uint64_t bytes_out);

#endif
