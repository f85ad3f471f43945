/* cond.h: condition variables whose timeouts the wall clock does not move. */
#ifndef BASE_COND_H
#define BASE_COND_H

#include <pthread.h>
#include <time.h>

void cond_init(pthread_cond_t *cond);
/* From now: for pthread_cond_timedwait on one made by cond_init. */
struct timespec cond_deadline(int ms);

#endif
