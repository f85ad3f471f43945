/* copy.h: a file again, in another that is empty.
 *
 * Threads: no state.
 */
#ifndef BASE_COPY_H
#define BASE_COPY_H

#include <stdatomic.h>

/* The bytes, and what goes with them.  The position in from does not count; those of both may move.  -ECANCELED: *stop
 * was set (NULL: nothing stops it); -EIO it became shorter; -errno. */
int copy_file(int from, int to, const atomic_bool *stop);
/* What goes with them: mode, times, and what it has for users, where that can be kept. */
int copy_file_attributes(int from, int to);

#endif
