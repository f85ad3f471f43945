/* health.h: proves again and again that the store works (contract 11.4).
 *
 * What comes of it is asked by store_health.
 *
 * Threads: any.
 */
#ifndef OPS_HEALTH_H
#define OPS_HEALTH_H

#include "base/err.h"
#include "store/store.h"

struct health;

/* At once, and then every interval ms.  The store outlives it. */
int  health_start(struct store *st, unsigned interval, struct health **ret_health, struct err *err);
void health_stop(struct health *h);		/* NULL is fine */

#endif
