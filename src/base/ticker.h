/* ticker.h: a thread that does one thing from time to time.
 *
 * Threads: any.
 */
#ifndef BASE_TICKER_H
#define BASE_TICKER_H

#include "base/err.h"

struct ticker;

/* fn is called at once.  What it returns is after how many ms, counted from when it was called, it is called again.
 * The thread has the name, of at most 15 bytes. */
int  ticker_start(const char *name, int (*fn)(void *ctx), void *ctx, struct ticker **ret_ticker, struct err *err);
/* A call that runs comes to its end.  NULL is fine. */
void ticker_stop(struct ticker *t);

#endif
