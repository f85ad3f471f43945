/* byte_lock.h: locks by number, each a byte of one file.
 *
 * Such a lock ends with the process that holds it, however that ends, and is one of the open file, not of the process:
 * another thread does not get it, too.
 *
 * Threads: any.
 */
#ifndef BASE_BYTE_LOCK_H
#define BASE_BYTE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

/* The file, below a directory, is made when missing; *ret_lock is to be closed.  -EBUSY: somebody holds it. */
int  byte_lock_take(int dir, const char *file, uint64_t number, int *ret_lock);
bool byte_lock_is_held(int dir, const char *file, uint64_t number);

#endif
