/* params.h: single parameters of a query string (contract 0.4).
 *
 * An absent one leaves *ret_ as it is, which the caller sets to the default.  Names compare
 * without regard to case.  -EINVAL: the sentence names the parameter and what it wants.
 * Threads: no state.
 */
#ifndef WEB_PARAMS_H
#define WEB_PARAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "web/uri.h"

int param_number(const struct uri_query *query, const char *name, uint64_t min, uint64_t max,
		 uint64_t *ret_number, struct err *err);
int param_bool(const struct uri_query *query, const char *name, bool *ret_bool, struct err *err);
/* A time with its zone, in clock_ticks. */
int param_time(const struct uri_query *query, const char *name, int64_t *ret_ticks, struct err *err);

#endif
