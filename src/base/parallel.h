/* parallel.h: the same work on many things, several at a time. */
#ifndef BASE_PARALLEL_H
#define BASE_PARALLEL_H

#include <stddef.h>

/* Call fn for 0 to n - 1, each once, from up to `threads` threads, the caller's among them, and wait for
 * all.  When one fails no further ones are begun: what the first to fail returned; else 0.  With fewer
 * threads than wished for it takes longer. */
int parallel_run(size_t n, unsigned threads, int (*fn)(void *ctx, size_t i), void *ctx);

#endif
